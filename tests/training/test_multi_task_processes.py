"""Several tasks on one body in two processes: at every step both train the same part."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from training.drawn_parts import write_multi_task_recipe, write_parts
from training.drawn_people import run_environment

from hrnet.weights.parts import parts_of_file

SCRIPT = """
import hashlib, json, sys
from pathlib import Path
from hrnet.tasks.recipe_reading import load_recipe
from hrnet.training import train
from hrnet.training.module import TaskTraining

seen, kept = [], {}
step, end = TaskTraining.training_step, TaskTraining.on_train_end

def training_step(self, batch, batch_index):
    seen.append([batch["part"][0], batch["index"].tolist()])
    return step(self, batch, batch_index)

def on_train_end(self):
    digest = hashlib.sha256()
    for parameter in self.task.network.parameters():
        digest.update(parameter.detach().numpy().tobytes())
    kept.update(rank=self.global_rank, weights=digest.hexdigest(), own=sorted(self.found))
    return end(self)

TaskTraining.training_step, TaskTraining.on_train_end = training_step, on_train_end
if __name__ == "__main__":
    folder = Path(sys.argv[1])
    result = train(load_recipe(folder / "multi.yaml"), output=folder / "run")
    (folder / f"rank{kept['rank']}.json").write_text(json.dumps(dict(kept, seen=seen, metrics=result.metrics)))
"""


def test_two_processes(tmp_path: Path) -> None:
    write_parts(tmp_path, people=8, groups=8)
    write_multi_task_recipe(tmp_path, devices=2, strategy="ddp_find_unused_parameters_true", epochs=1, batches=3, ema_decay=0.5)
    (tmp_path / "script.py").write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, tmp_path / "script.py", tmp_path],
        env=run_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=1800,
    )
    assert done.returncode == 0, done.stdout
    first, second = (json.loads((tmp_path / f"rank{rank}.json").read_text()) for rank in range(2))
    assert [part for part, _ in first["seen"]] == [part for part, _ in second["seen"]] == ["group", "single", "group"]
    single = [index for rank in (first, second) for part, indices in rank["seen"] if part == "single" for index in indices]
    assert sorted(single) == list(range(8))
    # Three people and four groups: the first person is seen by both, so that they meet at every batch.
    assert (first["own"], second["own"]) == ([0, 1, 4, 5], [0, 2, 3, 7])
    assert first["weights"] == second["weights"]
    assert first["metrics"] == second["metrics"]
    assert {"val/single/pck", "val/group/loss"} <= first["metrics"].keys()
    assert parts_of_file(tmp_path / "run/weights.safetensors") == ("single", "group")
