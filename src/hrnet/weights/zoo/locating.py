"""From what a user calls a model to a file, and to what is known about it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hrnet.weights.bundle import bundled_models
from hrnet.weights.files import CHECKPOINT_SUFFIXES
from hrnet.weights.zoo import hub
from hrnet.weights.zoo.cache import is_offline, sha256_of
from hrnet.weights.zoo.download import download
from hrnet.weights.zoo.entries import ZooEntry, entries_by_file, nearest_checkpoint, zoo_entries
from hrnet.weights.zoo.errors import AddressError, DownloadError
from hrnet.weights.zoo.fetch import FetchLimits, Progress
from hrnet.weights.zoo.progress import DownloadBar


@dataclass(frozen=True)
class Located:
    """A checkpoint file and what is on record about it.

    Attributes:
        path: the file; need not exist where a path was given.
        entry: None for bundled models and files of one's own.
    """

    path: Path
    entry: ZooEntry | None = None


def locate(
    name_or_path: str | os.PathLike[str],
    *,
    mirrors: Sequence[str] | None = None,
    offline: bool | None = None,
    progress: Progress | None = None,
    announce: Callable[[str], None] | None = None,
    limits: FetchLimits | None = None,
    bundled: Mapping[str, Path] | None = None,
) -> Located:
    """Find the file of a bundled model, of a published checkpoint (which is downloaded), on the Hub, or at a path.

    ``hf://user/name`` is a pose model that somebody put on the Hugging Face Hub.

    Names win over files that are called so, and always mean the same. A file that is a published one, by its name and its
    hash, is known wherever it lies.

    Args:
        mirrors, offline, progress, announce, limits: see `hrnet.weights.zoo.download.download`; a bar in the terminal where
            no ``progress`` is given.
        bundled: names to files that come with the package, by default all.

    Raises:
        ValueError: neither a name nor a file; the message names the nearest.
        DownloadError, OSError: see `hrnet.weights.zoo.download.download`.
    """
    own = bundled_models() if bundled is None else bundled
    text = os.fspath(name_or_path)
    if text in own:
        return Located(own[text])
    published = zoo_entries()
    if text in published:
        entry = published[text]
        with DownloadBar(entry.name) as bar:
            path = download(
                entry,
                mirrors=mirrors,
                offline=offline,
                progress=progress or bar,
                announce=announce,
                limits=limits,
            )
        return Located(path, entry)
    if text.startswith(hub.PREFIX):
        return Located(on_hub(text.removeprefix(hub.PREFIX), offline=offline))
    path = Path(text)
    if path.is_file():
        return Located(path, _published_file(path))
    if not isinstance(name_or_path, str) or path.suffix in CHECKPOINT_SUFFIXES or path.parent != Path() or path.exists():
        return Located(path)  # reading it says what is wrong with it
    hint = nearest_checkpoint(text, {**own, **published})
    raise ValueError(f"there are no weights and no file called {text!r}; {hint}")


def on_hub(
    repository: str, *, revision: str | None = None, token: str | bool | None = None, offline: bool | None = None
) -> Path:
    """The file of a pose model on the Hugging Face Hub.

    Raises:
        ValueError: ``repository`` is not of the form ``user/name``.
        MissingExtraError: huggingface_hub is not installed.
        DownloadError: the hub does not give the file.
    """
    hub.check_repository(repository)
    try:
        return hub.fetch_file(repository, revision=revision, token=token, offline=is_offline() if offline is None else offline)
    except AddressError as error:
        raise DownloadError(f"{hub.MODEL_FILE} of {hub.endpoint()}/{repository} could not be brought: {error}") from error


def _published_file(path: Path) -> ZooEntry | None:
    entry = entries_by_file().get(path.name)
    if entry is None or entry.sha256 is None:  # anybody may call a file so
        return None
    return entry if sha256_of(path).startswith(entry.sha256) else None
