"""A network that makes no mistake gives keypoints on the marks: crop, codec, flip test and the way back agree."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inference.builders import PLACES, draw_marks, mark_task

from hrnet.codecs.specification import CodecName
from hrnet.inference.top_down import PosePredictor

INPUT = (128, 96)
# Allowed error in pixels of the crop, plain and with the flip test. A heatmap pixel is four of them. The reference's marks
# sit on whole heatmap pixels; and its mirrored maps lie a quarter of a heatmap pixel off, which UDP mends.
TOLERANCES = {
    "quarter_offset": (2.8, 4.0),
    "quarter_offset_mmpose": (2.8, 4.0),
    "dark": (0.3, 0.8),
    "udp": (0.3, 0.3),
    "udp_combined": (0.3, 0.3),
}

box_places = st.tuples(st.floats(0, 1), st.floats(0, 1))
box_heights = st.floats(50, 190)
box_aspects = st.floats(0.5, 2)


@pytest.mark.parametrize("flip_test", [False, True])
@pytest.mark.parametrize("codec", TOLERANCES)  # those of published face networks are in test_faces.py
@given(place=box_places, height=box_heights, aspect=box_aspects)
@settings(max_examples=6)
def test_keypoints_lie_on_the_marks(
    codec: CodecName, flip_test: bool, place: tuple[float, float], height: float, aspect: float
) -> None:
    task = mark_task(codec, INPUT)
    width = height * aspect
    picture = np.zeros((200, 400, 3), np.uint8)
    left, top = (at * (side - length) for at, side, length in zip(place, (400, 200), (width, height), strict=True))
    box = np.array([left, top, left + width, top + height])
    crop_scale = max(width / INPUT[1], height / INPUT[0]) * 1.25  # picture pixels per crop pixel
    marks = box[:2] + PLACES * (width, height)
    draw_marks(picture, marks, max(1.0, 1.5 * crop_scale))
    result = PosePredictor(task, flip_test=flip_test)(picture, box[None])
    errors = np.abs(result[0].keypoints[0] - marks).max()  # type: ignore[index,union-attr]
    assert errors <= TOLERANCES[codec][flip_test] * crop_scale + 0.15
