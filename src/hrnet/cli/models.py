"""``hrnet models``: the networks that can be built by name, and the weights that come with the package."""

from __future__ import annotations


def models() -> int:
    """List the networks by name with their size, and the bundled weights."""
    import torch
    from rich.console import Console
    from rich.table import Table

    from hrnet.models import build_model, list_models
    from hrnet.weights import bundled_models, inspect_checkpoint

    networks = Table("network", "parameters", title="Networks (with 17 keypoints)", title_justify="left")
    with torch.device("meta"):  # shapes only: nothing is allocated
        for name in list_models():
            count = sum(parameter.numel() for parameter in build_model(name, 17).parameters())
            networks.add_row(name, f"{count / 1e6:.1f} M")
    weights = Table("weights", "keypoints", "input", "size", title="Bundled weights", title_justify="left")
    for bundled, path in bundled_models().items():
        report = inspect_checkpoint(path)
        keypoints = f"{report.card.keypoint_set.num_keypoints} ({report.card.keypoint_set.name})" if report.card else ""
        size = "x".join(map(str, report.card.codec.input_size)) if report.card else ""
        weights.add_row(bundled, keypoints, size, f"{report.file_bytes / 1e6:.1f} MB")
    console = Console()
    console.print(networks)
    if weights.row_count:
        console.print(weights)
    else:
        console.print("No bundled weights: give --model the path of a checkpoint.")
    return 0
