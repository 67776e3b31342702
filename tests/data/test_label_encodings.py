"""Label files: what their values mean, against the record; kinds of files; and values that mean nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from golden.cases import assert_close, cases_of
from PIL import Image

from hrnet.data.class_sets import class_set, list_class_sets
from hrnet.data.label_encodings import LabelEncoding, encode_labels, label_encoding, list_encodings
from hrnet.data.label_files import read_label, read_label_values
from hrnet.errors import AnnotationError
from hrnet.structures.class_set import ClassSet

case = cases_of("segmentation_training")

PAIR = ClassSet("pair", ("background", "thing"), colors=((0, 0, 0), (200, 10, 10)))


def encoding(name: str, kind: str) -> LabelEncoding:
    found = label_encoding(class_set(name), kind)
    assert isinstance(found, LabelEncoding)
    return found


def test_cityscapes_is_as_recorded() -> None:
    recorded = case("seg_cityscapes_labels")
    ids = recorded.inputs["label_id"].astype(np.uint8)  # files hold -1, the licence plate, as 255
    labels = encoding("cityscapes", "label_ids").decode(ids[None])[0]
    assert_close(recorded, "train_id", labels)
    back = encode_labels(encoding("cityscapes", "label_ids"), recorded.outputs["inverse_input"].astype(np.uint8))
    assert_close(recorded, "label_id_back", np.where(back == 255, 30, back))  # the record's last ignored id, "of no use"


def test_reduced_and_stuff_labels_are_as_recorded() -> None:
    recorded = case("seg_label_conventions")
    reduced = encoding("ade20k", "from_one").decode(recorded.inputs["label_uint8"])
    assert_close(recorded, "reduced", reduced)
    context = encoding("pascal_context59", "indices60").decode(np.minimum(recorded.inputs["label_uint8"], 59))
    assert_close(recorded, "reduced", context)  # the same rule; no value is above 59
    stuff = encoding("cocostuff", "ids").decode(recorded.inputs["stuff_ids"][None])[0]
    wanted = recorded.outputs["stuff_final"]
    assert (stuff == np.where(wanted < 171, wanted, 255)).all()  # removed ids: 254 in the record, ignored like 255
    assert sorted(set(stuff.tolist())) == [*range(171), 255]


def test_context_has_its_own_numbers() -> None:
    values = np.array([[0, 2, 9, 458, 1, 459]])
    assert encoding("pascal_context60", "context459").decode(values).tolist() == [[0, 1, 2, 59, 0, 0]]
    assert encoding("pascal_context59", "context459").decode(values).tolist() == [[255, 0, 1, 58, 255, 255]]


@pytest.mark.parametrize("name", list_class_sets())
def test_encodings_reverse(name: str) -> None:
    classes = class_set(name)
    labels = np.arange(classes.num_classes, dtype=np.uint8)[None]
    for kind in list_encodings(classes):
        found = label_encoding(classes, kind)
        if isinstance(found, LabelEncoding):
            assert (found.decode(encode_labels(found, labels)) == labels).all()
        else:
            assert (found.decode(np.array([classes.colors])) == labels).all()


def test_values_that_mean_nothing() -> None:
    stuff = encoding("cocostuff", "ids")
    assert stuff.decode(np.array([[255]])).tolist() == [[255]]
    with pytest.raises(AnnotationError, match=r"map: expected .* 0..10 and 255 for 'camvid', got 11 \(2 pixels\).*'void_last'"):
        encoding("camvid", "classes").decode(np.array([[0, 11, 11]]), "map")
    with pytest.raises(AnnotationError, match="got 300"):
        stuff.decode(np.array([[300]]))
    with pytest.raises(AnnotationError, match="got -1"):
        stuff.decode(np.array([[-1]]))
    with pytest.raises(ValueError, match="did you mean 'label_ids'"):
        label_encoding(class_set("cityscapes"), "label_id")
    assert list_encodings(ClassSet("camvid", ("only", "two"))) == ["classes"]  # it has the name alone


def test_negative_ignored_value() -> None:
    classes = ClassSet("many", tuple(map(str, range(300))), ignore_label=-1)
    labels = label_encoding(classes).decode(np.array([[-1, 0, 299]]))
    assert labels.dtype == np.int32
    assert labels.tolist() == [[-1, 0, 299]]


def test_kinds_of_files(tmp_path: Path) -> None:
    values = np.array([[0, 1, 255], [1, 0, 0]], np.uint8)
    palette = Image.fromarray(values, "P")
    palette.putpalette([7, 7, 7] * 256)
    palette.save(tmp_path / "palette.png")
    Image.fromarray(values).save(tmp_path / "plain.png")
    Image.fromarray(values.astype(np.uint16)).save(tmp_path / "deep.png")
    Image.fromarray(np.stack([values] * 3, axis=-1)).save(tmp_path / "grey.png")
    Image.fromarray(values).save(tmp_path / "plain.bmp")
    for file in sorted(tmp_path.iterdir()):
        assert (read_label(file, label_encoding(PAIR)) == values).all(), file.name
    from scipy.io import savemat

    savemat(tmp_path / "map.mat", {"LabelMap": values.astype(np.uint16)})
    assert (read_label(tmp_path / "map.mat", label_encoding(PAIR)) == values).all()


def test_colors(tmp_path: Path) -> None:
    table = np.array([[0, 0, 0], [200, 10, 10], [1, 2, 3]], np.uint8)
    Image.fromarray(table[[[0, 1], [1, 0]]]).save(tmp_path / "map.png")
    by_color = label_encoding(PAIR, "colors")
    assert read_label(tmp_path / "map.png", by_color).tolist() == [[0, 1], [1, 0]]
    with pytest.raises(AnnotationError, match="holds colours; encoding 'colors' reads them"):
        read_label(tmp_path / "map.png", label_encoding(PAIR))
    Image.fromarray(table[[[0, 2]]]).save(tmp_path / "odd.png")
    with pytest.raises(AnnotationError, match=r"1 pixels have colours of no class .*\[1, 2, 3\]"):
        read_label(tmp_path / "odd.png", by_color)
    Image.fromarray(np.zeros((2, 2), np.uint8)).save(tmp_path / "plain.png")
    with pytest.raises(AnnotationError, match="expected colours"):
        read_label(tmp_path / "plain.png", by_color)
    void = label_encoding(class_set("camvid"), "colors")
    assert void.decode(np.zeros((1, 1, 3), np.uint8)).tolist() == [[255]]


def test_broken_files(tmp_path: Path) -> None:
    Image.fromarray(np.random.default_rng(0).integers(0, 2, (40, 40), np.uint8)).save(tmp_path / "whole.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "whole.png").read_bytes()[:150])
    (tmp_path / "text.png").write_text("no picture")
    for name, said in [("cut", "not a readable"), ("text", "not a readable"), ("none", "no such label file")]:
        with pytest.raises(AnnotationError, match=said):
            read_label_values(tmp_path / f"{name}.png")
    with pytest.raises(AnnotationError, match="JPEG changes values"):
        read_label_values(tmp_path / "map.jpg")
    with pytest.raises(AnnotationError, match="more than 100"):
        read_label_values(tmp_path / "whole.png", max_pixels=100)
