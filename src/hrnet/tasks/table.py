"""The tasks that recipes are for."""

from __future__ import annotations

from hrnet.tasks.bottom_up_recipe import BottomUpRecipe
from hrnet.tasks.classification_recipe import ClassificationRecipe
from hrnet.tasks.face_recipe import FaceRecipe
from hrnet.tasks.instance_embedding_recipe import InstanceEmbeddingRecipe
from hrnet.tasks.multi_task_recipe import MultiTaskRecipe
from hrnet.tasks.pose_recipe import PoseRecipe
from hrnet.tasks.recipe import Recipe
from hrnet.tasks.segmentation_recipe import SegmentationRecipe

RECIPES: dict[str, type[Recipe]] = {
    "pose": PoseRecipe,
    "bottom_up_pose": BottomUpRecipe,
    "face": FaceRecipe,
    "segmentation": SegmentationRecipe,
    "classification": ClassificationRecipe,
    "instance_embedding": InstanceEmbeddingRecipe,
    "multi_task": MultiTaskRecipe,
}
"""What a recipe's key ``task`` may say, and the recipe that is then meant."""
