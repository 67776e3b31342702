"""How a toolkit names and stores the entries of a network, as a table that is read both ways."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from torch import Tensor

from hrnet.weights.layouts.changes import Change

Shapes = Mapping[str, tuple[int, ...]]

Value = TypeVar("Value")


@dataclass(frozen=True)
class Layout:
    """How a toolkit stores the networks of one or several families.

    Our own names are those of the authors' repositories (detectors: mmdetection's, DEKR's head: mmpose's).

    Attributes:
        name: what `hrnet.weights.convert_checkpoint` calls it.
        origin: the toolkit, for people.
        renames: (their prefix, ours), in the order in which their files have them; the longest prefix that fits counts, and
            names that none fits stay as they are.
        dropped: prefixes of entries that belong to no network, such as the mean of the pictures.
        changes: what is done to tensors, after renaming on the way in, before it on the way out.
    """

    name: str
    origin: str
    renames: tuple[tuple[str, str], ...] = ()
    dropped: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()

    def our_name(self, key: str) -> str | None:
        """Our name of ``key``, or None if it is dropped."""
        if self.dropped and key.startswith(self.dropped):
            return None
        row = _longest(key, ((theirs, row) for row, (theirs, _) in enumerate(self.renames)))
        return key if row is None else self.renames[row][1] + key.removeprefix(self.renames[row][0])

    def rename(self, state: Mapping[str, Value]) -> dict[str, Value]:
        """Tensors, or their shapes, under our names; the tensors themselves stay as they are."""
        return {ours: value for key, value in state.items() if (ours := self.our_name(key)) is not None}

    def to_ours(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The same network in our layout. ``state`` is left as it is; tensors that need no change are shared."""
        renamed = self.rename(state)
        for change in self.changes:
            change.to_ours(renamed)
        return renamed

    def left_over(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """What `to_ours` leaves out because the network never reads it, such as a box of the background, by our names.

        Given back to `from_ours`, the way there and back is equal to the last bit.
        """
        renamed = self.rename(state)
        return {name: tensor for change in self.changes for name, tensor in change.left_over(renamed).items()}

    def from_ours(self, state: Mapping[str, Tensor], left_over: Mapping[str, Tensor] | None = None) -> dict[str, Tensor]:
        """The same network in this layout, in the order of their files.

        Args:
            state: our layout, in the order of the network's ``state_dict()``.
            left_over: from `left_over`; zeros where it is not known.
        """
        changed = dict(state)
        for change in reversed(self.changes):
            change.from_ours(changed, left_over or {})
        rows: list[list[tuple[str, Tensor]]] = [[] for _ in range(len(self.renames) + 1)]
        for name, tensor in changed.items():
            row = _longest(name, ((ours, row) for row, (_, ours) in enumerate(self.renames)))
            if row is None:
                rows[-1].append((name, tensor))
            else:
                theirs, ours = self.renames[row]
                rows[row].append((theirs + name.removeprefix(ours), tensor))
        return dict(entry for row in rows for entry in row)


def _longest(key: str, prefixes: Iterable[tuple[str, int]]) -> int | None:
    """Number of the longest prefix that ``key`` begins with."""
    fitting = ((len(prefix), -row) for prefix, row in prefixes if key.startswith(prefix))
    best = max(fitting, default=None)
    return None if best is None else -best[1]
