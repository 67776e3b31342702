from __future__ import annotations

import argparse
import subprocess
import sys
import textwrap
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn
from weights.builders import SMALL, State, assert_equal, small_card, small_network

import hrnet.weights.safetensors_file as safetensors_file
from hrnet.weights import CARD_KEY, load_pose, read_state_dict, save_checkpoint

STATE = small_network().state_dict()


def saved(path: Path, half: bool = False) -> Path:
    return save_checkpoint(path, small_network(), small_card(), half)


# --- round trips


def test_float32_comes_back_bit_for_bit(tmp_path: Path) -> None:
    state, facts = read_state_dict(saved(tmp_path / "a.safetensors"))
    assert list(state) != [] and set(state) == set(STATE)  # noqa: PT018
    assert_equal({name: state[name] for name in STATE}, STATE)
    assert (facts.format, facts.card, facts.dtype) == ("safetensors", small_card(), "float32")
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.safetensors"]


def test_the_file_is_plain_safetensors(tmp_path: Path) -> None:
    theirs = load_file(saved(tmp_path / "a.safetensors"))
    assert_equal({name: theirs[name] for name in STATE}, STATE)


@pytest.mark.skipif(sys.platform == "win32", reason="permissions are a matter of Unix")
def test_others_may_read_the_file(tmp_path: Path) -> None:
    (tmp_path / "ordinary").touch()
    assert saved(tmp_path / "a.safetensors").stat().st_mode == (tmp_path / "ordinary").stat().st_mode


def test_half_precision_is_float32_again(tmp_path: Path) -> None:
    whole, half = saved(tmp_path / "a.safetensors"), saved(tmp_path / "b.safetensors", half=True)
    assert half.stat().st_size < 0.9 * whole.stat().st_size
    state, facts = read_state_dict(half)
    assert facts.dtype == "float16+float32"
    for name, tensor in STATE.items():
        assert state[name].dtype == tensor.dtype
        wanted = tensor.half().float() if tensor.ndim > 1 else tensor
        assert torch.equal(state[name], wanted)
    again = save_checkpoint(tmp_path / "c.safetensors", load_pose(half)[0], small_card(), half=True)
    assert_equal(read_state_dict(again)[0], state)


def test_what_float16_cannot_hold_stays_float32(tmp_path: Path) -> None:
    network = small_network()
    with torch.no_grad():
        network.get_parameter("conv1.weight")[0, 0, 0, 0] = 1e6
        network.get_buffer("bn1.running_var")[0] = 1e-20
    state, _ = read_state_dict(save_checkpoint(tmp_path / "a.safetensors", network, small_card(), half=True))
    assert_equal({"a": state["conv1.weight"], "b": state["bn1.running_var"]},
                 {"a": network.state_dict()["conv1.weight"], "b": network.state_dict()["bn1.running_var"]})  # fmt: skip


def test_channels_last_networks_are_saved(tmp_path: Path) -> None:
    network = small_network().to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    state, _ = read_state_dict(save_checkpoint(tmp_path / "a.safetensors", network, small_card()))
    assert torch.equal(state["stage2.0.branches.0.0.conv1.weight"], STATE["stage2.0.branches.0.0.conv1.weight"])


def test_reading_leaves_the_file_free(tmp_path: Path) -> None:
    """A file that stayed mapped would crash the process when another overwrites it."""
    for path in (saved(tmp_path / "a.safetensors"), tmp_path / "b.pth"):
        if path.suffix == ".pth":
            torch.save({"state_dict": STATE, "optimizer": [torch.zeros(10_000_000)]}, path)
        state, _ = read_state_dict(path)
        with open(path, "r+b") as file:
            file.truncate(0)
        assert torch.equal(state["bn1.weight"], STATE["bn1.weight"])


# --- wrappers


def renamed(prefix: str, state: State = STATE) -> State:
    return {prefix + name: value for name, value in state.items()}


WRAPPED: dict[str, Any] = {
    "plain": STATE,
    "module.": renamed("module."),
    "model.module.": renamed("model.module."),
    "compiled": renamed("_orig_mod."),
    "state_dict": {"epoch": 3, "model": SMALL, "state_dict": renamed("module."), "best_state_dict": STATE, "perf": 0.7},
    "model": {"model": STATE, "args": {"lr": 0.1}},
    "lightning": {"state_dict": renamed("network."), "optimizer_states": [{"state": {0: {"exp_avg": torch.zeros(3)}}}]},
    "loss buffers": {**renamed("model."), "loss.criterion.weight": torch.zeros(19)},
    "parameters": OrderedDict((name, nn.Parameter(value, requires_grad=False)) for name, value in STATE.items()),
    "half": {name: value.half() if name == "conv1.weight" else value for name, value in STATE.items()},
    "ema": {"state_dict": {k: v * 0 for k, v in STATE.items()}, "state_dict_ema": STATE},
    "ema prefix": {**renamed("network.", {k: v * 0 for k, v in STATE.items()}), **renamed("ema_network.")},
}  # fmt: skip


