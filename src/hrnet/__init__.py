"""High-resolution networks: ``hrnet.load()`` gives a predictor, ``hrnet --help`` the same verbs in the shell.

The public names below are imported when they are first used, so that ``import hrnet`` costs nothing and brings no torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hrnet.data.keypoint_sets import keypoint_set
    from hrnet.diagnostics import doctor
    from hrnet.errors import HRNetError
    from hrnet.evaluation.pose import evaluate_pose as evaluate
    from hrnet.inference.prediction import predict_pose
    from hrnet.inference.predictor import PosePredictor, load
    from hrnet.models import build_model, list_models
    from hrnet.models.multi_task import MultiTaskModel
    from hrnet.structures import KeypointSet, PoseResult
    from hrnet.training import load_recipe, train
    from hrnet.weights.backbone import create_backbone
    from hrnet.weights.checkpoint import load_checkpoint
    from hrnet.weights.conversion import convert_checkpoint
    from hrnet.weights.zoo.sharing import from_pretrained, push_to_hub

__version__ = "0.1.0"

__all__ = [
    "HRNetError",
    "KeypointSet",
    "MultiTaskModel",
    "PosePredictor",
    "PoseResult",
    "__version__",
    "build_model",
    "convert_checkpoint",
    "create_backbone",
    "doctor",
    "evaluate",
    "from_pretrained",
    "keypoint_set",
    "list_models",
    "load",
    "load_checkpoint",
    "load_recipe",
    "predict_pose",
    "push_to_hub",
    "train",
]

# public name -> (module, name in it); the same as the block for type checkers above
_HOMES = {
    "HRNetError": ("hrnet.errors", "HRNetError"),
    "KeypointSet": ("hrnet.structures", "KeypointSet"),
    "MultiTaskModel": ("hrnet.models.multi_task", "MultiTaskModel"),
    "PosePredictor": ("hrnet.inference.predictor", "PosePredictor"),
    "PoseResult": ("hrnet.structures", "PoseResult"),
    "build_model": ("hrnet.models", "build_model"),
    "convert_checkpoint": ("hrnet.weights.conversion", "convert_checkpoint"),
    "create_backbone": ("hrnet.weights.backbone", "create_backbone"),
    "doctor": ("hrnet.diagnostics", "doctor"),
    "evaluate": ("hrnet.evaluation.pose", "evaluate_pose"),
    "from_pretrained": ("hrnet.weights.zoo.sharing", "from_pretrained"),
    "keypoint_set": ("hrnet.data.keypoint_sets", "keypoint_set"),
    "list_models": ("hrnet.models", "list_models"),
    "load": ("hrnet.inference.predictor", "load"),
    "load_checkpoint": ("hrnet.weights.checkpoint", "load_checkpoint"),
    "load_recipe": ("hrnet.training", "load_recipe"),
    "predict_pose": ("hrnet.inference.prediction", "predict_pose"),
    "push_to_hub": ("hrnet.weights.zoo.sharing", "push_to_hub"),
    "train": ("hrnet.training", "train"),
}


def __getattr__(name: str) -> Any:
    """Import a public name on first use (PEP 562) and keep it, so that the next access is a plain attribute."""
    if name not in _HOMES:
        raise AttributeError(f"module 'hrnet' has no attribute {name!r}")
    module, attribute = _HOMES[name]
    value = getattr(import_module(module), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
