"""``hrnet models``: the networks that can be built by name, and the weights that come with the package."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cyclopts import CycloptsError

if TYPE_CHECKING:
    from torch import nn


def models(*, macs: str | None = None) -> int:
    """List the networks by name with their size, and the bundled weights.

    Parameters
    ----------
    macs
        HEIGHTxWIDTH of an input, such as 256x192: count the multiply-accumulates of each network for it (some seconds).
    """
    size = _input_size(macs) if macs is not None else None
    import torch
    from rich.console import Console
    from rich.table import Table

    from hrnet.models import build_model, list_models
    from hrnet.weights import bundled_models, inspect_checkpoint

    networks = Table("network", "parameters", title="Networks (with 17 keypoints)", title_justify="left")
    if size is not None:
        networks.add_column(f"multiply-accumulates at {size[0]}x{size[1]}")
    with torch.device("meta"):  # shapes only: nothing is allocated
        for name in list_models():
            network = build_model(name, 17).eval()
            count = sum(parameter.numel() for parameter in network.parameters())
            cells = [] if size is None else [f"{_multiply_accumulates(network, size) / 1e9:.2f} G"]
            networks.add_row(name, f"{count / 1e6:.2f} M", *cells)
    weights = Table("weights", "keypoints", "input", "size", title="Bundled weights", title_justify="left")
    for bundled, path in bundled_models().items():
        report = inspect_checkpoint(path)
        keypoints = f"{report.card.keypoint_set.num_keypoints} ({report.card.keypoint_set.name})" if report.card else ""
        crop = "x".join(map(str, report.card.codec.input_size)) if report.card else ""
        weights.add_row(bundled, keypoints, crop, f"{report.file_bytes / 1e6:.1f} MB")
    console = Console()
    console.print(networks)
    if weights.row_count:
        console.print(weights)
    else:
        console.print("No bundled weights: give --model the path of a checkpoint.")
    return 0


def _input_size(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d{2,5})x(\d{2,5})", text)
    if not found or min(int(found[1]), int(found[2])) < 64:
        raise CycloptsError(f"--macs takes HEIGHTxWIDTH of at least 64 pixels, such as 256x192; got {text!r}")
    return int(found[1]), int(found[2])


def _multiply_accumulates(network: nn.Module, size: tuple[int, int]) -> int:
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.empty(1, 3, *size))
    return counter.get_total_flops() // 2
