"""The labelled instances of one picture, as segmentation metrics want them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hrnet.structures.run_lengths import Runs, checked_runs


@dataclass(frozen=True, eq=False)
class LabelledInstances:
    """N labelled instances of a picture.

    Attributes:
        image_size: (height, width).
        runs: their masks, which may overlap; see `hrnet.structures.run_lengths`.
        class_ids: (N,) int64, counted from 0.
        crowd: (N,) booleans: regions of many that are not told apart; what is found there is neither right nor wrong.
    """

    image_size: tuple[int, int]
    runs: tuple[Runs, ...]
    class_ids: NDArray[np.int64]
    crowd: NDArray[np.bool_]

    def __post_init__(self) -> None:
        if self.class_ids.shape != (len(self.runs),) or self.crowd.shape != (len(self.runs),):
            raise ValueError(
                f"expected class_ids and crowd of {len(self.runs)} masks, got {self.class_ids.shape} and {self.crowd.shape}"
            )
        for runs in self.runs:
            checked_runs(runs, self.image_size)

    def __len__(self) -> int:
        return len(self.runs)
