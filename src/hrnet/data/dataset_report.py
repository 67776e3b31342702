"""What an inspection of a pose data set found."""

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


class JointCount(NamedTuple):
    """How often a keypoint is labelled (visible or hidden), and how often visible."""

    name: str
    labelled: int
    visible: int


@dataclass
class DatasetReport:
    """Counts and faults of a pose data set. Lists hold paths as text; `summary` shortens them, `to_dict` does not.

    Attributes:
        people, pictures: usable people, and pictures that have any.
        keypoints: counts of each keypoint.
        flip_pairs, skeleton: as names.
        has_sigmas: whether OKS can be computed.
        warnings: what the parser had to say.
        checked_images: whether pictures were opened; all below is empty otherwise.
        image_heights, image_widths: quantiles in pixels, by ``"0%"`` .. ``"100%"``.
        missing_pictures, unreadable_pictures, wrong_sizes: faults, with the reason.
        degenerate_boxes, boxes_outside, boxes_sticking_out: boxes without extent, wholly outside, partly outside the picture.
        keypoints_outside, people_with_keypoints_outside: labelled keypoints outside the picture.
        repeated_pictures: pairs of files of the same content within the set.
        same_pictures, similar_pictures: pairs of equal and of similar pictures here and in the splits of ``compared_with``.
    """

    name: str
    format: str
    keypoint_set: str
    people: int
    pictures: int
    keypoints: list[JointCount]
    flip_pairs: list[tuple[str, str]]
    skeleton: list[tuple[str, str]]
    has_sigmas: bool
    warnings: list[str] = field(default_factory=list)
    checked_images: bool = False
    image_heights: dict[str, float] = field(default_factory=dict)
    image_widths: dict[str, float] = field(default_factory=dict)
    missing_pictures: list[str] = field(default_factory=list)
    unreadable_pictures: list[tuple[str, str]] = field(default_factory=list)
    wrong_sizes: list[tuple[str, str]] = field(default_factory=list)
    degenerate_boxes: int = 0
    boxes_outside: int = 0
    boxes_sticking_out: int = 0
    keypoints_outside: int = 0
    people_with_keypoints_outside: int = 0
    repeated_pictures: list[tuple[str, str]] = field(default_factory=list)
    same_pictures: list[tuple[str, str]] = field(default_factory=list)
    similar_pictures: list[tuple[str, str]] = field(default_factory=list)
    compared_with: list[str] = field(default_factory=list)

    @property
    def problems(self) -> list[str]:
        """What should be mended before training, a sentence each."""
        found = list(self.warnings)
        if self.people == 0:
            found.append("there are no usable people")
        never = [joint.name for joint in self.keypoints if joint.labelled == 0]
        if never and self.people:
            found.append(f"{len(never)} keypoints are never labelled: {some(never)}")
        if self.missing_pictures:
            found.append(f"{len(self.missing_pictures)} of {self.pictures} pictures are missing: {some(self.missing_pictures)}")
        if self.unreadable_pictures:
            listed = some(with_reasons(self.unreadable_pictures))
            found.append(f"{len(self.unreadable_pictures)} pictures cannot be read: {listed}")
        if self.wrong_sizes:
            listed = some(with_reasons(self.wrong_sizes))
            found.append(f"{len(self.wrong_sizes)} pictures have another size than the annotations say: {listed}")
        if self.degenerate_boxes:
            found.append(f"{self.degenerate_boxes} boxes are empty or reversed")
        if self.boxes_outside:
            found.append(f"{self.boxes_outside} boxes lie outside their picture")
        found += overlap(self.same_pictures, "the same as", self.compared_with)
        return found + overlap(self.similar_pictures, "nearly the same as", self.compared_with)

    @property
    def notes(self) -> list[str]:
        """What is worth knowing but usual."""
        found = []
        if self.boxes_sticking_out:
            found.append(f"{self.boxes_sticking_out} boxes reach beyond their picture")
        if self.keypoints_outside:
            people = self.people_with_keypoints_outside
            found.append(f"{self.keypoints_outside} labelled keypoints of {people} people lie outside their picture")
        if self.repeated_pictures:
            count = counted(self.repeated_pictures, "picture repeats", "pictures repeat")
            found.append(f"{count} another: {pairs_of_files(self.repeated_pictures)}")
        if not self.has_sigmas:
            found.append(f"the keypoint set {self.keypoint_set!r} has no sigmas, which OKS (COCO AP) needs")
        if not self.skeleton:
            found.append("there is no skeleton: keypoints are drawn as dots")
        overlaps = bool(self.same_pictures or self.similar_pictures)
        return found + comparison_notes(self.compared_with, overlaps, self.checked_images)

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain data for JSON, with ``problems`` and ``notes``."""
        plain = asdict(self)
        plain["keypoints"] = [joint._asdict() for joint in self.keypoints]
        return plain | {"problems": self.problems, "notes": self.notes}

    def summary(self) -> str:
        """Text of a screen or two."""
        lines = [
            f"{self.name} ({self.format})",
            f"  people             {self.people:,} in {self.pictures:,} pictures",
            f"  keypoint set       {self.keypoint_set}: {len(self.keypoints)} keypoints, {len(self.flip_pairs)} flip pairs, "
            f"{len(self.skeleton)} limbs, OKS sigmas {'known' if self.has_sigmas else 'unknown'}",
        ]
        lines += size_lines(self.image_heights, self.image_widths)
        width = max(len(joint.name) for joint in self.keypoints)
        lines.append(f"  {'keypoint':<{width}}  {'labelled':>9} {'':>6}  {'visible':>9}  mirrored to")
        mirrors = dict(self.flip_pairs) | {two: one for one, two in self.flip_pairs}
        for joint in self.keypoints:
            share = joint.labelled / self.people if self.people else 0.0
            mirror = mirrors.get(joint.name, "-")
            lines.append(f"  {joint.name:<{width}}  {joint.labelled:>9,} {share:>6.1%}  {joint.visible:>9,}  {mirror}")
        return "\n".join(lines + closing_lines(self.notes, self.problems))

    def __str__(self) -> str:
        return self.summary()
