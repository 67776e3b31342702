"""Checkpoint files of a run, written whole or not at all."""

from __future__ import annotations

import os
from typing import Any

from lightning.fabric.plugins.io import TorchCheckpointIO

from hrnet.weights.writing import write_torch_file


class AtomicCheckpoints(TorchCheckpointIO):
    """Writes beside the target and renames.

    Lightning's own writer goes through the system's temporary folder, from where a large checkpoint is copied: a run killed
    during the copy would leave half a file in the place of its last checkpoint.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | os.PathLike[str], storage_options: Any = None) -> None:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        write_torch_file(path, checkpoint)
