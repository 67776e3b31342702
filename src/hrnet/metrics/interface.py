"""What every metric and every metric result offers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from numpy.typing import ArrayLike

from hrnet.structures import PersonRecord


@runtime_checkable
class MetricResult(Protocol):
    """The numbers of one metric."""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; a number that is undefined (nothing labelled) is None."""
        ...

    def summary(self) -> str:
        """A plain text table that also says how the numbers are defined and how many people they rest on."""
        ...


@runtime_checkable
class Metric(Protocol):
    """Collects predictions, then computes. Call ``update`` as often as needed, with any number of people."""

    def update(self, predictions: ArrayLike, records: Sequence[PersonRecord]) -> None:
        """Add predictions (N, K, 2), in pixels of the picture, of the N annotated people ``records``."""
        ...

    def compute(self) -> MetricResult:
        """Return the numbers over everything added so far."""
        ...
