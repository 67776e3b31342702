"""For a checkpoint that is recognised as nothing: the network it is most like, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from torch import Tensor

from hrnet.models.variants import FAMILIES, HRNET_SPECS
from hrnet.weights.empty_network import empty_network
from hrnet.weights.layouts import LAYOUTS, Layout
from hrnet.weights.network_entry import family_name

_SHOWN = 6
_LEAST_SHARE = 0.5  # of its entries that the network must have, or the likeness means nothing


def nearest_network(state: Mapping[str, Tensor]) -> str:
    """A sentence that names the nearest network and layout and lists what is missing and unexpected, or the first entries."""
    best: tuple[float, str] = (0.0, "")
    for architecture, layout, names in _candidates("\n".join(state)):
        shared = names & state.keys()
        share = len(shared) / max(len(names), len(state), 1)
        if share > best[0]:
            lists = [_few("missing", sorted(names - shared)), _few("unexpected", [name for name in state if name not in names])]
            best = share, "; ".join([f"the nearest network is {architecture} as in {layout.origin}", *filter(None, lists)])
    if best[0] >= _LEAST_SHARE:
        return best[1]
    return f"its {len(state)} entries begin with: {', '.join(list(state)[:4]) or 'none'}"


def _candidates(names: str) -> Iterator[tuple[str, Layout, frozenset[str]]]:
    """Networks of every family that could be meant, in every layout. Only their names count, so any width will do."""
    of_hrnet, detector = "stage3." in names, "bbox_head." in names
    # The third exchange module of stage 4, or the second: what the full network and the larger of the small ones have.
    tag = "w18" if "stage4.2." in names else "w18_small_v2" if "stage4.1." in names else "w18_small_v1"
    for family in FAMILIES:
        if family.variants is HRNET_SPECS:
            if of_hrnet and detector == ("hrnetv2p" in family.name):
                yield from _in_every_layout(family.name_of(tag))
        elif not of_hrnet and any(part in names for part in ("layer4.", "hgs.", "outs.")):
            for variant in family.variants:
                yield from _in_every_layout(family.name_of(variant))


def _in_every_layout(architecture: str) -> Iterator[tuple[str, Layout, frozenset[str]]]:
    state = empty_network(architecture).state_dict()
    for layout in LAYOUTS[family_name(architecture)]:
        yield architecture, layout, frozenset(layout.from_ours(state))


def _few(title: str, names: list[str]) -> str:
    more = f", and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{title} ({len(names)}): {', '.join(names[:_SHOWN])}{more}" if names else ""
