"""Instance segmentation by associative embedding on HRNetV2: what is foreground, and which pixels belong together."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from hrnet.backbones.hrnet import HRNet, HRNetSpec
from hrnet.heads.per_pixel import per_pixel_layers
from hrnet.necks.concatenation import concatenate_branches
from hrnet.nn.exchange import Upsampling
from hrnet.nn.initialization import initialize

_STRIDE = 4


class EmbeddingMaps(NamedTuple):
    """Foreground logits (B, C, h, w) of each class, and embeddings (B, D, h, w) that are alike within an instance."""

    logits: Tensor
    embeddings: Tensor


class EmbeddingHRNet(HRNet):
    """HRNetV2 with a foreground logit for each class and an embedding for every pixel.

    Newell et al., "Associative Embedding", NeurIPS 2017, section on instance segmentation, with HRNetV2's head (Wang et al.,
    TPAMI 2020, section 3.3) in place of an hourglass's, and one embedding for all classes. A convolution gives equal things
    equal answers wherever they are; so that equal things can be told apart, a pixel's place is added to its embedding's first
    two dimensions (Novotny et al., "Semi-convolutional operators", ECCV 2018, section 3.2).

    Args:
        spec: the body; branches are always resized bilinearly, whatever its ``upsampling`` says.
        num_classes: C, without the background.
        embedding_dimensions: D.
        coordinate_unit: pixels of the input for which a place counts as 1; None to add no places, as in the first paper.

    Shape: (B, in_channels, H, W), normalised, any size, to `EmbeddingMaps` of (H / 4, W / 4), rounded up. Embeddings are
    float32 in any precision: that of bfloat16 would not tell neighbouring places apart.
    """

    def __init__(
        self, spec: HRNetSpec, num_classes: int = 1, embedding_dimensions: int = 8, coordinate_unit: float | None = 32.0
    ) -> None:
        super().__init__(replace(spec, outputs="all", upsampling=Upsampling("bilinear")))
        least = 1 if coordinate_unit is None else 2
        if embedding_dimensions < least:
            raise ValueError(f"embedding_dimensions must be at least {least}, got {embedding_dimensions}")
        if coordinate_unit is not None and not 0 < coordinate_unit < float("inf"):
            raise ValueError(f"coordinate_unit must be a positive number of pixels or None, got {coordinate_unit}")
        self.num_classes = num_classes
        self.embedding_dimensions = embedding_dimensions
        self.coordinate_unit = coordinate_unit
        self.last_layer = per_pixel_layers(sum(self.channels), num_classes + embedding_dimensions)
        initialize(self, outputs=("last_layer.3",), batch_norm_momentum=spec.batch_norm_momentum)

    def predict(self, features: list[Tensor]) -> EmbeddingMaps:
        outputs = self.last_layer(concatenate_branches(features, self.spec.upsampling))
        logits, embeddings = outputs[:, : self.num_classes], outputs[:, self.num_classes :].float()
        if self.coordinate_unit is None:
            return EmbeddingMaps(logits, embeddings)
        step = _STRIDE / self.coordinate_unit
        x = torch.arange(embeddings.shape[3], device=embeddings.device) * step
        y = torch.arange(embeddings.shape[2], device=embeddings.device) * step
        placed = torch.stack([embeddings[:, 0] + x, embeddings[:, 1] + y[:, None]], dim=1)
        return EmbeddingMaps(logits, torch.cat([placed, embeddings[:, 2:]], dim=1))
