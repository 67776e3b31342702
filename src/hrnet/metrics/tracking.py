"""How well people were followed over the frames of videos: MOTA and IDF1, with persons matched by their keypoints.

MOTA after Bernardin and Stiefelhagen 2008, "The CLEAR MOT Metrics"; IDF1 after Ristani et al. 2016, "Performance Measures
and a Data Set for Multi-Target, Multi-Camera Tracking". Both count people; PoseTrack's own MOTA counts single joints.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from hrnet.metrics.oks import oks_to_ground_truth, resolve_sigmas
from hrnet.metrics.tables import json_number, text_table
from hrnet.structures import KeypointSet

Matching: TypeAlias = Literal["oks", "distance"]
_DEFAULT_THRESHOLDS: dict[Matching, float] = {"oks": 0.5, "distance": 0.2}
_FAR = 1e9  # pixels: where a joint is put that was not found


@dataclass(frozen=True)
class TrackingResult:
    """The numbers of `TrackingAccuracy`; NaN where nothing is annotated.

    Attributes:
        mota: 1 - (misses + false positives + id switches) / people; below 0 where there is more wrong than right.
        idf1, id_precision, id_recall: of the best one-to-one assignment of whole tracks to whole people.
        similarity: mean OKS (or 1 - distance) of the matches.
        matches, misses, false_positives, id_switches, fragmentations: counts. A fragmentation is a person lost and found.
        people, predictions, frames: annotated people and predicted ones with a track, summed over frames.
        tracks, identities: how many different ids were predicted and annotated.
        rule: how persons were matched, for the summary.
    """

    mota: float
    idf1: float
    id_precision: float
    id_recall: float
    similarity: float
    matches: int
    misses: int
    false_positives: int
    id_switches: int
    fragmentations: int
    people: int
    predictions: int
    frames: int
    tracks: int
    identities: int
    rule: str

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; an undefined number is None."""
        return {name: json_number(value) if isinstance(value, float) else value for name, value in asdict(self).items()}

    def summary(self) -> str:
        """A plain text table."""
        shares = [("MOTA", self.mota), ("IDF1", self.idf1), ("ID precision", self.id_precision), ("ID recall", self.id_recall)]
        rows = [(name, 100 * value) for name, value in [*shares, ("similarity of matches", self.similarity)]]
        counts = ("matches", "misses", "false_positives", "id_switches", "fragmentations", "tracks", "identities")
        table = text_table(("tracking", "%"), rows) + "\n"
        table += text_table(("counts", ""), [(name.replace("_", " "), getattr(self, name)) for name in counts])
        return f"{table}\n{self.people} people in {self.frames} frames, matched by {self.rule}"


