"""Number the people of one frame after the other, so that a person keeps the number."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np

from hrnet.inference.tracking.association import assign, pose_similarity, track_similarity, tracking_sigmas
from hrnet.inference.tracking.observations import Observations, observe
from hrnet.inference.tracking.track import Track
from hrnet.inference.video_input import DEFAULT_FPS
from hrnet.structures import KeypointSet, PoseResult

_SAME_PERSON = 0.8  # similarity of two people of one frame from which they count as one found twice
_HANDICAP = 0.6  # of a lost track, similarity per second: it may be anywhere near, so it is like many


@dataclass
class _Frame:
    """One frame while its people are given to tracks.

    Attributes:
        alike: (N, N) bool: people who count as one found twice.
        previous: time of the frame before, None for the first.
        owners: the tracks of the people (rows) that have one by now.
    """

    found: Observations
    alike: np.ndarray
    now: float
    previous: float | None
    owners: dict[int, Track] = field(default_factory=dict)

    def is_repeated(self, row: int) -> bool:
        """Whether somebody with a track is nearly the same."""
        return any(self.alike[row, other] for other in self.owners)


class PoseTracker:
    """Gives the people of consecutive frames ids that stay with them; one tracker per video.

    People are assigned to tracks in two steps, after Zhang et al. 2022, "ByteTrack": sure people to all tracks, those lost for
    a while included, then unsure people to what is left of the tracks of the last frame. Poses are compared by OKS and boxes
    after a Kalman filter moved them on.

    A new track is begun by a sure person and has its number from the second sighting in a row on (in the first frame at
    once), which keeps single false finds from using up numbers. Of somebody found twice in a frame one has the track.

    Args:
        sure_score: people who score at least this begin tracks and find lost ones again.
        least_score: people who score this or less are not tracked.
        joint_score: joints that score this or less are not looked at.
        least_similarity: pairs of track and person less alike than this (0 to 1) are never the same.
        max_gap: seconds that somebody may be out of sight and keep the number.
        fps: frames per second where ``update`` is not told the time.

    Raises:
        ValueError: a number out of its range.
    """

    def __init__(
        self,
        sure_score: float = 0.3,
        least_score: float = 0.1,
        joint_score: float = 0.2,
        least_similarity: float = 0.3,
        max_gap: float = 1.5,
        fps: float = DEFAULT_FPS,
    ) -> None:
        if not 0 <= least_score <= sure_score:
            raise ValueError(f"scores must be 0 <= least_score <= sure_score, got {least_score} and {sure_score}")
        if not 0 < least_similarity < 1:
            raise ValueError(f"least_similarity must be between 0 and 1, got {least_similarity}")
        if not (max_gap >= 0 and math.isfinite(fps) and fps > 0):
            raise ValueError(f"max_gap must be at least 0 and fps above 0, got {max_gap} and {fps}")
        self._sure_score, self._least_score, self._joint_score = sure_score, least_score, joint_score
        self._least_similarity, self._max_gap, self._fps = least_similarity, max_gap, fps
        self.reset()

    def reset(self) -> None:
        """Forget everybody, for another video; numbers begin at 1 again."""
        self._tracks: list[Track] = []
        self._time: float | None = None
        self._last_number = 0
        self._keypoint_set: KeypointSet | None = None
        self._sigmas = np.zeros(0)

    def update(self, result: PoseResult, time: float | None = None) -> PoseResult:
        """Return the result of the next frame with its ``track_ids``, the people in their order; -1 for no track.

        Args:
            result: who was found; nobody is fine.
            time: of the frame in seconds; 1 / fps after the one before where it is not given. Frames may be left out.

        Raises:
            ValueError: a time that is not later than the last, or another number or order of keypoints than before.
        """
        now = self._checked_time(time)
        self._check_keypoints(result)
        found = observe(result, self._joint_score)
        previous, self._time = self._time, now
        self._tracks = [track for track in self._tracks if now - track.last_seen <= self._max_gap]
        for track in self._tracks:
            track.predict(now - (now if previous is None else previous))
        owners = self._assigned(found, now, previous)
        ids = np.array([-1 if track is None or track.number == 0 else track.number for track in owners], np.int64)
        return replace(result, track_ids=ids)

    def _assigned(self, found: Observations, now: float, previous: float | None) -> list[Track | None]:
        """The track of each person of the frame, None for no track."""
        frame = _Frame(found, pose_similarity(found, found, self._sigmas) > _SAME_PERSON, now, previous)
        sure = found.scores >= max(self._sure_score, np.nextafter(self._least_score, np.inf))
        unsure = ~sure & (found.scores > self._least_score)
        confirmed = [track for track in self._tracks if track.number]
        tentative = [track for track in self._tracks if not track.number]
        self._match(confirmed, frame, sure)
        self._match([track for track in confirmed if track.last_seen == previous], frame, unsure)
        self._match(tentative, frame, sure)
        self._tracks = [track for track in self._tracks if track.number or track.last_seen == now]
        for track in tentative:
            if track.last_seen == now:
                track.number = self._new_number()
        for row in np.argsort(-found.scores, kind="stable").tolist():
            if sure[row] and row not in frame.owners and not frame.is_repeated(row):
                frame.owners[row] = track = Track(found, row, now)
                self._tracks.append(track)
                if previous is None:
                    track.number = self._new_number()
        return [frame.owners.get(row) for row in range(len(found.scores))]

    def _match(self, tracks: list[Track], frame: _Frame, eligible: np.ndarray) -> None:
        """Assign people who are eligible and free to tracks that are free; both are brought up to date."""
        free = [track for track in tracks if track.last_seen != frame.now]
        rows = [row for row in np.flatnonzero(eligible).tolist() if row not in frame.owners]
        similarity = track_similarity(free, Observations(*(values[rows] for values in frame.found)), self._sigmas)
        gaps = np.array([0.0 if frame.previous is None else frame.previous - track.last_seen for track in free])
        pairs = assign(similarity, self._least_similarity, _HANDICAP * gaps)
        for index, column in sorted(pairs, key=lambda pair: gaps[pair[0]]):
            # A track that was followed may be where another is; one that was lost must not wake up by a second find.
            followed = free[index].number and gaps[index] == 0
            if followed or not frame.is_repeated(rows[column]):
                free[index].correct(frame.found, rows[column], frame.now)
                frame.owners[rows[column]] = free[index]

    def _new_number(self) -> int:
        self._last_number += 1
        return self._last_number

    def _checked_time(self, time: float | None) -> float:
        if time is None:
            return 0.0 if self._time is None else self._time + 1 / self._fps
        if not math.isfinite(time):
            raise ValueError(f"the time of a frame must be a finite number of seconds, got {time}")
        if self._time is not None and time <= self._time:
            raise ValueError(
                f"frames must come in the order of their times: {time} s is not later than {self._time} s; "
                "call reset() before another video"
            )
        return float(time)

    def _check_keypoints(self, result: PoseResult) -> None:
        names = result.keypoint_set
        if self._keypoint_set is None:
            self._keypoint_set = names
            self._sigmas = tracking_sigmas(names.sigmas, names.num_keypoints)
        elif self._keypoint_set.keypoints != names.keypoints:
            known = self._keypoint_set
            raise ValueError(
                f"this tracker follows people of {known.num_keypoints} keypoints ({known.name}), got a result of "
                f"{names.num_keypoints} ({names.name}); call reset() or use a tracker for each"
            )
