"""``hrnet predict``: from pictures and videos to results."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from hrnet.cli.options import BatchSize, Boxes, Device, Preset, parse_boxes
from hrnet.cli.progress import ProgressBar

app = App(name="predict", help="Predict on pictures, folders, globs, videos or a camera.")


@app.command
def pose(
    paths: list[str],
    /,
    *,
    boxes: Boxes = None,
    model: str | None = None,
    output: Path = Path("outputs"),
    preset: Preset = "balanced",
    device: Device = "auto",
    batch_size: BatchSize = None,
    detector: str = "auto",
    threshold: float = 0.3,
    track: Annotated[bool, Parameter(negative="")] = False,
    smooth: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Find the keypoints of the people in pictures; write pictures or video, JSON and COCO results.

    Parameters
    ----------
    paths
        Picture, folder, glob, video file or camera index; any number of them.
    model
        Name of a model or path of a checkpoint; the bundled model when absent.
    output
        Folder for what is written.
    detector
        Who finds the people when no boxes are given: auto, none (the whole picture is one person) or detector weights.
    threshold
        Keypoints below this score are not drawn.
    track
        Number the people over the frames of a video; also writes a PoseTrack file.
    smooth
        Calm the joints of tracked people over time; implies --track.
    """
    from hrnet.inference.prediction import predict_pose
    from hrnet.metrics.tables import plural

    with ProgressBar("predicting") as progress:
        summary = predict_pose(
            [_source(path) for path in paths],
            model=model,
            boxes=parse_boxes(boxes),
            output=output,
            preset=preset,
            device=device,
            batch_size=batch_size,
            detector=detector,
            threshold=threshold,
            track=track,
            smooth=smooth,
            on_progress=progress,
        )
    for note in summary.notes:
        print(f"note: {note}", file=sys.stderr)
    people, pictures = plural(summary.people, "person", "people"), plural(summary.pictures, "picture", "pictures")
    print(f"{people} in {pictures}, written to {output}")
    if summary.failures:
        print(f"{len(summary.failures)} failed:", file=sys.stderr)
        for source, reason in summary.failures:
            # Most reasons begin with the name already.
            print(f"  {reason}" if reason.startswith(source) else f"  {source}: {reason}", file=sys.stderr)
    return 1 if summary.failures else 0


def _source(path: str) -> str | int:
    """A bare number is a camera, unless there is a file of that name."""
    return int(path) if path.isdecimal() and not Path(path).exists() else path
