"""Calm the joints of tracked people: slow movements are smoothed, fast ones followed."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from hrnet.inference.tracking.observations import observe
from hrnet.structures import PoseResult


class OneEuroFilter:
    """A low-pass filter whose cutoff frequency grows with speed; Casiez, Roussel and Vogel 2012, "1 Euro Filter".

    Any number of points at once, each on its own. What comes out lies between the last output and the input, so a step is
    never overshot, and a constant input stays as it is. A point that is not finite is passed through and changes nothing;
    one that was away for longer than ``patience`` begins anew.

    Args:
        min_cutoff: Hz, at rest; less is calmer and slower.
        speed_coefficient: Hz per unit of speed; more follows faster. Named beta in the paper.
        speed_cutoff: Hz, for the speed itself.
        patience: seconds.

    Raises:
        ValueError: a number out of its range.
    """

    def __init__(
        self, min_cutoff: float = 1.0, speed_coefficient: float = 1.0, speed_cutoff: float = 1.0, patience: float = 0.5
    ) -> None:
        if not (min_cutoff > 0 and speed_cutoff > 0 and speed_coefficient >= 0 and patience >= 0):
            given = f"{min_cutoff}, {speed_cutoff}, {speed_coefficient} and {patience}"
            raise ValueError(f"cutoffs must be above 0, speed_coefficient and patience at least 0, got {given}")
        self._min_cutoff, self._speed_coefficient = min_cutoff, speed_coefficient
        self._speed_cutoff, self._patience = speed_cutoff, patience
        self._points: np.ndarray | None = None
        self._speeds = np.zeros(0)
        self._times = np.zeros(0)

    def __call__(self, points: np.ndarray, time: float, unit: float = 1.0) -> np.ndarray:
        """Filter points (P, D) of a time in seconds, which must grow; returns (P, D) float64.

        ``unit`` is the length that speeds are measured in, such as that of the person: the filter then acts alike on people
        of any size.
        """
        given = np.asarray(points, np.float64)
        if given.ndim != 2 or (self._points is not None and given.shape != self._points.shape):
            wanted = "(P, D)" if self._points is None else f"{self._points.shape} as before"
            raise ValueError(f"points must have shape {wanted}, got {given.shape}")
        finite = np.asarray(np.isfinite(given).all(axis=1))
        if self._points is None:
            self._points, self._speeds = np.zeros_like(given), np.zeros_like(given)
            self._times = np.full(len(given), -np.inf)
        elapsed = time - self._times
        if (elapsed <= 0).any():
            raise ValueError(f"times must grow: {time} s is not later than {self._times.max()} s")
        known = finite & (elapsed <= self._patience)
        started = finite & ~known
        self._points[started], self._speeds[started] = given[started], 0.0
        if known.any():
            seconds = elapsed[known, None]
            step = given[known] - self._points[known]
            self._speeds[known] += _share(self._speed_cutoff, seconds) * (step / (seconds * unit) - self._speeds[known])
            speed = np.linalg.norm(
                self._speeds[known], axis=1, keepdims=True
            )  # one for all coordinates: directions count alike
            self._points[known] += _share(self._min_cutoff + self._speed_coefficient * speed, seconds) * step
        self._times[finite] = time
        return np.where(finite[:, None], self._points, given)


class PoseSmoother:
    """Smooths the joints of tracked people, one `OneEuroFilter` per track; one smoother per video.

    Speeds are counted in lengths of the person. Joints that score ``joint_score`` or less are noise: they are passed through
    and do not disturb what is known. People without a track are left as they are.

    Args:
        min_cutoff, speed_coefficient, patience: see `OneEuroFilter`, with speeds in lengths of the person per second.
        joint_score: as in `hrnet.inference.tracking.PoseTracker`.
    """

    def __init__(
        self, min_cutoff: float = 1.0, speed_coefficient: float = 10.0, patience: float = 0.5, joint_score: float = 0.2
    ) -> None:
        self._settings = {"min_cutoff": min_cutoff, "speed_coefficient": speed_coefficient, "patience": patience}
        OneEuroFilter(**self._settings)  # what is wrong with them is said now
        self._joint_score = joint_score
        self.reset()

    def reset(self) -> None:
        """Forget everybody, for another video."""
        self._filters: dict[int, tuple[OneEuroFilter, float]] = {}

    def update(self, result: PoseResult, time: float) -> PoseResult:
        """Return the result of the next frame, at ``time`` seconds, with smooth keypoints; scores and boxes are as they were.

        Raises:
            ValueError: the result was not tracked, or has another number of keypoints than before.
        """
        if result.track_ids is None:
            raise ValueError("only tracked people can be smoothed: give the result to PoseTracker.update first")
        observed = observe(result, self._joint_score)
        keypoints = result.keypoints.copy()
        for row, number in enumerate(result.track_ids.tolist()):
            if number < 0:
                continue
            smooth, _ = self._filters.get(number, (OneEuroFilter(**self._settings), time))
            seen = observed.seen[row]
            points = np.where(seen[:, None], observed.keypoints[row], np.nan)
            filtered = smooth(points, time, float(observed.lengths[row]))
            keypoints[row, seen] = filtered[seen]
            self._filters[number] = smooth, time
        limit = time - 60  # numbers do not come back after the tracker's gap, which is far shorter
        self._filters = {number: entry for number, entry in self._filters.items() if entry[1] > limit}
        return replace(result, keypoints=keypoints)


def _share(cutoff: float | np.ndarray, seconds: np.ndarray) -> np.ndarray:
    """How much of a step a low-pass filter of first order takes at once."""
    return 1 / (1 + 1 / (2 * math.pi * np.asarray(cutoff) * seconds))  # 1 for a speed without end
