"""What is written for segmented pictures and videos."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hrnet.data.class_sets import class_set
from hrnet.inference.segmentation_writer import SegmentationWriter, label_values
from hrnet.inference.sources import Frame
from hrnet.structures.class_set import ClassSet
from hrnet.structures.segmentation_result import SegmentationResult

CITY = class_set("cityscapes")


def result(classes: np.ndarray) -> SegmentationResult:
    return SegmentationResult(classes, CITY, classes.shape)  # pyright: ignore[reportArgumentType]


@pytest.fixture
def frame() -> Frame:
    return Frame(image=np.zeros((40, 60, 3), np.uint8), name="street.jpg", index=0, path=Path("street.jpg"))


def test_files(tmp_path: Path, frame: Frame) -> None:
    classes = np.full((40, 60), 13)
    classes[:20] = 255
    with SegmentationWriter(tmp_path / "out", colors=True, encoding="label_ids") as writer:
        writer.write(frame, result(classes))
    assert sorted(path.name for path in writer.written) == [
        "street.jpg",
        "street.json",
        "street_colors.png",
        "street_labels.png",
    ]
    with Image.open(tmp_path / "out" / "street_labels.png") as labels:
        assert set(np.unique(np.asarray(labels)).tolist()) == {26, 255}
    with Image.open(tmp_path / "out" / "street_colors.png") as colors:
        assert colors.convert("RGB").getpixel((5, 30)) == (0, 0, 142)
    saved = json.loads((tmp_path / "out" / "street.json").read_text())
    assert saved["legend"] == {"car": 0.5}


def test_less_is_written_where_less_is_asked_for(tmp_path: Path, frame: Frame) -> None:
    with SegmentationWriter(tmp_path / "out", save_images=False, save_json=False) as writer:
        writer.write(frame, result(np.zeros((40, 60), int)))
    (only,) = writer.written
    with Image.open(only) as labels:
        assert labels.mode == "P"


def test_refusals(tmp_path: Path) -> None:
    assert label_values(CITY, "label_ids")[13] == 26
    with pytest.raises(ValueError, match="no encoding 'label_id'; did you mean 'label_ids'"):
        label_values(CITY, "label_id")
    with pytest.raises(ValueError, match="'colors' has no value per class"):
        label_values(ClassSet("two", ("a", "b"), ((0, 0, 0), (1, 1, 1))), "colors")
    with pytest.raises(ValueError, match=r"opacity must lie in 0\.\.1, got 2"):
        SegmentationWriter(tmp_path, opacity=2)
