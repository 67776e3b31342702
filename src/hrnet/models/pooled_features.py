"""Networks without their last step: one vector per picture."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from hrnet.backbones.hrnet import HRNet
from hrnet.models.cls_hrnet import ClsHRNet


class PooledBranches(nn.Module):
    """Means over the positions of every branch at the end of an HRNet's body, finest first.

    A branch that leaves the body is taken as it leaves. V1 networks, as for pose, give out the finest alone; of the others
    the maps just before the last exchange are taken.

    Shape: (B, in_channels, H, W), normalised, to (B, 15 C) for a body of width C.
    """

    def __init__(self, body: HRNet) -> None:
        super().__init__()
        self.body = body
        self.dimension = sum(body.spec.channels)

    def forward(self, x: Tensor) -> Tensor:
        pooled: dict[int, Tensor] = {}

        def keep(number: int) -> Any:
            return lambda module, inputs, output: pooled.__setitem__(number, output.mean(dim=(2, 3)))

        last: nn.Module = self.body.stage4[-1]
        blocks: nn.ModuleList = last.branches  # pyright: ignore[reportAssignmentType]
        handles = [branch.register_forward_hook(keep(number)) for number, branch in enumerate(blocks)]
        try:
            leaving = self.body.branches_after(self.body.half_resolution(x))
        finally:
            for handle in handles:
                handle.remove()
        pooled |= {number: map.mean(dim=(2, 3)) for number, map in zip(self.body.spec.branches, leaving, strict=True)}
        return torch.cat([pooled[number] for number in sorted(pooled)], dim=1)


class PooledClassifier(nn.Module):
    """What a classifier's last layer looks at. It is taken away from ``network``.

    Shape: (B, in_channels, H, W), normalised, to (B, 2048).
    """

    def __init__(self, network: ClsHRNet) -> None:
        super().__init__()
        self.network = network
        self.dimension = network.classifier.in_features
        network.classifier = nn.Identity()  # pyright: ignore[reportAttributeAccessIssue]

    def forward(self, x: Tensor) -> Tensor:
        return self.network(x)
