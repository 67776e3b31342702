"""Draw every network from the code, and write the tables of ``docs/networks.md`` and ``docs/checkpoints.md``.

    python scripts/draw_networks.py                     # all pictures and tables
    python scripts/draw_networks.py pose_hrnet htc      # some pictures
    python scripts/draw_networks.py --table             # the tables only

Nothing is typed in but names, sizes of pictures and how the drawing is arranged: layers, widths, resolutions and connections
are what is seen when the network runs on the meta device, without weights.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from network_drawing.layout import arrange
from network_drawing.picture import draw
from network_drawing.rows import RowKey
from network_drawing.shapes_only import ShapesOnly
from network_drawing.tables import parameters, write_tables
from network_drawing.trace import Trace
from torch import Tensor, nn

from hrnet.atomic_files import write_atomically
from hrnet.heads.box import BoxHead
from hrnet.models import build_model
from hrnet.models.backbone import HRNetBackbone
from hrnet.models.multi_task import MultiTaskModel
from hrnet.models.pose_ae import PoseAE
from hrnet.models.rcnn import RCNN, HybridTaskCascade
from hrnet.models.variants import HRNET_SPECS

DOCS = Path(__file__).parent.parent / "docs"
PICTURES = DOCS / "images" / "networks"
MASK_REGION = 14


@dataclass(frozen=True)
class Picture:
    """One drawing.

    Attributes:
        title: what is drawn; the name of the network unless ``build`` is given.
        input_size: height and width of the picture that goes in.
        output: what the result is called where the network does not name it.
        short: draw one exchange module per stage.
        tracks: pattern of layers' names to the track they run in, beside those of track 0.
        rows: label and detail of rows that are no resolution of the picture.
        build: makes the network.
        run: calls it and its further heads.
        note: what the picture leaves out.
    """

    title: str
    input_size: tuple[int, int]
    output: str = "heatmaps"
    short: bool = False
    tracks: Mapping[str, float] = field(default_factory=dict)
    rows: Mapping[RowKey, tuple[str, str]] = field(default_factory=dict)
    build: Callable[[], nn.Module] | None = None
    run: Callable[[Trace, nn.Module, Tensor, str], None] | None = None
    note: str = ""


def _body(output: str, **numbers: object) -> Callable[[], nn.Module]:
    return lambda: HRNetBackbone(replace(HRNET_SPECS["w32"], **numbers), output)  # pyright: ignore[reportArgumentType]


def _multi_task() -> nn.Module:
    heads = {
        "pose": build_model("pose_hrnet_w18"),
        "segment": build_model("seg_hrnet_w18"),
        "face": build_model("face_hrnetv2_w18"),
    }
    return MultiTaskModel(HRNetBackbone(HRNET_SPECS["w18"]), heads)  # pyright: ignore[reportArgumentType]


def _run_regions(trace: Trace, network: nn.Module, picture: Tensor, name: str) -> None:
    """The network, then its heads on regions: each stage of a cascade sees regions cut by the boxes of the one before."""
    assert isinstance(network, RCNN)
    output, heads = network(picture), network.roi_head
    trace.result(output.rpn_logits, "rpn_logits")
    trace.result(output.rpn_deltas, "rpn_deltas")
    origins: list[Tensor] = output.levels
    if heads.semantic_head is not None:
        logits, feature = heads.semantic_head(output.levels)
        trace.result(logits, "semantic logits")
        origins = [*origins, feature]
    box_heads = list(heads.bbox_head) if isinstance(heads.bbox_head, nn.ModuleList) else [heads.bbox_head]
    masks = heads.mask_head
    mask_heads = list(masks) if isinstance(masks, nn.ModuleList) else [] if masks is None else [masks]
    previous: tuple[Tensor, ...] = ()
    for stage, head in enumerate(box_heads):
        assert isinstance(head, BoxHead)
        boxes = head(trace.source("regions", "regions", head.region_shape, *origins))
        last = stage == len(box_heads) - 1
        trace.result(boxes.logits, "logits", brief=not last)
        if last:
            trace.result(boxes.deltas, "deltas")
        if mask_heads:
            shape = (head.region_shape[0], MASK_REGION, MASK_REGION)
            if isinstance(network, HybridTaskCascade):  # masks of the boxes that this stage has refined
                origins = [boxes.deltas]
            mask = mask_heads[stage](trace.source("regions", "mask regions", shape, *origins), *previous)
            if isinstance(network, HybridTaskCascade):
                mask, feature = mask
                previous = (feature,)
            trace.result(mask, "masks", brief=not last)
        origins = [boxes.deltas]


def _run_levels(trace: Trace, network: nn.Module, picture: Tensor, name: str) -> None:
    """A one-stage network: everything it returns but the pyramid itself."""
    outputs = network(picture)._asdict()
    for field_name, levels in outputs.items():
        if field_name != "levels":
            trace.result(levels, field_name)


REGION_ROWS = {(28, 28): ("28×28", "mask"), (14, 14): ("14×14", "region"), (7, 7): ("7×7", "region"), (0, 0): ("1", "vector")}
RCNN_TRACKS = {r"rpn_cls": -1.0, r"rpn_reg": 1.0, r"fc_cls": 1.0, r"fc_reg": -1.0}
VECTOR = {(0, 0): ("1×1", "pooled")}

PICTURES_BY_NAME: dict[str, Picture] = {
    "hrnet_v1": Picture("hrnetv1_w32", (256, 256), "features", build=_body("branches", outputs="highest")),
    "hrnet_v2": Picture("hrnetv2_w32", (256, 256), "features", build=_body("concatenation")),
    "hrnet_v2p": Picture("hrnetv2p_w32", (256, 256), "level", build=_body("pyramid")),
    "hrnet_features": Picture("hrnet_features_w32", (256, 256), "features", short=True),
    "cls_hrnet": Picture("cls_hrnet_w32", (224, 224), "logits", short=True, rows=VECTOR, tracks={r"downsamp": -1.0}),
    "seg_hrnet": Picture("seg_hrnet_w48", (512, 1024), "logits", short=True),
    "seg_hrnet_ocr": Picture(
        "seg_hrnet_w48_ocr",
        (512, 1024),
        short=True,
        tracks={r"^aux_head": 1.0, r"f_pixel|f_up": -1.0, r"f_down": 1.0},
        rows={(19, 1): ("19", "objects")},
    ),
    "embedding_hrnet": Picture("embedding_hrnet_w32", (512, 512), short=True),
    "face_hrnetv2": Picture("face_hrnetv2_w18", (256, 256), short=True),
    "pose_hrnet": Picture("pose_hrnet_w32", (256, 192)),
    "pose_resnet": Picture("pose_resnet50", (256, 192)),
    "stacked_hourglass": Picture("stacked_hourglass_2", (256, 256), tracks={r"^outs": 1.0, r"^merge_preds": 1.0}),
    "higher_hrnet": Picture("higher_hrnet_w32", (512, 512), "maps", short=True, tracks={r"^final_layers\.0": 1.0}),
    "ae_hrnet": Picture("ae_hrnet_w32", (512, 512), short=True),
    "pose_ae": Picture(
        "pose_ae_4",
        (512, 512),
        "maps",
        tracks={r"^outs": 1.0, r"^merge_preds": 1.0},
        build=lambda: PoseAE(num_stacks=2),
        note="two of four stacks: ",
    ),
    "dekr_hrnet": Picture(
        "dekr_hrnet_w32", (512, 512), short=True, tracks={r"^heatmap_conv": -1.0, r"^displacement_conv": 1.0}
    ),
    "mask_rcnn": Picture(
        "mask_rcnn_hrnetv2p_w32", (768, 1280), short=True, tracks=RCNN_TRACKS, rows=REGION_ROWS, run=_run_regions
    ),
    "cascade_mask_rcnn": Picture(
        "cascade_mask_rcnn_hrnetv2p_w32", (768, 1280), short=True, tracks=RCNN_TRACKS, rows=REGION_ROWS, run=_run_regions
    ),
    "htc": Picture(
        "htc_hrnetv2p_w32",
        (768, 1280),
        short=True,
        tracks={**RCNN_TRACKS, r"conv_embedding": 3.0, r"semantic_head": 2.0, r"conv_res": -1.0},
        rows=REGION_ROWS,
        run=_run_regions,
    ),
    "fcos": Picture(
        "fcos_hrnetv2p_w32",
        (768, 1280),
        short=True,
        tracks={r"bbox_head.*cls": -1.0, r"centerness": 0.0, r"bbox_head.*reg": 1.0},
        run=_run_levels,
    ),
    "multi_task": Picture(
        "MultiTaskModel", (256, 256), short=True, build=_multi_task, tracks={r"heads\.pose": -1.0, r"heads\.face": 1.0}
    ),
}


def picture_of(name: str) -> str:
    """The SVG of one picture."""
    picture = PICTURES_BY_NAME[name]
    with torch.no_grad(), ShapesOnly():
        with torch.device("meta"):
            network = (picture.build or (lambda: build_model(picture.title)))().eval()
        trace = Trace(network, picture.short)
        with trace:
            x = trace.source("input", "picture", (3, *picture.input_size))
            if picture.run is not None:
                picture.run(trace, network, x, picture.output)
            else:
                trace.result(network(x), picture.output)
    layout = arrange(trace, picture.input_size, picture.tracks, picture.rows)
    height, width = picture.input_size
    subtitle = f"{picture.note}{parameters(network) / 1e6:.2f} M parameters, pictures of 3×{height}×{width}"
    return draw(layout, picture.title, subtitle, trace.modules_of)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help=f"pictures to draw: {', '.join(PICTURES_BY_NAME)}")
    parser.add_argument("--table", action="store_true", help="write the tables only")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(PICTURES_BY_NAME):
        parser.error(f"there is no picture {', '.join(sorted(unknown))}")
    if not arguments.table:
        for name in arguments.names or PICTURES_BY_NAME:
            write_atomically(PICTURES / f"{name}.svg", picture_of(name))
            print(PICTURES / f"{name}.svg")
    if not arguments.names:
        write_tables(DOCS)


if __name__ == "__main__":
    main()
