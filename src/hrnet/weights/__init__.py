"""Checkpoints: read, recognise, load, save, and the weights that come with the package."""

from hrnet.weights.bundle import DEFAULT_MODEL, bundled_models, list_bundled
from hrnet.weights.checkpoint import Checkpoint, load_checkpoint, open_checkpoint
from hrnet.weights.conversion import Conversion, convert_checkpoint, list_layouts
from hrnet.weights.files import FileFacts, read_state_dict, save_checkpoint
from hrnet.weights.inspection import CheckpointReport, inspect_checkpoint
from hrnet.weights.loading import StartReport, load_into, start_from
from hrnet.weights.pose import load_pose
from hrnet.weights.pose_card import CARD_KEY, PoseCard
from hrnet.weights.recognition import Recognition, identify, recognize

__all__ = [
    "CARD_KEY",
    "DEFAULT_MODEL",
    "Checkpoint",
    "CheckpointReport",
    "Conversion",
    "FileFacts",
    "PoseCard",
    "Recognition",
    "StartReport",
    "bundled_models",
    "convert_checkpoint",
    "identify",
    "inspect_checkpoint",
    "list_bundled",
    "list_layouts",
    "load_checkpoint",
    "load_into",
    "load_pose",
    "open_checkpoint",
    "read_state_dict",
    "recognize",
    "save_checkpoint",
    "start_from",
]
