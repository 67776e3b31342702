"""Checkpoint files: whatever wraps them, a plain state dict comes out; and ours are written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from hrnet.errors import CheckpointError, nearest_name
from hrnet.weights.network_entry import NETWORK_KEY, NetworkEntry
from hrnet.weights.pose_card import CARD_KEY, PoseCard
from hrnet.weights.pytorch_file import map_pytorch_file, read_pytorch_file, tensors_in
from hrnet.weights.safetensors_file import looks_like_safetensors, read_safetensors_file
from hrnet.weights.writing import write_checkpoint

LEFT_OVER = "left_over."
"""Prefix of entries of our files that belong to no network: LEFT_OVER + layout + "." + name."""

CHECKPOINT_SUFFIXES = (".safetensors", ".pth", ".pt", ".ckpt", ".tar", ".bin")

# Averaged weights first: where a file has both, they are the ones its scores belong to.
_EMA_ENTRIES = ("state_dict_ema", "ema_state_dict", "model_ema", "ema")
_ENTRIES = ("state_dict", "model_state_dict", "best_state_dict", "model", "network", "net", "weights", "params")
_EMA_PREFIXES = ("ema_network.", "ema_model.")
_PREFIXES = ("network.", "model.", "module.", "task.", "_orig_mod.")
_OURS = "hrnet."  # keys of the texts that files of ours hold beside their weights
_SHARE_OF_PREFIX = 0.4  # of the keys: averaged and plain weights side by side have half each, loss buffers are few

_KNOWN_STARTS = (
    (b"version https://git-lfs", "a Git LFS pointer, not the file itself: fetch it with 'git lfs pull'"),
    (b"\x1f\x8b", "compressed with gzip: unpack it first"),
    (b"\x89HDF", "an HDF5 file (Keras?), not a PyTorch checkpoint"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"%PDF", "a PDF document"),
)


@dataclass(frozen=True)
class FileFacts:
    """What was found around the weights.

    Attributes:
        path: the file.
        format: ``"safetensors"`` or ``"pytorch"``.
        card: the model card, for files of ours.
        dtype: type of the stored weights, such as ``"float16"``, or several joined with "+".
        wrappers: entries and prefixes that were taken off, outermost first, such as ``("state_dict", "module.")``.
        ignored: keys beside the network's, such as buffers of a loss.
        metadata: the text entries of a safetensors file, and those of ours beside the weights of a PyTorch file.
        network: which network it is, for files of ours without a card.
        left_over: of files of ours that were converted, what the network has no place for but the file it came from had:
            (layout, name under our names) to tensor.
    """

    path: Path
    format: str
    card: PoseCard | None
    dtype: str
    wrappers: tuple[str, ...]
    ignored: tuple[str, ...]
    metadata: dict[str, str]
    network: NetworkEntry | None = None
    left_over: dict[tuple[str, str], Tensor] = field(default_factory=dict, repr=False)


def read_state_dict(path: str | os.PathLike[str], ema: bool = True) -> tuple[dict[str, Tensor], FileFacts]:
    """Read a checkpoint, by its content and not by its suffix.

    Wrappers (``state_dict``, ``model``), prefixes (``module.``, ``model.``, ``network.``), optimiser states and the rest of
    a training run are taken off. Half-precision weights come as float32. Peak memory is about the size of the file.

    Args:
        path: safetensors, or what ``torch.save`` wrote; its pickle is never run.
        ema: prefer averaged weights where the file has both.

    Returns:
        the state dict on the CPU, and what was found around it.

    Raises:
        FileNotFoundError: there is no such file; the message names the nearest in its folder.
        CheckpointError: empty, damaged, cut off, no checkpoint at all, or a pickle that asks to run code.
    """
    file = _existing(Path(path))
    with open(file, "rb") as opened:
        start = opened.read(64)
    _refuse_other_kinds(file, start)
    if looks_like_safetensors(start) or (file.suffix == ".safetensors" and start[:1] not in (b"P", b"\x80")):
        content, metadata, stored = read_safetensors_file(file)
        kind = "safetensors"
        state, wrappers, ignored = _unwrap(file, content, ema)
    else:
        kind = "pytorch"
        state, wrappers, ignored, metadata = _read_pytorch(file, ema)
        stored = {tensor.dtype for tensor in state.values()}
    dtypes = sorted(str(dtype).removeprefix("torch.") for dtype in stored if dtype.is_floating_point)
    for name in state:  # one by one, so that no second copy of everything is alive
        if state[name].dtype in (torch.float16, torch.bfloat16):
            state[name] = state[name].float()
    left_over = {}
    for name in [name for name in state if name.startswith(LEFT_OVER)]:
        layout, _, rest = name.removeprefix(LEFT_OVER).partition(".")
        left_over[layout, rest] = state.pop(name)
    card, network = metadata.get(CARD_KEY), metadata.get(NETWORK_KEY)
    return state, FileFacts(
        path=file,
        format=kind,
        card=PoseCard.from_json(card) if card is not None else None,
        dtype="+".join(dtypes),
        wrappers=wrappers,
        ignored=ignored,
        metadata=metadata,
        network=NetworkEntry.from_json(network) if network is not None else None,
        left_over=left_over,
    )


def save_checkpoint(path: str | os.PathLike[str], network: nn.Module, card: PoseCard, half: bool = False) -> Path:
    """Write a safetensors file with the weights of ``network`` and its card: the whole file, or none.

    Args:
        path: must end in ``.safetensors``.
        half: store convolutions in float16. BatchNorm and biases stay float32 (they are small and reach beyond float16), and
            so does a convolution with weights that float16 cannot hold.

    Raises:
        ValueError: wrong suffix, or the card has another number of keypoints than the network.
        OSError: the disk is full or the folder cannot be written to; nothing partial is left behind.
    """
    target = Path(path)
    if target.suffix != ".safetensors":
        raise ValueError(f"checkpoints are saved as .safetensors, got {target.name!r}")
    module = getattr(network, "_orig_mod", network)  # torch.compile wraps a network
    outputs = getattr(module, "num_keypoints", card.num_outputs)
    if outputs != card.num_outputs:
        raise ValueError(f"the network has {outputs} outputs, but the card {card.num_outputs} ({card.keypoint_set.name})")
    return write_checkpoint(target, module.state_dict(), {CARD_KEY: card.to_json()}, half)


def _existing(path: Path) -> Path:
    if path.is_dir():
        files = [entry.name for entry in path.iterdir() if entry.suffix in CHECKPOINT_SUFFIXES]
        raise CheckpointError(
            f"{path} is a folder, not a checkpoint" + (f"; it has {', '.join(sorted(files)[:5])}" if files else "")
        )
    if not path.exists():
        folder = path.parent
        hint = f"there is no folder {folder}" if not folder.is_dir() else "its folder has no checkpoints"
        names = [entry.name for entry in folder.iterdir() if entry.suffix in CHECKPOINT_SUFFIXES] if folder.is_dir() else []
        if names:
            hint = nearest_name(path.name, sorted(names)[:200])
        raise FileNotFoundError(f"there is no checkpoint {path}; {hint}")
    return path


def _refuse_other_kinds(path: Path, start: bytes) -> None:
    if not start:
        raise CheckpointError(f"{path} is empty: copy or download it again")
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
        raise CheckpointError(f"{path} is a web page, not a checkpoint: the download gave an error or a login page")
    for magic, what in _KNOWN_STARTS:
        if start.startswith(magic):
            raise CheckpointError(f"{path} is {what}")
    cut_off = path.suffix == ".safetensors" or b"PK\x03\x04".startswith(start)
    known = start[:4] == b"PK\x03\x04" or start[:1] == b"\x80" or looks_like_safetensors(start) or cut_off
    if not known:
        raise CheckpointError(
            f"{path} is no checkpoint: it starts with {start[:16]!r}; expected safetensors or a file of torch.save"
        )


def _read_pytorch(path: Path, ema: bool) -> tuple[dict[str, Tensor], tuple[str, ...], tuple[str, ...], dict[str, str]]:
    """Map the file to see what is in it, then read all of it, or copy the weights out if they are the smaller part.

    Nothing stays mapped (see `hrnet.weights.safetensors_file`), and optimiser states never get into memory.
    """
    content = map_pytorch_file(path)
    if content is None:  # the format before PyTorch 1.6
        content = read_pytorch_file(path)
        return *_unwrap(path, content, ema), _texts(content)
    state, wrappers, ignored = _unwrap(path, content, ema)
    kept = sum(tensor.nbytes for tensor in state.values())
    if kept < 0.6 * sum(tensor.nbytes for tensor in tensors_in(content)):
        return {name: tensor.clone() for name, tensor in state.items()}, wrappers, ignored, _texts(content)
    del state, content
    content = read_pytorch_file(path)
    return *_unwrap(path, content, ema), _texts(content)


def _texts(content: Any) -> dict[str, str]:
    if not isinstance(content, Mapping):
        return {}
    return {key: text for key, text in content.items() if str(key).startswith(_OURS) and isinstance(text, str)}


def _unwrap(path: Path, content: Any, ema: bool) -> tuple[dict[str, Tensor], tuple[str, ...], tuple[str, ...]]:
    """Take off wrappers and prefixes: the state dict, what was taken off, and keys that were left out."""
    wrappers: list[str] = []
    ignored: list[str] = []
    while isinstance(content, Mapping) and not _is_state_dict(content):
        names = (*_EMA_ENTRIES, *_ENTRIES) if ema else (*_ENTRIES, *_EMA_ENTRIES)
        entry = next((name for name in names if isinstance(content.get(name), Mapping) and content[name]), None)
        if entry is None:
            break
        wrappers.append(entry)
        content = content[entry]
    if not isinstance(content, Mapping) or not _is_state_dict(content):
        found = (
            f"a mapping with {', '.join(map(repr, list(content)[:6]))}"
            if isinstance(content, Mapping)
            else type(content).__name__
        )
        raise CheckpointError(f"{path} holds no state dict (parameter names with tensors): it is {found}")
    state = {name: value for name, value in content.items() if isinstance(value, Tensor)}
    ignored += [str(name) for name in content if name not in state]
    prefixes = (*_EMA_PREFIXES, *_PREFIXES) if ema else (*_PREFIXES, *_EMA_PREFIXES)
    while prefix := next((p for p in prefixes if sum(k.startswith(p) for k in state) >= _SHARE_OF_PREFIX * len(state)), None):
        wrappers.append(prefix)
        ignored += [name for name in state if not name.startswith(prefix)]
        state = {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
    return state, tuple(wrappers), tuple(ignored)


def _is_state_dict(content: Mapping[Any, Any]) -> bool:
    tensors = sum(isinstance(value, Tensor) and isinstance(name, str) for name, value in content.items())
    return tensors > 0 and 2 * tensors > len(content)
