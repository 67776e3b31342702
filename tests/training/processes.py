"""A training in two processes on one machine, as Lightning starts them, that tells what each process saw."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from training.drawn_people import run_environment

_SCRIPT = """
import hashlib, json, sys
from pathlib import Path
from hrnet.metrics.pck import PCK
from hrnet.training import train
from hrnet.training.module import TaskTraining

seen, measured, kept = [], [], {}
step, update, end = TaskTraining.training_step, PCK.update, TaskTraining.on_train_end

def training_step(self, batch, batch_index):
    part = batch["part"][0] if "part" in batch else None
    seen.append(dict(epoch=self.current_epoch, part=part, indices=batch["index"].tolist()))
    return step(self, batch, batch_index)

def measure(self, predictions, records, **options):
    measured.append(len(records))
    return update(self, predictions, records, **options)

def on_train_end(self):
    digest = hashlib.sha256()
    for parameter in self.task.network.parameters():
        digest.update(parameter.detach().numpy().tobytes())
    kept.update(rank=self.global_rank, weights=digest.hexdigest(), own=sorted(self.found))
    return end(self)

TaskTraining.training_step, PCK.update, TaskTraining.on_train_end = training_step, measure, on_train_end
if __name__ == "__main__":
    recipe, output = map(Path, sys.argv[1:])
    result = train(recipe, output=output)
    report = dict(kept, seen=seen, measured=measured, metrics=result.metrics)
    (output / f"rank{kept['rank']}.json").write_text(json.dumps(report))
"""


def train_in_two_processes(recipe: Path, output: Path) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """What was printed, and what each process has to tell (the last lines of the script)."""
    script = recipe.parent / "script.py"
    script.write_text(_SCRIPT)
    done = subprocess.run(
        [sys.executable, script, recipe, output],
        env=run_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=1800,
    )
    assert done.returncode == 0, done.stdout
    first, second = (json.loads((output / f"rank{rank}.json").read_text()) for rank in range(2))
    return done.stdout, first, second
