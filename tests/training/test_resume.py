"""A run that was killed and interrupted ends as one that was not: bit for bit."""

from __future__ import annotations

import csv
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from subprocess import Popen

import pytest
import torch
from training.drawn_people import start_training, write_people, write_recipe

from hrnet.training.engine import train
from hrnet.weights.files import read_state_dict

PATIENCE = 900  # seconds, on the busiest machine


def rows(run: Path) -> list[dict[str, str]]:
    if not (run / "log.csv").exists():
        return []
    with (run / "log.csv").open(newline="") as file:
        return [{key: value for key, value in row.items() if key != "seconds"} for row in csv.DictReader(file)]


def wait_for_epochs(process: Popen[str], run: Path, count: int) -> None:
    """Return as soon as ``count`` epochs are finished, early in the next one."""
    for _ in range(PATIENCE * 50):
        if len(rows(run)) >= count:
            time.sleep(0.3)
            return
        if process.poll() is not None:
            break
        time.sleep(0.02)
    process.kill()
    raise AssertionError(f"no epoch {count}: {process.communicate()[0]}")


@pytest.fixture
def processes() -> Iterator[list[Popen[str]]]:
    started: list[Popen[str]] = []
    yield started
    for process in started:
        if process.poll() is None:
            process.kill()
            process.communicate()


@pytest.mark.parametrize(("precision", "workers", "schedule"), [("32-true", 1, "one_cycle"), ("bf16-mixed", 0, "cosine")])
def test_killed_and_interrupted_run(
    precision: str, workers: int, schedule: str, tmp_path: Path, processes: list[Popen[str]]
) -> None:
    write_people(tmp_path, "train", 40)
    write_people(tmp_path, "val", 5, seed=1)
    recipe = write_recipe(
        tmp_path,
        precision=precision,
        schedule={"kind": schedule},
        optimizer={"name": "adamw", "lr": 1e-3, "weight_decay": 0.01},
        epochs=5,
        batch_size=2,
        accumulate=2,
        ema_decay=0.9,
        validate_every=2,
    )
    changes = [f"data.workers={workers}"]
    whole = train(recipe, changes, output=tmp_path / "whole")

    run = tmp_path / "broken"
    arguments = [recipe, "--set", changes[0], "--output", run, "--resume"]
    processes.append(start_training(*arguments))
    wait_for_epochs(processes[-1], run, 2)
    processes[-1].kill()
    said = processes[-1].communicate()[0]
    assert "holds no checkpoint yet" in said
    assert 2 <= len(rows(run)) < 5

    if sys.platform != "win32":
        processes.append(start_training(*arguments))
        wait_for_epochs(processes[-1], run, 3)
        processes[-1].send_signal(signal.SIGINT)
        said = processes[-1].communicate(timeout=PATIENCE)[0]
        assert processes[-1].returncode == 130, said
        assert "go on with --resume" in said
        assert "resuming" in said

    resumed = train(recipe, changes, output=run, resume=True)
    expected, got = read_state_dict(whole.weights)[0], read_state_dict(resumed.weights)[0]
    assert expected.keys() == got.keys()
    assert all(torch.equal(got[name], tensor) for name, tensor in expected.items())
    assert rows(run) == rows(whole.output)
    states = [torch.load(folder / "checkpoints/last.ckpt", weights_only=True) for folder in (run, whole.output)]
    for name, tensor in states[1]["current_model_state"].items():
        assert torch.equal(states[0]["current_model_state"][name], tensor), name
