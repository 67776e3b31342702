"""``hrnet models``: the networks that can be built by name, the weights that come with the package, and published ones."""

from __future__ import annotations

import json as json_text
import os
import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from cyclopts import CycloptsError

if TYPE_CHECKING:
    from torch import nn

    from hrnet.weights.zoo import ZooEntry

_MANY = 60  # networks: so many are only named, for building them takes a good part of a second each


def models(
    *,
    task: str | None = None,
    family: str | None = None,
    dataset: str | None = None,
    license: str | None = None,
    macs: str | None = None,
    json: bool = False,
) -> int:
    """List the networks by name, the bundled weights, and the published checkpoints that hrnet downloads.

    Filters take parts of words, in any case: --task detection, --dataset wholebody, --family pose_hrnet. With one of them
    every published checkpoint of that kind is listed, and the networks with their sizes.

    Parameters
    ----------
    task
        Such as pose, facial landmarks, bottom-up pose, image classification, segmentation, object detection.
    family
        Part of a network's name, such as pose_hrnet or seg_hrnet_w48.
    dataset
        Data set of published checkpoints, such as coco, mpii or cityscapes.
    license
        Licence of published checkpoints, such as mit; "not stated" where the source says nothing.
    macs
        HEIGHTxWIDTH of an input, such as 256x192: count the multiply-accumulates for it of the networks that are listed with
        their sizes (some seconds).
    json
        Print JSON with everything that is on record.
    """
    size = _input_size(macs) if macs is not None else None
    from hrnet.models import family_of, list_models
    from hrnet.weights.zoo import zoo_entries

    filtered = any(value is not None for value in (task, family, dataset, license))
    tasks = {name: family_of(name).task for name in list_models()}
    entries = list(zoo_entries().values())
    task_fits = _filter(task, {*tasks.values(), *(entry.task for entry in entries)}, "--task")
    datasets = {name for entry in entries for name in (entry.dataset, entry.training_data, entry.tag)}
    dataset_fits = _filter(dataset, datasets, "--dataset")
    license_fits = _filter(license, {_license(entry) for entry in entries}, "--license")
    entries = [
        entry
        for entry in entries
        if task_fits(entry.task)
        and _has(family, entry.name.split(".")[0])
        and any(map(dataset_fits, (entry.dataset, entry.training_data, entry.tag)))
        and license_fits(_license(entry))
    ]
    names = [name for name, what in tasks.items() if task_fits(what) and _has(family, name)]
    if dataset is not None or license is not None:  # the networks there are weights for
        names = [name for name in names if name in {entry.architecture for entry in entries}]
    sized = names if filtered else [name for name in names if tasks[name] == "pose"]
    if len(sized) > _MANY:
        sized = []
    networks = _sized(sized, tasks, size) + [{"network": name, "task": tasks[name]} for name in names if name not in sized]
    if json:
        print(json_text.dumps({"networks": networks, "published": [_record(entry) for entry in entries]}, indent=1))
    else:
        _print_tables(networks, size, entries if filtered else None, len(entries))
    return 0


