"""Run a segmentation network over windows of pictures: in batches, mirrored, and in tiles where a window is too large."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from hrnet.inference.class_scores import ScoredView
from hrnet.inference.windows import Tile, View, Window, tile_grid
from hrnet.tasks.normalization import PictureNormalization
from hrnet.weights.segmentation_card import SegmentationCard

_OUTPUT_STRIDE = 4


class SegmentationPasses:
    """Logits of windows.

    Args:
        network: normalised pictures (B, 3, H, W) to logits at a quarter of the size, or a tuple of which the last counts;
            prepared for its device.
        card: normalisation and mirror pairs.
        flip_test: average with the logits of the mirrored window.
        pixels_per_pass: windows of one size share a pass up to that many pixels; a window with more is cut into tiles.
        overlap: pixels that neighbouring tiles share.
    """

    def __init__(
        self, network: nn.Module, card: SegmentationCard, flip_test: bool, pixels_per_pass: int, overlap: int = 256
    ) -> None:
        if pixels_per_pass < 1 or overlap < 1:
            raise ValueError(f"pixels_per_pass and overlap must be positive, got {pixels_per_pass} and {overlap}")
        self.network = network
        self.flip_test = flip_test
        self.pixels_per_pass, self.overlap = pixels_per_pass, overlap
        parameter = next(network.parameters())
        self._device, self._dtype = parameter.device, parameter.dtype
        self._normalize = PictureNormalization(card.mean, card.std, card.channel_order).to(self._device)
        self._mirrored_classes = torch.tensor(card.class_set.flip_indices, device=self._device)
        self._num_classes = card.num_outputs

    def scored(self, pictures: Sequence[tuple[np.ndarray, View]]) -> list[ScoredView]:
        """What the network says about pictures (H, W, 3) RGB uint8, each looked at in its view.

        Raises:
            ValueError: the network gives another number of classes than the card has, or numbers that are not finite.
        """
        inputs = [self._input(image, view.size) for image, view in pictures]
        found: list[list[Tensor | None]] = [[None] * len(view.windows) for _, view in pictures]
        alike: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
        for picture, (_, view) in enumerate(pictures):
            for number, window in enumerate(view.windows):
                alike[window.padded].append((picture, number))
        for (height, width), members in alike.items():
            per_pass = max(1, self.pixels_per_pass // (height * width))
            for start in range(0, len(members), per_pass):
                batch = members[start : start + per_pass]
                parts = [self._window(inputs[picture], pictures[picture][1], number) for picture, number in batch]
                logits = self.logits(parts[0] if len(parts) == 1 else torch.cat(parts))
                for (picture, number), one in zip(batch, logits, strict=True):
                    found[picture][number] = one
        return [
            ScoredView(view, [one for one in logits if one is not None])
            for (_, view), logits in zip(pictures, found, strict=True)
        ]

    def logits(self, inputs: Tensor) -> Tensor:
        """Logits (B, C, H / 4, W / 4) float32 of normalised windows (B, 3, H, W), rounded up."""
        height, width = inputs.shape[2:]
        if height * width <= self.pixels_per_pass:
            return self._one_pass(inputs)
        rows, columns = tile_grid((height, width), self.pixels_per_pass, self.overlap)
        shape = (len(inputs), self._num_classes, -(-height // _OUTPUT_STRIDE), -(-width // _OUTPUT_STRIDE))
        whole = torch.zeros(shape, device=self._device)
        for row in rows:
            for column in columns:
                tile = self._one_pass(inputs[:, :, row.start : row.stop, column.start : column.stop])
                tile = tile * _fading(row, self._device)[:, None] * _fading(column, self._device)
                top, left = row.start // _OUTPUT_STRIDE, column.start // _OUTPUT_STRIDE
                whole[:, :, top : top + tile.shape[2], left : left + tile.shape[3]] += tile
        return whole

    def _one_pass(self, inputs: Tensor) -> Tensor:
        logits = self._last(self.network(inputs))
        expected = (self._num_classes, *(-(-side // _OUTPUT_STRIDE) for side in inputs.shape[2:]))
        if logits.shape[1:] != expected:
            raise ValueError(
                f"the network gives maps of shape {tuple(logits.shape[1:])} for an input of {tuple(inputs.shape[2:])} pixels; "
                f"the card's {expected[0]} classes at a quarter of the size make {expected}"
            )
        if self.flip_test:
            mirrored = self._last(self.network(inputs.flip(3))).flip(3)
            logits = (logits + mirrored[:, self._mirrored_classes]) / 2
        if not torch.isfinite(logits).all():
            raise ValueError("the network gives NaN or infinity: are these weights of a training that diverged?")
        return logits

    def _last(self, outputs: Tensor | Sequence[Tensor]) -> Tensor:
        return (outputs if isinstance(outputs, Tensor) else outputs[-1]).float()

    def _input(self, image: np.ndarray, size: tuple[int, int]) -> Tensor:
        """A picture resized and normalised, (1, 3, H, W)."""
        pixels = image
        if image.shape[:2] != size:  # in floating point: rounding to whole numbers would show in the scores
            pixels = cv2.resize(image.astype(np.float32), size[::-1], interpolation=cv2.INTER_LINEAR)
        owned = np.require(pixels, requirements=["C", "W"])  # torch wants to be allowed to write, though it does not
        return self._normalize(torch.from_numpy(owned)[None].to(self._device), self._dtype)

    def _window(self, pixels: Tensor, view: View, number: int) -> Tensor:
        """A window of a picture (1, 3, H, W), padded."""
        window: Window = view.windows[number]
        part = pixels[:, :, window.top : window.top + window.height, window.left : window.left + window.width]
        if (window.height, window.width) == window.padded:
            return part
        colors = self._normalize.mean if view.pad_with_mean else torch.zeros(3, device=self._device)
        order = colors.flip(0) if self._normalize.channel_order == "bgr" and view.pad_with_mean else colors
        around = self._normalize(order.expand(1, 1, 1, 3), self._dtype)
        padded = around.expand(1, 3, *window.padded).clone(memory_format=torch.channels_last)
        padded[:, :, : window.height, : window.width] = part
        return padded


def _fading(tile: Tile, device: torch.device) -> Tensor:
    """The weight of each output of a tile: it and its neighbours' add up to 1."""
    weights = torch.ones(-(-(tile.stop - tile.start) // _OUTPUT_STRIDE), device=device)
    for fade, at_end in ((tile.fade_in, False), (tile.fade_out, True)):
        count = fade // _OUTPUT_STRIDE
        if count:
            ramp = ((torch.arange(count, device=device) + 0.5 - count / 4) / (count / 2)).clamp(0, 1)
            if at_end:
                weights[-count:] *= 1 - ramp
            else:
                weights[:count] *= ramp
    return weights
