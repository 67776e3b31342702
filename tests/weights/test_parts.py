"""Files with several heads: split into single ones, and what damaged ones say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from tasks.parts import group_task, multi_task, single_task, write_parts_file

from hrnet.errors import CheckpointError
from hrnet.nn.exchange import Upsampling
from hrnet.tasks.multi_task import MultiTask
from hrnet.weights.checkpoint import load_checkpoint
from hrnet.weights.described import load_described
from hrnet.weights.files import read_state_dict
from hrnet.weights.parts import MULTI_TASK_KEY, MultiTaskEntry, multi_task_entry, parts_of_file, split_checkpoint, take_part
from hrnet.weights.pose import load_pose
from hrnet.weights.writing import write_checkpoint

X = torch.randn(1, 3, 64, 96, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def task() -> MultiTask:
    return multi_task(single=single_task(), group=group_task()).eval()


@pytest.fixture(scope="module")
def file(task: MultiTask, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_parts_file(tmp_path_factory.mktemp("file") / "parts.safetensors", task)


def outputs(task: MultiTask) -> dict[str, Any]:
    with torch.no_grad():
        return task.network(X)


def test_split_and_loaded_again(task: MultiTask, file: Path, tmp_path: Path) -> None:
    written = split_checkpoint(file, tmp_path / "split")
    assert {name: path.name for name, path in written.items()} == {
        "single": "single.safetensors", "group": "group.safetensors"
    }  # fmt: skip
    assert all(MULTI_TASK_KEY not in read_state_dict(path)[1].metadata for path in written.values())
    network, card = load_pose(written["single"])
    assert card.keypoint_set.name == "lsp"
    with torch.no_grad():
        assert torch.equal(network(X), outputs(task)["single"])
        group = load_checkpoint(written["group"])(X)
    assert all(torch.equal(one, other) for one, other in zip(group, outputs(task)["group"], strict=True))


def test_a_pytorch_file_does_as_well(task: MultiTask, file: Path, tmp_path: Path) -> None:
    assert parts_of_file(file) == ("single", "group")
    file = write_checkpoint(tmp_path / "parts.pth", task.network.state_dict(), task.texts())
    assert parts_of_file(file) == ("single", "group")
    network, _ = load_described(file, part="single")
    with torch.no_grad():
        assert torch.equal(network(X), outputs(task)["single"])


def test_a_v1_head_on_a_bilinear_body(tmp_path: Path) -> None:
    """No file of its own could say how the body resizes, so it stays one with parts: of one part."""
    task = multi_task("bilinear", pose=single_task(), face=single_task("face_hrnetv2_w18_small_v1")).eval()
    file = write_parts_file(tmp_path / "parts.safetensors", task)
    written = split_checkpoint(file, tmp_path)
    assert multi_task_entry(read_state_dict(written["face"])[1]) is None
    alone = multi_task_entry(read_state_dict(written["pose"])[1])
    assert alone is not None
    assert (list(alone.parts), alone.upsampling) == (["pose"], Upsampling("bilinear"))
    assert not any(name.startswith("heads.face") for name in read_state_dict(written["pose"])[0])
    with torch.no_grad():
        assert torch.equal(load_described(written["pose"])[0](X), outputs(task)["pose"])  # the one part needs no name
        assert torch.equal(load_described(file, part="pose")[0](X), outputs(task)["pose"])
        assert torch.equal(load_pose(written["face"])[0](X), outputs(task)["face"])
        wrong = single_task().network.eval()
        wrong.load_state_dict(load_described(file, part="pose")[0].state_dict())
        assert not torch.allclose(wrong(X), outputs(task)["pose"])


def test_parts_share_the_tensors_of_the_file(file: Path) -> None:
    state, facts = read_state_dict(file)
    single, group = (take_part(state, facts, name)[0] for name in ("single", "group"))
    assert single["conv1.weight"].data_ptr() == group["conv1.weight"].data_ptr() == state["backbone.conv1.weight"].data_ptr()


def test_parts_that_are_not_there(file: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="there is no part 'groups', only single, group; did you mean 'group'"):
        load_described(file, part="groups")
    with pytest.raises(ValueError, match="holds the parts single, group: say which one"):
        load_described(file)
    single = split_checkpoint(file, tmp_path)["single"]
    with pytest.raises(CheckpointError, match="holds one network and no parts: leave part out"):
        load_described(single, part="single")
    with pytest.raises(CheckpointError, match="nothing to split"):
        split_checkpoint(single, tmp_path)
    (tmp_path / "text.pth").write_text("no checkpoint")
    for other in (single, tmp_path / "text.pth", tmp_path / "nowhere.pth", "pose_hrnet_w18_small_v1.lspet_256x192"):
        assert parts_of_file(other) == ()


def changed(**entries: Any) -> str:
    entry = MultiTaskEntry("hrnet_w18_small_v1", (0,), Upsampling(), {"pose": {"a": "b"}})
    return json.dumps({**json.loads(entry.to_json()), **entries})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not sound"),
        ("[]", "not sound"),
        (changed(format=2), "has format 2, this version of hrnet reads up to 1"),
        (changed(architecture="hrnet_w0"), "no network called 'hrnet_w0'"),
        (changed(architecture="pose_hrnet_w32"), "no bare body"),
        (changed(branches=[4]), "branches"),
        (changed(branches=[]), "branches"),
        (changed(upsampling={"mode": "cubic", "align_corners": False}), "nearest or bilinear"),
        (changed(parts={}), "names no part"),
        (changed(parts={"pose": {"a": 1}}), "must be strings"),
        (changed(parts=["pose"]), "not sound"),
    ],
)
def test_damaged_entries(text: str, said: str) -> None:
    with pytest.raises(CheckpointError, match=said):
        MultiTaskEntry.from_json(text)


def test_a_part_without_a_network(task: MultiTask, tmp_path: Path) -> None:
    texts = {MULTI_TASK_KEY: changed()}
    file = write_checkpoint(tmp_path / "odd.safetensors", task.network.state_dict(), texts)
    with pytest.raises(CheckpointError, match="does not say which network its part 'pose' is"):
        load_described(file)
