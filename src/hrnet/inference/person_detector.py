"""Find people with one of torchvision's detectors, if its weights are at hand; otherwise the whole picture is one person."""

from __future__ import annotations

import logging
import os
import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hrnet.errors import CheckpointError, MissingExtraError
from hrnet.inference.person_boxes import Boxes, validate_boxes, whole_picture_box

_PERSON = 1  # in the 91 COCO categories of torchvision's detectors
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Architecture:
    """A detector of torchvision: the function that builds it, its published weights' file, and a key only it has."""

    builder: str
    weights: str
    key: str


# Fastest first. Their keys tell them apart, except that the 320 variant has those of the full-size one.
_ARCHITECTURES = (
    _Architecture(
        "fasterrcnn_mobilenet_v3_large_320_fpn",
        "FasterRCNN_MobileNet_V3_Large_320_FPN_Weights",
        "backbone.body.1.block.0.0.weight",
    ),
    _Architecture(
        "fasterrcnn_mobilenet_v3_large_fpn",
        "FasterRCNN_MobileNet_V3_Large_FPN_Weights",
        "backbone.body.1.block.0.0.weight",
    ),
    _Architecture("fasterrcnn_resnet50_fpn_v2", "FasterRCNN_ResNet50_FPN_V2_Weights", "roi_heads.box_head.5.weight"),
)


class PersonDetector:
    """People's boxes for pictures.

    Args:
        detector: ``"auto"`` to use a torchvision detector whose weights are in torch hub's cache (the fastest on a CPU, the
            most accurate on a GPU) and the whole picture where there is none; ``"none"`` for the whole picture; or the path of
            a weights file of Faster R-CNN MobileNetV3 (320 or full size) or ResNet-50 v2. Nothing is ever downloaded.
        device: torch device that the detector runs on.
        threshold: smallest score of a box.
        max_people: most boxes per picture, the surest first.
        announce: called once with a sentence on what is used instead of a detector; by default it is logged as a warning.

    Attributes:
        name: what is used, such as ``"fasterrcnn_mobilenet_v3_large_320_fpn"`` or ``"whole picture"``.

    Raises:
        FileNotFoundError, CheckpointError: the weights file given is missing, or does not hold such a detector.
        MissingExtraError: a weights file is given, but torchvision cannot be used.
    """

    def __init__(
        self,
        detector: str | os.PathLike[str] = "auto",
        device: Any = "cpu",
        threshold: float = 0.5,
        max_people: int = 50,
        announce: Callable[[str], None] | None = None,
    ) -> None:
        self.name = "whole picture"
        self._device, self._threshold, self._max_people = device, threshold, max_people
        self._model: Any = None
        announce = announce or _logger.warning
        if detector == "none":
            return
        try:
            # A torchvision that does not fit torch raises RuntimeError at import, a broken build OSError.
            from torchvision.models import detection  # noqa: F401
        except (ImportError, RuntimeError, OSError) as error:
            if detector != "auto":
                raise MissingExtraError(f"a detector needs torchvision ({error}): pip install 'hrnet[detect]'") from error
            announce(f"no person detector: torchvision cannot be used ({error}); {_ADVICE}")
            return
        if detector == "auto":
            found = _cached_weights(prefer_fast=str(device).startswith("cpu"))
            if found is None:
                announce(f"no person detector: no detector's weights are in {_hub_folder()}; {_ADVICE}")
                return
        else:
            found = None, Path(detector)
        self._load(*found)

    @property
    def available(self) -> bool:
        """Whether a network looks for people; False if the whole picture counts as one person."""
        return self._model is not None

    def __call__(self, images: Sequence[np.ndarray]) -> list[Boxes]:
        """Find people in (H, W, 3) RGB uint8 pictures: for each (N, 4) float32 xyxy boxes and (N,) scores, the surest first."""
        if self._model is None:
            return [(whole_picture_box(image.shape[:2]), np.ones(1, np.float32)) for image in images]
        if not len(images):
            return []
        import torch

        with torch.inference_mode():
            pixels = [torch.from_numpy(np.ascontiguousarray(image)).to(self._device) for image in images]
            outputs = self._model([tensor.permute(2, 0, 1).float() / 255 for tensor in pixels])
        return [self._people(output, image.shape[:2]) for output, image in zip(outputs, images, strict=True)]

    def _people(self, output: dict[str, Any], image_size: tuple[int, int]) -> Boxes:
        boxes, scores, labels = (output[name].float().cpu().numpy() for name in ("boxes", "scores", "labels"))
        chosen = np.flatnonzero((labels == _PERSON) & (scores >= self._threshold))
        chosen = chosen[np.argsort(-scores[chosen], kind="stable")][: self._max_people]
        return validate_boxes(boxes[chosen], image_size, scores[chosen], on_bad="drop", announce=_logger.debug)

    def _load(self, architecture: _Architecture | None, path: Path) -> None:
        import torch
        from torchvision.models import detection

        if not path.is_file():
            raise FileNotFoundError(f"the detector's weights file {path} does not exist; give 'auto', 'none' or a file")
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
        except (pickle.UnpicklingError, RuntimeError, EOFError, KeyError, ValueError) as error:
            raise CheckpointError(f"{path} cannot be read as detector weights: {str(error).splitlines()[0]}") from error
        architecture = architecture or _recognised(state, path)
        model = getattr(detection, architecture.builder)(weights=None, weights_backbone=None, num_classes=91)
        try:
            model.load_state_dict(state)
        except RuntimeError as error:
            raise CheckpointError(f"{path} does not fit {architecture.builder}: {str(error)[:300]}") from error
        self._model = model.eval().to(self._device)
        self.name = architecture.builder


_ADVICE = (
    "each whole picture counts as one person. For several people give boxes (a COCO results file, say), or a detector's "
    "weights file: FasterRCNN_MobileNet_V3_Large_320_FPN_Weights.DEFAULT.get_state_dict() of torchvision.models.detection "
    "puts one into the cache; torchvision comes with pip install 'hrnet[detect]'"
)


def _hub_folder() -> Path:
    import torch

    return Path(torch.hub.get_dir()) / "checkpoints"


def _cached_weights(prefer_fast: bool) -> tuple[_Architecture, Path] | None:
    from torchvision.models import detection

    for architecture in _ARCHITECTURES if prefer_fast else reversed(_ARCHITECTURES):
        url = getattr(detection, architecture.weights).DEFAULT.url
        path = _hub_folder() / url.rsplit("/", 1)[-1]
        if path.is_file():
            return architecture, path
    return None


def _recognised(state: Any, path: Path) -> _Architecture:
    keys = state if isinstance(state, dict) else {}
    fitting = [architecture for architecture in _ARCHITECTURES if architecture.key in keys]
    if not fitting:
        known = ", ".join(architecture.builder for architecture in _ARCHITECTURES)
        raise CheckpointError(f"{path} holds none of the detectors {known}")
    # The two MobileNet variants differ only in the size they see; published files carry it in their name.
    named = [architecture for architecture in fitting if ("_320_" in path.name) == ("_320_" in architecture.builder)]
    return (named or fitting)[0]
