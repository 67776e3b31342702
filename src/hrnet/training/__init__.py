"""Training: recipes, the engine around Lightning, and what it writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hrnet.tasks.recipe import Recipe
    from hrnet.tasks.recipe_reading import load_recipe
    from hrnet.training.engine import train

__all__ = ["Recipe", "load_recipe", "train"]


def __getattr__(name: str) -> Any:
    # Recipes are read and shown without torch; the engine brings it.
    if name == "train":
        from hrnet.training.engine import train

        return train
    if name == "Recipe":
        from hrnet.tasks.recipe import Recipe

        return Recipe
    if name == "load_recipe":
        from hrnet.tasks.recipe_reading import load_recipe

        return load_recipe
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
