"""Names, drawing colours and mirror pairs of classes."""

from __future__ import annotations

from dataclasses import dataclass

from hrnet.errors import nearest_name


@dataclass(frozen=True)
class ClassSet:
    """Names, drawing colours and mirror pairs of C classes of pixels or pictures.

    Attributes:
        name: short name, such as ``"cityscapes"``.
        classes: the C names, in the order of the network's outputs.
        colors: C RGB colours in 0..255; None to let the drawing choose.
        flip_pairs: pairs of classes that change places in a mirror, such as left and right arm.
        ignore_label: value of pixels in label maps that belong to no class and count nowhere; no class may have it.
    """

    name: str
    classes: tuple[str, ...]
    colors: tuple[tuple[int, int, int], ...] | None = None
    flip_pairs: tuple[tuple[int, int], ...] = ()
    ignore_label: int = 255

    def __post_init__(self) -> None:
        count = len(self.classes)
        if count == 0:
            raise ValueError(f"class set {self.name!r} has no classes")
        if not all(isinstance(entry, str) and entry for entry in self.classes):
            raise ValueError(f"class set {self.name!r} has a class without a name")
        if len(set(self.classes)) != count:
            twice = sorted({entry for entry in self.classes if self.classes.count(entry) > 1})
            raise ValueError(f"class set {self.name!r} names {', '.join(map(repr, twice))} twice")
        if self.colors is not None:
            if len(self.colors) != count:
                raise ValueError(f"colors of {self.name!r} must have {count} entries, got {len(self.colors)}")
            if any(len(color) != 3 or not all(0 <= value <= 255 for value in color) for color in self.colors):
                raise ValueError(f"colors of {self.name!r} must be (red, green, blue) in 0..255")
        paired = [index for pair in self.flip_pairs for index in pair]
        if any(not 0 <= index < count for index in paired) or len(set(paired)) != len(paired):
            raise ValueError(
                f"flip_pairs of {self.name!r} must hold each of 0..{count - 1} at most once, got {self.flip_pairs}"
            )
        if 0 <= self.ignore_label < count:
            raise ValueError(f"ignore_label {self.ignore_label} of {self.name!r} is a class; use -1 or a value from {count} on")

    @property
    def num_classes(self) -> int:
        """C; a background that is predicted like the others is one of them."""
        return len(self.classes)

    @property
    def flip_indices(self) -> tuple[int, ...]:
        """For each class the one it becomes in a mirror, itself where it has no pair."""
        indices = list(range(self.num_classes))
        for first, second in self.flip_pairs:
            indices[first], indices[second] = second, first
        return tuple(indices)

    def index(self, name: str) -> int:
        """Index of the class called ``name``. Raises ValueError naming the nearest where there is none."""
        if name not in self.classes:
            raise ValueError(f"{self.name!r} has no class {name!r}; {nearest_name(name, self.classes)}")
        return self.classes.index(name)
