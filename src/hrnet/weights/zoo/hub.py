"""The Hugging Face Hub, by way of its own client where that is installed."""

from __future__ import annotations

import os
import re
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from hrnet.errors import MissingExtraError
from hrnet.weights.zoo.errors import AddressError

HUB = "https://huggingface.co"
PREFIX = "hf://"
MODEL_FILE = "model.safetensors"
"""Name of the file with weights and card in a repository of ours."""


def is_installed() -> bool:
    """Whether the client is there; it is not imported."""
    return find_spec("huggingface_hub") is not None


def client() -> ModuleType:
    """The package ``huggingface_hub``.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import huggingface_hub
    except ImportError as error:
        raise MissingExtraError(f"the Hugging Face Hub needs its client ({error}): pip install 'hrnet[hub]'") from error
    return huggingface_hub


def endpoint() -> str:
    """The hub's address, or that of ``HF_ENDPOINT``."""
    return (os.environ.get("HF_ENDPOINT") or HUB).rstrip("/")


def at_endpoint(url: str) -> str:
    """An address on the hub as ``HF_ENDPOINT`` wants it; others as they are."""
    return endpoint() + url.removeprefix(HUB) if url.startswith(HUB + "/") else url


def check_repository(name: str) -> str:
    """``user/repository`` as it is. Raises ValueError for anything else."""
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", name):
        raise ValueError(f"a repository on the hub is called user/name, got {name!r}")
    return name


def fetch_file(
    repository: str, file: str = MODEL_FILE, revision: str | None = None, token: str | bool | None = None, offline: bool = False
) -> Path:
    """Bring a file of a repository into the hub's own cache (``HF_HOME``), which checks and locks by itself.

    Raises:
        MissingExtraError: the client is not installed.
        AddressError: the hub does not give the file.
    """
    hub = client()
    try:
        path = hub.hf_hub_download(
            repository, file, revision=revision, token=token, endpoint=endpoint(), local_files_only=offline
        )
    except Exception as error:  # the client's errors and those of the HTTP library below it, which differ by version
        first = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
        raise AddressError(f"{type(error).__name__}: {first}") from error
    return Path(path)


def cached_file(repository: str, file: str = MODEL_FILE, revision: str | None = None) -> Path | None:
    """A file of the hub's own cache, None if it is not there; no network."""
    found = client().try_to_load_from_cache(repository, file, revision=revision)
    return Path(found) if isinstance(found, str) else None
