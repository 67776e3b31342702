"""Weights that come with the package."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

DEFAULT_MODEL = "pose_hrnet_w18_small_v2.lspet_256x192"
DEFAULT_FACE_MODEL = "face_hrnetv2_w18_small_v1.faces68_128"
_SUFFIX = ".safetensors"


def bundled_models() -> dict[str, Path]:
    """Names to files. A file ``bundled/NAME.safetensors`` is a model called NAME; there is no other list."""
    folder = resources.files("hrnet.weights") / "bundled"
    if not folder.is_dir():
        return {}
    files = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(_SUFFIX))
    return {name.removesuffix(_SUFFIX): Path(str(folder / name)) for name in files}


def list_bundled() -> list[str]:
    """Names that `load_pose` knows without a path."""
    return list(bundled_models())
