"""Are class folders sound: counts, what cannot be read, and the same pictures in several classes or parts."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from hrnet.data.class_folder_report import ClassCount, ClassFolderReport, RepeatedPicture
from hrnet.data.datasets.class_folders import ClassFolders, load_class_folders
from hrnet.data.picture_check import PictureFacts, examine_pictures, find_duplicates, find_repeats, size_quantiles


def inspect_class_folders(
    folder: str | os.PathLike[str],
    against: Sequence[str | os.PathLike[str]] | str | os.PathLike[str] = (),
    check_images: bool = True,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> ClassFolderReport:
    """Check pictures in class folders; every picture is opened once.

    Args:
        folder: with a folder for each class.
        against: other parts, to compare classes with and to look for the same pictures in.
        check_images: False to look at names and numbers only.
        progress: called with (done, all) pictures of each part.

    Raises:
        AnnotationError: a folder is not there, or has no classes or no pictures.
    """
    dataset = load_class_folders(folder)
    paths = [against] if isinstance(against, (str, os.PathLike)) else list(against)
    others = [load_class_folders(path) for path in paths]
    names = [part.name if part.name != dataset.name else str(part.folder) for part in others]
    report = ClassFolderReport(dataset.name, _counts(dataset, others), names)
    known = set(dataset.classes)
    for name, part in zip(names, others, strict=True):
        if unknown := [entry for entry in part.classes if entry not in known]:
            report.unknown_classes[name] = unknown
    if check_images:
        facts = _examine(dataset, progress)
        _judge(report, dataset, facts)
        for name, part in zip(names, others, strict=True):
            same, alike = find_duplicates(facts, _examine(part, progress))
            report.same_pictures += _repeated(same, dataset, part, name)
            report.similar_pictures += _repeated(alike, dataset, part, name)
    return report


def _counts(dataset: ClassFolders, others: Sequence[ClassFolders]) -> list[ClassCount]:
    elsewhere = [dict(zip(part.classes, part.counts.tolist(), strict=True)) for part in others]
    return [
        ClassCount(name, count, tuple(counts.get(name, 0) for counts in elsewhere))
        for name, count in zip(dataset.classes, dataset.counts.tolist(), strict=True)
    ]


def _examine(dataset: ClassFolders, progress: Callable[[int, int], None] | None) -> list[PictureFacts]:
    return examine_pictures([picture.image for picture in dataset.pictures], progress=progress)


def _judge(report: ClassFolderReport, dataset: ClassFolders, facts: list[PictureFacts]) -> None:
    report.checked_images = True
    report.unreadable_pictures = [(_short(entry.path, dataset), str(entry.error)) for entry in facts if entry.error]
    report.image_heights, report.image_widths = size_quantiles(facts)
    report.repeated_pictures = _repeated(find_repeats(facts), dataset, dataset, None)


def _repeated(
    pairs: Sequence[tuple[Path, Path]], one: ClassFolders, two: ClassFolders, part: str | None
) -> list[RepeatedPicture]:
    first, second = ({picture.image: dataset.classes[picture.label] for picture in dataset.pictures} for dataset in (one, two))
    return [RepeatedPicture(_short(a, one), _short(b, two), first[a], second[b], part) for a, b in pairs]


def _short(path: Path, dataset: ClassFolders) -> str:
    return path.relative_to(dataset.folder).as_posix()
