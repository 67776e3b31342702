"""Several tasks on one body in two processes: at every step both train the same part."""

from __future__ import annotations

from pathlib import Path

from training.drawn_parts import write_multi_task_recipe, write_parts
from training.processes import train_in_two_processes

from hrnet.weights.parts import parts_of_file


def test_two_processes(tmp_path: Path) -> None:
    write_parts(tmp_path, people=8, groups=8)
    write_multi_task_recipe(tmp_path, devices=2, strategy="ddp_find_unused_parameters_true", epochs=1, batches=3, ema_decay=0.5)
    _, first, second = train_in_two_processes(tmp_path / "multi.yaml", tmp_path / "run")

    turns = [[batch["part"] for batch in process["seen"]] for process in (first, second)]
    assert turns[0] == turns[1] == ["group", "single", "group"]
    batches = first["seen"] + second["seen"]
    assert sorted(index for batch in batches if batch["part"] == "single" for index in batch["indices"]) == list(range(8))
    # Three people and four groups: the first person is seen by both, so that they meet at every batch.
    assert (first["own"], second["own"]) == ([0, 1, 4, 5], [0, 2, 3, 7])
    assert first["weights"] == second["weights"]
    assert first["metrics"] == second["metrics"]
    assert {"val/single/pck", "val/group/loss"} <= first["metrics"].keys()
    assert parts_of_file(tmp_path / "run/weights.safetensors") == ("single", "group")