class TrackingAccuracy:
    """Collects tracked people frame by frame, in the order of time, then computes MOTA and IDF1.

    Args:
        keypoint_set: the K keypoints.
        matching: ``oks``, or ``distance``: the mean distance of the labelled keypoints divided by the length of the person
            (the square root of twice the area), each at most 1, which needs no sigmas.
        threshold: people are the same from this OKS on (0.5), or up to this distance (0.2).
        sigmas: OKS constants, see `hrnet.metrics.oks.resolve_sigmas`.

    Raises:
        ValueError: no sigmas for OKS, or a threshold outside 0..1.
    """

    def __init__(
        self,
        keypoint_set: KeypointSet,
        matching: Matching = "oks",
        threshold: float | None = None,
        sigmas: float | Sequence[float] | np.ndarray | None = None,
    ) -> None:
        if matching not in _DEFAULT_THRESHOLDS:
            raise ValueError(f"matching must be 'oks' or 'distance', got {matching!r}")
        limit = _DEFAULT_THRESHOLDS[matching] if threshold is None else threshold
        if not 0 < limit < 1:
            raise ValueError(f"threshold must be between 0 and 1, got {threshold}")
        self._joints = keypoint_set.num_keypoints
        self._sigmas = None
        if matching == "oks":
            self._sigmas = resolve_sigmas(sigmas, keypoint_set.sigmas, self._joints, keypoint_set.name)
        self._least = limit if matching == "oks" else 1 - limit
        self._rule = f"OKS >= {limit:g}" if matching == "oks" else f"mean distance <= {limit:g} of the person's length"
        self._counts: Counter[str] = Counter()
        self._similarity = 0.0
        self._together: Counter[tuple[Hashable, Hashable]] = Counter()
        self._tracks: set[Hashable] = set()
        self._identities: set[Hashable] = set()
        self._last_track: dict[Hashable, Hashable] = {}  # of each person, the track that was matched last
        self._followed: dict[Hashable, set[Hashable]] = {}  # of each sequence, who was matched in its last frame
        self._missed: set[Hashable] = set()  # people who were matched, and then not although they were there

    def update(
        self,
        keypoints: ArrayLike,
        track_ids: ArrayLike,
        truth_keypoints: ArrayLike,
        truth_ids: ArrayLike,
        *,
        visibility: ArrayLike | None = None,
        areas: ArrayLike | None = None,
        sequence: Hashable = "",
    ) -> None:
        """Add one frame.

        Args:
            keypoints: (N, K, 2) predicted pixels; what is not finite counts as far away.
            track_ids: (N,) whole numbers; people below 0 have no track and do not count.
            truth_keypoints: (M, K, 2) annotated pixels.
            truth_ids: (M,) whole numbers.
            visibility: (M, K), 0 for not labelled; everything is labelled where it is not given. Somebody without any
                labelled keypoint does not count.
            areas: (M,) square pixels; half the square of the longer side around the labelled keypoints where not given.
            sequence: name of the video: ids are compared within one only.

        Raises:
            ValueError: shapes that do not fit, or an id twice in a frame.
        """
        found, ids = self._people("keypoints", keypoints, "track_ids", track_ids)
        found, ids = np.where(np.isfinite(found).all(axis=-1, keepdims=True), found, _FAR)[ids >= 0], ids[ids >= 0]
        truth, names = self._people("truth_keypoints", truth_keypoints, "truth_ids", truth_ids)
        labelled = np.ones(truth.shape[:2], bool) if visibility is None else np.asarray(visibility) > 0
        if labelled.size == 0:
            labelled = labelled.reshape(truth.shape[:2])
        if labelled.shape != truth.shape[:2]:
            raise ValueError(f"visibility must have shape {truth.shape[:2]}, got {labelled.shape}")
        counted = labelled.any(axis=1)
        sizes = _areas(truth, labelled) if areas is None else np.asarray(areas, np.float64).reshape(-1)
        if len(sizes) != len(truth):
            raise ValueError(f"areas must have shape ({len(truth)},), got {sizes.shape}")
        truth, names, labelled, sizes = truth[counted], names[counted], labelled[counted], sizes[counted]
        for label, numbers in (("track_ids", ids), ("truth_ids", names)):
            if len(np.unique(numbers)) != len(numbers):
                raise ValueError(f"{label} must name everybody of a frame once, got {numbers.tolist()}")
        alike = self._similarities(found, truth, labelled, sizes)
        self._count(alike, [(sequence, n) for n in ids.tolist()], [(sequence, n) for n in names.tolist()], sequence)

    def compute(self) -> TrackingResult:
        """Return the numbers over everything added so far."""
        counts, people, predictions = self._counts, self._counts["people"], self._counts["predictions"]
        wrong = counts["misses"] + counts["false_positives"] + counts["id_switches"]
        right = self._right_identities()
        return TrackingResult(
            mota=_share(people - wrong, people),
            idf1=_share(2 * right, people + predictions),
            id_precision=_share(right, predictions),
            id_recall=_share(right, people),
            similarity=_share(self._similarity, counts["matches"]),
            matches=counts["matches"],
            misses=counts["misses"],
            false_positives=counts["false_positives"],
            id_switches=counts["id_switches"],
            fragmentations=counts["fragmentations"],
            people=people,
            predictions=predictions,
            frames=counts["frames"],
            tracks=len(self._tracks),
            identities=len(self._identities),
            rule=self._rule,
        )

    def _people(self, label: str, keypoints: ArrayLike, ids_label: str, ids: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        points, numbers = np.asarray(keypoints, np.float64), np.asarray(ids)
        if points.size == 0 and numbers.size == 0:
            return np.zeros((0, self._joints, 2)), np.zeros(0, np.int64)
        if points.ndim != 3 or points.shape[1:] != (self._joints, 2):
            raise ValueError(f"{label} must have shape (people, {self._joints}, 2), got {points.shape}")
        if numbers.shape != (len(points),) or numbers.dtype.kind not in "iu":
            raise ValueError(f"{ids_label} must be {len(points)} whole numbers, got {numbers.dtype} {numbers.shape}")
        return points, numbers.astype(np.int64)

    def _similarities(self, found: np.ndarray, truth: np.ndarray, labelled: np.ndarray, areas: np.ndarray) -> np.ndarray:
        """(N, M) in [0, 1]."""
        if self._sigmas is not None:
            return oks_to_ground_truth(found, truth, labelled, areas, self._sigmas)
        steps = np.linalg.norm(found[:, None] - np.where(labelled[..., None], truth, 0.0)[None], axis=-1)
        steps = np.minimum(steps / np.sqrt(2 * np.maximum(areas, 1e-9))[None, :, None], 1.0)  # one joint cannot spoil all
        return 1 - (steps * labelled[None]).sum(axis=-1) / np.maximum(labelled.sum(axis=-1), 1)

    def _count(self, alike: np.ndarray, tracks: list[Hashable], people: list[Hashable], sequence: Hashable) -> None:
        followed = self._followed.get(sequence, set())
        kept = [
            (tracks.index(self._last_track[person]), column)
            for column, person in enumerate(people)
            if person in followed and self._last_track[person] in tracks
        ]
        pairs = _pairs(alike, self._least, kept)
        for row, column in pairs:
            person, track = people[column], tracks[row]
            last = self._last_track.get(person)
            self._counts["id_switches"] += last is not None and last != track
            self._counts["fragmentations"] += person in self._missed
            self._last_track[person] = track
            self._similarity += float(alike[row, column])
        matched = {people[column] for _, column in pairs}
        self._missed |= {person for person in people if person in self._last_track}
        self._missed -= matched
        self._followed[sequence] = matched
        for row, column in zip(*np.nonzero(alike >= self._least), strict=True):
            self._together[people[column], tracks[row]] += 1
        self._tracks.update(tracks)
        self._identities.update(people)
        added = {"people": len(people), "predictions": len(tracks), "matches": len(pairs), "frames": 1}
        self._counts.update(added, misses=len(people) - len(pairs), false_positives=len(tracks) - len(pairs))

    def _right_identities(self) -> int:
        """How many people of all frames are right if each person is given one track and each track one person."""
        if not self._together:
            return 0
        from scipy.optimize import linear_sum_assignment

        people = {person: n for n, person in enumerate({person for person, _ in self._together})}
        tracks = {track: n for n, track in enumerate({track for _, track in self._together})}
        table = np.zeros((len(people), len(tracks)))
        for (person, track), frames in self._together.items():
            table[people[person], tracks[track]] = frames
        return int(table[linear_sum_assignment(table, maximize=True)].sum())


def _pairs(alike: np.ndarray, least: float, kept: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Matches of a frame: those of the frame before that still hold, then as many others as possible, the most alike."""
    kept = [(row, column) for row, column in kept if alike[row, column] >= least]
    worth = np.where(alike >= least, 1000.0 + alike, 0.0)
    for row, column in kept:
        worth[row, :], worth[:, column] = 0.0, 0.0
    if not worth.any():
        return kept
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(worth, maximize=True)
    return kept + [(int(row), int(column)) for row, column in zip(rows, columns, strict=True) if worth[row, column] > 0]


def _areas(truth: np.ndarray, labelled: np.ndarray) -> np.ndarray:
    low = np.where(labelled[..., None], truth, np.inf).min(axis=1, initial=np.inf)
    high = np.where(labelled[..., None], truth, -np.inf).max(axis=1, initial=-np.inf)
    sides = np.where(labelled.any(axis=1, keepdims=True), high - low, 0.0)
    return np.maximum(0.5 * np.square(sides.max(axis=1, initial=0)), 1.0)


def _share(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")
