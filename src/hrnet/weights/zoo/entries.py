"""The table of published checkpoints, as ``zoo.json`` states them. Nothing here needs torch or the network."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any, Literal, NamedTuple, TypedDict, get_args
from urllib.parse import unquote, urlsplit

from hrnet.codecs.specification import CodecSpec
from hrnet.data.keypoint_sets import keypoint_set
from hrnet.errors import nearest_name
from hrnet.weights.model_card import IMAGENET_MEAN, IMAGENET_STD
from hrnet.weights.pose_card import PoseCard

Task = Literal[
    "pose", "facial landmarks", "hand pose", "bottom-up pose", "image classification", "segmentation", "object detection",
    "instance segmentation",
]  # fmt: skip

TASKS: tuple[Task, ...] = get_args(Task)
TOP_DOWN: tuple[Task, ...] = ("pose", "facial landmarks", "hand pose")
"""Tasks whose networks look at one crop at a time and give heatmaps: what `hrnet.load` predicts with."""

NOT_STATED = "not stated"
# The first that a row of results has is its headline.
_HEADLINES = ("AP", "Whole AP", "mask AP", "box AP", "mIoU", "Mean", "Total", "PCK", "PCK@0.2", "PCK@0.3", "PCKh@0.7")
_HEADLINES += ("NME", "NME full", "NME test", "EPE", "AUC")


class Source(NamedTuple):
    """Who lists the checkpoint: the toolkit, and its name for the configuration."""

    toolkit: str
    config: str


class HubFile(NamedTuple):
    """A file of a repository on the Hugging Face Hub."""

    repository: str
    file: str


@dataclass(frozen=True)
class Result:
    """One row of published scores.

    Attributes:
        dataset: what was measured on.
        metrics: name to value, in the source's units: shares (0.749) or per cent (36.9).
        task: as the source calls it.
    """

    dataset: str
    metrics: Mapping[str, float]
    task: str | None = None


class CardFacts(TypedDict):
    """What an entry says for the card of any task, as arguments of `hrnet.weights.model_card.ModelCard`."""

    channel_order: Literal["rgb", "bgr"]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    license: str | None
    training_data: str | None
    metrics: dict[str, float]
    source: str


@dataclass(frozen=True)
class ZooEntry:
    """Everything on record about a published checkpoint.

    Attributes:
        name: ``architecture.tag``, such as ``pose_hrnet_w32.coco_256x192``.
        task: one of `TASKS`; ``pose`` is top-down pose of people, animals and clothes.
        architecture: for `hrnet.models.build_model`; None where this package has no such network.
        num_outputs: keypoints (three times as many outputs with ``udp_combined``) or classes.
        options: further arguments of ``build_model``.
        dataset: data set of the task.
        training_data: what it was trained on, as far as stated.
        urls: complete addresses of the same file, the preferred first.
        hub: where it lies on the Hugging Face Hub.
        sha256: the first digits of the file's SHA-256 or all of them; None where none is published.
        size: bytes, if known.
        license: as the source states it, None where it does not.
        results: published scores; several rows for several data sets, tasks, or for single-scale and multi-scale tests.
        input_size: (height, width) of the network's input.
        codec: how heatmaps of a top-down network are read.
        decoding: of a bottom-up network, as the toolkit states it.
        preprocessing: of a classifier: share of the picture that is cropped, interpolation.
        mean, std: of the channels in ``channel_order``, in 0..1 units.
        keypoint_set: name for `hrnet.keypoint_set`.
        sources: who lists it, the one whose facts these are first.
        assumed: facts that the source's list does not state, derived from the configuration's name.
        parameters, multiply_accumulates: of the network at its input size; None for networks this package does not have, and
            the latter for detectors, where it depends on what they find.
    """

    name: str
    task: Task
    architecture: str | None
    num_outputs: int
    dataset: str
    training_data: str
    input_size: tuple[int, int]
    sources: tuple[Source, ...]
    urls: tuple[str, ...]
    sha256: str | None = None
    hub: HubFile | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    size: int | None = None
    license: str | None = None
    results: tuple[Result, ...] = ()
    codec: CodecSpec | None = None
    decoding: Mapping[str, Any] | None = None
    preprocessing: Mapping[str, Any] | None = None
    channel_order: Literal["rgb", "bgr"] = "rgb"
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD
    keypoint_set: str | None = None
    assumed: tuple[str, ...] = ()
    parameters: int | None = None
    multiply_accumulates: int | None = None

    @property
    def family(self) -> str:
        """The architecture without its size: ``pose_hrnet``, ``seg_hrnet``, ``faster_rcnn_hrnetv2p``."""
        return self.name.split(".")[0].rpartition("_w")[0] or self.name.split(".")[0].rstrip("0123456789")

    @property
    def tag(self) -> str:
        """What stands behind the network's name: data set, input and what is special."""
        return self.name.partition(".")[2]

    @property
    def file_name(self) -> str:
        """Name of the file in the cache and on mirrors: unlike for all entries."""
        if self.hub is not None:  # there every file is called model.safetensors
            return self.hub.repository.rpartition("/")[2] + "." + self.hub.file.rpartition(".")[2]
        return unquote(urlsplit(self.urls[0]).path).rpartition("/")[2]

    @property
    def score(self) -> tuple[str, float] | None:
        """The headline of the first row of results: metric and value."""
        if not self.results:
            return None
        metrics = self.results[0].metrics
        name = next((name for name in _HEADLINES if name in metrics), next(iter(metrics)))
        return name, metrics[name]

    @property
    def card_facts(self) -> CardFacts:
        """For the card of the network; the task's own fields are added to it."""
        toolkit, config = self.sources[0]
        return CardFacts(
            channel_order=self.channel_order,
            mean=self.mean,
            std=self.std,
            license=self.license,
            training_data=self.training_data,
            metrics=dict(self.results[0].metrics) if self.results else {},
            source=f"{toolkit}, {config}, {self.urls[0]}",
        )

    def card(self) -> PoseCard | None:
        """All that is needed to use a top-down network; None for other tasks and networks this package does not have."""
        if self.task not in TOP_DOWN or self.architecture is None or self.codec is None or self.keypoint_set is None:
            return None
        return PoseCard(
            architecture=self.architecture,
            keypoint_set=keypoint_set(self.keypoint_set),
            codec=self.codec,
            **self.card_facts,
        )


