"""The tasks that recipes are for."""

from __future__ import annotations

from hrnet.tasks.bottom_up_recipe import BottomUpRecipe
from hrnet.tasks.pose_recipe import PoseRecipe
from hrnet.tasks.recipe import Recipe

RECIPES: dict[str, type[Recipe]] = {"pose": PoseRecipe, "bottom_up_pose": BottomUpRecipe}
"""What a recipe's key ``task`` may say, and the recipe that is then meant."""
