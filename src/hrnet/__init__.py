"""High-resolution networks: ``hrnet.load()`` gives a predictor, ``hrnet --help`` the same verbs in the shell.

The public names below are imported when they are first used, so that ``import hrnet`` costs nothing and brings no torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hrnet.data.class_sets import class_set
    from hrnet.data.keypoint_sets import keypoint_set
    from hrnet.diagnostics import doctor
    from hrnet.errors import HRNetError
    from hrnet.evaluation.classification import evaluate_classification
    from hrnet.evaluation.faces import evaluate_faces
    from hrnet.evaluation.multi_person import evaluate_multi_person
    from hrnet.evaluation.pose import evaluate_pose as evaluate
    from hrnet.evaluation.segmentation import evaluate_segmentation
    from hrnet.inference.classification_prediction import predict_classes
    from hrnet.inference.feature_extraction import extract_features
    from hrnet.inference.instance_prediction import predict_instances
    from hrnet.inference.loading import load
    from hrnet.inference.multi_task_prediction import predict_tasks
    from hrnet.inference.pose_prediction import predict_pose
    from hrnet.inference.segmentation_prediction import predict_segmentation
    from hrnet.inference.top_down import PosePredictor
    from hrnet.models import build_model, list_models
    from hrnet.models.multi_task import MultiTaskModel
    from hrnet.structures import KeypointSet, PoseResult
    from hrnet.structures.class_set import ClassSet
    from hrnet.structures.classification_result import ClassificationResult
    from hrnet.structures.instance_result import InstanceResult
    from hrnet.structures.multi_task_result import MultiTaskResult
    from hrnet.structures.segmentation_result import SegmentationResult
    from hrnet.training import load_recipe, train
    from hrnet.weights.backbone import create_backbone
    from hrnet.weights.checkpoint import load_checkpoint
    from hrnet.weights.conversion import convert_checkpoint
    from hrnet.weights.parts import split_checkpoint
    from hrnet.weights.zoo.sharing import from_pretrained, push_to_hub

__version__ = "0.1.0"

__all__ = [
    "ClassSet",
    "ClassificationResult",
    "HRNetError",
    "InstanceResult",
    "KeypointSet",
    "MultiTaskModel",
    "MultiTaskResult",
    "PosePredictor",
    "PoseResult",
    "SegmentationResult",
    "__version__",
    "build_model",
    "class_set",
    "convert_checkpoint",
    "create_backbone",
    "doctor",
    "evaluate",
    "evaluate_classification",
    "evaluate_faces",
    "evaluate_multi_person",
    "evaluate_segmentation",
    "extract_features",
    "from_pretrained",
    "keypoint_set",
    "list_models",
    "load",
    "load_checkpoint",
    "load_recipe",
    "predict_classes",
    "predict_instances",
    "predict_pose",
    "predict_segmentation",
    "predict_tasks",
    "push_to_hub",
    "split_checkpoint",
    "train",
]

# public name -> (module, name in it); the same as the block for type checkers above
_HOMES = {
    "build_model": ("hrnet.models", "build_model"),
    "class_set": ("hrnet.data.class_sets", "class_set"),
    "ClassificationResult": ("hrnet.structures.classification_result", "ClassificationResult"),
    "ClassSet": ("hrnet.structures.class_set", "ClassSet"),
    "convert_checkpoint": ("hrnet.weights.conversion", "convert_checkpoint"),
    "create_backbone": ("hrnet.weights.backbone", "create_backbone"),
    "doctor": ("hrnet.diagnostics", "doctor"),
    "evaluate": ("hrnet.evaluation.pose", "evaluate_pose"),
    "evaluate_classification": ("hrnet.evaluation.classification", "evaluate_classification"),
    "evaluate_faces": ("hrnet.evaluation.faces", "evaluate_faces"),
    "evaluate_multi_person": ("hrnet.evaluation.multi_person", "evaluate_multi_person"),
    "evaluate_segmentation": ("hrnet.evaluation.segmentation", "evaluate_segmentation"),
    "extract_features": ("hrnet.inference.feature_extraction", "extract_features"),
    "from_pretrained": ("hrnet.weights.zoo.sharing", "from_pretrained"),
    "HRNetError": ("hrnet.errors", "HRNetError"),
    "InstanceResult": ("hrnet.structures.instance_result", "InstanceResult"),
    "keypoint_set": ("hrnet.data.keypoint_sets", "keypoint_set"),
    "KeypointSet": ("hrnet.structures", "KeypointSet"),
    "list_models": ("hrnet.models", "list_models"),
    "load": ("hrnet.inference.loading", "load"),
    "load_checkpoint": ("hrnet.weights.checkpoint", "load_checkpoint"),
    "load_recipe": ("hrnet.training", "load_recipe"),
    "MultiTaskModel": ("hrnet.models.multi_task", "MultiTaskModel"),
    "MultiTaskResult": ("hrnet.structures.multi_task_result", "MultiTaskResult"),
    "PosePredictor": ("hrnet.inference.top_down", "PosePredictor"),
    "PoseResult": ("hrnet.structures", "PoseResult"),
    "predict_classes": ("hrnet.inference.classification_prediction", "predict_classes"),
    "predict_instances": ("hrnet.inference.instance_prediction", "predict_instances"),
    "predict_pose": ("hrnet.inference.pose_prediction", "predict_pose"),
    "predict_segmentation": ("hrnet.inference.segmentation_prediction", "predict_segmentation"),
    "predict_tasks": ("hrnet.inference.multi_task_prediction", "predict_tasks"),
    "push_to_hub": ("hrnet.weights.zoo.sharing", "push_to_hub"),
    "SegmentationResult": ("hrnet.structures.segmentation_result", "SegmentationResult"),
    "split_checkpoint": ("hrnet.weights.parts", "split_checkpoint"),
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
