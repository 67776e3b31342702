"""Classification data: a folder per class, as ImageNet and most others have it, or a list of files with their classes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hrnet.drawing import PICTURE_SUFFIXES
from hrnet.errors import AnnotationError, nearest_name

_SPLITS = ("train", "training", "val", "valid", "validation", "test")
_SHOWN = 5


@dataclass(frozen=True)
class LabelledPicture:
    """A picture and the number of its class."""

    image: Path
    label: int


@dataclass(frozen=True)
class ClassFolders:
    """Pictures of C classes.

    Attributes:
        name: of the folder or list.
        folder: where the pictures are.
        classes: the C names, sorted unless they were given; a label is a place in them.
        pictures: in the order of their paths, or of the list.
    """

    name: str
    folder: Path
    classes: tuple[str, ...]
    pictures: tuple[LabelledPicture, ...]

    def __len__(self) -> int:
        return len(self.pictures)

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """(C,) pictures of each class."""
        return np.bincount([picture.label for picture in self.pictures], minlength=len(self.classes)).astype(np.int64)

    @property
    def empty_classes(self) -> list[str]:
        """Classes without a picture."""
        return [name for name, count in zip(self.classes, self.counts, strict=True) if count == 0]


def load_class_folders(
    folder: str | os.PathLike[str], classes: Sequence[str] | None = None, listing: str | os.PathLike[str] | None = None
) -> ClassFolders:
    """Read which pictures there are of which class; no picture is opened.

    Args:
        folder: with a folder for each class, in which pictures lie at any depth; hidden files and other kinds of files are
            passed over. With ``listing``, where its paths begin.
        classes: the classes in the order of the labels, such as those of the training part; by default the names of the
            folders, sorted as ImageNet's labels are. Folders of other classes are an error; classes without a folder are
            empty.
        listing: a text file with a path and a class on each line, as for ImageNet's validation pictures, which lie in one
            folder. Classes are names; with ``classes`` numbers as well, which count from 0.

    Raises:
        AnnotationError: there is no such folder or list, no class, no picture, or a class that ``classes`` does not have; the
            message names what was found, or the nearest name.
    """
    root = Path(folder).expanduser()
    if not root.is_dir():
        raise AnnotationError(f"there is no folder {root}; expected one with a folder of pictures for each class")
    if listing is not None:
        return _listed(root, Path(listing).expanduser(), classes)
    found = {entry.name: entry for entry in sorted(root.iterdir()) if entry.is_dir() and not entry.name.startswith(".")}
    _check_layout(root, list(found))
    names = tuple(found) if classes is None else tuple(classes)
    _check_known(root, list(found), names)
    pictures = [
        LabelledPicture(path, label) for label, name in enumerate(names) if name in found for path in _pictures_in(found[name])
    ]
    if not pictures:
        raise AnnotationError(f"the folders of classes in {root} ({_some(list(found))}) hold no pictures")
    return ClassFolders(root.name, root, names, tuple(pictures))


def _pictures_in(folder: Path) -> list[Path]:
    found = (path for path in folder.rglob("*") if path.suffix.lower() in PICTURE_SUFFIXES and path.is_file())
    return sorted(path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts))


def _check_layout(root: Path, found: list[str]) -> None:
    if not found:
        loose = sum(path.suffix.lower() in PICTURE_SUFFIXES for path in root.iterdir())
        hint = f"; {loose} pictures lie in it directly: sort them into folders, or give a listing" if loose else ""
        raise AnnotationError(f"{root} has no folders; expected one for each class, called like it{hint}")
    if found and all(name.lower() in _SPLITS for name in found):
        raise AnnotationError(f"{root} holds splits, not classes: give {root / found[0]}")


def _check_known(root: Path, found: list[str], names: tuple[str, ...]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if twice:
        raise AnnotationError(f"classes are named twice: {_some(twice)}")
    known = set(names)
    if unknown := [name for name in found if name not in known]:
        count = "a class" if len(unknown) == 1 else f"{len(unknown)} classes"
        raise AnnotationError(
            f"{root} has {count} that {'is' if len(unknown) == 1 else 'are'} not among the {len(names)} expected: "
            f"{_some(unknown)}; {nearest_name(unknown[0], names[:200])}"
        )


def _listed(root: Path, file: Path, classes: Sequence[str] | None) -> ClassFolders:
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise AnnotationError(f"the listing {file} cannot be read: {error}") from error
    entries: list[tuple[int, str, str]] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        path, separator, name = line.strip().replace("\t", " ").rpartition(" ")  # paths may have spaces, classes have none
        if not separator or not path.strip():
            raise AnnotationError(f"{file}, line {number}: expected a path and a class, got {line.strip()!r}")
        entries.append((number, path.strip(), name))
    if not entries:
        raise AnnotationError(f"the listing {file} names no picture")
    given = [name for _, _, name in entries]
    if classes is None and all(name.isdecimal() for name in given):
        raise AnnotationError(f"{file} numbers its classes: say their names in order (classes), which the list does not tell")
    names = tuple(sorted(set(given))) if classes is None else tuple(classes)
    _check_known(file, [], names)
    labels = {name: label for label, name in enumerate(names)}
    pictures = []
    for number, path, name in entries:
        label = labels.get(name)
        if label is None and name.isdecimal() and int(name) < len(names):
            label = int(name)
        if label is None:
            raise AnnotationError(
                f"{file}, line {number}: no class {name!r} among the {len(names)}; {nearest_name(name, names[:200])}"
            )
        pictures.append(LabelledPicture(root / path, label))
    return ClassFolders(file.name, root, names, tuple(pictures))


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