def multiply_accumulates(network: nn.Module, size: tuple[int, int]) -> int:
    """Products in the convolutions and linear layers for one picture of (height, width), as the papers count them.

    Zero padding counts as work; products of two activations (attention) do not. A network on the meta device stays there.
    """
    import torch
    from torch import nn

    total = 0

    def count(module: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        nonlocal total
        if isinstance(module, nn.Linear):
            total += output.numel() * module.in_features
        elif isinstance(module, nn.ConvTranspose2d):
            total += inputs[0].numel() * module.weight[0].numel()
        elif isinstance(module, nn.Conv2d):
            total += output.numel() * module.weight[0].numel()

    counted = [module for module in network.modules() if isinstance(module, (nn.Linear, nn.Conv2d, nn.ConvTranspose2d))]
    hooks = [module.register_forward_hook(count) for module in counted]
    try:
        with torch.no_grad():
            network(torch.empty(1, 3, *size, device=next(network.parameters()).device))
    finally:
        for hook in hooks:
            hook.remove()
    return total


def _sized(names: Iterable[str], tasks: dict[str, str], size: tuple[int, int] | None) -> list[dict[str, Any]]:
    import torch

    from hrnet.models import build_model

    rows = []
    with torch.device("meta"):  # shapes only: nothing is allocated
        for name in names:
            network = build_model(name).eval()
            count = sum(parameter.numel() for parameter in network.parameters())
            row = {"network": name, "task": tasks[name], "parameters": count}
            if size is not None:
                row["multiply_accumulates"] = multiply_accumulates(network, size)
            rows.append(row)
    return rows


def _by_family(names: list[str]) -> list[str]:
    """The names, those of a whole family of HRNets as one with TAG in it."""
    from hrnet.models.variants import HRNET_SPECS, family_of

    return list(
        dict.fromkeys(family.name_of("TAG") if (family := family_of(name)).variants is HRNET_SPECS else name for name in names)
    )


def _print_tables(
    networks: list[dict[str, Any]], size: tuple[int, int] | None, published: list[ZooEntry] | None, count: int
) -> None:
    from rich.console import Console
    from rich.table import Table

    from hrnet.models.variants import HRNET_SPECS

    console = Console()
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = 200  # a file or a pipe has no edge
    sized, plain = [row for row in networks if "parameters" in row], [row for row in networks if "parameters" not in row]
    if sized:
        table = Table("network", "task", "parameters", title="Networks", title_justify="left")
        if size is not None:
            table.add_column(f"multiply-accumulates at {size[0]}x{size[1]}")
        for row in sized:
            cells = [f"{row['multiply_accumulates'] / 1e9:.2f} G"] if size is not None else []
            table.add_row(row["network"], row["task"], f"{row['parameters'] / 1e6:.2f} M", *cells)
        console.print(table)
    if plain:
        table = Table("task", "networks", title="More networks" if sized else "Networks", title_justify="left")
        for task in dict.fromkeys(row["task"] for row in plain):
            table.add_row(task, ", ".join(_by_family([row["network"] for row in plain if row["task"] == task])))
        console.print(table)
        console.print(f"TAG is any of {', '.join(HRNET_SPECS)}, or any width wN. 'hrnet models --task TASK' lists sizes.")
    if published is None:
        _print_bundled(console)
        console.print(
            f"{count} published checkpoints: 'hrnet models --task pose --dataset coco' lists those, "
            "'hrnet models --json' all; hrnet.load() and --model take their names.",
            soft_wrap=True,
        )
    elif published:
        console.print(_published_table(published))
    else:
        console.print("No published checkpoint is of this kind.")


def _print_bundled(console: Any) -> None:
    from rich.table import Table

    from hrnet.weights import bundled_models, inspect_checkpoint

    table = Table("weights", "keypoints", "input", "size", title="Bundled weights", title_justify="left")
    for bundled, path in bundled_models().items():
        report = inspect_checkpoint(path)
        keypoints = f"{report.card.keypoint_set.num_keypoints} ({report.card.keypoint_set.name})" if report.card else ""
        crop = "x".join(map(str, report.card.codec.input_size)) if report.card else ""
        table.add_row(bundled, keypoints, crop, f"{report.file_bytes / 1e6:.1f} MB")
    console.print(table if table.row_count else "No bundled weights: give --model the path of a checkpoint.")


def _published_table(entries: list[ZooEntry]) -> Any:
    from rich.table import Table

    names = [entry.name if entry.architecture else f"{entry.name} (no network here)" for entry in entries]
    table = Table(title=f"Published checkpoints ({len(entries)})", title_justify="left", box=None)
    table.add_column("name", no_wrap=True, min_width=max(map(len, names)))  # to be copied, so never cut
    for label in ("parameters", "MACs", "input", "score", "training data", "licence", "source"):
        table.add_column(label)
    for entry, name in zip(entries, names, strict=True):
        table.add_row(
            name,
            f"{entry.parameters / 1e6:.2f} M" if entry.parameters else "-",
            f"{entry.multiply_accumulates / 1e9:.2f} G" if entry.multiply_accumulates else "-",
            "x".join(map(str, entry.input_size)),
            f"{entry.score[0]} {entry.score[1]:g}" if entry.score else "-",
            entry.training_data,
            _license(entry),
            ", ".join(dict.fromkeys(source.toolkit for source in entry.sources)),
        )
    return table


def _record(entry: ZooEntry) -> dict[str, Any]:
    import dataclasses

    return dataclasses.asdict(entry) | {"license": _license(entry), "sources": [source._asdict() for source in entry.sources]}


def _license(entry: ZooEntry) -> str:
    from hrnet.weights.zoo.entries import NOT_STATED

    return entry.license or NOT_STATED


def _filter(wanted: str | None, values: Iterable[str], option: str) -> Callable[[str], bool]:
    """Whether a value is meant: the very one if there is one called so, else all that have ``wanted`` in them."""
    from hrnet.errors import nearest_name

    if wanted is None:
        return lambda value: True
    known = list(values)
    exact = [value for value in known if _folded(value) == _folded(wanted)]
    found = set(exact or [value for value in known if _has(wanted, value)])
    if not found:
        raise CycloptsError(f"{option}: nothing is called {wanted!r}; {nearest_name(wanted, known)}")
    return found.__contains__


def _has(part: str | None, text: str) -> bool:
    return part is None or _folded(part) in _folded(text)


def _folded(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


def _input_size(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d{2,5})x(\d{2,5})", text)
    if not found or min(int(found[1]), int(found[2])) < 64:
        raise CycloptsError(f"--macs takes HEIGHTxWIDTH of at least 64 pixels, such as 256x192; got {text!r}")
    return int(found[1]), int(found[2])
