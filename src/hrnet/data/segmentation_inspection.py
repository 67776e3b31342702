"""Is a segmentation data set sound, and what is in it: counts, label traps, faults, and duplicates across splits."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hrnet.data.class_frequency import ClassFrequency, frequency_of_counts
from hrnet.data.datasets.segmentation import SegmentationDataset, SegmentationPair
from hrnet.data.images import image_size, read_image, write_image
from hrnet.data.label_encodings import ColorEncoding, LabelEncoding, list_encodings
from hrnet.data.label_files import read_label, read_label_values
from hrnet.data.picture_check import PictureFacts, examine_pictures, find_duplicates, find_repeats
from hrnet.data.segmentation_report import ClassCount, SegmentationReport
from hrnet.data.threads import map_in_threads
from hrnet.drawing import contact_sheet
from hrnet.errors import AnnotationError, ImageError
from hrnet.structures.class_overlay import draw_classes

_QUICK_MAPS = 48


@dataclass(frozen=True)
class LabelFacts:
    """What one look at a label map tells.

    Attributes:
        path: the file.
        size: (height, width), or None where it cannot be read.
        values: pixels by value as the file has them; empty where the file holds colours.
        pixels: (C,) pixels of the classes.
        ignored: pixels that count nowhere.
        error: why it cannot be read, or None.
        unknown: what is said about values that mean nothing, or None.
    """

    path: Path
    size: tuple[int, int] | None
    values: dict[int, int]
    pixels: NDArray[np.int64]
    ignored: int = 0
    error: str | None = None
    unknown: str | None = None


def inspect_segmentation_dataset(
    dataset: SegmentationDataset,
    against: SegmentationDataset | Sequence[SegmentationDataset] = (),
    check_images: bool = True,
    *,
    sheet: str | os.PathLike[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> SegmentationReport:
    """Check a segmentation data set; every picture and every label map is opened once.

    Args:
        dataset: load it with ``allow_unpaired`` to have files without a partner reported.
        against: other splits, to look for the same pictures in.
        check_images: False to open the label maps only, and of pictures nothing but the header.
        sheet: picture file to write `draw_sheet` to.
        progress: called with (done, all) files.

    Raises:
        OSError: the sheet cannot be written.
    """
    others = [against] if isinstance(against, SegmentationDataset) else list(against)
    report = SegmentationReport(
        name=dataset.name,
        format=dataset.format,
        class_set=dataset.class_set.name,
        encoding=dataset.encoding.name,
        pictures=len(dataset),
        without_label=[str(path) for path in dataset.without_label],
        without_picture=[str(path) for path in dataset.without_picture],
    )
    labels = examine_labels(dataset, progress)
    _judge_labels(report, dataset, labels)
    images = [pair.image for pair in dataset.pairs]
    if check_images:
        facts = examine_pictures(images, progress=progress)
        _judge_pictures(report, facts)
        sizes = [(one.path, one.size) for one in facts]
        for other in others:
            same, alike = find_duplicates(facts, examine_pictures([pair.image for pair in other.pairs], progress=progress))
            report.same_pictures += [(str(one), str(two)) for one, two in same]
            report.similar_pictures += [(str(one), str(two)) for one, two in alike]
            report.compared_with.append(other.name)
    else:
        sizes = [(path, _size_or_none(path)) for path in images]
    for (path, size), label in zip(sizes, labels, strict=True):
        if size is not None and label.size is not None and size != label.size:
            report.wrong_sizes.append((str(label.path), _size_fault(path, size, label.size)))
    report.image_sizes = dict(Counter(f"{size[1]} x {size[0]}" for _, size in sizes if size).most_common())
    if sheet is not None:
        write_image(sheet, draw_sheet(dataset))
    return report


def quick_problems(dataset: SegmentationDataset, maps: int = _QUICK_MAPS) -> list[str]:
    """What looks wrong about the label maps, by ``maps`` of them, spread evenly: for the start of a training.

    Classes that these do not have are no problem; values that mean nothing, other sizes than the pictures', broken files,
    and the usual traps are.
    """
    chosen = np.unique(np.linspace(0, len(dataset) - 1, min(maps, len(dataset))).round().astype(int))
    part = SegmentationDataset(dataset.name, dataset.format, dataset.encoding, tuple(dataset.pairs[i] for i in chosen))
    facts = examine_labels(part)
    problems = label_traps(part, facts)
    for pair, label in zip(part.pairs, facts, strict=True):
        fault = label.error or label.unknown or _other_size(pair, label)
        if fault is not None:
            problems.append(fault if str(label.path) in fault else f"{label.path}: {fault}")
            break  # one shows what is wrong; an inspection lists all
    return problems


def examine_labels(dataset: SegmentationDataset, progress: Callable[[int, int], None] | None = None) -> list[LabelFacts]:
    """Read every label map, in threads. ``progress`` is called with (done, all) after each."""
    return map_in_threads(lambda pair: _examine(pair, dataset.encoding), dataset.pairs, progress)


def label_traps(dataset: SegmentationDataset, facts: Sequence[LabelFacts]) -> list[str]:
    """What label maps of another encoding look like; empty where nothing does."""
    encoding, classes = dataset.encoding, dataset.class_set
    values = Counter[int]()
    for one in facts:
        values.update(one.values)
    if isinstance(encoding, ColorEncoding) or not values:
        return []
    found = []
    # A few odd values in one file are a fault of that file; half of all files holding them is another encoding.
    unknown = encoding.unknown_values(values)
    affected = sum(one.unknown is not None for one in facts)
    if unknown and affected * 2 > len(facts):
        odd = np.array(sorted(unknown))
        found.append(f"most label maps have values that mean nothing: {encoding.describe_unknown(odd)}")
    last = classes.num_classes
    if encoding.name == "classes" and 0 not in values and last in values:
        found.append(
            f"the values run from 1 to {last}, classes are counted from 0: subtract 1, or use an encoding that does "
            f"({', '.join(list_encodings(classes)[1:]) or 'none is known for these classes'})"
        )
    if classes.ignore_label in values and set(values) - {classes.ignore_label} == {0} and classes.num_classes > 1:
        found.append(
            f"the only values are 0 and {classes.ignore_label}, which is ignored: a mask has to be stored as 0 and 1, "
            "otherwise everything is background"
        )
    elif len(values) == 1 and classes.num_classes > 1:
        found.append(f"all pixels of all label maps have the value {next(iter(values))}")
    return found


def draw_sheet(
    dataset: SegmentationDataset, count: int = 12, columns: int = 3, cell: tuple[int, int] = (240, 320)
) -> NDArray[np.uint8]:
    """Pictures of a data set with their labels drawn over, spread evenly, on one sheet; unreadable ones are passed over.

    Raises:
        ImageError: none could be read.
    """
    cells, captions = [], []
    for index in np.unique(np.linspace(0, max(0, len(dataset) - 1), min(count, len(dataset))).round().astype(int)):
        pair = dataset.pairs[index]
        try:
            cells.append(draw_classes(read_image(pair.image), dataset.label(index), dataset.class_set))
        except (ImageError, AnnotationError, ValueError):
            continue
        captions.append(pair.image.name)
    if not cells:
        raise ImageError(f"{dataset.name}: no picture could be read together with its label map")
    return contact_sheet(cells, columns, cell, captions)


def _examine(pair: SegmentationPair, encoding: LabelEncoding | ColorEncoding) -> LabelFacts:
    classes = encoding.class_set
    nothing = np.zeros(classes.num_classes, np.int64)
    try:
        values = read_label_values(pair.label)
    except AnnotationError as error:
        return LabelFacts(pair.label, None, {}, nothing, error=str(error))
    size = values.shape[0], values.shape[1]
    if values.ndim == 3 or isinstance(encoding, ColorEncoding):
        return _examine_colors(pair, encoding, size, nothing)
    counts = _count_values(values)
    unknown = encoding.unknown_values(counts)
    pixels, ignored = nothing.copy(), 0
    for value, number in counts.items():
        index = encoding.values.get(value)
        if index is not None and value != classes.ignore_label:
            pixels[index] += number
        elif value not in unknown:
            ignored += number
    fault = encoding.describe_unknown(np.repeat(list(unknown), list(unknown.values()))) if unknown else None
    return LabelFacts(pair.label, size, counts, pixels, ignored, None, fault)


def _examine_colors(
    pair: SegmentationPair, encoding: LabelEncoding | ColorEncoding, size: tuple[int, int], nothing: NDArray[np.int64]
) -> LabelFacts:
    try:
        label = read_label(pair.label, encoding)
    except AnnotationError as error:
        return LabelFacts(pair.label, size, {}, nothing, unknown=str(error))
    known = label[label != encoding.class_set.ignore_label]
    pixels = np.bincount(known, minlength=len(nothing)).astype(np.int64)
    return LabelFacts(pair.label, size, {}, pixels, label.size - known.size)


def _count_values(values: NDArray[np.integer]) -> dict[int, int]:
    if values.dtype == np.uint8:
        counts = np.bincount(values.ravel(), minlength=256)
        return {int(value): int(counts[value]) for value in np.flatnonzero(counts)}
    found, counts = np.unique(values, return_counts=True)
    return dict(zip(found.tolist(), counts.tolist(), strict=True))


def _judge_labels(report: SegmentationReport, dataset: SegmentationDataset, facts: Sequence[LabelFacts]) -> None:
    report.unreadable_labels = [(str(one.path), one.error) for one in facts if one.error is not None]
    report.unknown_values = [(str(one.path), one.unknown) for one in facts if one.unknown is not None]
    report.wholly_ignored = [str(one.path) for one in facts if one.ignored and not one.pixels.any() and one.unknown is None]
    report.label_traps = label_traps(dataset, facts)
    frequency = _frequency(facts)
    report.ignored_pixels, report.total_pixels = frequency.ignored, frequency.total
    weights = frequency.median_frequency_weights()
    report.classes = [
        ClassCount(name, int(frequency.pixels[index]), int(frequency.pictures[index]), weights[index])
        for index, name in enumerate(dataset.class_set.classes)
    ]


def _frequency(facts: Sequence[LabelFacts]) -> ClassFrequency:
    read = [one for one in facts if one.error is None]
    if not read:
        count = len(facts[0].pixels) if facts else 1
        return frequency_of_counts([np.zeros(count, np.int64)], 0)
    return frequency_of_counts([one.pixels for one in read], sum(one.ignored for one in read))


def _judge_pictures(report: SegmentationReport, facts: Sequence[PictureFacts]) -> None:
    report.missing_pictures = [str(one.path) for one in facts if one.missing]
    report.unreadable_pictures = [(str(one.path), str(one.error)) for one in facts if one.error and not one.missing]
    report.repeated_pictures = [(str(one), str(two)) for one, two in find_repeats(facts)]
    report.checked_images = True


def _other_size(pair: SegmentationPair, label: LabelFacts) -> str | None:
    size = _size_or_none(pair.image)
    return None if size is None or label.size is None or size == label.size else _size_fault(pair.image, size, label.size)


def _size_fault(picture: Path, size: tuple[int, int], label: tuple[int, int]) -> str:
    return f"{label[1]} x {label[0]}, its picture {picture.name} is {size[1]} x {size[0]}"


def _size_or_none(path: Path) -> tuple[int, int] | None:
    try:
        return image_size(path)
    except ImageError:
        return None
