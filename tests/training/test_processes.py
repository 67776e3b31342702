"""Two processes share a training: samples, validation, weights and what is written."""

from __future__ import annotations

from pathlib import Path

from training.drawn_people import write_people, write_recipe
from training.processes import train_in_two_processes

from hrnet.weights.files import read_state_dict


def test_two_processes(tmp_path: Path) -> None:
    write_people(tmp_path, "train", 16)
    write_people(tmp_path, "val", 5, seed=1)
    # 5 people in parts of 2, batches of 2: without care the processes would validate 2 and 1 batches, and wait forever.
    write_recipe(tmp_path, devices=2, strategy="ddp", epochs=2, batch_size=2, pictures_every=1, ema_decay=0.5)
    printed, first, second = train_in_two_processes(tmp_path / "tiny.yaml", tmp_path / "run")

    for epoch in range(2):
        seen = [[batch for batch in process["seen"] if batch["epoch"] == epoch] for process in (first, second)]
        parts = [[index for batch in batches for index in batch["indices"]] for batches in seen]
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
    assert printed.count("16 people to train on, 5 to validate") == 1  # said by the first process alone
    assert "Tip" not in printed
    assert "Warning" not in printed
