"""``hrnet features``: what a network sees in pictures, as numbers."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from hrnet.cli.options import BatchSize, Device
from hrnet.cli.progress import ProgressBar


def features(
    paths: list[str],
    /,
    *,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    model: str | None = None,
    features: Literal["branches", "classifier"] | None = None,
    input_size: tuple[int, int] | None = None,
    device: Device = "auto",
    batch_size: BatchSize = None,
) -> int:
    """Write the features of many pictures into one file, for search, clustering or a classifier of your own.

    Parameters
    ----------
    paths
        Picture, folder, glob or video file; any number of them. Folders are searched with all the folders in them.
    output
        File to write: .npz, .npy (with the names in a .txt beside it) or .parquet.
    model
        Name of a model or path of a checkpoint of any HRNet; the bundled pose model when absent.
    features
        Of which layer: the branches of the body, each averaged over the picture, or what a classifier sees last.
    input_size
        HEIGHT WIDTH that pictures are brought to; by the model when absent.
    """
    from hrnet.inference.feature_extraction import extract_features
    from hrnet.metrics.tables import plural

    with ProgressBar("extracting") as progress:
        summary = extract_features(
            paths,
            output,
            model=model,
            features=features,
            input_size=input_size,
            device=device,
            batch_size=batch_size,
            on_progress=progress,
        )
    for note in summary.notes:
        print(f"note: {note}", file=sys.stderr)
    print(f"{summary.dimension} features ({summary.kind}) of {plural(summary.pictures, 'picture', 'pictures')}, in {output}")
    for source, reason in summary.failures:
        print(f"  {reason}" if reason.startswith(source) else f"  {source}: {reason}", file=sys.stderr)
    return 1 if summary.failures else 0
