"""Sentences for the user, on what is done in place of what was asked."""

from __future__ import annotations

import warnings
from collections.abc import Callable

Announce = Callable[[str], None]


def warn(sentence: str) -> None:
    """What is done with a sentence where nobody listens: a warning, at the caller of the function that announces."""
    warnings.warn(sentence, stacklevel=3)
