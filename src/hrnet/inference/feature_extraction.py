"""Pictures as vectors: what an HRNet computes of them, averaged over the picture, for search and clustering."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import torch

from hrnet.backbones.hrnet import HRNet
from hrnet.data.resampling import Interpolation, center_crop
from hrnet.errors import CheckpointError, ImageError, nearest_name
from hrnet.inference.acceleration import batch_size_for, prepare_network, resolve_device
from hrnet.inference.announcing import warn
from hrnet.inference.feature_files import check_feature_file, open_feature_file
from hrnet.inference.sources import Frame, Source, open_source
from hrnet.models.cls_hrnet import ClsHRNet
from hrnet.models.pooled_features import PooledBranches, PooledClassifier
from hrnet.tasks.normalization import PictureNormalization
from hrnet.weights.bundle import DEFAULT_MODEL
from hrnet.weights.checkpoint import open_checkpoint
from hrnet.weights.files import FileFacts
from hrnet.weights.model_card import IMAGENET_MEAN, IMAGENET_STD
from hrnet.weights.zoo.entries import ZooEntry
from hrnet.weights.zoo.locating import locate

FeatureKind = Literal["branches", "classifier"]

_CARD_FIELDS = ("mean", "std", "channel_order")
_ROWS = 512  # that are written together


class FeatureExtractor:
    """Turns pictures into vectors. Build one with `build_feature_extractor`.

    Args:
        pooled: a prepared `PooledBranches` or `PooledClassifier`, on its device.
        normalization: of pictures, on the same device.
        input_size, crop_share, interpolation: what is looked at, see `hrnet.data.resampling.center_crop`.
        batch_size: pictures per pass.
        name: of the model.
    """

    def __init__(
        self,
        pooled: PooledBranches | PooledClassifier,
        normalization: PictureNormalization,
        input_size: tuple[int, int] = (224, 224),
        crop_share: float = 0.875,
        interpolation: Interpolation = "bilinear",
        batch_size: int = 8,
        name: str = "features",
    ) -> None:
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {batch_size}")
        self.pooled = pooled
        self.normalization = normalization
        self.input_size, self.crop_share = input_size, crop_share
        self.interpolation: Interpolation = interpolation
        self.batch_size = batch_size
        self.name = name

    @property
    def dimension(self) -> int:
        """Numbers per picture."""
        return self.pooled.dimension

    @property
    def kind(self) -> FeatureKind:
        return "branches" if isinstance(self.pooled, PooledBranches) else "classifier"

    @torch.inference_mode()
    def extract(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """(N, D) float32 features of N pictures (H, W, 3) RGB uint8, of any sizes."""
        rows = [np.zeros((0, self.dimension), np.float32)]
        dtype = next(self.pooled.parameters()).dtype
        for start in range(0, len(images), self.batch_size):
            batch = images[start : start + self.batch_size]
            views = np.stack([center_crop(image, self.input_size, self.crop_share, self.interpolation) for image in batch])
            pixels = torch.from_numpy(views).to(self.normalization.mean.device)
            rows.append(self.pooled(self.normalization(pixels, dtype)).float().cpu().numpy())
        return np.concatenate(rows)

    def __call__(self, images: Any, *, bgr: bool = False) -> np.ndarray:
        """(N, D) float32 features of whatever `hrnet.inference.sources.open_source` takes; all must be readable.

        Raises:
            ImageError: a picture cannot be read.
        """
        rows = [np.zeros(self.dimension, np.float32)[None][:0]]
        for frame, vector in self.stream(open_source(images, bgr=bgr)):
            if vector is None:
                raise frame.error or ImageError(f"{frame.name} could not be read")
            rows.append(vector[None])
        return np.concatenate(rows)

    def stream(self, frames: Source | Iterable[Frame]) -> Iterator[tuple[Frame, np.ndarray | None]]:
        """Yield each frame with its (D,) features, in order, up to a batch late; None for one that could not be read."""
        waiting: list[Frame] = []
        for frame in frames:
            waiting.append(frame)
            if len(waiting) == self.batch_size:
                yield from self._finish(waiting)
                waiting = []
        yield from self._finish(waiting)

    def _finish(self, frames: list[Frame]) -> Iterator[tuple[Frame, np.ndarray | None]]:
        vectors = iter(self.extract([frame.image for frame in frames if frame.image is not None]))
        for frame in frames:
            yield frame, None if frame.image is None else next(vectors)


@dataclass
class FeatureSummary:
    """What `extract_features` did.

    Attributes:
        pictures, dimension: rows and columns that were written.
        kind: which features, see `build_feature_extractor`.
        failures: (name, reason) of the pictures that could not be read; they have no row.
        notes: fallbacks and assumptions, each once.
        written: the files.
    """

    pictures: int = 0
    dimension: int = 0
    kind: str = ""
    failures: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    written: list[Path] = field(default_factory=list)

    def note(self, sentence: str) -> None:
        """Remember a sentence, once."""
        if sentence not in self.notes:
            self.notes.append(sentence)


def extract_features(
    sources: Any,
    output: str | os.PathLike[str],
    *,
    model: str | os.PathLike[str] | None = None,
    features: FeatureKind | None = None,
    input_size: tuple[int, int] | None = None,
    crop_share: float | None = None,
    device: str = "auto",
    batch_size: int | None = None,
    recursive: bool = True,
    on_progress: Callable[[int, int | None], None] | None = None,
) -> FeatureSummary:
    """Write the features of many pictures into one file; only a few pictures are in memory at a time.

    Args:
        sources: whatever `hrnet.inference.sources.open_source` takes.
        output: ``.npz`` (``features`` (N, D) and ``names`` (N,)), ``.npy`` (names in a ``.txt`` beside it), or ``.parquet``.
        model, features, input_size, crop_share, device, batch_size: see `build_feature_extractor`; the bundled model where
            none is named.
        recursive: look into the folders of folders too.
        on_progress: called with the number of pictures done and their total, None where it is not known.

    Raises:
        FileNotFoundError, ValueError, CheckpointError: there is nothing to read, or the model or the output do not fit.
        MissingExtraError: Parquet without pyarrow.
        ImageError: no picture could be read.
        OSError: the file cannot be written.
    """
    summary = FeatureSummary()
    target = check_feature_file(output)
    source = open_source(sources, recursive=recursive)
    if source.is_live:
        raise ValueError("a camera has no end: loop over FeatureExtractor.stream(open_source(...)) instead")
    extractor = build_feature_extractor(
        model or DEFAULT_MODEL, features=features, input_size=input_size, crop_share=crop_share, device=device,
        batch_size=batch_size, announce=summary.note,
    )  # fmt: skip
    summary.dimension, summary.kind = extractor.dimension, extractor.kind
    about = {"model": extractor.name, "kind": extractor.kind}
    with open_feature_file(target, extractor.dimension, about) as writer:
        vectors: list[np.ndarray] = []
        names: list[str] = []
        for done, (frame, vector) in enumerate(extractor.stream(source), start=1):
            if vector is None:
                summary.failures.append((frame.name, str(frame.error)))
            else:
                vectors.append(vector)
                names.append(frame.name)
                summary.pictures += 1
            if len(names) == _ROWS:
                writer.write(np.stack(vectors), names)
                vectors, names = [], []
            if on_progress is not None:
                on_progress(done, source.count)
        if names:
            writer.write(np.stack(vectors), names)
        if not summary.pictures:
            raise ImageError(f"none of {len(summary.failures)} pictures can be read; the first: {summary.failures[0][1]}")
    summary.written = writer.written
    return summary


def build_feature_extractor(
    name_or_path: str | os.PathLike[str] = DEFAULT_MODEL,
    *,
    features: FeatureKind | None = None,
    input_size: tuple[int, int] | None = None,
    crop_share: float | None = None,
    device: str = "auto",
    batch_size: int | None = None,
    announce: Callable[[str], None] | None = None,
) -> FeatureExtractor:
    """Make an extractor of any checkpoint with an HRNet in it, whatever it was trained for.

    Args:
        name_or_path: bundled or published weights by name, or a file, as for `hrnet.load_checkpoint`.
        features: ``"branches"``, means of the body's four branches (`PooledBranches`), or ``"classifier"``, the 2048 numbers
            that a classifier's last layer looks at; the latter for classifiers where it is not given.
        input_size: (height, width) that pictures are brought to; a classifier's own, 224x224 for others.
        crop_share: share of the shorter side that is looked at; a classifier's own, 1 for others.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
        batch_size: pictures per pass; 32 on a GPU, 8 on a CPU where it is not given.
        announce: called with one sentence on what was assumed; a warning by default.

    Raises:
        FileNotFoundError, ValueError, CheckpointError: see `hrnet.load_checkpoint`; no HRNet in it, or no classifier.
    """
    if features is not None and features not in get_args(FeatureKind):
        raise ValueError(f"there are no features called {features!r}; {nearest_name(str(features), get_args(FeatureKind))}")
    tell = announce or warn
    place = resolve_device(device)
    located = locate(name_or_path, announce=tell)
    checkpoint = open_checkpoint(name_or_path if located.entry else located.path)
    stated = _stated(checkpoint.facts, located.entry)
    if "mean" not in stated:
        tell(f"{located.path.name} does not say how pictures are normalised; assumed: ImageNet mean and std, RGB")
    network = checkpoint.network
    is_classifier = isinstance(network, ClsHRNet)
    if features == "classifier" and not is_classifier:
        raise ValueError(
            f"{os.fspath(name_or_path)} is {checkpoint.entry.architecture}, no classifier: use features='branches'"
        )
    prepared = prepare_network(network, place, reduce_precision=False)
    if isinstance(prepared, ClsHRNet) and features != "branches":
        pooled: PooledBranches | PooledClassifier = PooledClassifier(prepared)
    else:
        body = next((module for module in prepared.modules() if isinstance(module, HRNet)), None)
        if body is None:
            raise CheckpointError(f"{os.fspath(name_or_path)} is {checkpoint.entry.architecture}, which has no HRNet body")
        pooled = PooledBranches(body)
    usual_size = stated.get("input_size", (224, 224)) if is_classifier else (224, 224)
    usual_share = stated.get("crop_share", 0.875) if is_classifier else 1.0
    mean, std = (tuple(stated.get(name, usual)) for name, usual in (("mean", IMAGENET_MEAN), ("std", IMAGENET_STD)))
    return FeatureExtractor(
        pooled.to(place).eval(),
        PictureNormalization(mean, std, stated.get("channel_order", "rgb")).to(place),
        input_size or (int(usual_size[0]), int(usual_size[1])),
        usual_share if crop_share is None else crop_share,
        stated.get("interpolation", "bilinear"),
        batch_size_for(place, batch_size, on_cpu=8, elsewhere=32),
        os.fspath(name_or_path),
    )


def _stated(facts: FileFacts, published: ZooEntry | None) -> Mapping[str, Any]:
    """What the file's card, of whichever task, or the record of published weights says about pictures."""
    for key, text in facts.metadata.items():
        if key.startswith("hrnet.") and key.endswith("card"):
            return {name: value for name, value in json.loads(text).items() if value is not None}
    if published is None:
        return {}
    told = {name: getattr(published, name) for name in (*_CARD_FIELDS, "input_size")}
    return {**told, **(published.preprocessing or {})}
