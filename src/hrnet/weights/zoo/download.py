"""Bring a published checkpoint to this machine: from the first address that gives it, whole, once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, urlsplit

from hrnet.weights.zoo import hub
from hrnet.weights.zoo.cache import checked_sha256, checkpoint_folder, is_genuine, is_offline, sha256_of
from hrnet.weights.zoo.entries import ZooEntry
from hrnet.weights.zoo.errors import AddressError, DownloadError
from hrnet.weights.zoo.fetch import FetchLimits, Progress, fetch
from hrnet.weights.zoo.lock import locked

_LOCK_PATIENCE = 3600.0


def download(
    entry: ZooEntry,
    *,
    mirrors: Sequence[str] | None = None,
    offline: bool | None = None,
    progress: Progress | None = None,
    announce: Callable[[str], None] | None = None,
    folder: str | os.PathLike[str] | None = None,
    limits: FetchLimits | None = None,
) -> Path:
    """Return the file of a published checkpoint, downloading it if it is not in the cache.

    Any number of processes may ask at once: one downloads and the others wait for it. A download that broke off goes on
    where it ended. A file whose SHA-256 is wrong is kept nowhere.

    Args:
        mirrors: base addresses (or folders) to ask first, joined with the file's name; by default those of
            ``HRNET_MIRRORS``, comma separated.
        offline: take only what is in the cache; by default what ``HRNET_OFFLINE`` says.
        progress: called with the bytes done and their total (None if unknown).
        announce: called with one sentence when something unexpected was mended.
        folder: cache of checkpoints; `checkpoint_folder` by default.
        limits: how long to wait and how much to take.

    Raises:
        DownloadError: nothing gave the file, or it is not in the cache and this is offline; the message lists every
            address with its reason and says how to put the file there by hand.
        OSError: the cache cannot be written to, or the disk is full.
    """
    place = Path(folder) if folder is not None else checkpoint_folder()
    target = place / entry.file_name
    tell = announce or (lambda sentence: None)
    if target.exists() and is_genuine(target, entry.sha256):
        return target
    if is_offline() if offline is None else offline:
        return _offline(entry, target)
    place.mkdir(parents=True, exist_ok=True)
    bases = mirrors_from_environment() if mirrors is None else mirrors
    waiting = f"another process is downloading {entry.file_name}: waiting for it"
    with locked(place / f".{entry.file_name}.lock", _LOCK_PATIENCE, lambda: tell(waiting)) as held:
        if target.exists():
            if is_genuine(target, entry.sha256):
                return target  # brought by who held the lock
            tell(f"{target} is damaged (its SHA-256 is not {entry.sha256}...): downloading it again")
        partial = place / f".{entry.file_name}{'' if held else f'.{os.getpid()}'}.part"
        return _from_anywhere(entry, target, partial, bases, limits or FetchLimits(), progress)


def mirrors_from_environment() -> list[str]:
    """The base addresses of ``HRNET_MIRRORS``."""
    return [base.strip() for base in os.environ.get("HRNET_MIRRORS", "").split(",") if base.strip()]


def mirror_address(base: str, file_name: str) -> str:
    """Address of a file on a mirror; a base without a scheme is a folder."""
    if "://" not in base:
        base = Path(base).expanduser().absolute().as_uri()
    return base.rstrip("/") + "/" + quote(file_name)


def _from_anywhere(
    entry: ZooEntry, target: Path, partial: Path, bases: Sequence[str], limits: FetchLimits, progress: Progress | None
) -> Path:
    """Mirrors first, then the hub's own client where it is installed, then the entry's addresses."""
    failures: list[tuple[str, str]] = []
    addresses = [mirror_address(base, entry.file_name) for base in bases]
    own = [hub.at_endpoint(url) for url in entry.urls]
    for address in [*addresses, *([None] if entry.hub else []), *own]:
        if address is None:
            assert entry.hub is not None
            if not hub.is_installed():
                continue  # the plain address follows
            with _noting(failures, f"huggingface_hub, {entry.hub.repository}"):
                return hub.fetch_file(entry.hub.repository, entry.hub.file)
            own = [url for url in own if urlsplit(url).netloc != urlsplit(hub.endpoint()).netloc]
            continue
        if address not in addresses and address not in own:
            continue  # on the hub, which has just been asked
        with _noting(failures, address):
            _from_address(entry, address, partial, limits, progress)
            os.replace(partial, target)
            checked_sha256(target)
            return target
    raise DownloadError(_by_hand(entry, target, "could not be downloaded", failures))


@contextmanager
def _noting(failures: list[tuple[str, str]], address: str) -> Iterator[None]:
    try:
        yield
    except AddressError as error:
        failures.append((address, str(error)))


def _from_address(entry: ZooEntry, address: str, partial: Path, limits: FetchLimits, progress: Progress | None) -> None:
    """Bring ``partial`` to the whole, genuine file, or leave nothing of a file that is not."""
    if entry.sha256 is None:
        partial.unlink(missing_ok=True)  # without a hash nobody could tell that two halves do not belong together
    resumed = partial.exists()
    try:
        fetch(address, partial, entry.size, limits, progress)
        if resumed and not _fits(entry, partial):  # the first half may be from elsewhere: this address gets a fair chance
            partial.unlink()
            fetch(address, partial, entry.size, limits, progress)
    except AddressError as error:
        if error.lied or entry.sha256 is None:
            partial.unlink(missing_ok=True)
        raise
    if not _fits(entry, partial):
        found = sha256_of(partial)
        partial.unlink()
        raise AddressError(f"sends a file with the SHA-256 {found[:16]}..., which should begin with {entry.sha256}", lied=True)


def _fits(entry: ZooEntry, partial: Path) -> bool:
    return entry.sha256 is None or sha256_of(partial).startswith(entry.sha256.lower())


def _offline(entry: ZooEntry, target: Path) -> Path:
    if entry.hub is not None and hub.is_installed():
        kept = hub.cached_file(entry.hub.repository, entry.hub.file)
        if kept is not None:
            return kept
    state = f"is damaged (its SHA-256 is not {entry.sha256}...)" if target.exists() else "is not in the cache"
    raise DownloadError(_by_hand(entry, target, f"{state}, and this is offline (HRNET_OFFLINE or offline=True)", []))


def _by_hand(entry: ZooEntry, target: Path, what: str, failures: Sequence[tuple[str, str]]) -> str:
    lines = [f"the checkpoint {entry.name!r} {what}"]
    lines += [f"  {address}: {reason}" for address, reason in failures]
    if not failures:
        lines += [f"  published at {url}" for url in entry.urls]
    hashed = f" (its SHA-256 begins with {entry.sha256})" if entry.sha256 else ""
    lines.append(f"by hand: put the file{hashed} at {target}")
    lines.append("or name a mirror of yours, an address or a folder with that file in it: HRNET_MIRRORS=https://...")
    return "\n".join(lines)
