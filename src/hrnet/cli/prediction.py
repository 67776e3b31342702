"""What all verbs of ``hrnet predict`` do: call the library with a progress bar, and tell what it did."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hrnet.cli.options import PredictionOptions
from hrnet.cli.progress import ProgressBar

if TYPE_CHECKING:
    from hrnet.inference.prediction import PredictionSummary


def predict_paths(
    predict: Callable[..., PredictionSummary],
    paths: list[str],
    run: PredictionOptions,
    counted: tuple[str, str] | None = None,
    **options: Any,
) -> int:
    """Call the library with a progress bar, and tell what it did.

    Args:
        counted: one and several of what it finds, where that is counted.
        options: of the verb. None stands for what was not given and is left to the library, which refuses what a model lacks.
    """
    from hrnet.metrics.tables import plural

    given = {name: value for name, value in {**asdict(run), **options}.items() if value is not None}
    with ProgressBar("predicting") as progress:
        summary = predict([_source(path) for path in paths], on_progress=progress, **given)
    for note in summary.notes:
        print(f"note: {note}", file=sys.stderr)
    pictures = plural(summary.pictures, "picture", "pictures")
    found = "" if counted is None or summary.found is None else f"{plural(summary.found, *counted)} in "
    print(f"{found}{pictures}, written to {run.output}")
    if summary.failures:
        print(f"{len(summary.failures)} failed:", file=sys.stderr)
        for source, reason in summary.failures:
            # Most reasons begin with the name already.
            print(f"  {reason}" if reason.startswith(source) else f"  {source}: {reason}", file=sys.stderr)
    return 1 if summary.failures else 0


def _source(path: str) -> str | int:
    """A bare number is a camera, unless there is a file of that name."""
    return int(path) if path.isdecimal() and not Path(path).exists() else path
