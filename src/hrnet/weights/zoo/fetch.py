"""Bring one file from one address: in pieces, from where it broke off, and never more than it may be."""

from __future__ import annotations

import errno
import http.client
import re
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit
from urllib.request import Request

import hrnet
from hrnet.weights.zoo.errors import AddressError

SCHEMES = ("https", "http", "file")

Progress = Callable[[int, int | None], None]
"""Called with the bytes that are here and those of the whole file, None where the server does not say."""

_BLOCK = 1 << 18
_WEB_PAGE = (b"<!doctype", b"<html", b"<?xml", b"<head")
_PASSING = (408, 425, 429, 500, 502, 503, 504)


@dataclass(frozen=True)
class FetchLimits:
    """How long to wait and how much to take.

    Attributes:
        timeout: seconds without a byte after which a connection counts as dead.
        slowest: bytes per second below which a server counts as too slow, over ``window`` seconds.
        retries: further attempts at an address after attempts that brought less than ``worthwhile`` bytes.
        pause: seconds before the first further attempt, doubled for each after it.
        largest: bytes of the largest file that is taken.
    """

    timeout: float = 20.0
    slowest: float = 2000.0
    window: float = 30.0
    retries: int = 2
    worthwhile: int = 1 << 20
    pause: float = 0.5
    largest: int = 4 << 30


def fetch(address: str, partial: Path, size: int | None, limits: FetchLimits, progress: Progress | None = None) -> None:
    """Bring the file at ``address`` to ``partial``, going on where that ends, as often as it is worth it.

    Args:
        partial: may hold the beginning of the file; keeps what came when this fails.
        size: bytes of the whole file, if known.

    Raises:
        AddressError: the address does not give the file.
        OSError: it cannot be written, as when the disk is full.
    """
    idle = 0
    while True:
        before = _length(partial)
        try:
            return _attempt(address, partial, size, limits, progress)
        except AddressError as error:
            idle = 0 if _length(partial) - before >= limits.worthwhile else idle + 1
            if not error.retry or idle > limits.retries:
                raise
        time.sleep(limits.pause * 2 ** max(idle - 1, 0))


def _attempt(address: str, partial: Path, size: int | None, limits: FetchLimits, progress: Progress | None) -> None:
    scheme = urlsplit(address).scheme.lower()
    if scheme not in SCHEMES:
        raise AddressError(f"an address begins with {', '.join(f'{known}://' for known in SCHEMES)}")
    start = _length(partial) if scheme != "file" else 0
    if size is not None and start == size:
        return  # whole already; the hash will tell
    headers = {"User-Agent": f"hrnet/{hrnet.__version__}", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    try:
        with _OPENER.open(Request(address, headers=headers), timeout=limits.timeout) as answer:
            _receive(answer, partial, start, size, limits, progress)
    except urllib.error.HTTPError as error:
        with error:
            if error.code == 416 and start:  # nothing behind what we have: it is whole, or not the beginning of this file
                if _total(error.headers.get("Content-Range")) == start:
                    return
                partial.unlink()
                raise AddressError("what was here before does not belong to its file", retry=True) from None
            reason = f"HTTP {error.code} ({error.reason})"
            raise AddressError(reason, retry=error.code in _PASSING) from None
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
        raise AddressError(*_reason(error)) from error


def _receive(answer: Any, partial: Path, start: int, size: int | None, limits: FetchLimits, progress: Progress | None) -> None:
    """Write the body of ``answer`` behind the ``start`` bytes that are here, or from the beginning."""
    if start and answer.status != 206:
        start = 0  # a server that knows no ranges begins again
    elif start and _start(answer.headers.get("Content-Range")) != start:
        partial.unlink()
        raise AddressError("sends another part than it was asked for", retry=True)
    if "html" in (answer.headers.get("Content-Type") or ""):
        raise AddressError("sends a web page in place of the file", lied=True)
    length = answer.headers.get("Content-Length", "")
    total = start + int(length) if length.isdigit() else None
    if total is not None and size is not None and total != size:
        raise AddressError(f"has a file of {total} bytes, which should have {size}", lied=True)
    most = limits.largest if size is None else size
    if total is not None and total > most:
        raise AddressError(f"has a file of {total / 1e9:.1f} GB, more than the {most / 1e9:.1f} GB that are taken", lied=True)
    if total is not None and shutil.disk_usage(partial.parent).free < total - start:
        raise OSError(errno.ENOSPC, f"cannot write: {total / 1e6:.0f} MB are needed, and the disk is full", str(partial.parent))
    with open(partial, "r+b" if start else "wb") as file:
        file.seek(start)
        done = _copy(answer, file, start, total, most, limits, progress)
    if total is not None and done < total:
        raise AddressError(f"broke off after {done} of {total} bytes", retry=True)


def _copy(
    answer: Any, file: BinaryIO, done: int, total: int | None, most: int, limits: FetchLimits, progress: Progress | None
) -> int:
    since, before = time.monotonic(), done
    while True:
        block = answer.read1(_BLOCK) if hasattr(answer, "read1") else answer.read(_BLOCK)
        if not block:
            return done
        if done == 0 and block.lstrip(b"\xef\xbb\xbf \t\r\n")[:9].lower().startswith(_WEB_PAGE):
            raise AddressError("sends a web page in place of the file", lied=True)
        done += len(block)
        if done > most:
            raise AddressError(f"sends more than {most} bytes", lied=True)
        file.write(block)
        if progress is not None:
            progress(done, total)
        now = time.monotonic()
        if now - since >= limits.window:
            if done - before < limits.slowest * (now - since):
                raise AddressError(f"is too slow: {(done - before) / (now - since):.0f} bytes per second")
            since, before = now, done


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follow redirects between web addresses, but never from https to http and never to a local file."""

    def redirect_request(self, req: Request, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Request | None:
        theirs = urlsplit(newurl).scheme.lower()
        if theirs not in ("https", "http") or (req.type == "https" and theirs == "http"):
            raise AddressError(f"redirects to {theirs}, which is not followed")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


_OPENER = urllib.request.build_opener(_SafeRedirects())


def _reason(error: Exception) -> tuple[str, bool]:
    """In words, and whether another attempt may help."""
    cause = getattr(error, "reason", error)
    if isinstance(cause, TimeoutError):
        return "does not answer in time", True
    if isinstance(cause, OSError):
        lasting = isinstance(cause, (ConnectionRefusedError, FileNotFoundError, PermissionError, IsADirectoryError))
        return (cause.strerror or str(cause) or type(cause).__name__), not lasting
    return str(cause) or type(error).__name__, True


def _length(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _start(content_range: str | None) -> int | None:
    found = re.fullmatch(r"bytes (\d+)-\d+/(?:\d+|\*)", content_range or "")
    return int(found[1]) if found else None


def _total(content_range: str | None) -> int | None:
    found = re.fullmatch(r"bytes \*/(\d+)", content_range or "")
    return int(found[1]) if found else None
