"""How toolkits name the entries of one and the same network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class Layout:
    """How a toolkit names the entries of a network whose own names are the reference's.

    Attributes:
        name: the toolkit.
        renames: (its prefix, ours), the first that fits is taken.
        dropped: prefixes of entries that belong to no network, such as the mean of the pictures.
    """

    name: str
    renames: tuple[tuple[str, str], ...] = ()
    dropped: tuple[str, ...] = ()

    def to_ours(self, key: str) -> str | None:
        """Our name of ``key``, or None if it is dropped."""
        if key.startswith(self.dropped):
            return None
        return next((ours + key.removeprefix(theirs) for theirs, ours in self.renames if key.startswith(theirs)), key)

    def rename(self, state: Mapping[str, Any]) -> dict[str, Any]:
        """``state`` under our names."""
        return {ours: value for key, value in state.items() if (ours := self.to_ours(key)) is not None}


PLAIN = Layout("reference")
_PREPROCESSOR = ("data_preprocessor.",)
MMPOSE_0 = Layout("mmpose 0.x", (("backbone.", ""), ("keypoint_head.", "")), _PREPROCESSOR)
MMPOSE_1 = Layout("mmpose 1.x", (("backbone.", ""), ("head.", "")), _PREPROCESSOR)
# mmseg and mmdet keep their heads' names: nothing of ours is called so, and the rules tell them by it
OPENMMLAB = Layout("OpenMMLab", (("backbone.", ""),), _PREPROCESSOR)


def layout_of(names: Iterable[str]) -> Layout:
    """Whose names these are."""
    first_parts = {name.split(".", 1)[0] for name in names}
    if "backbone" not in first_parts:
        return PLAIN
    if "keypoint_head" in first_parts:
        return MMPOSE_0
    return MMPOSE_1 if "head" in first_parts else OPENMMLAB
