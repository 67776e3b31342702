"""One published checkpoint of a metafile's record to an entry of the zoo: its name here, its network and its conventions."""

from __future__ import annotations

import re
from typing import Any

from hrnet.data.keypoint_sets import keypoint_set

Entry = dict[str, Any]

KEYPOINT_SETS = {
    "AFLWDataset": "aflw", "AicDataset": "aic", "AnimalKingdomDataset": "ak", "AnimalPoseDataset": "animalpose",
    "AP10KDataset": "ap10k", "CocoDataset": "coco", "CocoWholeBodyDataset": "coco_wholebody",
    "CocoWholeBodyFaceDataset": "coco_wholebody_face", "CocoWholeBodyHandDataset": "coco_wholebody_hand",
    "COFWDataset": "cofw", "CrowdPoseDataset": "crowdpose", "ExlposeDataset": "exlpose", "Face300WDataset": "300w",
    "Face300WLPDataset": "300wlp", "HumanArtDataset": "humanart", "MpiiDataset": "mpii", "OneHand10KDataset": "onehand10k",
    "PoseTrack18Dataset": "posetrack18", "Rhd2DDataset": "rhd2d", "UBody2dDataset": "ubody2d", "WFLWDataset": "wflw",
}  # fmt: skip
# The word for the data set in a config's name -> keypoint set, for records without model facts.
SETS_BY_WORD = {
    "aic": "aic", "atrw": "atrw", "coco": "coco", "coco_wholebody": "coco_wholebody", "crowdpose": "crowdpose",
    "deepfashion_full": "deepfashion_full", "deepfashion_lower": "deepfashion_lower", "deepfashion_upper": "deepfashion_upper",
    "h36m": "h36m", "halpe": "halpe", "horse10": "horse10", "macaque": "macaque", "mhp": "mhp", "panoptic": "panoptic_hand2d",
    "posetrack18": "posetrack18",
}  # fmt: skip
# (data set, training data) where the metafile's row names another: that of the test, or that of the start.
TRAINED_ON = {
    "coco_aic": ("COCO", "COCO, AI Challenger"),
    "humanart": ("Human-Art", "Human-Art, COCO"),
    "ubody": ("UBody", "UBody, COCO-WholeBody"),
    "posetrack18": ("PoseTrack18", "PoseTrack18"),
}
# Classes without a background that the networks do not predict.
CLASSES = {
    "cityscapes": 19, "ade20k": 150, "voc12aug": 21, "pascal_context": 60, "pascal_context_59": 59, "loveda": 7, "potsdam": 6,
    "vaihingen": 6, "isaid": 16,
}  # fmt: skip
IMAGENET_BGR = {"mean": [0.406, 0.456, 0.485], "std": [0.225, 0.224, 0.229], "channel_order": "bgr"}


def mmpose(record: Entry) -> Entry:
    """Top-down and bottom-up pose of mmpose 1.x and 0.29."""
    words = words_of(record)
    facts = record.get("model")
    network = words["network"]
    codec, assumed = None, []
    if record.get("keypoint_set"):
        keypoints = KEYPOINT_SETS[record["keypoint_set"]]
    else:
        keypoints = SETS_BY_WORD[words["dataset"]]
        assumed.append("keypoint_set")
    if words["dataset"] == "coco_aic" and facts and facts["head"]["out_channels"] == 19:
        keypoints = "coco_aic"  # evaluated on COCO's 17, but the network has five more of AI Challenger
    top_down = words["method"] == "top_down"
    if top_down:
        codec = codec_of_facts(facts) if facts else codec_of_name(words)
    count = keypoint_set(keypoints).num_keypoints * (3 if codec and codec["name"] == "udp_combined" else 1)
    if facts and facts["head"].get("out_channels") not in (None, count):
        raise ValueError(f"{record['config']}: {facts['head']['out_channels']} outputs, but {keypoints} needs {count}")
    if not facts:
        assumed += ["codec", "normalization"] if top_down else ["normalization"]
    if facts and not top_down:  # as the toolkit states it
        decoding = {key: value for key, value in facts["codec"].items() if key not in ("input_size", "heatmap_size")}
    else:
        decoding = None
    task = words["subject"] if top_down or words["method"] == "posewarper" else "bottom-up pose"
    tag = "_".join([words["dataset"], *words["split"], words["size"], *words["extra"]])
    entry = {
        "name": f"{network}.{tag}",
        "task": task,
        "architecture": None if network.startswith(("hourglass", "cid_", "posewarper_")) else network,
        "num_outputs": count,
        "input_size": [int(side) for side in words["size"].split("x")],
        "codec": codec,
        "decoding": decoding,
        "keypoint_set": keypoints,
        "assumed": assumed,
    }
    if facts:
        entry |= normalization(facts["normalize"])
    if words["dataset"] in TRAINED_ON:
        entry["dataset"], entry["training_data"] = TRAINED_ON[words["dataset"]]
    return entry


