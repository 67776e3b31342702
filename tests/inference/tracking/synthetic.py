"""A video of walking people with known truth, and what an imperfect detector would find in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from hrnet.data.keypoint_sets import keypoint_set
from hrnet.structures import KeypointSet, PoseResult

COCO = keypoint_set("coco")
SIZE = (720, 1280)
FPS = 25.0
# Nose, eyes, ears, shoulders, elbows, wrists, hips, knees, ankles of somebody one unit tall; the nose is at (0, 0.08).
_X = [0.0, 0.02, -0.02, 0.04, -0.04, 0.11, -0.11, 0.14, -0.14, 0.15, -0.15, 0.07, -0.07, 0.08, -0.08, 0.08, -0.08]
_Y = [0.08, 0.06, 0.06, 0.07, 0.07, 0.2, 0.2, 0.35, 0.35, 0.48, 0.48, 0.52, 0.52, 0.74, 0.74, 0.95, 0.95]
_SWING = np.array([0, 0, 0, 0, 0, 0, 0, 0.04, -0.04, 0.1, -0.1, 0, 0, -0.06, 0.06, -0.12, 0.12])


@dataclass(frozen=True)
class Walker:
    """Somebody who walks in a straight line: (x, y) of the head in pixels and per second, height in pixels and per second."""

    place: tuple[float, float]
    speed: tuple[float, float] = (0.0, 0.0)
    height: float = 300.0
    growth: float = 0.0
    phase: float = 0.0
    away: tuple[tuple[float, float], ...] = ()  # from, to: seconds when not in the picture
    hidden: tuple[tuple[float, float], ...] = ()  # there, but found by nobody

    def pose(self, time: float) -> np.ndarray:
        height = self.height + self.growth * time
        stride = np.sin(2 * np.pi * (1.1 * time + self.phase)) if any(self.speed) else 0.1 * np.sin(time)
        points = np.stack([np.array(_X) + _SWING * stride, np.array(_Y)], axis=1) * height
        return points + np.array(self.place) + np.array(self.speed) * time

    def is_there(self, time: float) -> bool:
        return not _within(self.away, time)


# Two who meet and pass each other, two who walk side by side, one who leaves for a second, one who stands, one who
# comes late and towards us, and one who passes behind the one who stands.
WALKERS = (
    Walker((150, 150), (130, 0)),
    Walker((1150, 165), (-120, 0), 290, hidden=((3.75, 4.25),)),
    Walker((100, 380), (100, 0), 260, phase=0.3),
    Walker((210, 385), (100, 0), 255, phase=0.8),
    Walker((1000, 400), (35, 0), 240, away=((3.0, 4.0),)),
    Walker((640, 30), (0, 0), 200),
    Walker((800, 300), (-20, 10), 150, 25, away=((0.0, 2.0),)),
    Walker((400, 40), (70, 0), 190, hidden=((3.2, 3.7),)),
)


@dataclass(frozen=True)
class Moment:
    """One frame: who is really there, and what was found."""

    time: float
    truth: np.ndarray
    truth_ids: np.ndarray
    areas: np.ndarray
    found: PoseResult


def sequence(
    seed: int = 0,
    walkers: tuple[Walker, ...] = WALKERS,
    seconds: float = 8.0,
    jitter: float = 0.012,
    misses: float = 0.06,
    false_finds: float = 0.05,
    lost_joints: float = 0.1,
    keep: float = 1.0,
    boxes: str = "people",
) -> Iterator[Moment]:
    """Yield the frames of a video.

    Args:
        jitter: standard deviation of a joint in heights of the person.
        misses, false_finds: shares of people not found, and of frames with somebody who is not there.
        lost_joints: share of joints with a low score and a wild place; some are NaN.
        keep: share of frames that is not dropped.
        boxes: ``people`` around the joints, or ``picture``: the whole picture for everybody.
    """
    rng = np.random.default_rng(seed)
    for number in range(round(seconds * FPS)):
        time = number / FPS
        there = [n for n, walker in enumerate(walkers) if walker.is_there(time)]
        truth = np.array([walkers[n].pose(time) for n in there]).reshape(-1, COCO.num_keypoints, 2)
        heights = np.ptp(truth[..., 1], axis=1)
        seen = [k for k, n in enumerate(there) if rng.random() > misses and not _within(walkers[n].hidden, time)]
        rng.shuffle(seen)
        points = truth[seen] + rng.normal(0, 1, truth[seen].shape) * jitter * heights[seen, None, None]
        scores = np.clip(rng.normal(0.75, 0.08, points.shape[:2]), 0.3, 1)
        lost = rng.random(scores.shape) < lost_joints
        points = np.where(lost[..., None], points + rng.normal(0, 60, points.shape), points)
        points[lost & (rng.random(scores.shape) < 0.3)] = np.nan
        scores = np.where(lost, 0.1, scores)
        if rng.random() < false_finds:
            nobody = Walker(tuple(rng.uniform((0, 0), (1100, 400))), height=rng.uniform(100, 300)).pose(time)
            points = np.concatenate([points, nobody[None]])
            scores = np.concatenate([scores, rng.uniform(0.2, 0.5, (1, COCO.num_keypoints))])
        if rng.random() < keep:
            found = result_of(points, scores, boxes=boxes)
            yield Moment(time, truth, np.array(there, np.int64), 0.3 * heights**2, found)


def result_of(
    points: np.ndarray, scores: np.ndarray | None = None, names: KeypointSet = COCO, boxes: str = "people"
) -> PoseResult:
    """A result of these people (N, K, 2), their boxes around the joints or the whole picture."""
    joints = np.asarray(points, float).reshape(-1, names.num_keypoints, 2)
    sure = np.ones(joints.shape[:2]) if scores is None else np.asarray(scores)
    if boxes == "picture" or not len(joints):
        around = np.tile([0.0, 0.0, SIZE[1], SIZE[0]], (len(joints), 1))
    else:
        around = np.concatenate([np.nanmin(joints, axis=1) - 5, np.nanmax(joints, axis=1) + 5], axis=1)
    return PoseResult(joints, sure, around, np.ones(len(joints)), sure.mean(axis=1), names, SIZE)


def _within(spans: tuple[tuple[float, float], ...], time: float) -> bool:
    return any(start <= time < end for start, end in spans)