@cache
def zoo_entries() -> Mapping[str, ZooEntry]:
    """All entries by name, sorted."""
    text = resources.files("hrnet.weights.zoo").joinpath("zoo.json").read_text(encoding="utf-8")
    return {entry["name"]: _entry(entry) for entry in json.loads(text)}


def list_zoo() -> list[str]:
    """Names of the published checkpoints, sorted."""
    return list(zoo_entries())


def find_entry(name: str) -> ZooEntry:
    """The entry called ``name``.

    Raises:
        ValueError: there is none; the message names the nearest.
    """
    entries = zoo_entries()
    if name not in entries:
        raise ValueError(f"no published checkpoint is called {name!r}; {nearest_checkpoint(name, entries)}")
    return entries[name]


@cache
def entries_by_file() -> Mapping[str, ZooEntry]:
    """All entries by the name of their file."""
    return {entry.file_name: entry for entry in zoo_entries().values()}


def nearest_checkpoint(name: str, known: Mapping[str, Any]) -> str:
    """A sentence that helps somebody who gave ``name``: those of that network, the nearest, or where to look."""
    of_network = [other for other in known if other.split(".")[0] == name.split(".")[0]]
    if "." not in name and of_network:
        shown = ", ".join(of_network[:6])
        return f"of that network there are {shown}" + (f" and {len(of_network) - 6} more" if len(of_network) > 6 else "")
    hint = nearest_name(name, known)
    return hint if hint.startswith("did you") else f"'hrnet models' lists the {len(known)} names"


def _entry(data: dict[str, Any]) -> ZooEntry:
    turned: dict[str, Any] = {
        "input_size": tuple(data["input_size"]),
        "sources": tuple(Source(*source) for source in data["sources"]),
        "results": tuple(Result(**row) for row in data.get("results", ())),
        **{key: tuple(data[key]) for key in ("urls", "mean", "std", "assumed") if key in data},
    }
    if "hub" in data:
        turned["hub"] = HubFile(**data["hub"])
    if "codec" in data:
        turned["codec"] = CodecSpec(**data["codec"] | {"input_size": tuple(data["codec"]["input_size"])})
    return ZooEntry(**data | turned)
