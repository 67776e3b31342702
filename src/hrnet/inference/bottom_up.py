"""From whole pictures to the poses of all people in them, without looking for the people first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from torch import nn

from hrnet.codecs.associative_embedding import AssociativeEmbeddingDecoder, DecodedPeople, Placement
from hrnet.geometry import Floats
from hrnet.inference.acceleration import batch_size_for, prepare_network, resolve_device
from hrnet.inference.announcing import warn
from hrnet.inference.bottom_up_passes import BottomUpPasses
from hrnet.inference.picture_predictor import PicturePredictor
from hrnet.inference.presets import find_preset
from hrnet.structures import KeypointSet, PoseResult
from hrnet.weights.bottom_up_card import BottomUpCard


def build_bottom_up_predictor(
    network: nn.Module,
    card: BottomUpCard,
    *,
    name: str = "bottom-up pose",
    device: str = "auto",
    preset: str = "balanced",
    batch_size: int | None = None,
    scales: Sequence[float] = (1.0,),
    min_score: float | None = None,
    max_people: int | None = None,
    announce: Callable[[str], None] | None = None,
) -> BottomUpPredictor:
    """A predictor from a network with tags and its card.

    Args:
        name: for summaries.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
        preset: ``fast`` (no flip test), ``balanced``, ``accurate`` (float32), or ``published`` (float32, and everybody whom the
            published decoder finds).
        batch_size: pictures per pass; 8 on a GPU, 1 on a CPU where it is not given.
        scales: of the picture that the network looks at; several, with 1 among them, for the multi-scale test.
        min_score: people who score less are left out. By default 1 / K for K keypoints: those whose heat adds up to less than
            one sure keypoint; 0 with ``published``.
        max_people: the best so many are kept. By default as many as the card's decoder matches, 30 in the published ones;
            no limit with ``published``.
        announce: called with one sentence per fallback; a warning by default.

    Raises:
        ValueError: an unknown preset or device; scales, scores or counts out of range; a network that does not fit the card.
    """
    announce = announce or warn
    chosen = find_preset(preset)
    place = resolve_device(device)
    outputs = getattr(network, "num_keypoints", card.num_outputs)
    if outputs != card.num_outputs:
        raise ValueError(f"the card is for {card.num_outputs} heatmaps ({card.keypoint_set.name}), the network has {outputs}")
    if preset != "published":
        min_score = 1 / card.keypoint_set.num_keypoints if min_score is None else min_score
        max_people = card.decoding.max_people if max_people is None else max_people
    return BottomUpPredictor(
        prepare_network(network, place, chosen.reduced_precision, announce),
        card,
        flip_test=chosen.flip_test,
        scales=scales,
        batch_size=batch_size_for(place, batch_size, on_cpu=1, elsewhere=8),
        min_score=min_score or 0.0,
        max_people=max_people,
        name=name,
        announce=announce,
    )


class BottomUpPredictor(PicturePredictor[PoseResult]):
    """Finds all people of a picture in one go. Build one with `hrnet.load`.

    Its results differ from those of top-down predictors in what their numbers mean: ``scores`` are the mean heat over all K
    keypoints, those without a candidate of their own counting 0; ``boxes`` span the keypoints above the card's detection
    threshold, and ``box_scores`` are the person's. People come best first. A keypoint that a person lacks scores exactly 0 and
    lies in the middle of those that it has.

    Args:
        network: heatmaps and tags from normalised pictures, prepared for its device.
        card: how the network was trained and is read.
        flip_test: average with the mirrored picture.
        scales: see `build_bottom_up_predictor`.
        batch_size: pictures of one input size per pass.
        min_score: people who score less are left out.
        max_people: the best so many are kept, None for all.
        name: for summaries.
        announce: called with one sentence on what was done in place of what was asked; a warning by default.
    """

    def __init__(
        self,
        network: nn.Module,
        card: BottomUpCard,
        *,
        flip_test: bool = True,
        scales: Sequence[float] = (1.0,),
        batch_size: int = 1,
        min_score: float = 0.0,
        max_people: int | None = None,
        name: str = "bottom-up pose",
        announce: Callable[[str], None] | None = None,
    ) -> None:
        super().__init__(name, batch_size)
        if not 0 <= min_score < float("inf"):
            raise ValueError(f"min_score must be at least 0, got {min_score}")
        if max_people is not None and max_people < 1:
            raise ValueError(f"max_people must be at least 1, or None for all, got {max_people}")
        decoding = card.decoding
        if max_people is not None and max_people > decoding.max_people:
            decoding = replace(decoding, max_people=max_people)  # more candidates, or there would be no more people
        self.card = replace(card, decoding=decoding)
        self.min_score, self.max_people = min_score, max_people
        self._passes = BottomUpPasses(network, self.card, scales, flip_test)
        self._decoder = AssociativeEmbeddingDecoder(decoding)
        self._announce = announce or warn
        self._reduction_announced = False

    @property
    def keypoint_set(self) -> KeypointSet:
        """Names, mirror pairs and skeleton of the K keypoints."""
        return self.card.keypoint_set

    def predict_pictures(self, images: Sequence[np.ndarray]) -> list[PoseResult]:
        """Poses in pictures (H, W, 3) RGB uint8 of any sizes, in order; those of one input size share passes.

        Raises:
            ValueError: the network gives NaN or infinity.
        """
        placements = [self._passes.place(image.shape[:2]) for image in images]
        alike: dict[tuple[tuple[int, int], ...], list[int]] = defaultdict(list)
        for index, placed in enumerate(placements):
            self._announce_reduction(images[index], placed[0])
            alike[tuple(placement.input_size for placement in placed)].append(index)
        results: dict[int, PoseResult] = {}
        for members in alike.values():
            for start in range(0, len(members), self.batch_size):
                batch = members[start : start + self.batch_size]
                maps = self._passes.maps([images[index] for index in batch], [placements[index] for index in batch])
                for index, people in zip(batch, self._decoder.decode(maps), strict=True):
                    # Published decoders go back through the placement of the smallest scale.
                    points = placements[index][-1].to_picture(people.keypoints, maps.size)
                    results[index] = self._result(people, points, images[index].shape[:2])
        return [results[index] for index in range(len(images))]

    def _result(self, people: DecodedPeople, points: Floats, image_size: tuple[int, int]) -> PoseResult:
        kept = np.argsort(-people.scores, kind="stable")
        kept = kept[people.scores[kept] >= self.min_score][: self.max_people]
        points, keypoint_scores, scores = points[kept], people.keypoint_scores[kept], people.scores[kept]
        has = (keypoint_scores != 0)[..., None]
        middle = (points * has).sum(axis=1, keepdims=True) / has.sum(axis=1, keepdims=True)
        sure = (keypoint_scores > self.card.decoding.detection_threshold)[..., None]
        low, high = np.where(sure, points, np.inf).min(axis=1), np.where(sure, points, -np.inf).max(axis=1)
        return PoseResult(
            keypoints=np.where(has, points, middle),
            keypoint_scores=keypoint_scores,
            boxes=np.concatenate([low, high], axis=1),
            box_scores=scores,
            scores=scores,
            keypoint_set=self.keypoint_set,
            image_size=image_size,
        )

    def _announce_reduction(self, image: np.ndarray, placement: Placement) -> None:
        if placement.reduced and not self._reduction_announced:
            self._reduction_announced = True
            height, width = image.shape[:2]
            across, down = placement.input_size[::-1]
            self._announce(
                f"a picture of {width}x{height} pixels is so long that it is looked at in {across}x{down}, smaller than the "
                f"{self.card.input_size} pixels of the short side that the network was made for; cut such pictures into parts"
            )