@pytest.mark.parametrize("kind", WRAPPED)
@pytest.mark.parametrize("zipped", [True, False])
def test_wrappers_are_taken_off(tmp_path: Path, kind: str, zipped: bool) -> None:
    path = tmp_path / "a.pth"
    torch.save(WRAPPED[kind], path, _use_new_zipfile_serialization=zipped)
    state, facts = read_state_dict(path)
    expected = {**STATE, "conv1.weight": STATE["conv1.weight"].half().float()} if kind == "half" else STATE
    assert_equal(state, expected)
    assert facts.format == "pytorch"
    assert ("loss.criterion.weight" in facts.ignored) == (kind == "loss buffers")


def test_plain_weights_on_request(tmp_path: Path) -> None:
    torch.save({"state_dict": STATE, "state_dict_ema": {k: v * 0 for k, v in STATE.items()}}, tmp_path / "a.pth")
    assert_equal(read_state_dict(tmp_path / "a.pth", ema=False)[0], STATE)


def test_a_card_beside_the_weights_of_a_training_run(tmp_path: Path) -> None:
    torch.save({"state_dict": renamed("network."), CARD_KEY: small_card().to_json()}, tmp_path / "last.ckpt")
    _, facts = read_state_dict(tmp_path / "last.ckpt")
    assert facts.card == small_card()


def test_foreign_safetensors(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"  # known by its content
    save_file(
        {"b": torch.arange(6.0).view(2, 3).bfloat16(), "a": torch.ones(0, 3), "s": torch.tensor(3)}, path, {"format": "pt"}
    )
    state, facts = read_state_dict(path)
    assert facts.card is None
    assert torch.equal(state["b"], torch.arange(6.0).view(2, 3))
    assert (state["a"].shape, state["s"].item()) == ((0, 3), 3)


def test_book_keeping_of_frameworks_is_passed_over(tmp_path: Path) -> None:
    notes = {"args": argparse.Namespace(lr=1), "score": np.float64(0.5), "curve": np.zeros(3), "path": Path("runs")}
    torch.save({"state_dict": STATE, **notes}, tmp_path / "a.pth")
    assert_equal(read_state_dict(tmp_path / "a.pth")[0], STATE)


# --- saving


def test_what_cannot_be_saved(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"\.safetensors"):
        save_checkpoint(tmp_path / "a.pth", small_network(), small_card())
    with pytest.raises(ValueError, match="17 outputs, but the card 16"):
        save_checkpoint(tmp_path / "a.safetensors", small_network(), small_card(keypoints="mpii"))
    with pytest.raises(OSError, match="cannot write"):
        save_checkpoint(tmp_path / "nowhere" / "a.safetensors", small_network(), small_card())
    assert list(tmp_path.iterdir()) == []


def test_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path / "a.safetensors")
    before = path.read_bytes()

    def half_then_full(_state: object, target: Path, metadata: object) -> None:
        Path(target).write_bytes(before[:1000])
        message = "Error while serializing: I/O error: No space left on device (os error 28)"
        raise SafetensorError(message)

    monkeypatch.setattr(safetensors_file, "save_file", half_then_full)
    card = replace(small_card(), source="new")
    for target in (path, tmp_path / "b.safetensors"):
        with pytest.raises(OSError, match=f"the disk is full.*{target.name}") as caught:
            save_checkpoint(target, small_network(), card)
        assert caught.value.errno == 28
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.safetensors"]


@pytest.mark.skipif(sys.platform == "win32", reason="limits of file sizes are a matter of Unix")
def test_a_write_that_really_fails_half_way(tmp_path: Path) -> None:
    """In its own process, whose files may not grow beyond 100 kB."""
    script = f"""
        import resource
        from hrnet.weights import PoseCard, save_checkpoint
        from hrnet.data.keypoint_sets import keypoint_set
        from hrnet.models import build_model
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        network, card = build_model({SMALL!r}, 17), PoseCard({SMALL!r}, keypoint_set("coco"))
        try:
            save_checkpoint({str(tmp_path / "a.safetensors")!r}, network, card)
        except OSError as error:
            print("refused", error)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=False)
    assert "refused" in done.stdout, done.stderr
    assert "a.safetensors" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_our_texts_beside_the_weights_are_kept(tmp_path: Path) -> None:
    """Checkpoints of a run hold cards of any task beside what belongs to the framework."""
    path = tmp_path / "last.ckpt"
    texts = {"hrnet.bottom_up_card": "{}", "hrnet.other": "text"}
    torch.save({"state_dict": small_network().state_dict(), **texts, "epoch": 3, "note": "theirs"}, path)
    assert read_state_dict(path)[1].metadata == texts
