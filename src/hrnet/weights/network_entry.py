"""Which network a file of ours holds, where it has no pose card."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from hrnet.errors import CheckpointError
from hrnet.models.variants import family_of

NETWORK_KEY = "hrnet.network"
"""Under this key the JSON of an entry lies in the metadata of a safetensors file, or at the top level of a PyTorch file."""


@dataclass(frozen=True)
class NetworkEntry:
    """What `hrnet.models.build_model` has to be told to build the network again.

    Attributes:
        architecture: its name.
        num_outputs: keypoints or classes; None for a backbone.
        options: further arguments, such as ``align_corners``.
        origin: where the weights come from.
    """

    architecture: str
    num_outputs: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    origin: str | None = None

    @property
    def task(self) -> str:
        return family_of(self.architecture).task

    @property
    def family(self) -> str:
        return family_name(self.architecture)

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> NetworkEntry:
        """Raises CheckpointError for anything but what `to_json` writes."""
        try:
            data = json.loads(text)
            architecture, outputs = data["architecture"], data.get("num_outputs")
            options, origin = dict(data.get("options") or {}), data.get("origin")
            sound = isinstance(architecture, str) and isinstance(outputs, int | None) and isinstance(origin, str | None)
            family_of(architecture)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise CheckpointError(f"the file's entry {NETWORK_KEY!r} is not sound: {error}") from error
        if not sound:
            raise CheckpointError(f"the file's entry {NETWORK_KEY!r} is not sound: {text[:200]}")
        return cls(architecture, outputs, options, origin)


def family_name(architecture: str) -> str:
    """The network's name without its size, such as ``"seg_hrnet_ocr"``. Raises ValueError for an unknown name."""
    return family_of(architecture).name.replace("_*", "").replace("*", "")