def words_of(record: Entry) -> Entry:
    """The parts of a config's name: network, method, data set, split, size and what is special."""
    config = record["config"]
    extra: list[str] = []
    if record["source"] == "mmpose":
        found = re.fullmatch(
            r"(?P<method>td-hm|ae|dekr)_(?P<body>hrnet-w\d+|hrnetv2-w18|res\d+|hourglass52)_(?P<middle>.*?)-?"
            r"(?P<batch>\d+xb\d+)-(?P<epochs>\d+e)_(?P<data>.+?)-(?P<size>\d+x\d+)(?P<tail>-\w+)?",
            config,
        )
        if not found:
            raise ValueError(f"unknown kind of name: {config}")
        data, body = found["data"].replace("-", "_").lower(), found["body"]
        method = {"td-hm": "top_down", "ae": "ae", "dekr": "dekr"}[found["method"]]
        extra = [word for word in found["middle"].strip("_").split("-") if word]
        extra += [found["tail"][1:]] if found["tail"] else []
    else:
        found = re.fullmatch(
            r"(?P<method>topdown_heatmap|associative_embedding|disentangled_keypoint_regression|cid|posewarper)_"
            r"(?P<body>hrnet_w\d+|hrnetv2_w18|higherhrnet_w\d+|hourglass_ae)_(?P<data>.+?)_(?P<size>\d+x\d+)(?P<tail>[-_]\w+)?",
            config,
        )
        if not found:
            raise ValueError(f"unknown kind of name: {config}")
        data, body = found["data"], found["body"].replace("_", "-", 1)
        method = {
            "topdown_heatmap": "top_down",
            "associative_embedding": "ae",
            "disentangled_keypoint_regression": "dekr",
            "posewarper": "posewarper",
            "cid": "cid",
        }[found["method"]]
        extra = [found["tail"][1:]] if found["tail"] else []
        if method == "posewarper":
            extra = []
    split = []
    if data.startswith("animalkingdom_"):
        data, _, rest = data.partition("_")
        split = [rest]
    subject = "hand pose" if re.search(r"hand|rhd|panoptic", data) else "pose"
    if re.search(r"face|300w|aflw|cofw|wflw", data):
        subject = "facial landmarks"
    return {
        "method": method,
        "subject": subject,
        "network": network_of(method, body),
        "dataset": data,
        "split": split,
        "size": found["size"],
        "extra": extra,
    }


def network_of(method: str, body: str) -> str:
    kind, _, tag = body.partition("-")
    if body == "hourglass-ae":
        return "hourglass_ae"  # one with 34 outputs and names of its own, not the pose_ae_4 of the paper
    if kind.startswith("hourglass"):
        return body
    if kind.startswith("res"):
        return f"pose_resnet{kind.removeprefix('res')}"
    if kind == "hrnetv2":
        return f"face_hrnetv2_{tag}"  # the same network for faces and hands
    if kind == "higherhrnet":
        return f"higher_hrnet_{tag}"
    return f"{'pose' if method == 'top_down' else method}_hrnet_{tag}"


def codec_of_facts(facts: Entry) -> Entry:
    """Width and height of the record turned round, and the decoder that belongs to the target."""
    stated = facts["codec"]
    width, height = stated["input_size"]
    if [width // 4, height // 4] != stated["heatmap_size"]:
        raise ValueError(f"heatmaps are not at stride 4: {stated}")
    if stated["type"] == "UDPHeatmap":
        name = "udp_combined" if stated.get("heatmap_type") == "combined" else "udp"
    elif stated["type"] == "MSRAHeatmap":
        name = "dark" if stated.get("unbiased") else "quarter_offset_mmpose"
    else:
        raise ValueError(f"no codec for {stated['type']}")
    codec = {"name": name, "input_size": [height, width], "sigma": stated["sigma"]}
    # mmpose 1.x smooths with 11 pixels whatever the sigma, unless a config says otherwise (none does).
    return codec | ({"blur_kernel": 11} if name in ("dark", "udp") else {})


def codec_of_name(words: Entry) -> Entry:
    """The papers' conventions: sigma 2, and 3 from 384 pixels on; DARK or UDP where the name says so."""
    height, width = (int(side) for side in words["size"].split("x"))
    extra = "_".join(words["extra"])
    name = "quarter_offset_mmpose"
    if "udp" in extra:
        name = "udp_combined" if "regress" in extra else "udp"
    elif "dark" in extra:
        name = "dark"
    return {"name": name, "input_size": [height, width], "sigma": 3 if height >= 384 else 2}


def normalization(stated: Entry) -> Entry:
    """0..255 to 0..1; nothing where it is ImageNet's on RGB, which is the default."""
    mean, std = ([round(value / 255, 6) for value in stated[key]] for key in ("mean", "std"))
    if (mean, std, stated["bgr_to_rgb"]) == ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225], True):
        return {}
    return {"mean": mean, "std": std, "channel_order": "rgb" if stated["bgr_to_rgb"] else "bgr"}


