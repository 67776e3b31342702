"""Opening all pictures of a data set once: which can be read, how large they are, and which are the same as others."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from hrnet.data.images import read_image
from hrnet.data.threads import map_in_threads
from hrnet.errors import ImageError

_QUANTILES = (0.0, 0.05, 0.5, 0.95, 1.0)
_THUMBNAIL = 16  # pixels per side
_BITS_APART = 10  # of 128 in which near-duplicates may differ ...
_CORRELATION = 0.96  # ... if their thumbnails also agree this well, which keeps flat and dark pictures apart
_CHUNK = 1 << 22  # comparisons at a time, about 70 MB


@dataclass(frozen=True)
class PictureFacts:
    """What one look at a picture tells.

    Attributes:
        path: the file.
        size: (height, width) with the EXIF orientation applied, or None where it cannot be read.
        error: why it cannot be read, or None.
        missing: whether there is no such file.
        digest: hash of the file's content.
        bits: two 64-bit difference hashes, left-right and up-down.
        thumbnail: (256,) float32 grey, zero mean, unit length.
    """

    path: Path
    size: tuple[int, int] | None = None
    error: str | None = None
    missing: bool = False
    digest: bytes = b""
    bits: tuple[int, int] = (0, 0)
    thumbnail: np.ndarray | None = field(default=None, repr=False)


def examine_pictures(paths: Sequence[Path], progress: Callable[[int, int], None] | None = None) -> list[PictureFacts]:
    """Read every picture, in threads. ``progress`` is called with (done, all) after each."""
    return map_in_threads(_examine, paths, progress)


def size_quantiles(facts: Sequence[PictureFacts]) -> tuple[dict[str, float], dict[str, float]]:
    """Quantiles of the heights and of the widths, by ``"0%"`` .. ``"100%"``; empty where no picture could be read."""
    sizes = np.array([entry.size for entry in facts if entry.size], np.float64).reshape(-1, 2)
    if not len(sizes):
        return {}, {}
    heights, widths = np.quantile(sizes, _QUANTILES, axis=0).T
    named = [f"{round(100 * quantile)}%" for quantile in _QUANTILES]
    return dict(zip(named, heights.tolist(), strict=True)), dict(zip(named, widths.tolist(), strict=True))


def find_repeats(facts: Sequence[PictureFacts]) -> list[tuple[Path, Path]]:
    """The first file of each content, with every later file of the same."""
    first: dict[bytes, Path] = {}
    repeats = []
    for entry in facts:
        if entry.digest in first:
            repeats.append((first[entry.digest], entry.path))
        elif entry.digest:
            first[entry.digest] = entry.path
    return repeats


def find_duplicates(
    first: Sequence[PictureFacts], second: Sequence[PictureFacts]
) -> tuple[list[tuple[Path, Path]], list[tuple[Path, Path]]]:
    """Pairs of pictures in ``first`` and ``second`` with the same content, and pairs that look alike.

    Alike means: proportions within 5 %, at most 10 of 128 bits of their difference hashes apart, thumbnails correlated by 0.96.
    Another size, JPEG quality or brightness does not hide a copy; mirroring or cropping does.
    """
    by_digest: dict[bytes, list[Path]] = {}
    for facts in second:
        if facts.digest:
            by_digest.setdefault(facts.digest, []).append(facts.path)
    same = [(facts.path, path) for facts in first if facts.digest for path in by_digest.get(facts.digest, ())]
    known = set(same)
    one = [facts for facts in first if facts.thumbnail is not None]
    two = [facts for facts in second if facts.thumbnail is not None]
    if not one or not two:
        return same, []
    bits_one, bits_two = _packed(one), _packed(two)
    step = max(1, _CHUNK // len(two))
    alike = []
    for start in range(0, len(one), step):
        for row, column in _close(bits_one[start : start + step], bits_two):
            left, right = one[start + row], two[column]
            if (left.path, right.path) not in known and _look_alike(left, right):
                alike.append((left.path, right.path))
    return same, alike


def _examine(path: Path) -> PictureFacts:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return PictureFacts(path, error="there is no such file", missing=True)
    except OSError as error:
        return PictureFacts(path, error=error.strerror or str(error))
    digest = hashlib.sha1(content, usedforsecurity=False).digest() if content else b""
    try:
        picture = read_image(content)
    except ImageError as error:
        return PictureFacts(path, error=str(error), digest=digest)
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    thumbnail = cv2.resize(grey, (_THUMBNAIL, _THUMBNAIL), interpolation=cv2.INTER_AREA).astype(np.float32).ravel()
    thumbnail -= thumbnail.mean()
    length = float(np.linalg.norm(thumbnail))
    # A picture of one colour looks like every other: it takes part by its content only.
    return PictureFacts(path, picture.shape[:2], None, False, digest, _hash(grey), thumbnail / length if length > 8 else None)


def _hash(grey: np.ndarray) -> tuple[int, int]:
    across = cv2.resize(grey, (9, 8), interpolation=cv2.INTER_AREA)
    down = cv2.resize(grey, (8, 9), interpolation=cv2.INTER_AREA)
    signs = (across[:, 1:] > across[:, :-1], down[1:] > down[:-1])
    first, second = (int.from_bytes(np.packbits(sign).tobytes(), "big") for sign in signs)
    return first, second


def _packed(facts: Sequence[PictureFacts]) -> np.ndarray:
    """(N, 2) uint64."""
    return np.array([entry.bits for entry in facts], np.uint64).reshape(-1, 2)


def _close(one: np.ndarray, two: np.ndarray) -> list[tuple[int, int]]:
    apart = np.zeros((len(one), len(two)), np.uint8)
    for half in range(2):
        differing = one[:, None, half] ^ two[None, :, half]
        apart += _count_bits(differing)
    return [(int(row), int(column)) for row, column in np.argwhere(apart <= _BITS_APART)]


def _count_bits(values: np.ndarray) -> np.ndarray:
    if hasattr(np, "bitwise_count"):  # NumPy 2
        return np.bitwise_count(values).astype(np.uint8)
    return _BITS_IN_BYTE[values.view(np.uint8).reshape(*values.shape, 8)].sum(axis=-1, dtype=np.uint8)


_BITS_IN_BYTE = np.array([bin(value).count("1") for value in range(256)], np.uint8)


def _look_alike(one: PictureFacts, two: PictureFacts) -> bool:
    if one.size is None or two.size is None or one.thumbnail is None or two.thumbnail is None:
        return False
    aspects = one.size[0] / one.size[1] * two.size[1] / two.size[0]
    return 0.95 < aspects < 1.0526 and float(one.thumbnail @ two.thumbnail) >= _CORRELATION
