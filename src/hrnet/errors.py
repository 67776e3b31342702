"""Errors that users of the library may want to catch by name."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class HRNetError(Exception):
    """Base class of the errors raised on purpose by this library."""


class ImageError(HRNetError, ValueError):
    """A picture cannot be read: broken, truncated, empty, too large or of an unknown kind."""


class AnnotationError(HRNetError, ValueError):
    """An annotation file lacks a field or contradicts itself."""


class CheckpointError(HRNetError, ValueError):
    """A checkpoint cannot be read, is unsafe, or does not fit the network."""


class DivergenceError(HRNetError, FloatingPointError):
    """The loss of a training run became infinite or NaN."""


class MissingExtraError(HRNetError, ImportError):
    """A feature needs a package that is not installed; the message names the extra that brings it."""


def nearest_name(name: str, known: Iterable[str]) -> str:
    """Return a sentence that helps somebody who mistyped ``name``: the nearest known names."""
    choices = sorted(known)
    close = get_close_matches(name, choices, n=3, cutoff=0.5)
    if close:
        return f"did you mean {' or '.join(repr(match) for match in close)}?"
    return f"known names: {', '.join(choices)}" if choices else "there are none"
