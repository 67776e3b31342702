"""Say what is in a checkpoint file."""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hrnet.weights.files import read_state_dict
from hrnet.weights.layouts import LAYOUTS
from hrnet.weights.nearest import nearest_network
from hrnet.weights.pose_card import PoseCard
from hrnet.weights.recognition import Recognition, identify_file


@dataclass(frozen=True)
class CheckpointReport:
    """What is in a checkpoint file.

    Attributes:
        path, file_bytes: the file and its size.
        format: ``"safetensors"`` or ``"pytorch"``.
        recognized: origin, task, architecture and outputs; None if the network is of no known kind.
        parameters: numbers in the state dict without BatchNorm's running statistics.
        dtype: how they are stored.
        card: the model card of files of ours.
        wrappers: what was taken off, outermost first.
        ignored: entries beside the network's.
        unknown: what the file does not tell.
        nearest: of networks that are not recognised, what they are most like.
    """

    path: Path
    file_bytes: int
    format: str
    recognized: Recognition | None
    parameters: int
    dtype: str
    card: PoseCard | None
    wrappers: tuple[str, ...]
    ignored: tuple[str, ...]
    unknown: tuple[str, ...]
    nearest: str

    @property
    def layouts(self) -> tuple[str, ...]:
        """Layouts that `hrnet.weights.convert_checkpoint` can write it in."""
        found = self.recognized
        return tuple(layout.name for layout in LAYOUTS[found.family]) if found and found.architecture else ()

    def to_dict(self) -> dict[str, Any]:
        """Plain data, ready for JSON."""
        found = self.recognized
        return {
            "path": str(self.path),
            "file_bytes": self.file_bytes,
            "format": self.format,
            "origin": found.origin if found else None,
            "task": found.task if found else None,
            "family": found.family if found else None,
            "architecture": found.architecture if found else None,
            "num_outputs": found.num_outputs if found else None,
            "options": dict(found.options) if found else {},
            "input_size": found.input_size if found else None,
            "codec": found.codec if found else None,
            "layouts": list(self.layouts),
            "use": found.use if found else None,
            "parameters": self.parameters,
            "dtype": self.dtype,
            "card": dataclasses.asdict(self.card) if self.card else None,
            "wrappers": list(self.wrappers),
            "ignored": list(self.ignored),
            "unknown": list(self.unknown),
        }

    def summary(self) -> str:
        """Several lines for people."""
        found, card = self.recognized, self.card
        rows = {"file": f"{self.path} ({self.format}, {self.file_bytes / 1e6:.1f} MB)"}
        if found is None:
            rows["network"] = f"not recognised; {self.nearest}"
        else:
            rows["network"] = found.architecture or f"{found.family} (cannot be built here)"
            rows["task"] = found.task + (" (a start for training)" if found.use == "start" else "")
            rows["origin"] = found.origin
            if found.num_outputs is not None:
                rows["outputs"] = str(found.num_outputs) + ("" if found.counted == "outputs" else f" {found.counted}")
            if found.options:
                rows["options"] = ", ".join(f"{name}={value}" for name, value in found.options.items())
            if found.input_size and not card:
                height, width = found.input_size
                rows["input"] = f"{height}x{width} (height x width) is usual"
            if found.codec and not card:
                rows["codec"] = f"{found.codec} is usual"
            if self.layouts:
                rows["converts to"] = ", ".join(self.layouts)
        rows["parameters"] = f"{self.parameters / 1e6:.2f} M, stored as {self.dtype or 'integers'}"
        if card:
            height, width = card.codec.input_size
            rows["keypoints"] = f"{card.keypoint_set.num_keypoints} ({card.keypoint_set.name})"
            rows["input"] = f"{height}x{width} (height x width), mean {card.mean}, std {card.std}"
            rows["codec"] = f"{card.codec.name}, sigma {card.codec.sigma:g}"
            rows["trained on"] = card.training_data or "not stated"
            rows["licence"] = card.license or "not stated"
            if card.metrics:
                rows["metrics"] = ", ".join(f"{name} {value:g}" for name, value in card.metrics.items())
            if card.source:
                rows["source"] = card.source
        if self.wrappers:
            rows["taken off"] = ", ".join(self.wrappers)
        if self.ignored:
            rows["left out"] = f"{len(self.ignored)} entries: {', '.join(self.ignored[:5])}"
        lines = [f"{title:<11} {text}" for title, text in rows.items()]
        return "\n".join(lines + [f"{'not known':<11} {sentence}" for sentence in self.unknown])

    __str__ = summary


def inspect_checkpoint(name_or_path: str | os.PathLike[str]) -> CheckpointReport:
    """Read a checkpoint, a file or bundled or published weights by name, and say what it is.

    Raises what `hrnet.weights.zoo.locate` and `read_state_dict` raise; an unknown network is no error.
    """
    from hrnet.weights.zoo import locate  # reads the record of published weights, of which files need nothing

    state, facts = read_state_dict(locate(name_or_path).path)
    found = identify_file(state, facts)
    statistics = (".running_mean", ".running_var", ".num_batches_tracked")
    if facts.card:  # its names and shapes leave nothing open that the card does not say
        unknown: tuple[str, ...] = ()
    else:
        unknown = found.unknown if found else ("which network this is",)
    return CheckpointReport(
        path=facts.path,
        file_bytes=facts.path.stat().st_size,
        format=facts.format,
        recognized=found,
        parameters=sum(tensor.numel() for name, tensor in state.items() if not name.endswith(statistics)),
        dtype=facts.dtype,
        card=facts.card,
        wrappers=facts.wrappers,
        ignored=facts.ignored,
        unknown=unknown,
        nearest="" if found else nearest_network(state),
    )
