"""Segmentation data sets: pictures with a label map each, found by the names that data sets give their files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hrnet.data.class_sets import class_set as known_class_set
from hrnet.data.class_sets import read_class_file
from hrnet.data.label_encodings import ColorEncoding, LabelEncoding, LabelMap, label_encoding
from hrnet.data.label_files import LABEL_SUFFIXES, read_label
from hrnet.drawing import PICTURE_SUFFIXES
from hrnet.errors import AnnotationError, nearest_name
from hrnet.structures.class_set import ClassSet


@dataclass(frozen=True)
class SegmentationFormat:
    """How a published data set names its files and encodes its labels.

    Attributes:
        class_set: its classes; None where they must be said.
        encoding: of its label files.
        image_ending, label_endings: what follows the common part of the names, without the suffix of the file.
        listed: label maps exist for part of the pictures, which a list names.
        hint: the folders of the official archive.
    """

    class_set: str | None
    encoding: str = "classes"
    image_ending: str = ""
    label_endings: tuple[str, ...] = ("",)
    listed: bool = False
    hint: str = ""


SEGMENTATION_FORMATS: Mapping[str, SegmentationFormat] = {
    "folders": SegmentationFormat(None),
    "cityscapes": SegmentationFormat(
        "cityscapes", "label_ids", "_leftImg8bit", ("_gtFine_labelIds", "_gtCoarse_labelIds"),
        hint="leftImg8bit/train and gtFine/train",
    ),
    "cityscapes_train_ids": SegmentationFormat(
        "cityscapes", "classes", "_leftImg8bit", ("_gtFine_labelTrainIds", "_gtCoarse_labelTrainIds"),
        hint="leftImg8bit/train and gtFine/train",
    ),
    "pascal_context59": SegmentationFormat(
        "pascal_context59", "context459", listed=True, hint="JPEGImages and the folder of the .mat files"
    ),
    "pascal_context60": SegmentationFormat(
        "pascal_context60", "context459", listed=True, hint="JPEGImages and the folder of the .mat files"
    ),
    "lip": SegmentationFormat("lip", hint="train_images and train_segmentations"),
    "ade20k": SegmentationFormat("ade20k", "from_one", hint="images/training and annotations/training"),
    "cocostuff": SegmentationFormat("cocostuff", "stuffthingmaps", hint="train2017 and stuffthingmaps/train2017"),
    "cocostuff10k": SegmentationFormat("cocostuff", "ids", listed=True, hint="images and annotations (.mat)"),
    "camvid": SegmentationFormat("camvid", "classes", "", ("", "_L"), hint="images/train and labels/train"),
    "voc": SegmentationFormat("voc", listed=True, hint="JPEGImages, SegmentationClass, ImageSets/Segmentation/train.txt"),
}  # fmt: skip
"""Formats by the name that recipes and `load_segmentation_dataset` take."""


@dataclass(frozen=True)
class SegmentationPair:
    """A picture and the file of its label map."""

    image: Path
    label: Path


@dataclass(frozen=True)
class SegmentationDataset:
    """Pictures with label maps, in the order of their names or of the list.

    Attributes:
        name: for people to read.
        format: one of `SEGMENTATION_FORMATS`.
        encoding: of the label files, with the class set.
        pairs: what is complete.
        without_label, without_picture: files that found no partner; empty unless they were asked for.
    """

    name: str
    format: str
    encoding: LabelEncoding | ColorEncoding
    pairs: tuple[SegmentationPair, ...]
    without_label: tuple[Path, ...] = field(default=(), repr=False)
    without_picture: tuple[Path, ...] = field(default=(), repr=False)

    @property
    def class_set(self) -> ClassSet:
        return self.encoding.class_set

    def __len__(self) -> int:
        return len(self.pairs)

    def label(self, index: int) -> LabelMap:
        """The label map (H, W) of pair ``index``. Raises AnnotationError for a broken file or values that mean nothing."""
        return read_label(self.pairs[index].label, self.encoding)


def load_segmentation_dataset(
    images: str | Path,
    labels: str | Path,
    format: str = "folders",
    class_set: ClassSet | str | Path | None = None,
    encoding: str | None = None,
    names: str | Path | Iterable[str] | None = None,
    allow_unpaired: bool = False,
) -> SegmentationDataset:
    """Find the pairs of a segmentation data set; no picture is opened.

    Args:
        images, labels: folders, searched with all the folders in them.
        format: one of `SEGMENTATION_FORMATS`; ``"folders"`` pairs files of the same name in the same folders.
        class_set: a set, a name of `hrnet.data.class_sets.list_class_sets`, or a class file (`read_class_file`); by default the
            format's, or for ``"folders"`` a ``classes.txt`` in the folder of the labels or up to two above it.
        encoding: of the label files, where it is not the usual one of the format.
        names: which pairs to take: a list, or a text file with one name per line.
        allow_unpaired: collect files without a partner instead of refusing them.

    Raises:
        ValueError: there is no such format, class set or encoding; the message names the nearest.
        AnnotationError: a folder is missing, files have no partner, or nothing was found.
    """
    if format not in SEGMENTATION_FORMATS:
        raise ValueError(f"no segmentation format is called {format!r}; {nearest_name(format, SEGMENTATION_FORMATS)}")
    kind = SEGMENTATION_FORMATS[format]
    image_folder, label_folder = Path(images), Path(labels)
    classes = _class_set(class_set if class_set is not None else kind.class_set, label_folder)
    usual = kind.encoding if classes.name == kind.class_set else "classes"
    chosen = label_encoding(classes, encoding or usual)
    pictures = _files(image_folder, PICTURE_SUFFIXES, (kind.image_ending,), kind)
    maps = _files(label_folder, LABEL_SUFFIXES, kind.label_endings, kind)
    wanted = _read_names(names)
    if wanted is None:
        keys = sorted(set(pictures) & set(maps))
        lone_pictures = [path for key, path in sorted(pictures.items()) if key not in maps]
    else:
        keys = [key for key in wanted if key in pictures and key in maps]
        lone_pictures = [pictures[key] for key in wanted if key in pictures and key not in maps]
    listed = set(wanted or ())
    lone_maps = [path for key, path in sorted(maps.items()) if key not in pictures and (wanted is None or key in listed)]
    if not allow_unpaired:
        _refuse_unpaired(lone_pictures, lone_maps, kind, image_folder, label_folder)
        if absent := [key for key in wanted or () if key not in pictures and key not in maps]:
            raise AnnotationError(f"{image_folder}: {len(absent)} names of the list are not there, such as {absent[0]!r}")
    if not keys and not (allow_unpaired and (lone_pictures or lone_maps)):
        raise AnnotationError(f"{image_folder}, {label_folder}: no picture has a label map of the same name{_expected(kind)}")
    pairs = tuple(SegmentationPair(pictures[key], maps[key]) for key in keys)
    name = f"{label_folder.parent.name}/{label_folder.name}"
    return SegmentationDataset(name, format, chosen, pairs, tuple(lone_pictures), tuple(lone_maps))


def _class_set(given: ClassSet | str | Path | None, labels: Path) -> ClassSet:
    if isinstance(given, ClassSet):
        return given
    if given is None:
        files = [folder / "classes.txt" for folder in (labels, *list(labels.parents)[:2])]
        found = next((file for file in files if file.is_file()), None)
        if found is None:
            raise ValueError(f"name the classes of {labels}: a class set or a class file (looked for {files[0]} and above it)")
        return read_class_file(found)
    if isinstance(given, Path) or given.endswith(".txt"):
        return read_class_file(given)
    return known_class_set(given)


def _files(folder: Path, suffixes: Sequence[str], endings: Sequence[str], kind: SegmentationFormat) -> dict[str, Path]:
    """Files by the common part of their names, with the folders they lie in."""
    if not folder.is_dir():
        raise AnnotationError(f"{folder}: there is no such folder{_expected(kind)}")
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in suffixes or path.name.startswith("."):
            continue
        name = path.relative_to(folder).with_suffix("").as_posix()
        ending = next((ending for ending in sorted(endings, key=len, reverse=True) if name.endswith(ending)), None)
        if ending is None:
            continue
        key = name[: len(name) - len(ending)]
        if key in found:
            raise AnnotationError(f"{folder}: {found[key].name} and {path.name} have the same name {key!r}; keep one of them")
        found[key] = path
    return found


def _read_names(names: str | Path | Iterable[str] | None) -> list[str] | None:
    if names is None:
        return None
    if isinstance(names, (str, Path)):
        try:
            lines = Path(names).read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise AnnotationError(f"{names}: the list of names cannot be read: {error}") from error
        # "name", "folder/name.jpg", or "folder/name.jpg folder/name.png"
        names = [line.split()[0] for line in lines if line.strip() and not line.startswith("#")]
    cleaned = [
        Path(name).with_suffix("").as_posix() if Path(name).suffix.lower() in PICTURE_SUFFIXES else name for name in names
    ]
    if not cleaned:
        raise AnnotationError("the list of names is empty")
    return list(dict.fromkeys(cleaned))


def _refuse_unpaired(
    lone_pictures: Sequence[Path], lone_maps: Sequence[Path], kind: SegmentationFormat, images: Path, labels: Path
) -> None:
    if lone_pictures:
        listed = "; give the list of names that have one (names)" if kind.listed else ""
        raise AnnotationError(
            f"{len(lone_pictures)} pictures in {images} have no label map in {labels}, such as {lone_pictures[0].name}"
            f"{listed}{_expected(kind)}"
        )
    if lone_maps:
        raise AnnotationError(
            f"{len(lone_maps)} label maps in {labels} have no picture in {images}, such as {lone_maps[0].name}{_expected(kind)}"
        )


def _expected(kind: SegmentationFormat) -> str:
    if not kind.hint:
        return ""
    endings = f", files *{kind.image_ending} and *{' or *'.join(kind.label_endings)}" if kind.image_ending else ""
    return f" (expected: {kind.hint}{endings})"
