"""Two processes on one machine, as Lightning starts them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from training.drawn_people import run_environment, write_people, write_recipe

from hrnet.weights.files import read_state_dict

SCRIPT = """
import hashlib, json, sys
from pathlib import Path
from hrnet.metrics.pck import PCK
from hrnet.training import train
from hrnet.training.module import TaskTraining

seen, measured, kept = [], [], {}
step, update, end = TaskTraining.training_step, PCK.update, TaskTraining.on_train_end

def training_step(self, batch, batch_index):
    seen.append([self.current_epoch, batch["index"].tolist()])
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
    folder = Path(sys.argv[1])
    result = train(folder / "tiny.yaml", output=folder / "run")
    report = dict(kept, seen=seen, measured=measured, metrics=result.metrics)
    (folder / f"rank{kept['rank']}.json").write_text(json.dumps(report))
"""


def test_two_processes(tmp_path: Path) -> None:
    write_people(tmp_path, "train", 16)
    write_people(tmp_path, "val", 5, seed=1)
    # 5 people in parts of 2, batches of 2: without care the processes would validate 2 and 1 batches, and wait forever.
    write_recipe(tmp_path, devices=2, strategy="ddp", epochs=2, batch_size=2, pictures_every=1, ema_decay=0.5)
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

    for epoch in range(2):
        parts = [[i for number, batch in part["seen"] if number == epoch for i in batch] for part in (first, second)]
        assert [len(part) for part in parts] == [8, 8]
        assert sorted(parts[0] + parts[1]) == list(range(16))
    assert (first["own"], second["own"]) == ([0, 2, 4], [0, 1, 3])
    assert first["measured"] == second["measured"] == [5, 5]
    assert first["weights"] == second["weights"]
    assert first["metrics"] == second["metrics"]
    assert {"train/loss", "val/loss", "val/pck"} <= first["metrics"].keys()

    assert (tmp_path / "run/log.csv").read_text().count("\n") == 3
    assert len(list((tmp_path / "run/pictures").iterdir())) == 2
    assert read_state_dict(tmp_path / "run/weights.safetensors")[1].card is not None
    assert done.stdout.count("16 people to train on, 5 to validate") == 1  # said by the first process alone
    assert "Tip" not in done.stdout
    assert "Warning" not in done.stdout
