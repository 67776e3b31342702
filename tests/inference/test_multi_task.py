"""Several tasks on the same pictures: what is found, how often the body runs, and the files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tasks.parts import group_task, multi_task, single_task, write_parts_file

from hrnet.data.images import write_image
from hrnet.errors import CheckpointError
from hrnet.inference.bottom_up import build_bottom_up_predictor
from hrnet.inference.loading import load
from hrnet.inference.multi_task import MultiTaskPredictor, load_multi_task, load_side_by_side
from hrnet.inference.multi_task_prediction import predict_tasks
from hrnet.inference.shared_body import SharedBody
from hrnet.structures import PoseResult
from hrnet.structures.multi_task_result import MultiTaskResult
from hrnet.weights.bottom_up_card import BottomUpCard
from hrnet.weights.described import load_described
from hrnet.weights.parts import split_checkpoint

OPTIONS: dict[str, Any] = {"device": "cpu", "preset": "published", "detector": "none", "announce": print}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two tasks that look at whole pictures alike, and one that looks at crops."""
    task = multi_task(group=group_task(), animals=group_task("coco"), single=single_task())
    return write_parts_file(tmp_path_factory.mktemp("file") / "parts.safetensors", task)


def pictures(count: int = 2, size: tuple[int, int] = (64, 80)) -> list[np.ndarray]:
    draws = np.random.default_rng(3)
    return [draws.integers(0, 256, (*size, 3), np.uint8) for _ in range(count)]


def runs_of_the_body(predictor: MultiTaskPredictor) -> list[tuple[int, ...]]:
    assert predictor.body is not None
    sizes: list[tuple[int, ...]] = []
    predictor.body.body.stage4.register_forward_hook(lambda _, inputs, outputs: sizes.append(tuple(outputs[0].shape)))
    return sizes


def assert_same(first: PoseResult, second: PoseResult) -> None:
    assert len(first) == len(second)
    np.testing.assert_allclose(first.keypoints, second.keypoints, atol=1e-4)
    np.testing.assert_allclose(first.keypoint_scores, second.keypoint_scores, atol=1e-5)


def test_the_body_runs_once_for_parts_that_look_at_the_same(file: Path) -> None:
    said: list[str] = []
    predictor = load_multi_task(file, device="cpu", preset="published", detector="none", announce=said.append)
    runs = runs_of_the_body(predictor)
    results = predictor(pictures())
    assert isinstance(results, list)
    # For each picture: plain and mirrored of the whole one for two parts, and of its crop, in one batch.
    assert len(runs) == 2 * (2 + 1)
    assert said == ["animals takes every pass of the body from group; single looks at inputs of its own"]
    network, card = load_described(file, part="animals")
    assert isinstance(card, BottomUpCard)
    alone = build_bottom_up_predictor(network, card, device="cpu", preset="published")
    for picture, result in zip(pictures(), results, strict=True):
        found = alone(picture)
        assert isinstance(found, PoseResult)
        assert_same(result["animals"], found)
        assert (list(result), len(result), result.image_size) == (["group", "animals", "single"], 3, (64, 80))
        assert result["single"].keypoint_set.num_keypoints == 14


def test_a_verb_of_one_task_asks_which_part(file: Path) -> None:
    with pytest.raises(CheckpointError, match=r"has several heads: .*--tasks group takes one of group, animals, single"):
        load(file, task="pose")
    with pytest.raises(ValueError, match="there is no task 'poses'; did you mean 'pose'"):
        load(file, task="poses")
    assert load(file, part="single", task="pose", detector="none").name == str(file)


def test_parts_can_be_chosen(file: Path) -> None:
    predictor = load_multi_task(file, ["single"], **OPTIONS)
    result = predictor(pictures()[0])
    assert isinstance(result, MultiTaskResult)
    assert list(result.parts) == ["single"]
    with pytest.raises(ValueError, match="no part 'singles', only group, animals, single; did you mean 'single'"):
        load_multi_task(file, ["singles"], **OPTIONS)
    with pytest.raises(ValueError, match="none of group takes 'detector'"):
        load_multi_task(file, ["group"], **OPTIONS)
    with pytest.raises(KeyError, match="no result of 'group', only of single"):
        result["group"]


def test_several_models_give_what_parts_give(file: Path, tmp_path: Path) -> None:
    models = split_checkpoint(file, tmp_path)
    image = pictures()[0]
    shared, apart = load_multi_task(file, **OPTIONS)(image), load_side_by_side(models, **OPTIONS)(image)
    assert isinstance(shared, MultiTaskResult)
    assert isinstance(apart, MultiTaskResult)
    for name in shared:
        assert_same(shared[name], apart[name])
    with pytest.raises(CheckpointError, match="holds one network and no parts"):
        load_multi_task(models["group"])


def test_files_of_each_task(file: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for number, picture in enumerate(pictures()):
        write_image(tmp_path / f"in/{number}.png", picture)
    (tmp_path / "in/2.png").write_text("no picture")
    options: dict[str, Any] = {"device": "cpu", "preset": "published", "detector": "none"}
    summary = predict_tasks(tmp_path / "in", ("single", "group"), model=file, output=tmp_path / "out", **options)
    assert (summary.pictures, [name for name, _ in summary.failures]) == (2, [str(tmp_path / "in/2.png")])
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["group", "single"]
    for task in ("single", "group"):
        names = sorted(path.name for path in (tmp_path / "out" / task).iterdir())
        assert names == ["0.jpg", "0.json", "1.jpg", "1.json", "coco_images.json", "coco_results.json"]
    assert len(summary.written) == 12
    assert summary.notes[-1] == "single looks at inputs of its own; group looks at inputs of its own"
    saved = PoseResult.from_dict(json.loads((tmp_path / "out/single/0.json").read_text()))
    assert saved.keypoint_set.num_keypoints == 14
    with pytest.raises(ValueError, match="there is no model for 'face'"):
        predict_tasks(tmp_path / "in", ["face"], model={"pose": file}, output=tmp_path / "out")


def test_results_draw_and_save_themselves(file: Path, tmp_path: Path) -> None:
    result = load_multi_task(file, ["single"], **OPTIONS)(pictures()[0])
    assert isinstance(result, MultiTaskResult)
    assert result.plot().shape == (64, 80, 3)
    result.save(tmp_path / "both.png")
    data = json.loads(result.save(tmp_path / "both.json").read_text())
    assert data["image_size"] == [64, 80]
    assert set(data["parts"]) == {"single"}
    with pytest.raises(ValueError, match=r"both\.txt"):
        result.save(tmp_path / "both.txt")


def test_features_are_kept_within_a_budget() -> None:
    body = multi_task(single=single_task()).eval().network.backbone
    x, y = torch.randn(1, 3, 32, 32), torch.randn(1, 3, 32, 32)
    with torch.no_grad():
        roomy, tight = SharedBody(body), SharedBody(body, budget=1)  # pyright: ignore
        for shared in (roomy, tight):
            first = shared.features("a", x)
            shared.features("a", y)
            assert torch.equal(shared.features("b", x.clone())[0], first[0])
    assert (dict(roomy.passes), dict(roomy.reused)) == ({"a": 2}, {("b", "a"): 1})
    assert (dict(tight.passes), dict(tight.reused)) == ({"a": 2, "b": 1}, {})
    roomy.forget()
    roomy.features("b", x)
    assert roomy.passes["b"] == 1
    for part in "ab":
        roomy.features_for(part, (0,))
    assert roomy.report() == "b takes 1 of 2 passes of the body from a"
