"""The folder that an evaluation is saved into: what every kind of it has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Protocol

from hrnet.atomic_files import write_atomically


class Evaluation(Protocol):
    """Anything with numbers, as text and as plain JSON values."""

    def summary(self) -> str: ...

    def to_dict(self) -> dict[str, Any]: ...


def save_numbers(evaluation: Evaluation, folder: Path | str) -> Path:
    """Make the folder where there is none, and write ``metrics.json`` and ``summary.txt``; returns the folder."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / "metrics.json", json.dumps(evaluation.to_dict(), indent=2, allow_nan=False) + "\n")
    write_atomically(folder / "summary.txt", evaluation.summary() + "\n")
    return folder
