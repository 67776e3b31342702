"""Recipes, where training's callers look for them; `hrnet.tasks.recipe_reading` reads them."""

from __future__ import annotations

from hrnet.tasks.recipe import OptimizerSection, Recipe, ScheduleSection
from hrnet.tasks.recipe_reading import list_recipes, load_recipe, recipe_from_dict

__all__ = ["OptimizerSection", "Recipe", "ScheduleSection", "list_recipes", "load_recipe", "recipe_from_dict"]
