"""Plain data that JSON can hold, as results are saved in, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np


def plain_numbers(values: np.ndarray) -> list[Any]:
    """Nested lists of Python floats with the shortest digits that give the float32 back; None where not finite."""
    array = np.asarray(values, np.float32)
    exact = array.astype("U32").astype(np.float64).astype(object)
    exact[~np.isfinite(array)] = None
    return exact.tolist()


def listed(value: Any) -> Any:
    """Tuples within tuples as lists."""
    return [listed(item) for item in value] if isinstance(value, (tuple, list)) else value


def tupled(value: Any) -> Any:
    """Lists within lists as tuples, the reverse of `listed`."""
    return tuple(tupled(item) for item in value) if isinstance(value, (tuple, list)) else value


def required(data: Mapping[str, Any], key: str, where: str = "a saved result") -> Any:
    """``data[key]``. Raises ValueError with ``where`` and what there is if it is missing."""
    if key not in data:
        raise ValueError(f"{where} lacks the field {key!r}; it has {', '.join(map(str, data)) or 'none'}")
    return data[key]
