"""Several tasks on the same pictures: the heads of one multi-task file, or models that have nothing in common."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import torch
from torch import Tensor, nn

from hrnet.backbones.hrnet import HRNet
from hrnet.errors import CheckpointError, nearest_name
from hrnet.inference.acceleration import prepare_network, resolve_device
from hrnet.inference.announcing import Announce, warn
from hrnet.inference.loading import Predictor, predictor_kind
from hrnet.inference.picture_predictor import PicturePredictor, collect
from hrnet.inference.presets import find_preset
from hrnet.inference.shared_body import SharedBody
from hrnet.inference.sources import Frame, Source
from hrnet.models.part_network import head_on
from hrnet.structures.multi_task_result import MultiTaskResult
from hrnet.weights.described import described_part, load_described
from hrnet.weights.files import read_state_dict
from hrnet.weights.loading import load_into
from hrnet.weights.parts import MultiTaskEntry, multi_task_entry
from hrnet.weights.zoo.locating import locate


class MultiTaskPredictor:
    """Several tasks on the same pictures. Build one with `load_multi_task` or `load_side_by_side`.

    Where the tasks share a body, it runs once for those that look at the same input: whole pictures, brought to the same size
    and normalised alike, as tasks of one kind do that were trained with one input size. Tasks that look at other inputs have
    passes of their own through the same weights: top-down poses and faces look at crops, and each kind of whole-picture task
    has its own rule for sizes. What was shared is announced after the first pictures.

    Args:
        parts: what predicts, by name.
        name: for summaries.
        body: the parts', where they share one.
        announce: called with one sentence on what was shared; a warning by default.
    """

    def __init__(
        self,
        parts: Mapping[str, Predictor],
        name: str = "several tasks",
        body: SharedBody | None = None,
        announce: Announce | None = None,
    ) -> None:
        if not parts:
            raise ValueError("at least one task is needed")
        self.parts = dict(parts)
        self.name = name
        self.body = body
        self._announce = announce or warn
        self._reported = body is None or len(parts) == 1
        sizes = [one.batch_size for one in self.parts.values() if isinstance(one, PicturePredictor)]
        if body is not None:
            for one in self.parts.values():
                if isinstance(one, PicturePredictor):
                    one.batch_size = min(sizes)  # batches that differ would be inputs that differ
        self.batch_size: int = min(sizes) if sizes else max(getattr(one, "batch_size", 1) for one in self.parts.values())

    def __call__(self, images: Any, *, bgr: bool = False) -> MultiTaskResult | list[MultiTaskResult]:
        """Predict in pictures; arguments and errors are those of `hrnet.inference.picture_predictor.PicturePredictor`."""
        return collect(images, bgr, self.stream)

    def stream(self, frames: Source | Iterable[Frame]) -> Iterator[tuple[Frame, MultiTaskResult | None]]:
        """Yield each frame with its result, in order; None for a frame that could not be read.

        Results may come up to a batch of frames late; those of a camera come at once.
        """
        patience = 1 if isinstance(frames, Source) and frames.is_live else self.batch_size
        waiting = iter(frames)
        while group := list(islice(waiting, patience)):
            yield from self._predict(group)

    def _predict(self, frames: list[Frame]) -> Iterator[tuple[Frame, MultiTaskResult | None]]:
        found = {name: [result for _, result in part.stream(frames)] for name, part in self.parts.items()}
        if self.body is not None:
            self.body.forget()
            if not self._reported and (report := self.body.report()):
                self._reported = True
                self._announce(report)
        for index, frame in enumerate(frames):
            if frame.image is None:
                yield frame, None
                continue
            kept = frame.image if frame.video is None else None
            parts = {name: results[index] for name, results in found.items()}
            yield frame, MultiTaskResult(parts, frame.image.shape[:2], frame.name, kept)


def load_multi_task(
    name_or_path: str | os.PathLike[str],
    parts: Sequence[str] | None = None,
    *,
    device: str = "auto",
    preset: str = "balanced",
    batch_size: int | None = None,
    announce: Announce | None = None,
    **options: Any,
) -> MultiTaskPredictor:
    """Load the parts of one multi-task file.

    Args:
        name_or_path: of the file, as of `hrnet.load`.
        parts: which of them; all where they are not given.
        device, preset, batch_size, announce: as of `hrnet.load`.
        options: of the parts' predictors, such as ``detector``; each gets those that it takes.

    Raises:
        FileNotFoundError, ValueError, CheckpointError: as of `hrnet.load`; a part that the file does not have, a file of one
            network, an option that no part takes.
    """
    announce = _once(announce or warn)
    chosen, place = find_preset(preset), resolve_device(device)
    state, facts = read_state_dict(locate(name_or_path, announce=announce).path)
    entry = multi_task_entry(facts)
    if entry is None:
        raise CheckpointError(f"{facts.path} holds one network and no parts: load it with hrnet.load")
    names = list(entry.parts if parts is None else dict.fromkeys(parts))
    for name in names:
        entry.require(name)
    taken = {name: described_part(state, facts, name, announce) for name in names}
    shared = SharedBody(prepare_network(_body(entry, state), place, chosen.reduced_precision, announce))  # pyright: ignore
    heads = {
        name: (head_on(network, shared.features_for(name, network.spec.branches)), card)
        for name, (network, card) in taken.items()
    }
    common = {"device": device, "preset": preset, "batch_size": batch_size, "announce": announce}
    predictors = _predictors(heads, common, options)
    return MultiTaskPredictor(predictors, str(name_or_path), shared, announce)


def load_side_by_side(
    models: Mapping[str, str | os.PathLike[str]],
    *,
    device: str = "auto",
    preset: str = "balanced",
    batch_size: int | None = None,
    announce: Announce | None = None,
    **options: Any,
) -> MultiTaskPredictor:
    """Load several models that share nothing but the pictures.

    Args:
        models: task, as it is called in the results, to a name or file of weights as of `hrnet.load`.
        others: as of `load_multi_task`.

    Raises:
        FileNotFoundError, ValueError, CheckpointError: as of `hrnet.load`; an option that no model takes.
    """
    announce = _once(announce or warn)
    loaded = {name: load_described(model, announce=announce) for name, model in models.items()}
    common = {"device": device, "preset": preset, "batch_size": batch_size, "announce": announce}
    return MultiTaskPredictor(_predictors(loaded, common, options), ", ".join(map(str, models.values())), None, announce)


def _body(entry: MultiTaskEntry, state: Mapping[str, Tensor]) -> HRNet:
    prefix = "backbone."
    with torch.device("meta"):
        body = entry.build_body()
    load_into(body, {key.removeprefix(prefix): tensor for key, tensor in state.items() if key.startswith(prefix)})
    return body.eval()


def _predictors(
    networks: Mapping[str, tuple[nn.Module, Any]], common: Mapping[str, Any], options: Mapping[str, Any]
) -> dict[str, Predictor]:
    kinds = {name: predictor_kind(card) for name, (_, card) in networks.items()}
    known = {option for kind in kinds.values() for option in kind.options}
    for option in options:
        if option not in known:
            raise ValueError(f"none of {', '.join(networks)} takes {option!r}; {nearest_name(option, sorted(known))}")
    predictors = {}
    for name, (network, card) in networks.items():
        own = {option: value for option, value in options.items() if option in kinds[name].options}
        predictors[name] = kinds[name].build(network, card, name=name, **common, **own)
    return predictors


def _once(announce: Announce) -> Announce:
    """Parts have the same to say about their device: it is said once."""
    said: set[str] = set()

    def tell(sentence: str) -> None:
        if sentence not in said:
            said.add(sentence)
            announce(sentence)

    return tell
