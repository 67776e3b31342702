"""What goes wrong where several people are found in a picture, as counts of people and of joints.

After Ronchi and Perona, "Benchmarking and Error Diagnosis in Multi-Instance Pose Estimation" (ICCV 2017): its localisation
errors of joints with their thresholds, and its background errors, which are missed and false people. Merged, split and repeated
people are counted besides, since these are what the grouping of joints gets wrong.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hrnet.metrics.inputs import score_array
from hrnet.metrics.multi_person_average_precision import present_joints
from hrnet.metrics.oks import resolve_sigmas
from hrnet.metrics.pose_error_result import PEOPLE, STATES, PoseErrorResult
from hrnet.structures import KeypointSet

_GOOD, _CLOSE = 0.85, 0.5  # similarities of a joint: human precision, and lying on it at all
_TINY = float(np.spacing(1.0))  # as in `hrnet.metrics.oks`


class PoseErrors:
    """Counts errors picture by picture.

    A joint's similarity to an annotated one is exp(-d^2 / (2 A (2 sigma)^2)), as in OKS; it lies *on* it from 0.5 on.
    Detections and people are matched one to one, the most alike pair first, down to ``threshold``; scores play no part in it.

    People:
        matched, missed: annotated people with and without a detection.
        false: detections without a person. Of these ``repeated`` have an OKS of at least 0.5 with somebody, who was matched to
            another, and ``background`` less than ``threshold`` with everybody.
        merged: detections with joints of two or more people: at least ``least_joints`` lie on those of the own person (whom the
            detection is matched to, else resembles most) and as many on those of one other. A detection counts once, however
            many it merges. A joint belongs to one person only: the own one where it lies on that, else the most similar.
        split: people whose joints are spread: at least ``least_joints`` are in the detection matched to them, and another
            detection has as many that the first lacks.
        ignored: detections without a person of which at least half of the joints lie in the box of an ignored region, enlarged
            by its own size on every side as in COCO's OKS. They count nowhere else.

    Joints, of matched people, each labelled one in one state:
        good, jitter: similarity of at least 0.85, or 0.5.
        inversion: not on its own joint, but on the mirrored one (left for right) of the same person.
        swap: not on its own joint, but on the same one of another person; where both would do, the more similar decides.
        miss: on none of these.
        absent: the detection lacks it.

    Args:
        keypoint_set: the K keypoints with their mirror pairs.
        sigmas: OKS constants, see `hrnet.metrics.oks.resolve_sigmas`.
        threshold: smallest OKS of a match. 0.1, as in the paper, so that a bad pose counts as such and not as missed and false.
        least_joints: see above; with 1, every swapped joint would make merged people.
        min_score: detections that score less are left out.
        max_detections: best detections per picture that count.

    Raises:
        ValueError: no sigmas, a threshold outside 0..1, or counts below 1.
    """

    def __init__(
        self,
        keypoint_set: KeypointSet,
        *,
        sigmas: float | Sequence[float] | np.ndarray | None = None,
        threshold: float = 0.1,
        least_joints: int = 2,
        min_score: float = 0.0,
        max_detections: int = 20,
    ) -> None:
        if not 0 < threshold < 1:
            raise ValueError(f"threshold must be between 0 and 1, got {threshold}")
        if least_joints < 1 or max_detections < 1:
            raise ValueError(f"least_joints and max_detections must be at least 1, got {least_joints} and {max_detections}")
        self.keypoint_set = keypoint_set
        count = keypoint_set.num_keypoints
        self.sigmas = resolve_sigmas(sigmas, keypoint_set.sigmas, count, keypoint_set.name)
        self.threshold, self.least_joints = threshold, least_joints
        self.min_score, self.max_detections = min_score, max_detections
        self._flips = np.array(keypoint_set.flip_indices)
        self._counts: dict[str, int] = dict.fromkeys(PEOPLE, 0)
        self._joints = np.zeros((len(STATES), count), np.int64)
        self._people = self._detections = self._pictures = 0

    def update(
        self,
        keypoints: ArrayLike,
        truth_keypoints: ArrayLike,
        areas: ArrayLike,
        *,
        visibility: ArrayLike | None = None,
        scores: ArrayLike | None = None,
        found: ArrayLike | None = None,
        ignored_boxes: ArrayLike | None = None,
    ) -> None:
        """Add one picture.

        Args:
            keypoints: (N, K, 2) detected, in pixels; what is not finite is absent.
            truth_keypoints: (M, K, 2) annotated people that count.
            areas: (M,) their areas in square pixels.
            visibility: (M, K), 0 for not labelled; everything is labelled where it is not given.
            scores: (N,) of the detections; all equal if None.
            found: (N, K) booleans, False for absent joints.
            ignored_boxes: (R, 4) xyxy: crowds and people without labels.

        Raises:
            ValueError: shapes that do not fit, or somebody without a labelled keypoint.
        """
        points, present = self._detected(keypoints, scores, found)
        truth, labelled, sizes = self._annotated(truth_keypoints, visibility, areas)
        alike = _similarities(points[:, None], truth[None], sizes, self.sigmas)
        alike *= present[:, None] & labelled[None]  # (N, M, K)
        oks = alike.sum(axis=2) / labelled.sum(axis=1)
        match = _match(oks, self.threshold)  # (N,) the person of each, -1 for nobody
        boxes = np.asarray(() if ignored_boxes is None else ignored_boxes, np.float64).reshape(-1, 4)
        counted = (match >= 0) | ~_on_boxes(points, present, boxes)
        counts = self._counts
        counts["ignored"] += int((~counted).sum())
        points, present, alike, oks, match = (a[counted] for a in (points, present, alike, oks, match))
        best = oks.max(axis=1, initial=0.0)
        false = match < 0
        matched = int((~false).sum())
        merged, split = self._grouping(alike, oks, match)
        added = {
            "matched": matched,
            "missed": len(truth) - matched,
            "split": split,
            "false": int(false.sum()),
            "repeated": int((false & (best >= _CLOSE)).sum()),
            "background": int((false & (best < self.threshold)).sum()),
            "merged": merged,
        }
        for name, number in added.items():
            counts[name] += number
        self._joints += self._states(points, present, alike, match, truth, labelled, sizes)
        self._people, self._detections = self._people + len(truth), self._detections + len(points)
        self._pictures += 1

    def compute(self) -> PoseErrorResult:
        """Return the counts over everything added so far."""
        scored = f", score at least {self.min_score:g}" if self.min_score > 0 else ""
        return PoseErrorResult(
            people=self._people,
            detections=self._detections,
            pictures=self._pictures,
            counts={**self._counts},
            joints={state: self._joints[row].copy() for row, state in enumerate(STATES)},
            keypoints=self.keypoint_set.keypoints,
            rule=f"matched from OKS {self.threshold:g} on; at most {self.max_detections} detections a picture{scored}",
        )

    def _grouping(self, alike: NDArray, oks: NDArray, match: NDArray) -> tuple[int, int]:
        """How many detections are merged, and how many people split, from (N, M, K) similarities."""
        if not alike.size:
            return 0, 0
        rows, people = np.arange(len(alike)), np.arange(alike.shape[1])
        own = np.where(match >= 0, match, oks.argmax(axis=1))
        is_own = own[:, None] == people
        on_own = alike[rows, own] >= _CLOSE  # (N, K)
        # A joint belongs to one person: the own one where it lies on that, else the most similar.
        others = np.where(is_own[..., None], 0.0, alike)
        nearest = others.argmax(axis=1)  # (N, K)
        on_other = ~on_own & (others.max(axis=1) >= _CLOSE)
        holds = is_own[..., None] & on_own[:, None] | (on_other[:, None] & (nearest[:, None] == people[:, None]))  # (N, M, K)
        elsewhere = np.where(is_own, 0, holds.sum(axis=2)).max(axis=1)
        merged = (on_own.sum(axis=1) >= self.least_joints) & (elsewhere >= self.least_joints)
        first = np.zeros(alike.shape[1:], bool)  # (M, K) what the detection matched to each person holds
        first[match[match >= 0]] = on_own[match >= 0]
        more = (holds & ~first).sum(axis=2)  # the matched detection itself has no more than it holds
        split = (first.sum(axis=1) >= self.least_joints) & (more.max(axis=0) >= self.least_joints)
        return int(merged.sum()), int(split.sum())

    def _states(
        self,
        points: NDArray,
        present: NDArray,
        alike: NDArray,
        match: NDArray,
        truth: NDArray,
        labelled: NDArray,
        sizes: NDArray,
    ) -> NDArray[np.int64]:
        """(states, K) counts of the labelled joints of matched people."""
        rows = np.flatnonzero(match >= 0)
        people = match[rows]
        present, shown = present[rows], labelled[people]
        own = alike[rows, people]
        mirrored = _similarities(points[rows], truth[people][:, self._flips], sizes[people], self.sigmas[self._flips])
        has_mirror = self._flips != np.arange(len(self._flips))
        mirrored *= present & shown[:, self._flips] & has_mirror
        foreign = alike[rows].copy()
        foreign[np.arange(len(rows)), people] = 0.0
        swapped = foreign.max(axis=1, initial=0.0)
        inverted = (mirrored >= _CLOSE) & (mirrored >= swapped)
        conditions = [~present, own >= _GOOD, own >= _CLOSE, inverted, swapped >= _CLOSE]
        names = ("absent", "good", "jitter", "inversion", "swap")
        state = np.select(conditions, [STATES.index(name) for name in names], STATES.index("miss"))
        return np.stack([((state == number) & shown).sum(axis=0) for number in range(len(STATES))])

    def _detected(
        self, keypoints: ArrayLike, scores: ArrayLike | None, found: ArrayLike | None
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        points = self._points("keypoints", keypoints)
        present = present_joints(points, found)
        ranks = np.ones(len(points)) if scores is None else score_array("scores", scores, len(points))
        best = np.argsort(-ranks, kind="stable")[: self.max_detections]
        best = best[ranks[best] >= self.min_score] if scores is not None else best
        return np.where(present[..., None], points, 0.0)[best], present[best]

    def _annotated(
        self, truth_keypoints: ArrayLike, visibility: ArrayLike | None, areas: ArrayLike
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.float64]]:
        truth = self._points("truth_keypoints", truth_keypoints)
        labelled = np.ones(truth.shape[:2], bool) if visibility is None else np.asarray(visibility) > 0
        labelled = labelled.reshape(truth.shape[:2]) if labelled.size == truth[..., 0].size == 0 else labelled
        sizes = np.asarray(areas, np.float64).reshape(-1)
        if labelled.shape != truth.shape[:2] or len(sizes) != len(truth):
            raise ValueError(
                f"visibility must have shape {truth.shape[:2]} and areas ({len(truth)},), "
                f"got {labelled.shape} and {sizes.shape}"
            )
        if not labelled.any(axis=1).all():
            nobody = int(np.flatnonzero(~labelled.any(axis=1))[0])
            raise ValueError(f"person {nobody} has no labelled keypoint: give the box among ignored_boxes")
        truth = np.where(labelled[..., None], truth, 0.0)
        if not (np.isfinite(truth).all() and np.isfinite(sizes).all() and (sizes >= 0).all()):
            raise ValueError("labelled keypoints and areas must be finite, and areas at least 0")
        return truth, labelled, sizes

    def _points(self, label: str, points: ArrayLike) -> NDArray[np.float64]:
        array = np.asarray(points, np.float64)
        count = self.keypoint_set.num_keypoints
        if array.size == 0 and array.shape[:1] in ((0,), ()):
            return np.zeros((0, count, 2))
        if array.ndim != 3 or array.shape[1:] != (count, 2):
            raise ValueError(f"{label} must have shape (people, {count}, 2), got {array.shape}")
        return array


def _similarities(found: NDArray, truth: NDArray, areas: NDArray, sigmas: NDArray) -> NDArray[np.float64]:
    """Similarity of joints (..., K, 2) to others, with areas (...) of the people: (..., K) in 0..1."""
    squared = ((found - truth) ** 2).sum(axis=-1)
    return np.exp(-squared / (2 * (2 * sigmas) ** 2) / (areas[..., None] + _TINY))


def _match(oks: NDArray[np.float64], threshold: float) -> NDArray[np.int64]:
    """For each detection its person, or -1: the most alike pair first."""
    left, match = oks.copy(), np.full(len(oks), -1, np.int64)
    while left.size:
        row, person = np.unravel_index(left.argmax(), left.shape)
        if left[row, person] < threshold:
            break
        match[row] = person
        left[row], left[:, person] = -1.0, -1.0
    return match


def _on_boxes(points: NDArray, present: NDArray, boxes: NDArray) -> NDArray[np.bool_]:
    """(N,) whether at least half of the joints of a detection lie in one of the boxes, each enlarged by its size."""
    extent = boxes[:, 2:] - boxes[:, :2]
    low, high = boxes[:, :2] - extent, boxes[:, 2:] + extent
    inside = ((points[:, None] >= low[:, None]) & (points[:, None] <= high[:, None])).all(axis=-1) & present[:, None]
    share = inside.sum(axis=2).max(axis=1, initial=0)
    return present.any(axis=1) & (2 * share >= present.sum(axis=1))
