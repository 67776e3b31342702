"""Pose models of one's own on the Hugging Face Hub: one safetensors file with its card, and a page that says what it is."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn

from hrnet.models import PoseNetwork
from hrnet.weights.files import save_checkpoint
from hrnet.weights.pose import load_pose
from hrnet.weights.pose_card import PoseCard
from hrnet.weights.zoo import hub


def from_pretrained(
    repository: str, *, revision: str | None = None, token: str | bool | None = None, **options: Any
) -> tuple[PoseNetwork, PoseCard]:
    """Load a pose network that `push_to_hub` put on the hub. ``hrnet.load("hf://user/name")`` gives a predictor of it.

    Args:
        repository: ``user/name``.
        revision: branch, tag or commit; the main branch by default.
        token: for private repositories; what the hub's client has stored by default.
        options: of `hrnet.weights.load_pose`.

    Raises:
        MissingExtraError: huggingface_hub is not installed.
        DownloadError: the hub does not give the file.
        CheckpointError, ValueError: see `load_pose`.
    """
    from hrnet.weights.zoo.locating import on_hub

    return load_pose(on_hub(repository, revision=revision, token=token), **options)


def push_to_hub(
    model: Any,
    repository: str,
    *,
    card: PoseCard | None = None,
    license: str | None = None,
    private: bool = False,
    half: bool = False,
    token: str | bool | None = None,
    message: str = "Upload pose model",
) -> str:
    """Put a pose model on the hub, under ``repository``, which is created if it is not there.

    Args:
        model: a predictor (what it was loaded from is shared), a checkpoint file with a card, or a network and its ``card``.
        card: in place of the model's own.
        license: terms of the weights, for the card and the page.
        private: of a repository that is created now.
        half: store convolutions in float16, see `hrnet.weights.save_checkpoint`.

    Returns:
        the address of the repository's page.

    Raises:
        MissingExtraError: huggingface_hub is not installed.
        ValueError: there is no card, or the network does not fit it.
    """
    api = hub.client().HfApi(endpoint=hub.endpoint(), token=token)
    hub.check_repository(repository)
    network, known = _network_and_card(model, card)
    if license is not None:
        known = replace(known, license=license)
    with tempfile.TemporaryDirectory() as folder:
        save_checkpoint(Path(folder) / hub.MODEL_FILE, network, known, half)
        (Path(folder) / "README.md").write_text(model_page(known, repository), encoding="utf-8")
        api.create_repo(repository, private=private, exist_ok=True)
        api.upload_folder(repo_id=repository, folder_path=folder, commit_message=message)
    return f"{hub.endpoint()}/{repository}"


def model_page(card: PoseCard, repository: str) -> str:
    """The README of a model: what it is, what it was trained on, how good it is and how to use it."""
    keypoints = card.keypoint_set
    height, width = card.codec.input_size
    # As JSON, which is YAML too: a licence or a name with a colon must not break the page's head.
    head = {
        "library_name": "hrnet",
        "pipeline_tag": "keypoint-detection",
        "tags": ["hrnet", "pose-estimation", "safetensors"],
        **({"license": "other", "license_name": card.license} if card.license else {}),
    }
    facts = {
        "network": f"`{card.architecture}`",
        "input": f"{height} x {width} pixels (height x width)",
        "keypoints": f"{keypoints.num_keypoints} (`{keypoints.name}`): {', '.join(keypoints.keypoints[:20])}"
        + (", ..." if keypoints.num_keypoints > 20 else ""),
        "decoding": f"`{card.codec.name}`",
        "training data": card.training_data or "not stated",
        "licence": card.license or "not stated",
        "source": card.source or "not stated",
    }
    scores = [f"| {name} | {value:g} |" for name, value in card.metrics.items()]
    lines = [
        "---",
        *(f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in head.items()),
        "---",
        f"# {repository.partition('/')[2]}",
        "",
        "A pose network for [hrnet](https://pypi.org/project/hrnet).",
        "",
        *(f"- {label}: {value}" for label, value in facts.items()),
        "",
        *(["| metric | value |", "| --- | --- |", *scores, ""] if scores else []),
        "```python",
        "import hrnet",
        "",
        f'result = hrnet.load("{hub.PREFIX}{repository}")("picture.jpg")',
        "```",
        "",
    ]
    return "\n".join(lines)


def _network_and_card(model: Any, card: PoseCard | None) -> tuple[nn.Module, PoseCard]:
    if isinstance(model, (str, os.PathLike)):
        network, own = load_pose(model)
    elif hasattr(model, "task") and hasattr(model, "name"):  # a predictor, which this layer does not know
        # Its network is rewritten for speed and its decoder chosen by a preset: shared is what it was loaded from.
        network, own = load_pose(model.name, keypoint_set=model.task.card.keypoint_set)
    elif isinstance(model, nn.Module):
        network, own = model, card
    else:
        raise ValueError(f"expected a predictor, a checkpoint file or a network, got {type(model).__name__}")
    chosen = card or own
    if chosen is None:
        raise ValueError("a network alone does not say how it is used: give its card=PoseCard(...)")
    return network, chosen
