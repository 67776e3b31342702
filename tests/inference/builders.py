"""What the tests of prediction are made of: a tiny checkpoint, people made of coloured marks, and a network that finds them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from hrnet.codecs import CodecSpec, build_codec
from hrnet.codecs.specification import CodecName
from hrnet.data.keypoint_sets import keypoint_set
from hrnet.models import build_model
from hrnet.structures import KeypointSet
from hrnet.tasks.pose import TopDownPose
from hrnet.weights import PoseCard, save_checkpoint

NETWORK = "pose_hrnet_w18_small_v1"


def tiny_checkpoint(path: Path, keypoints: str = "coco", codec: CodecName = "quarter_offset") -> Path:
    """A small network with random weights that sees 64 x 64 pixels."""
    torch.manual_seed(0)
    card = PoseCard(NETWORK, keypoint_set(keypoints), CodecSpec(codec, (64, 64), 1.5))
    network = build_model(NETWORK, card.num_outputs)
    # Random heatmaps that differ from place to place and from picture to picture.
    nn.init.normal_(network.get_parameter("final_layer.weight"), std=0.2)
    return save_checkpoint(path, network, card)


MARKED = KeypointSet("marked", ("nose", "left_hand", "right_hand", "left_foot", "right_foot"), (0, 2, 1, 4, 3))
# Where the marks lie in a person's box, in units of its sides. The left hand of somebody who looks at us is on our right.
PLACES = np.array([[0.5, 0.12], [0.85, 0.5], [0.15, 0.42], [0.75, 0.87], [0.22, 0.8]])
_CHANNELS = (0, 1, 1, 2, 2)  # both hands are green, both feet blue: only their places tell left from right


def draw_marks(image: np.ndarray, marks: np.ndarray, spread: float) -> None:
    """Add soft marks (5, 2) to an RGB picture, centred on fractions of a pixel."""
    height, width = image.shape[:2]
    for (x, y), channel in zip(marks, _CHANNELS, strict=True):
        across = np.exp(-((np.arange(width) - x) ** 2) / (2 * spread**2))
        down = np.exp(-((np.arange(height) - y) ** 2) / (2 * spread**2))
        mark = (255 * down[:, None] * across).round().astype(np.uint8)
        image[..., channel] = np.maximum(image[..., channel], mark)


class MarkFinder(nn.Module):
    """Draws the heatmaps that a perfect network would, for the marks it sees in the crop; in their mirror image as well."""

    def __init__(self, card: PoseCard) -> None:
        super().__init__()
        self.unused = nn.Parameter(torch.zeros(1))
        self.card = card
        self.codec = build_codec(card.codec)
        self.batches: list[int] = []

    def forward(self, inputs: Tensor) -> Tensor:
        self.batches.append(len(inputs))
        mean, std = torch.tensor(self.card.mean), torch.tensor(self.card.std)
        pixels = ((inputs.float().permute(0, 2, 3, 1) * std + mean) * 255).numpy()
        found = np.stack([_find_marks(crop) for crop in pixels])
        seen = torch.from_numpy(np.isfinite(found).all(-1)).float()
        return self.codec.encode(torch.from_numpy(np.nan_to_num(found)).float(), seen).heatmaps


def _find_marks(crop: np.ndarray) -> np.ndarray:
    """(5, 2) centres of mass in pixels of the crop, NaN for what is not there."""
    marks = np.full((len(_CHANNELS), 2), np.nan)
    for channel in range(3):
        strength = crop[..., channel] * (crop[..., channel] > 8)
        count, labels = cv2.connectedComponents((strength > 0).astype(np.uint8))
        blobs = [strength * (labels == label) for label in range(1, count)]
        blobs = sorted(blobs, key=lambda blob: -blob.sum())[: _CHANNELS.count(channel)]
        rows, columns = np.mgrid[: crop.shape[0], : crop.shape[1]]
        centers = [((columns * blob).sum() / blob.sum(), (rows * blob).sum() / blob.sum()) for blob in blobs]
        wanted = [k for k, of in enumerate(_CHANNELS) if of == channel]
        if len(centers) == len(wanted):
            marks[wanted] = sorted(centers, reverse=True)  # the left one is further to our right
    return marks


def mark_task(codec: CodecName = "dark", input_size: tuple[int, int] = (128, 96)) -> TopDownPose:
    card = PoseCard("perfect", MARKED, CodecSpec(codec, input_size))
    return TopDownPose(MarkFinder(card), card).eval()
