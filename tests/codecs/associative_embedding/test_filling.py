"""The search for absent joints beside evaluating every pixel."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hrnet.codecs.associative_embedding import filling
from hrnet.codecs.associative_embedding.filling import Absent, find_absent
from hrnet.codecs.associative_embedding.resized_maps import ResizedMaps
from hrnet.codecs.associative_embedding.specification import AssociativeEmbeddingSpec


def assert_same_as_everywhere(heat: ResizedMaps, tags: ResizedMaps, absent: Absent, spec: AssociativeEmbeddingSpec) -> None:
    found = find_absent(heat, tags, absent, spec)
    all_heat, all_tags = heat.dense(), tags.dense()
    width = heat.size[1]
    for query in range(len(absent.maps)):
        difference = all_tags[absent.tag_maps[query]] - absent.tags[query].view(-1, 1, 1)
        value = all_heat[absent.maps[query]] - spec.fill_penalty * difference.square().sum(0).sqrt().round()
        flat = value.nan_to_num(nan=-np.inf, neginf=-np.inf).flatten()
        best = int(flat.argmax())
        best_heat = all_heat[absent.maps[query]].flatten()[best]
        if flat[best] == -np.inf:
            assert found.heat[query] == -np.inf
        elif spec.fill_needs_heat and best_heat <= 0:
            assert found.heat[query] <= 0
        else:
            assert (int(found.rows[query]), int(found.columns[query])) == divmod(best, width)
            torch.testing.assert_close(found.heat[query], best_heat, rtol=0, atol=1e-6 if heat.is_resized else 0)


def queries(maps: int, dimensions: int, count: int, generator: torch.Generator, spread: float) -> Absent:
    chosen = torch.randint(maps, (count,), generator=generator)
    tag_maps = chosen.unsqueeze(1) * dimensions + torch.arange(dimensions)
    return Absent(chosen, tag_maps, spread * torch.randn(count, dimensions, generator=generator))


@pytest.mark.parametrize("needs_heat", [True, False])
@pytest.mark.parametrize("size", [(64, 96), (37, 150), (5, 3), (1, 1)])
@pytest.mark.parametrize("dimensions", [1, 2, 4])
@pytest.mark.parametrize("seed", range(3))
def test_same_pixel(needs_heat: bool, size: tuple[int, int], dimensions: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    spec = AssociativeEmbeddingSpec(fill_needs_heat=needs_heat, fill_penalty=1.0 if needs_heat else 100.0)
    heat = torch.rand(3, *size, generator=generator) ** 6 - 0.05
    tags = 3 * torch.randn(3 * dimensions, *size, generator=generator).cumsum(-1) / 8
    absent = queries(3, dimensions, 40, generator, 5.0)
    assert_same_as_everywhere(ResizedMaps([heat]), ResizedMaps([tags]), absent, spec)


@pytest.mark.parametrize("seed", range(4))
def test_many_equal_pixels(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    heat = torch.randint(-1, 3, (2, 70, 90), generator=generator) / 4
    tags = torch.randint(-2, 3, (4, 70, 90), generator=generator).float()
    absent = queries(2, 2, 30, generator, 2.0)
    assert_same_as_everywhere(ResizedMaps([heat]), ResizedMaps([tags]), absent, AssociativeEmbeddingSpec())


def test_empty_background() -> None:
    heat, tags = torch.zeros(1, 64, 64), torch.zeros(1, 64, 64)
    heat[0, 40, 9] = 0.5
    tags[0, 40, 9] = 3.0
    near, far = torch.tensor([[2.9]]), torch.tensor([[0.1]])
    zero = torch.zeros(1, dtype=torch.long)
    maps = ResizedMaps([heat]), ResizedMaps([tags])
    spec = AssociativeEmbeddingSpec()
    found = find_absent(*maps, Absent(zero, zero.view(1, 1), near), spec)
    assert (found.rows.item(), found.columns.item(), found.heat.item()) == (40, 9, 0.5)
    assert find_absent(*maps, Absent(zero, zero.view(1, 1), far), spec).heat.item() == 0


@pytest.mark.parametrize("share", [0.0, 1e9])
@pytest.mark.parametrize("seed", range(3))
def test_maps_that_are_enlarged(seed: int, share: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether whole maps are enlarged, or only what is looked into."""
    monkeypatch.setattr(filling, "_SHARE_READ_APART", share)
    generator = torch.Generator().manual_seed(seed)
    layers = [torch.rand(2, *size, generator=generator) ** 4 for size in ((48, 40), (24, 20))]
    tags = torch.randn(4, 12, 10, generator=generator) * 3
    absent = queries(2, 2, 30, generator, 4.0)
    size = (96, 80)
    assert_same_as_everywhere(ResizedMaps(layers, size), ResizedMaps([tags], size), absent, AssociativeEmbeddingSpec())


def test_pixels_without_a_tag_belong_to_nobody() -> None:
    generator = torch.Generator().manual_seed(0)
    heat = torch.rand(2, 40, 40, generator=generator)
    tags = torch.randn(4, 40, 40, generator=generator)
    tags[torch.rand(tags.shape, generator=generator) < 0.3] = torch.nan
    tags[torch.rand(tags.shape, generator=generator) < 0.1] = torch.inf
    tags[2] = torch.nan
    absent = queries(2, 2, 30, generator, 2.0)
    assert_same_as_everywhere(ResizedMaps([heat]), ResizedMaps([tags]), absent, AssociativeEmbeddingSpec())


def test_nothing_to_look_for() -> None:
    none = Absent(torch.zeros(0, dtype=torch.long), torch.zeros(0, 2, dtype=torch.long), torch.zeros(0, 2))
    found = find_absent(
        ResizedMaps([torch.rand(1, 9, 9)]), ResizedMaps([torch.rand(2, 9, 9)]), none, AssociativeEmbeddingSpec()
    )
    assert found.heat.shape == (0,)
