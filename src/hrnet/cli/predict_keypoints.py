"""``hrnet predict pose`` and ``hrnet predict face``: keypoints of people and faces."""

from __future__ import annotations

from hrnet.cli.options import DEFAULT_PREDICTION, Boxes, Flag, PredictionOptions, Scales, parse_boxes
from hrnet.cli.prediction import predict_paths


def pose(
    paths: list[str],
    /,
    *,
    boxes: Boxes = None,
    model: str | None = None,
    run: PredictionOptions = DEFAULT_PREDICTION,
    detector: str | None = None,
    scales: Scales = None,
    min_score: float | None = None,
    max_people: int | None = None,
    threshold: float = 0.3,
    track: Flag = False,
    smooth: Flag = False,
) -> int:
    """Find the keypoints of the people in pictures; write pictures or video, JSON and COCO results.

    Parameters
    ----------
    paths
        Picture, folder, glob, video file or camera index; any number of them.
    model
        Name of a model, top-down or bottom-up, or path of a checkpoint; the bundled top-down model when absent.
    detector
        Top-down models: who finds the people when no boxes are given: auto (as when absent), none (the whole picture is one
        person) or detector weights.
    scales
        Bottom-up models: sizes to look at the picture in and average, such as 1 or 2 1 0.5.
    min_score
        Bottom-up models: people who score less are left out; less than one sure keypoint when absent.
    max_people
        Bottom-up models: the best so many are kept; 30 when absent.
    threshold
        Keypoints below this score are not drawn.
    track
        Number the people over the frames of a video; also writes a PoseTrack file.
    smooth
        Calm the joints of tracked people over time; implies --track.
    """
    from hrnet.inference.pose_prediction import predict_pose

    return predict_paths(
        predict_pose,
        paths,
        run,
        ("person", "people"),
        model=model,
        boxes=parse_boxes(boxes),
        threshold=threshold,
        track=track,
        smooth=smooth,
        detector=detector,
        scales=scales,
        min_score=min_score,
        max_people=max_people,
    )


def face(
    paths: list[str],
    /,
    *,
    boxes: Boxes = None,
    model: str | None = None,
    run: PredictionOptions = DEFAULT_PREDICTION,
    detector: str | None = None,
    threshold: float = 0.0,
    track: Flag = False,
    smooth: Flag = False,
) -> int:
    """Find the landmarks of the faces in pictures; write pictures or video, JSON and COCO results.

    Parameters
    ----------
    paths
        Picture, folder, glob, video file or camera index; any number of them.
    model
        Name of a model or path of a checkpoint; the bundled face model when absent.
    detector
        Who finds the faces when no boxes are given: auto (as when absent: the one that scikit-image ships, where that is
        installed), none (the whole picture is one face) or a file of OpenCV's cascades.
    threshold
        Landmarks below this score are not drawn.
    track
        Number the faces over the frames of a video; also writes a PoseTrack file.
    smooth
        Calm the landmarks of tracked faces over time; implies --track.
    """
    from hrnet.inference.pose_prediction import predict_pose
    from hrnet.weights.bundle import DEFAULT_FACE_MODEL

    return predict_paths(
        predict_pose,
        paths,
        run,
        ("face", "faces"),
        model=model or DEFAULT_FACE_MODEL,
        task="face",
        boxes=parse_boxes(boxes),
        threshold=threshold,
        track=track,
        smooth=smooth,
        detector=detector,
    )
