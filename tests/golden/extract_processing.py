"""Make the excerpts of processing from the complete record of reference numbers.

    python tests/golden/extract_processing.py FOLDER

``FOLDER/processing`` holds `cases.json` and the archives that it names. What is taken: for each entry of `EXCERPTS`
``NAME.json``, which lists the cases with their plain values, and ``NAME_GROUP.npz`` with their arrays; `golden.cases` reads
both. Photographs and crops of them stay out, because they may not be redistributed, and so do the arrays of large cases that
others cover as well; the tests that need them run where the variable ``HRNET_GOLDEN_FOLDER`` names ``FOLDER``.
``multi_person_evaluation.npz`` is taken as it is, with keys ``CASE/in/NAME`` and ``CASE/out/NAME``.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Excerpt:
    """The cases of one field.

    Attributes:
        groups: names of the cases, by the archive that holds their arrays.
        withheld: matches ``CASE/KEY`` of the arrays that stay in the complete record.
        left_out: matches ``CASE/KEY`` of what is not taken at all.
    """

    groups: Mapping[str, Sequence[str]]
    withheld: str = "(?!)"
    left_out: str = "(?!)"


EXCERPTS = {
    "topdown": Excerpt(
        {
            "geometry": (
                "td_box_to_center_scale_256x192", "td_box_to_center_scale_384x288", "td_box_to_center_scale_256x256",
                "td_affine_matrix", "td_transform_preds", "td_udp_and_plain_warp_matrix", "td_crop_to_image_mmpose",
                "td_flip_joints_coco", "td_flip_joints_mpii", "td_crop_real_image", "td_udp_crop_real_image",
            ),
            "targets": (
                "td_gaussian_target_sigma2_256x192", "td_gaussian_target_sigma3_384x288", "td_gaussian_target_sigma2_256x256",
                "td_dark_unbiased_target", "td_dark_original_target_and_affine",
            ),
            "decoding": ("td_argmax_quarter_decode", "td_dark_decode_k11", "td_dark_decode_k17"),
            "codecs": ("td_msra_codec", "td_udp_codec_gaussian", "td_udp_codec_combined"),
            "mirroring": ("td_flip_back_coco", "td_flip_back_mpii", "td_flip_maps_mmpose"),
            "losses": ("td_joints_mse_loss", "td_ohkm_loss", "td_losses_mmpose_style"),
            "augmentation": ("td_half_body", "td_sample_test", "td_sample_train_a", "td_sample_train_b_half_body"),
        },
        withheld=r".*/(image|crop_\d|udp_crop_\d|crop_uint8|input_strided)",
    ),
    "bottom_up": Excerpt(
        {
            "steps": (
                "bu_multi_scale_sizes", "bu_resize_sizes", "bu_resize_align", "bu_final_coordinates", "bu_heatmap_nms",
                "bu_top_k", "bu_match_default", "bu_match_no_detection_val", "bu_match_ignore_too_much_max4",
                "bu_match_max4_without_ignore", "bu_match_tight_tag_threshold", "bu_match_high_detection_threshold",
                "bu_adjust", "bu_refine",
            ),
            "stages": (
                "bu_multi_stage_outputs_coco_center", "bu_aggregate_scales_first_scale", "bu_multi_stage_outputs_coco",
                "bu_multi_stage_outputs_crowdpose", "bu_aggregate_scales_projected",
            ),
            "people": (
                "bu_parse_one_person", "bu_parse_three_people", "bu_parse_ten_people_noisy",
                "bu_parse_three_people_tag1_kernel3", "bu_parse_empty", "bu_parse_crowdpose14", "bu_parse_shared_tag",
            ),
            "crowd": ("bu_parse_thirty_people", "bu_parse_thirty_people_ambiguous_line_tags"),
            "pipeline": ("bu_pipeline_multiscale_projected", "bu_pipeline_multiscale_first_scale"),
            "others": (
                "bu_ae_codec_mmpose_plain", "bu_ae_codec_mmpose_udp", "ae_parse_four_people", "ae_parse_ten_people",
                "ae_pipeline_single_scale",
            ),
        },
        withheld=r"bu_resize_align/(image|a|b|c_transposed)"
        r"|(bu_multi_stage_outputs_(coco|crowdpose)|bu_aggregate_scales_projected|bu_parse_thirty_people_ambiguous_line_tags)/.*",
        # The decoder that was recorded overwrote its input: what is stored is what it left.
        left_out="bu_ae_codec_mmpose_udp/det",
    ),
    "bottom_up_training": Excerpt(
        {
            "targets": (
                "bu_heatmap_target_res64_sigma2", "bu_joint_indices_res64", "bu_heatmap_target_res96_sigma-1",
                "bu_joint_indices_res96", "bu_heatmap_target_scale_aware", "bu_get_joints", "bu_ignore_mask", "bu_aug_matrix",
                "bu_aug_sample_short_side", "bu_aug_sample_long_side", "bu_ae_codec_mmpose_plain", "bu_ae_codec_mmpose_udp",
                "ae_heatmap_target_res64", "ae_heatmap_target_res128",
            ),
            "tag_losses": (
                "bu_ae_loss_exp", "bu_ae_loss_max", "bu_ae_loss_mmpose", "ae_tag_loss", "ae_tag_loss_python_version",
            ),
            "losses": ("bu_heatmap_loss", "bu_multi_stage_loss", "ae_stacked_loss"),
        },
        withheld=".*/(image|image_affine|image_flipped)",
        left_out=".*/(det|tag|decoded|decoded_scores|instance_scores)",  # decoding is in bottom_up
    ),
    "face": Excerpt(
        {
            "steps": (
                "face_transform", "face_flip_300w", "face_flip_aflw", "face_flip_cofw", "face_flip_wflw",
                "face_crop_real_image", "face_target_sigma1p0", "face_target_sigma1p5", "face_decode", "face_nme_aflw",
                "face_nme_cofw", "face_nme_300w", "face_nme_wflw", "face_nme_mmpose", "face_mse_loss",
            ),
            "items": ("face_item_300w", "face_item_wflw", "face_item_aflw", "face_item_cofw"),
        },
        withheld=".*/(image|crop_.*|.*_crop_uint8|.*_input_first_row_mid)",
    ),
    "classification": Excerpt(
        {"all": ("cls_preprocess_landscape", "cls_preprocess_portrait", "cls_topk_accuracy")},
        withheld=".*/(image|crop_uint8_strided|tensor_strided)",
    ),
    "segmentation_training": Excerpt(
        {
            "all": (
                "seg_cityscapes_labels", "seg_label_conventions", "seg_metrics_19classes", "seg_metrics_5classes",
                "seg_losses", "seg_train_sample", "seg_lip_flip_labels", "seg_poly_lr",
            ),
        },
        withheld=".*/(image_bgr|image_strided|short_side_image_strided)",
    ),
    "segmentation_testing": Excerpt(  # its pictures are random numbers
        {
            "all": (
                "seg_inference_general_multi_scale", "seg_inference_general_align_corners_two_outputs",
                "seg_inference_cityscapes", "seg_inference_lip",
            ),
        }
    ),
}  # fmt: skip
EVALUATIONS = ("bu_coco_evaluate", "bu_crowdpose_evaluate")


def extract(source: Path) -> None:
    cases = {case["name"]: case for case in json.loads((source / "cases.json").read_text())["cases"]}
    archives = {path.name: np.load(path) for path in source.glob("*.npz")}
    for name, excerpt in EXCERPTS.items():
        index: dict[str, Any] = {}
        for group, members in excerpt.groups.items():
            archive = f"{name}.npz" if group == "all" else f"{name}_{group}.npz"
            store: dict[str, np.ndarray] = {}
            for member in members:
                index[member] = {"archive": archive, **entry_of(cases[member], excerpt, archives, store)}
            np.savez_compressed(HERE / archive, **store)  # pyright: ignore[reportArgumentType]
        lines = ",\n".join(f"{json.dumps(member)}: {json.dumps(entry)}" for member, entry in index.items())
        (HERE / f"{name}.json").write_text(f"{{\n{lines}\n}}\n")
    evaluations = archives["bottomup.npz"]
    kept = {key: evaluations[key] for key in evaluations.files if key.split("/")[0] in EVALUATIONS}
    np.savez_compressed(HERE / "multi_person_evaluation.npz", **kept)  # pyright: ignore[reportArgumentType]


def entry_of(
    case: dict[str, Any], excerpt: Excerpt, archives: Mapping[str, Any], store: dict[str, np.ndarray]
) -> dict[str, Any]:
    """The index entry of a case; its arrays go into ``store``."""

    def taken(key: str) -> bool:
        return not re.fullmatch(excerpt.left_out, f"{case['name']}/{key}")

    entry: dict[str, Any] = {"inputs": {}, "outputs": {}, "withheld": {}}
    for side in ("inputs", "outputs"):
        for key, field in case[side].items():
            if not taken(key):
                continue
            if "value" in field:
                entry[side][key] = field["value"]
            elif re.fullmatch(excerpt.withheld, f"{case['name']}/{key}"):
                entry["withheld"][key] = [side, field["npz"], field["key"]]
            else:
                store[f"{case['name']}/{side}/{key}"] = archives[field["npz"]][field["key"]]
    return {**entry, "tolerance": {key: value for key, value in case["tolerance"].items() if taken(key)}}


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    extract(Path(sys.argv[1]) / "processing")
