"""Tables of the documentation, between markers of its pages: sizes of all variants, layouts, published checkpoints."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn

from hrnet.atomic_files import write_atomically
from hrnet.cli.models import multiply_accumulates as count_for_picture
from hrnet.models import build_model
from hrnet.models.rcnn import RCNN
from hrnet.models.variants import FAMILIES, HRNET_SPECS, Family, family_of
from hrnet.weights.layouts import LAYOUTS
from hrnet.weights.zoo.entries import TASKS, zoo_entries
from network_drawing.shapes_only import ShapesOnly

NUM_REGIONS = 1000
# Height and width of the pictures that published networks of each family take.
USUAL_SIZES: dict[str, tuple[int, int]] = {
    "hrnet_*": (224, 224),
    "hrnet_features_*": (224, 224),
    "cls_hrnet_*": (224, 224),
    "seg_hrnet_*": (1024, 2048),
    "seg_hrnet_*_ocr": (1024, 2048),
    "embedding_hrnet_*": (512, 512),
    "face_hrnetv2_*": (256, 256),
    "pose_hrnet_*": (256, 192),
    "pose_resnet*": (256, 192),
    "stacked_hourglass_*": (256, 256),
    "higher_hrnet_*": (512, 512),
    "ae_hrnet_*": (512, 512),
    "pose_ae_*": (512, 512),
    "dekr_hrnet_*": (512, 512),
}
DETECTION_SIZE = (800, 1280)
SMALL_FIRST = ("w18_small_v1", "w18_small_v2")


def parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def multiply_accumulates(network: nn.Module, size: tuple[int, int]) -> int:
    """Of convolutions and linear layers, for one picture; two-stage networks with their box heads on 1000 regions."""
    in_picture = count_for_picture(network, size)
    if not isinstance(network, RCNN):
        return in_picture
    linear = [layer for layer in network.roi_head.modules() if isinstance(layer, nn.Linear)]
    return in_picture + NUM_REGIONS * sum(layer.weight.numel() for layer in linear)


def table_of(family: Family, tags: Sequence[str] | None = None) -> str:
    """Markdown: a column for every variant of the family, or for those with these tags."""
    size = USUAL_SIZES.get(family.name, DETECTION_SIZE)
    order = [*SMALL_FIRST, *(tag for tag in family.variants if tag not in SMALL_FIRST)]
    columns = [tag for tag in (order if family.variants is HRNET_SPECS else family.variants) if tags is None or tag in tags]
    cells = []
    for tag in columns:
        with ShapesOnly():
            with torch.device("meta"):
                network = build_model(family.name_of(tag)).eval()
            cells.append((tag, f"{parameters(network) / 1e6:.2f}", f"{multiply_accumulates(network, size) / 1e9:.2f}"))
    named = [f"`{family.name.replace('*', 'TAG')}`" if family.variants is HRNET_SPECS else f"`{family.name}`", "parameters (M)"]
    titles = [*named, f"multiply-accumulates at {size[0]}×{size[1]} (G)"]
    lines = [f"| {title} | {' | '.join(cell[row] for cell in cells)} |" for row, title in enumerate(titles)]
    return "\n".join([lines[0], f"|---|{'---|' * len(cells)}", *lines[1:]])


def layouts_table() -> str:
    """Markdown: what a network can be written as."""
    lines = [f"| `{family}` | {', '.join(f'`{layout.name}`' for layout in layouts)} |" for family, layouts in LAYOUTS.items()]
    return "\n".join(["| networks | `--to` |", "|---|---|", *lines])


def zoo_table() -> str:
    """Markdown: how many published checkpoints there are for each task, and for which networks."""
    lines = []
    for task in TASKS:
        entries = [entry for entry in zoo_entries().values() if entry.task == task]
        families = sorted({family_of(entry.architecture).name.replace("*", "") for entry in entries if entry.architecture})
        names = ", ".join(f"`{family.strip('_').replace('__', '_')}`" for family in families)
        unknown = sum(entry.architecture is None for entry in entries)
        lines.append(f"| {task} | {len(entries)} | {names} | {unknown or ''} |")
    return "\n".join(["| task | checkpoints | networks | of networks that are not here |", "|---|---|---|---|", *lines])


def marked(page: str, name: str) -> re.Match[str]:
    """Where a table stands in a page: group 1 is the table.

    Raises:
        ValueError: the page has no place for it.
    """
    found = re.search(rf"<!-- table {re.escape(name)} -->\n(.*?)\n?<!-- end -->", page, re.DOTALL)
    if found is None:
        raise ValueError(f"the page has no lines '<!-- table {name} -->' and '<!-- end -->'")
    return found


def write_tables(docs: Path) -> None:
    """Replace the tables in the pages of a folder, in place."""
    sizes = {family.name: table_of(family) for family in FAMILIES}
    pages = {"networks.md": sizes, "checkpoints.md": {"layouts": layouts_table(), "zoo": zoo_table()}}
    for name, tables in pages.items():
        page = (docs / name).read_text(encoding="utf-8")
        for title, table in tables.items():
            found = marked(page, title)
            page = f"{page[: found.start()]}<!-- table {title} -->\n{table}\n<!-- end -->{page[found.end() :]}"
        write_atomically(docs / name, page)
