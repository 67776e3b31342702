"""``hrnet convert``: a checkpoint in the layout of another toolkit."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def convert(
    checkpoint: str,
    /,
    *,
    to: str,
    output: Annotated[Path, Parameter(name=["--output", "-o"])],
    half: Annotated[bool, Parameter(negative="")] = False,
    architecture: str | None = None,
    align_corners: bool | None = None,
    inplace_batch_norm: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Write a checkpoint in the layout of another toolkit. `hrnet inspect` says which ones a checkpoint can be written in.

    Parameters
    ----------
    checkpoint
        File of any origin, or the name of published or bundled weights.
    to
        ours, reference (the authors' repository), mmpose (1.x), mmpose-0, mmseg, mmdet (3.x), mmdet-1, timm or timm-ssld.
    output
        File to write: .safetensors, or .pth as torch.save writes it.
    half
        Store convolutions in float16.
    architecture
        Where names and shapes leave a choice, such as pose_resnet50_caffe.
    align_corners
        How a segmentation network resizes its branches, where that is known.
    inplace_batch_norm
        The file is of HRNet-Semantic-Segmentation's master branch, whose BatchNorm scales by |weight| + 1e-5.
    """
    from hrnet.weights import convert_checkpoint

    given = {"architecture": architecture, "align_corners": align_corners}
    overrides = {name: value for name, value in given.items() if value is not None}
    print(convert_checkpoint(checkpoint, to, output, half, inplace_batch_norm=inplace_batch_norm, **overrides))
    return 0
