"""One person over time: the pose as last seen, moved on by the motion."""

from __future__ import annotations

import numpy as np

from hrnet.inference.tracking.motion import Motion
from hrnet.inference.tracking.observations import Observations

_JOINT_MEMORY = 0.5  # seconds that a hidden joint is carried along with the others
_MOST_GROWTH = 0.7  # logarithm; a pose that doubles between two frames is no measurement of size


class Track:
    """One person; all positions are for the time of the last `predict` or `correct`.

    Attributes:
        number: the id, 0 until the track is confirmed.
        sightings: frames in which the person was found.
        last_seen: time of the last of them, in seconds.
        keypoints: (K, 2) pixels; seen: (K,) bool; box: (4,) xyxy pixels; length: pixels.
    """

    def __init__(self, found: Observations, row: int, time: float) -> None:
        self.number = 0
        self.sightings = 1
        self.last_seen = time
        self.keypoints = found.keypoints[row].copy()
        self.seen = found.seen[row].copy()
        self.box = found.boxes[row].copy()
        self.length = float(found.lengths[row])
        self._joint_times = np.where(self.seen, time, -np.inf)
        place = self.keypoints[self.seen].mean(axis=0) if self.seen.any() else (self.box[:2] + self.box[2:]) / 2
        self._motion = Motion(place, self.length)

    @property
    def place_variance(self) -> float:
        """Variance of where the person is predicted to be, square pixels."""
        return self._motion.place_variance

    def predict(self, seconds: float) -> None:
        """Move the pose on by ``seconds``."""
        before = self._motion.values
        self._motion.predict(seconds, self.length)
        self._move(before, self._motion.values)

    def correct(self, found: Observations, row: int, time: float) -> None:
        """Take over the pose of a person of a frame."""
        shift, growth = self._difference(found, row)
        self._motion.correct(np.array([*shift, growth]), self.length)
        now = found.seen[row]
        self.keypoints = np.where(now[:, None], found.keypoints[row], self.keypoints + shift)
        self._joint_times = np.where(now, time, self._joint_times)
        self.seen = self._joint_times >= time - _JOINT_MEMORY
        self.box, self.length = found.boxes[row].copy(), float(found.lengths[row])
        self.last_seen = time
        self.sightings += 1

    def _move(self, before: np.ndarray, after: np.ndarray) -> None:
        scale = float(np.exp(np.clip(after[2] - before[2], -_MOST_GROWTH, _MOST_GROWTH)))
        self.keypoints = after[:2] + scale * (self.keypoints - before[:2])
        corners = after[:2] + scale * (self.box.reshape(2, 2) - before[:2])
        self.box, self.length = corners.ravel(), max(1.0, self.length * scale)

    def _difference(self, found: Observations, row: int) -> tuple[np.ndarray, float]:
        """Shift (2,) in pixels and logarithm of the growth from the predicted to the found pose.

        By the joints that both have: those that come and go must not look like a movement of the person.
        """
        shared = self.seen & found.seen[row]
        if not shared.any():
            box = found.boxes[row]
            shift = (box[:2] + box[2:] - self.box[:2] - self.box[2:]) / 2
            return shift, float(np.clip(np.log(found.lengths[row] / self.length), -_MOST_GROWTH, _MOST_GROWTH))
        old, new = self.keypoints[shared], found.keypoints[row][shared]
        shift = np.median(new - old, axis=0)  # one joint that jumps to the other side does not count
        spread = [max(1.0, float(np.linalg.norm(points - points.mean(axis=0)))) for points in (old, new)]
        growth = np.log(spread[1] / spread[0]) if len(old) >= 3 else 0.0
        return shift, float(np.clip(growth, -_MOST_GROWTH, _MOST_GROWTH))
