"""``hrnet models``: the networks that can be built by name, and the weights that come with the package."""

from __future__ import annotations


def models() -> int:
    """List the networks by name with their size, and the bundled weights."""
    import torch
    from rich.console import Console
    from rich.table import Table

    from hrnet.models import build_model, list_models
    from hrnet.weights import list_bundled

    networks = Table("network", "parameters", title="Networks (with 17 keypoints)", title_justify="left")
    with torch.device("meta"):  # shapes only: nothing is allocated
        for name in list_models():
            count = sum(parameter.numel() for parameter in build_model(name, 17).parameters())
            networks.add_row(name, f"{count / 1e6:.1f} M")
    weights = Table("weights", "network", title="Bundled weights", title_justify="left")
    for bundled in list_bundled():
        weights.add_row(bundled, "")
    console = Console()
    console.print(networks)
    console.print(weights)
    return 0
