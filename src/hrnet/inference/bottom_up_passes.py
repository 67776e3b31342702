"""The passes of a network with tags over pictures: each scale, and the mirrored picture."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from hrnet.codecs.associative_embedding import (
    NetworkMaps,
    Placement,
    ScaledPass,
    TaggedMaps,
    aggregate,
    place_picture,
    place_square,
    separate_outputs,
)
from hrnet.geometry import warp
from hrnet.tasks.normalization import PictureNormalization
from hrnet.weights.bottom_up_card import BottomUpCard


class BottomUpPasses:
    """Places pictures in the network's input, runs the network as often as asked, and makes one set of maps of it all.

    Args:
        network: normalised pictures (B, 3, H, W) to heatmaps and tags, ready for inference on its device.
        card: size rule, normalisation, and how maps are put together.
        scales: of the passes; where there are several, 1 is among them, because tags are taken from it.
        flip_test: run the mirrored pictures as well.

    Raises:
        ValueError: scales that are no positive numbers, that repeat, or that lack 1.
    """

    def __init__(
        self, network: nn.Module, card: BottomUpCard, scales: Sequence[float] = (1.0,), flip_test: bool = True
    ) -> None:
        self.scales = _checked(scales)
        self.card = card
        self.flip_test = flip_test
        self._network = network
        parameter = next(network.parameters())
        self._device, self._dtype = parameter.device, parameter.dtype
        # One after the other on a CPU: half the memory, and no slower.
        self._mirrors_apart = self._device.type == "cpu"
        self._normalize = PictureNormalization(card.mean, card.std, card.channel_order).to(self._device)

    def place(self, image_size: tuple[int, int]) -> tuple[Placement, ...]:
        """Where a picture of (height, width) lies in the input at each of the scales, largest first."""
        card = self.card
        if card.size_rule == "square":
            return tuple(place_square(image_size, card.input_size, scale) for scale in self.scales)
        smallest, convention = self.scales[-1], card.decoding.convention
        return tuple(
            place_picture(image_size, card.input_size, scale, smallest, convention=convention) for scale in self.scales
        )

    @torch.inference_mode()
    def maps(self, images: Sequence[np.ndarray], placements: Sequence[tuple[Placement, ...]]) -> TaggedMaps:
        """Heat and tags of B pictures (H, W, 3) RGB uint8, placed so that they have the same input sizes.

        Raises:
            ValueError: the network gives NaN or infinity.
        """
        sizes = [placement.input_size for placement in placements[0]]
        passes = []
        for row, scale in enumerate(self.scales):
            placed = (warp(image, of_image[row].matrix, sizes[row]) for image, of_image in zip(images, placements, strict=True))
            passes.append(ScaledPass(scale, *self._run(np.stack(list(placed)))))
        input_size = sizes[self.scales.index(1) if 1 in self.scales else 0]
        return aggregate(passes, self.card.decoding, self.card.flip_indices, input_size)

    def _run(self, pixels: np.ndarray) -> tuple[NetworkMaps, NetworkMaps | None]:
        """Maps of pictures (B, H, W, 3) uint8, and of the same mirrored."""
        inputs = self._normalize(torch.from_numpy(pixels).to(self._device), self._dtype)
        if not self.flip_test:
            return self._separate(inputs), None
        if self._mirrors_apart:
            return self._separate(inputs), self._separate(inputs.flip(-1))
        both, count = self._separate(torch.cat([inputs, inputs.flip(-1)])), len(inputs)
        plain = NetworkMaps(tuple(maps[:count] for maps in both.heatmaps), both.tags[:count])
        return plain, NetworkMaps(tuple(maps[count:] for maps in both.heatmaps), both.tags[count:])

    def _separate(self, inputs: Tensor) -> NetworkMaps:
        return separate_outputs(self._network(inputs), self.card.num_outputs)


def _checked(scales: Sequence[float]) -> tuple[float, ...]:
    """The scales, largest first."""
    wanted = tuple(sorted((float(scale) for scale in scales), reverse=True))
    if not wanted or not all(0 < scale < math.inf for scale in wanted) or len(set(wanted)) != len(wanted):
        raise ValueError(f"scales must be one or several positive numbers, each once, got {tuple(scales)}")
    if len(wanted) > 1 and 1 not in wanted:
        raise ValueError(f"of several scales one must be 1, from which the tags are taken; got {tuple(scales)}")
    return wanted
