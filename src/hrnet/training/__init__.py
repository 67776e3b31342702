"""Training: recipes, the engine around Lightning, and what it writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hrnet.training.engine import train
    from hrnet.training.recipe import Recipe, load_recipe

__all__ = ["Recipe", "load_recipe", "train"]


def __getattr__(name: str) -> Any:
    # Recipes are read and shown without torch; the engine brings it.
    if name == "train":
        from hrnet.training.engine import train

        return train
    if name in ("Recipe", "load_recipe"):
        from hrnet.training import recipe

        return getattr(recipe, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