def mmdet(record: Entry) -> Entry:
    found = re.fullmatch(r"(?P<kind>[a-z-]+)_hrnetv2p-(?P<tag>w\d+)(?P<rest>.*)_coco", record["config"])
    schedule = re.search(r"(\d+x|20e)$", found["rest"]) if found else None
    if not found or not schedule:
        raise ValueError(f"unknown kind of name: {record['config']}")
    network = f"{found['kind'].replace('-', '_')}_hrnetv2p_{found['tag']}"
    several_sizes = "ms_" if "_ms-" in found["rest"] else ""
    # FCOS was trained on BGR here, see mmdetection issue 4232; the other detectors on RGB.
    colours = IMAGENET_BGR if found["kind"] == "fcos" else {}
    return {
        "name": f"{network}.coco_{several_sizes}{schedule[1]}",
        "task": "instance segmentation" if "mask" in network or "htc" in network else "object detection",
        "architecture": network,
        "num_outputs": 80,
        "input_size": [800, 1333],  # the longest sides: pictures keep their shape
        **colours,
        "assumed": ["normalization", "input_size"],
    }


def mmseg(record: Entry) -> Entry:
    # By the file's name: two configs of OCRNet are listed twice, for 80,000 and 160,000 steps.
    file = record["url"].rsplit("/", 1)[1]
    config = re.fullmatch(
        r"(?P<kind>fcn|ocrnet)_(?P<body>hr18s|hr18|hr48)_.*_(?P<data>[\w-]+)-(?P<size>\d+x\d+)", record["config"]
    )
    steps = re.search(r"(?<!\d)(\d+k)(?!\w*?\d+k)", re.sub(r"ade20k", "", file))
    if not config or not steps:
        raise ValueError(f"unknown kind of name: {record['config']}")
    dataset = re.sub(r"^\d+xb\d+-\d+k_", "", config["data"]).replace("-", "_")
    tag = {"hr18s": "w18_small_v2", "hr18": "w18", "hr48": "w48"}[config["body"]]  # "18s" is the second small network
    network = f"seg_hrnet_{tag}" + ("_ocr" if config["kind"] == "ocrnet" else "")
    return {
        "name": f"{network}.{dataset}_{config['size']}_{steps[1]}",
        "task": "segmentation",
        "architecture": network,
        "num_outputs": CLASSES[dataset],
        "options": {"align_corners": False},  # of all of mmsegmentation, the OCR networks too
        "input_size": [int(side) for side in config["size"].split("x")],
        "assumed": ["normalization"],
    }


def timm(record: Entry) -> Entry:
    body, _, tag = record["config"].partition(".")
    body = body.removeprefix("hrnet_")
    if body.endswith("_ssld"):  # the same network (four biases are absent) with other weights
        body, tag = body.removesuffix("_ssld"), f"ssld_{tag}"
    body = "w18_small_v1" if body == "w18_small" else body
    repository = record["url"].removeprefix("https://huggingface.co/")
    return {
        "name": f"cls_hrnet_{body}.{tag}",
        "task": "image classification",
        "architecture": f"cls_hrnet_{body}",
        "num_outputs": 1000,
        "input_size": record["input_size"][1:],
        "preprocessing": {"crop_share": record["crop_pct"], "interpolation": record["interpolation"]},
        "dataset": "ImageNet-1k",
        "training_data": "ImageNet-1k",
        "hub": {"repository": repository, "file": record["file"]},
        "urls": [f"{record['url']}/resolve/main/{record['file']}"],
    }
