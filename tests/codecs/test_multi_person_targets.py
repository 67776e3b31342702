"""Bottom-up targets: where marks lie, how people meet, what is left out."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from hrnet.codecs.multi_person_targets import Mirroring, MultiPersonEncoder, Placement

ENCODER = MultiPersonEncoder((64, 96), ((16, 24), (32, 48)))
coordinates = st.floats(-40, 140, width=32)


def one_joint(*points: tuple[float, float]) -> tuple[Tensor, Tensor]:
    """Keypoints (1, P, 1, 2) and visibility of people with one joint each."""
    return torch.tensor(points).reshape(1, -1, 1, 2), torch.ones(1, len(points), 1)


@given(st.lists(st.tuples(coordinates, coordinates), max_size=6))
def test_peaks_lie_where_tags_are_read(points: list[tuple[float, float]]) -> None:
    targets = ENCODER.encode(*one_joint(*points)) if points else ENCODER.encode(torch.zeros(1, 0, 1, 2), torch.zeros(1, 0, 1))
    for (height, width), maps, positions, used in zip(ENCODER.map_sizes, *targets[:3], strict=True):
        assert maps.shape == (1, 1, height, width)
        assert (maps.flatten()[positions[used]] == 1).all()
        assert (maps == 1).sum() == len(set(positions[used].tolist()))
        assert not positions[~used].any()
        assert maps.min() >= 0
        if not used.any():
            assert not maps.any()


def test_people_meet_by_the_larger_value() -> None:
    apart = [ENCODER.encode(*one_joint(point)).heatmaps for point in ((40.0, 30.0), (52.0, 34.0))]
    together = ENCODER.encode(*one_joint((40.0, 30.0), (52.0, 34.0))).heatmaps
    for level in range(2):
        assert torch.equal(together[level], torch.maximum(apart[0][level], apart[1][level]))


def test_batches_and_joints_stay_apart() -> None:
    generator = torch.Generator().manual_seed(0)
    keypoints = torch.rand(3, 4, 5, 2, generator=generator) * 90
    visibility = (torch.rand(3, 4, 5, generator=generator) < 0.7).float()
    targets = ENCODER.encode(keypoints, visibility)
    for picture in range(3):
        for joint in range(5):
            part = slice(joint, joint + 1)
            alone = ENCODER.encode(keypoints[picture : picture + 1, :, part], visibility[picture : picture + 1, :, part])
            for level, (height, width) in enumerate(ENCODER.map_sizes):
                assert torch.equal(targets.heatmaps[level][picture, joint], alone.heatmaps[level][0, 0])
                expected = alone.positions[level][0, :, 0] + joint * height * width * alone.used[level][0, :, 0]
                assert torch.equal(targets.positions[level][picture, :, joint], expected)


def test_rows_of_nobody_change_nothing() -> None:
    keypoints, visibility = one_joint((40.0, 30.0), (7.0, 60.0))
    padded = ENCODER.encode(
        torch.cat([keypoints, torch.zeros(1, 28, 1, 2)], dim=1), torch.cat([visibility, torch.zeros(1, 28, 1)], dim=1)
    )
    assert all(map(torch.equal, padded.heatmaps, ENCODER.encode(keypoints, visibility).heatmaps))


@pytest.mark.parametrize("placement", Placement)
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 1e30])
def test_absurd_coordinates_are_left_out(value: float, placement: Placement) -> None:
    encoder = MultiPersonEncoder((64, 96), ((16, 24),), placement=placement)
    targets = encoder.encode(*one_joint((value, 30.0), (40.0, 30.0)))
    assert targets.used[0].flatten().tolist() == [False, True]
    assert torch.equal(targets.heatmaps[0], encoder.encode(*one_joint((40.0, 30.0))).heatmaps[0])


def test_each_person_has_an_own_sigma() -> None:
    keypoints, visibility = one_joint((20.0, 30.0), (76.0, 30.0))
    maps = ENCODER.encode(keypoints, visibility, sigmas=torch.tensor([[1.0, 3.0]])).heatmaps[1][0, 0]
    for sigma, column in ((1.0, 10), (3.0, 38)):
        alone = MultiPersonEncoder((64, 96), ((32, 48),), sigma).encode(*one_joint((2.0 * column, 30.0))).heatmaps[0][0, 0]
        assert torch.equal(maps[:, column - 4 : column + 5], alone[:, column - 4 : column + 5])


def test_mirroring_conventions() -> None:
    """A keypoint at x lies at 95 - x in the mirrored picture; what the conventions make of x / 4 differs."""
    for mirroring, expected in ((Mirroring.COLUMNS, 24 - 1 - 5.0), (Mirroring.POINTS, 24 - 5.0), (Mirroring.PICTURE, 75 / 4)):
        encoder = MultiPersonEncoder((64, 96), ((16, 24),), mirroring=mirroring)
        both = torch.tensor([[20.0, 8.0], [75.0, 8.0]]).reshape(2, 1, 1, 2)
        found = encoder.on_map(both, (16, 24), torch.tensor([False, True]))
        assert found.flatten(1).tolist() == [[5.0, 2.0], [expected, 2.0]]


def test_masks_go_along() -> None:
    keypoints, visibility = one_joint((20.0, 30.0))
    masks = [torch.ones(1, *size) for size in ENCODER.map_sizes]
    found = ENCODER.encode(keypoints, visibility, masks).masks
    assert found is not None
    assert all(map(torch.equal, found, masks))
    with pytest.raises(ValueError, match="expected masks of shapes"):
        ENCODER.encode(keypoints, visibility, masks[:1])


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="K = 0"):
        ENCODER.encode(torch.zeros(1, 2, 0, 2), torch.zeros(1, 2, 0))
    with pytest.raises(ValueError, match="expected keypoints"):
        ENCODER.encode(torch.zeros(2, 5, 2), torch.zeros(2, 5))
    with pytest.raises(ValueError, match="sigma must be positive"):
        MultiPersonEncoder((64, 64), ((16, 16),), 0.0)
    with pytest.raises(ValueError, match="at least 1"):
        MultiPersonEncoder((64, 64), ())
