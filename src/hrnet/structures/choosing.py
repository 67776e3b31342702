"""The entries of a result that an index chooses."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def chosen_places(index: object, count: int, one: str, many: str) -> NDArray[np.intp]:
    """Places in 0..count - 1 that an integer, a slice, a mask or an array of indices chooses, in its order.

    Args:
        one, many: what the entries are called in messages.

    Raises:
        IndexError: there is no such entry.
        TypeError: an index of another type.
    """
    places = np.arange(count)
    if isinstance(index, (int, np.integer)) and not isinstance(index, bool):
        if not -count <= index < count:
            raise IndexError(f"{one} {index} of a result with {count} {many}")
        return places[[int(index)]]
    if isinstance(index, slice):
        return places[index]
    if isinstance(index, (np.ndarray, list)):
        return places[np.asarray(index)] if len(index) else places[:0]
    raise TypeError(f"index {many} with an integer, a slice, a mask or an array of indices, not {type(index).__name__}")
