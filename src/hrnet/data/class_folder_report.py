"""What an inspection of class folders found."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from hrnet.data.report_text import (
    closing_lines,
    comparison_notes,
    counted,
    overlap,
    pairs_of_files,
    size_lines,
    some,
    with_reasons,
)

_RARE = 10.0  # a class with fewer than a tenth of the pictures of the commonest is called rare


class ClassCount(NamedTuple):
    """How many pictures of a class there are, here and in the parts it was compared with (in their order)."""

    name: str
    pictures: int
    others: tuple[int, ...] = ()


class RepeatedPicture(NamedTuple):
    """Two files that show the same, or nearly, with their classes; ``part`` is where the second one lies, None for here."""

    first: str
    second: str
    first_class: str
    second_class: str
    part: str | None = None


@dataclass
class ClassFolderReport:
    """Counts and faults of class folders. Lists hold everything; `summary` shortens them, `to_dict` does not.

    Attributes:
        name: of the folder.
        classes: counts of each class, in the order of the labels.
        compared_with: names of the other parts.
        unknown_classes: classes of other parts that are not here, by part: such pictures can never be recognised.
        checked_images: whether pictures were opened; all below is empty otherwise.
        image_heights, image_widths: quantiles in pixels, by ``"0%"`` .. ``"100%"``.
        unreadable_pictures: (file, reason).
        repeated_pictures: files of the same content within the set.
        same_pictures, similar_pictures: files of the same content, and pictures that look alike, here and in other parts.
    """

    name: str
    classes: list[ClassCount]
    compared_with: list[str] = field(default_factory=list)
    unknown_classes: dict[str, list[str]] = field(default_factory=dict)
    checked_images: bool = False
    image_heights: dict[str, float] = field(default_factory=dict)
    image_widths: dict[str, float] = field(default_factory=dict)
    unreadable_pictures: list[tuple[str, str]] = field(default_factory=list)
    repeated_pictures: list[RepeatedPicture] = field(default_factory=list)
    same_pictures: list[RepeatedPicture] = field(default_factory=list)
    similar_pictures: list[RepeatedPicture] = field(default_factory=list)

    @property
    def pictures(self) -> int:
        """Of all classes."""
        return sum(entry.pictures for entry in self.classes)

    @property
    def imbalance(self) -> float:
        """Pictures of the commonest class for each of the rarest that has any; 1 where all have as many."""
        counts = [entry.pictures for entry in self.classes if entry.pictures]
        return max(counts) / min(counts) if counts else 1.0

    @property
    def problems(self) -> list[str]:
        """What should be mended before training, a sentence each."""
        found = []
        if len(self.classes) < 2:
            found.append("there is one class: nothing to tell apart")
        if empty := [entry.name for entry in self.classes if entry.pictures == 0]:
            found.append(f"{counted(empty, 'class has', 'classes have')} no picture: {some(empty)}")
        for part, names in self.unknown_classes.items():
            found.append(f"{part} has {counted(names, 'class', 'classes')} that {self.name} has not: {some(names)}")
        if self.unreadable_pictures:
            listed = with_reasons(self.unreadable_pictures)
            found.append(f"{counted(listed, 'picture', 'pictures')} cannot be read: {some(listed)}")
        contradictions = [pair for pair in self.repeated_pictures if pair.first_class != pair.second_class]
        if contradictions:
            count = counted(contradictions, "picture is", "pictures are")
            found.append(f"{count} in two classes: {pairs_of_files(contradictions)}")
        for pairs, likeness in ((self.same_pictures, "the same as"), (self.similar_pictures, "nearly the same as")):
            found += overlap(pairs, likeness, sorted({str(pair.part) for pair in pairs}))
        return found

    @property
    def notes(self) -> list[str]:
        """What is worth knowing but usual."""
        found = []
        single = [entry.name for entry in self.classes if entry.pictures == 1]
        if single:
            found.append(f"{counted(single, 'class has', 'classes have')} a single picture: {some(single)}")
        if self.imbalance > _RARE:
            most = max(entry.pictures for entry in self.classes)
            rare = [entry.name for entry in self.classes if 0 < entry.pictures * _RARE < most]
            found.append(
                f"the commonest class has {self.imbalance:.0f} times the pictures of the rarest; "
                f"{counted(rare, 'class has', 'classes have')} less than a tenth of it: {some(rare)}"
            )
        for number, part in enumerate(self.compared_with):
            absent = [entry.name for entry in self.classes if entry.pictures and not entry.others[number]]
            if absent:
                found.append(f"{part} has no picture of {counted(absent, 'class', 'classes')}: {some(absent)}")
        within = [pair for pair in self.repeated_pictures if pair.first_class == pair.second_class]
        if within:
            count = counted(within, "picture repeats", "pictures repeat")
            found.append(f"{count} another of the class: {pairs_of_files(within)}")
        overlaps = bool(self.same_pictures or self.similar_pictures)
        return found + comparison_notes(self.compared_with, overlaps, self.checked_images)

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain data for JSON, with ``problems`` and ``notes``."""
        plain = asdict(self)
        plain["classes"] = [entry._asdict() for entry in self.classes]
        for name in ("repeated_pictures", "same_pictures", "similar_pictures"):
            plain[name] = [pair._asdict() for pair in getattr(self, name)]
        return plain | {"imbalance": self.imbalance, "problems": self.problems, "notes": self.notes}

    def summary(self, shown: int = 40) -> str:
        """Text of a screen or two; of many classes the commonest and the rarest."""
        counts = [entry.pictures for entry in self.classes]
        spread = f", {min(counts):,} to {max(counts):,} of each" if counts and min(counts) < max(counts) else ""
        lines = [self.name, f"  pictures           {self.pictures:,} in {len(self.classes):,} classes{spread}"]
        lines += size_lines(self.image_heights, self.image_widths)
        width = max((len(entry.name) for entry in self.classes), default=5)
        lines.append(f"  {'class':<{width}}  {'pictures':>9}" + "".join(f"  {part:>9}" for part in self.compared_with))
        ordered = sorted(self.classes, key=lambda entry: -entry.pictures) if len(self.classes) > shown else self.classes
        for number, entry in enumerate(ordered):
            if len(ordered) > shown and shown // 2 <= number < len(ordered) - shown // 2:
                if number == shown // 2:
                    lines.append(f"  ... {len(ordered) - shown} more")
                continue
            others = "".join(f"  {count:>9,}" for count in entry.others)
            lines.append(f"  {entry.name:<{width}}  {entry.pictures:>9,}{others}")
        return "\n".join(lines + closing_lines(self.notes, self.problems))

    def __str__(self) -> str:
        return self.summary()
