"""Keypoint files rewritten for another keypoint set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hrnet.data.keypoint_sets import keypoint_set

ROOT = Path(__file__).parents[2]


def test_keypoints_of_the_same_name_move_to_their_places(script: Any) -> None:
    coco, lsp = keypoint_set("coco"), keypoint_set("lsp")
    keypoints = [number for place in range(17) for number in (place, 10 * place, 2)]
    content = {
        "categories": [{"id": 1, "keypoints": list(coco.keypoints)}],
        "annotations": [{"id": 1, "keypoints": keypoints, "num_keypoints": 17}, {"id": 2, "iscrowd": 1}],
    }
    shared = script.relabel(content, lsp)
    assert len(shared) == 12
    assert {"neck", "head_top"}.isdisjoint(shared)
    found = content["annotations"][0]
    assert found["num_keypoints"] == 12
    for place, name in enumerate(lsp.keypoints):
        old = coco.keypoints.index(name) if name in coco.keypoints else None
        expected = [0, 0, 0] if old is None else [old, 10 * old, 2]
        assert found["keypoints"][3 * place : 3 * place + 3] == expected


def test_sets_without_a_common_keypoint(script: Any) -> None:
    content = {"categories": [{"id": 1, "keypoints": ["tail"]}], "annotations": []}
    with pytest.raises(ValueError, match="lsp has no keypoint of the file"):
        script.relabel(content, keypoint_set("lsp"))
    with pytest.raises(ValueError, match="expected one category with keypoints, got 0"):
        script.relabel({"annotations": []}, keypoint_set("lsp"))
