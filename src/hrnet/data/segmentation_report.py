"""What an inspection of a segmentation data set found."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from hrnet.data.report_text import closing_lines, comparison_notes, counted, overlap, pairs_of_files, some, with_reasons


class ClassCount(NamedTuple):
    """How many pixels a class has, in how many label maps it is, and its weight by median frequency."""

    name: str
    pixels: int
    pictures: int
    suggested_weight: float


@dataclass
class SegmentationReport:
    """Counts and faults of a segmentation data set. Lists hold paths as text; `summary` shortens them, `to_dict` does not.

    Attributes:
        pictures: with a label map.
        classes: counts of each class.
        ignored_pixels, total_pixels: of all label maps that could be read.
        without_label, without_picture: files without a partner.
        missing_pictures, unreadable_pictures, unreadable_labels, wrong_sizes: faults, with the reason.
        unknown_values: of each file with values that mean nothing, what they are.
        label_traps: what the label maps as a whole look like being wrong about.
        wholly_ignored: label maps without a single labelled pixel.
        checked_images: whether pictures were opened; what is said about them and about duplicates is empty otherwise.
        image_sizes: how often each ``"WIDTH x HEIGHT"`` occurs.
        repeated_pictures: pairs of files of the same content within the set.
        same_pictures, similar_pictures: pairs of equal and of similar pictures here and in the sets of ``compared_with``.
    """

    name: str
    format: str
    class_set: str
    encoding: str
    pictures: int
    classes: list[ClassCount] = field(default_factory=list)
    ignored_pixels: int = 0
    total_pixels: int = 0
    without_label: list[str] = field(default_factory=list)
    without_picture: list[str] = field(default_factory=list)
    missing_pictures: list[str] = field(default_factory=list)
    unreadable_pictures: list[tuple[str, str]] = field(default_factory=list)
    unreadable_labels: list[tuple[str, str]] = field(default_factory=list)
    wrong_sizes: list[tuple[str, str]] = field(default_factory=list)
    unknown_values: list[tuple[str, str]] = field(default_factory=list)
    label_traps: list[str] = field(default_factory=list)
    wholly_ignored: list[str] = field(default_factory=list)
    checked_images: bool = False
    image_sizes: dict[str, int] = field(default_factory=dict)
    repeated_pictures: list[tuple[str, str]] = field(default_factory=list)
    same_pictures: list[tuple[str, str]] = field(default_factory=list)
    similar_pictures: list[tuple[str, str]] = field(default_factory=list)
    compared_with: list[str] = field(default_factory=list)

    @property
    def problems(self) -> list[str]:
        """What should be mended before training, a sentence each."""
        found = list(self.label_traps)
        if self.pictures == 0:
            found.append("no picture has a label map of the same name")
        listed = [
            (self.without_label, "pictures have no label map"),
            (self.without_picture, "label maps have no picture"),
            (self.missing_pictures, "pictures are missing"),
            (with_reasons(self.unreadable_pictures), "pictures cannot be read"),
            (with_reasons(self.unreadable_labels), "label maps cannot be read"),
            (with_reasons(self.wrong_sizes), "label maps have another size than their picture"),
            (with_reasons(self.unknown_values), "label maps have values that mean nothing"),
            (self.wholly_ignored, "label maps have no labelled pixel"),
        ]
        found += [f"{len(entries)} {what}: {some(entries)}" for entries, what in listed if entries]
        never = [one.name for one in self.classes if one.pixels == 0]
        if never and self.total_pixels:
            found.append(f"{len(never)} of {len(self.classes)} classes are never labelled: {some(never, 8)}")
        found += overlap(self.same_pictures, "the same as", self.compared_with)
        return found + overlap(self.similar_pictures, "nearly the same as", self.compared_with)

    @property
    def notes(self) -> list[str]:
        """What is worth knowing but usual."""
        found = []
        if self.repeated_pictures:
            count = counted(self.repeated_pictures, "picture repeats", "pictures repeat")
            found.append(f"{count} another: {pairs_of_files(self.repeated_pictures)}")
        present = [one for one in self.classes if one.pixels]
        if len(present) > 1:
            rare, common = min(present, key=lambda one: one.pixels), max(present, key=lambda one: one.pixels)
            ratio = common.pixels / rare.pixels
            if ratio > 50:
                found.append(
                    f"{common.name!r} has {ratio:,.0f} times the pixels of {rare.name!r}: consider class weights "
                    "(loss.class_weights: median_frequency) or hard pixels"
                )
        if len(self.image_sizes) > 1:
            found.append(f"pictures have {len(self.image_sizes)} different sizes")
        overlaps = bool(self.same_pictures or self.similar_pictures)
        return found + comparison_notes(self.compared_with, overlaps, self.checked_images)

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain data for JSON, with ``problems`` and ``notes``."""
        plain = asdict(self)
        plain["classes"] = [one._asdict() for one in self.classes]
        return plain | {"problems": self.problems, "notes": self.notes}

    def summary(self) -> str:
        """Text of a screen or two."""
        labelled = self.total_pixels - self.ignored_pixels
        ignored = self.ignored_pixels / max(1, self.total_pixels)
        lines = [
            f"{self.name} ({self.format})",
            f"  pictures           {self.pictures:,}",
            f"  class set          {self.class_set}: {len(self.classes)} classes, files hold {self.encoding!r}",
            f"  pixels             {self.total_pixels:,}, {ignored:.1%} of them ignored",
        ]
        common = sorted(self.image_sizes.items(), key=lambda item: -item[1])[:4]
        if common:
            lines.append("  picture sizes      " + "  ".join(f"{size} ({count:,})" for size, count in common))
        width = max([5, *(len(one.name) for one in self.classes)])
        lines.append(f"  {'class':<{width}}  {'of pixels':>9}  {'pictures':>9}  suggested weight")
        for one in self.classes:
            share = one.pixels / max(1, labelled)
            lines.append(f"  {one.name:<{width}}  {share:>9.3%}  {one.pictures:>9,}  {one.suggested_weight:>16.4g}")
        return "\n".join(lines + closing_lines(self.notes, self.problems))

    def __str__(self) -> str:
        return self.summary()
