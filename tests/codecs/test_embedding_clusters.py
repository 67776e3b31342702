"""Instances from maps that are known: clusters of embeddings, and connected components of the same foreground."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hrnet.codecs.connected_components import ConnectedComponents
from hrnet.codecs.embedding_clusters import EmbeddingClusterDecoder, EmbeddingClusterSpec
from hrnet.codecs.found_instances import FoundInstances, MapPlacement

SAME = MapPlacement(np.array([[1.0, 0, 0], [0, 1.0, 0]]), (32, 48))


def maps_of(labels: np.ndarray, class_ids: list[int], classes: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Logits (C, h, w) and embeddings (4, h, w) that show the labels, with some noise."""
    draws = np.random.default_rng(seed)
    kinds = np.array([-1, *class_ids])[labels]
    logits = np.where(kinds == np.arange(classes)[:, None, None], 5.0, -5.0)
    embeddings = np.arange(labels.max() + 1)[labels] * 3.0 + draws.normal(0, 0.15, (4, *labels.shape))
    return logits.astype(np.float32), embeddings.astype(np.float32)


def touching() -> np.ndarray:
    """Two that touch, and one that the second cuts in two."""
    labels = np.zeros((32, 48), np.int64)
    labels[4:28, 4:20], labels[12:18, 8:44] = 1, 2
    labels[16:30, 30:40] = 3
    labels[22:24, 18:46] = 2
    return labels


def matched(found: FoundInstances, labels: np.ndarray) -> list[float]:
    """Greatest intersection over union of each labelled instance."""
    best = []
    for number in range(1, labels.max() + 1):
        own = labels == number
        masks = [found.labels == place + 1 for place in range(len(found.scores))]
        best.append(max((float((own & mask).sum() / (own | mask).sum()) for mask in masks), default=0.0))
    return best


def test_clusters_part_what_touches_and_join_what_is_cut() -> None:
    labels = touching()
    logits, embeddings = maps_of(labels, [0, 0, 0], 1)
    found = EmbeddingClusterDecoder().decode(logits, embeddings, SAME)
    assert matched(found, labels) == [1, 1, 1]
    assert found.scores.tolist() == sorted(found.scores.tolist(), reverse=True)
    components = ConnectedComponents().decode(logits, SAME)
    assert len(components.scores) == 1
    assert np.array_equal(components.labels > 0, labels > 0)


def test_classes_come_from_the_logits() -> None:
    labels = touching()
    logits, embeddings = maps_of(labels, [2, 0, 1], 3)
    for found in (EmbeddingClusterDecoder().decode(logits, embeddings, SAME), ConnectedComponents().decode(logits, SAME)):
        classes = {int(labels[found.labels == place + 1].max()): kind for place, kind in enumerate(found.class_ids.tolist())}
        assert classes == {1: 2, 2: 0, 3: 1}


@settings(max_examples=20)
@given(st.integers(2, 5), st.floats(-20, 20), st.floats(-20, 20))
def test_masks_lie_where_the_maps_lie(scale: int, x: float, y: float) -> None:
    labels = touching()
    logits, embeddings = maps_of(labels, [0, 0, 0], 1)
    placement = MapPlacement(np.array([[scale, 0, x], [0, scale, y]], float), (40 * scale, 60 * scale))
    found = EmbeddingClusterDecoder().decode(logits, embeddings, placement)
    rows, columns = (np.indices(placement.image_size) - np.array([y, x])[:, None, None]) / scale
    nearest = np.round(rows).astype(int).clip(0, 31), np.round(columns).astype(int).clip(0, 47)
    inside = (rows > 0) & (rows < 31) & (columns > 0) & (columns < 47)
    truth = np.where(inside, labels[nearest], 0)
    shown = found._replace(labels=np.where(inside, found.labels, 0))
    assert min(matched(shown, truth)) > 0.75


def test_nothing_and_noise() -> None:
    empty = np.zeros((32, 48), np.int64)
    for found in (
        EmbeddingClusterDecoder().decode(*maps_of(empty, [], 1), SAME),
        ConnectedComponents().decode(maps_of(empty, [], 1)[0], SAME),
    ):
        assert (found.labels.max(), len(found.scores), len(found.class_ids)) == (0, 0, 0)
    logits, embeddings = maps_of(touching(), [0, 0, 0], 1)
    logits = np.concatenate([logits, np.full_like(logits, -3.0)])
    logits[0, 5, 5], logits[1, 7, 7], embeddings[:, 6, 6] = np.nan, np.nan, np.inf
    found = EmbeddingClusterDecoder().decode(logits, embeddings, SAME)
    assert min(matched(found, touching())) > 0.98
    assert len(found.scores) == 3
    assert np.isfinite(found.scores).all()


def test_few_pixels_and_many_instances() -> None:
    labels = touching()
    labels[0, 0:3] = 4
    logits, embeddings = maps_of(labels, [0] * 4, 1)
    assert len(EmbeddingClusterDecoder().decode(logits, embeddings, SAME).scores) == 3
    assert len(EmbeddingClusterDecoder(EmbeddingClusterSpec(min_pixels=3)).decode(logits, embeddings, SAME).scores) == 4
    two = EmbeddingClusterDecoder(EmbeddingClusterSpec(max_instances=2)).decode(logits, embeddings, SAME)
    assert (two.labels.max(), len(two.scores)) == (2, 2)
    assert len(ConnectedComponents(min_area=4).decode(logits, SAME).scores) == 1
    assert len(ConnectedComponents(max_instances=1).decode(logits, SAME).scores) == 1


def test_large_maps_take_little_time() -> None:
    draws = np.random.default_rng(0)
    cells = np.arange(512) // 103
    labels = 1 + cells[:, None] * 5 + cells
    logits = np.full((1, 512, 512), 5.0, np.float32)
    embeddings = (labels * 3.0 + draws.normal(0, 0.1, (8, 512, 512))).astype(np.float32)
    place = MapPlacement(SAME.to_image, (512, 512))
    started = time.process_time()
    found = EmbeddingClusterDecoder().decode(logits, embeddings, place)
    taken = time.process_time() - started
    assert len(found.scores) == 25
    assert taken < 2  # far above what it takes, far below what a loop over pixels would


@pytest.mark.parametrize("change", [{"foreground_threshold": 1.0}, {"bandwidth": 0.0}, {"min_pixels": 0}])
def test_refused_specifications(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(change))):
        EmbeddingClusterSpec(**change)


def test_maps_of_different_sizes() -> None:
    logits, embeddings = maps_of(touching(), [0, 0, 0], 1)
    with pytest.raises(ValueError, match="expected embeddings of"):
        EmbeddingClusterDecoder().decode(logits, embeddings[:, 1:], SAME)
