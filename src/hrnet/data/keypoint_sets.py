"""The keypoint sets the toolkit knows by name, and sets read from the categories of a COCO file.

`keypoint_sets.json` holds 55 published sets plus ``lsp`` (Leeds Sports Pose, 14 joints). Two published tables contradicted
themselves and are mended there: ``deepfashion2`` now mirrors keypoint 140 to 136 (136 already pointed to 140), and
``coco_aic`` / ``humanart_aic`` have a loss weight of 1 for their 19th keypoint, which had none. Equal
loss weights are stored as none.
"""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache, lru_cache
from importlib import resources
from typing import Any

from hrnet.errors import AnnotationError, nearest_name
from hrnet.structures import KeypointSet

_SIDE_WORDS = {"left": "right", "l": "r", "right": "left", "r": "l"}
_UPPER_WORDS = ("head", "neck", "nose", "eye", "ear", "face", "mouth", "chin", "throat", "thorax", "chest")
_UPPER_WORDS += ("shoulder", "elbow", "wrist", "hand", "arm", "thumb", "finger", "withers")


def keypoint_set(name: str) -> KeypointSet:
    """Return the keypoint set called ``name``, such as ``"coco"``, ``"mpii"`` or ``"lsp"``.

    Raises:
        ValueError: there is no such set; the message names the nearest ones.
    """
    table = _table()
    key = name if name in table else name.lower().replace("-", "_")
    if key not in table:
        raise ValueError(f"no keypoint set is called {name!r}; {nearest_name(key, table)}")
    return _built(key)


def list_keypoint_sets() -> list[str]:
    """Return the names `keypoint_set` accepts, sorted."""
    return sorted(_table())


def known_sets_with(keypoints: Sequence[str]) -> list[str]:
    """Return the names of the known sets with exactly these keypoint names in this order, the usual one first."""
    wanted = tuple(keypoints)
    return [name for name in _table() if _built(name).keypoints == wanted]


def sets_of_size(count: int) -> list[str]:
    """Return the names of the known sets with ``count`` keypoints: what to offer when a file does not name its keypoints."""
    return [name for name in _table() if _built(name).num_keypoints == count]


def keypoint_set_from_category(category: Mapping[str, Any], name: str | None = None) -> KeypointSet:
    """Read a keypoint set from a category of a COCO file.

    Flip pairs, sigmas, upper body, colours and loss weights come from the known set with identical keypoint names, if there is
    one. Otherwise flip pairs come from the names (``left_hip``/``right_hip``, ``l_hip``/``r_hip``, ``hip_left``/``hip_right``,
    ``lhip``/``rhip``, ``hipL``/``hipR``, any case), the upper body from words such as "elbow", and sigmas stay unknown.

    Args:
        category: with ``keypoints`` (K names) and, optionally, ``skeleton`` (pairs of 1-based numbers).
        name: name of the set; by default that of the known set, or else the category's.

    Raises:
        AnnotationError: ``keypoints`` or ``skeleton`` are not what COCO says they are.

    Warns:
        UserWarning: no flip pairs were found, or the skeleton refers to keypoints that are not there and is left out.
    """
    label = f"category {category.get('name', category.get('id', '?'))!r}"
    names = category.get("keypoints")
    if not isinstance(names, (list, tuple)) or not all(isinstance(entry, str) and entry for entry in names):
        raise AnnotationError(f"{label}: 'keypoints' must be a list of names, got {_short(names)}")
    keypoints = tuple(names)
    if not keypoints:
        raise AnnotationError(f"{label}: 'keypoints' is empty, so the keypoints have no names; name a keypoint set")
    if len(set(keypoints)) != len(keypoints):
        twice = sorted({entry for entry in keypoints if keypoints.count(entry) > 1})
        raise AnnotationError(f"{label}: 'keypoints' names {', '.join(map(repr, twice))} more than once")
    skeleton = _read_skeleton(category.get("skeleton"), len(keypoints), label)
    matches = known_sets_with(keypoints)
    if matches:
        known = keypoint_set(matches[0])
        return replace(known, name=name or known.name, skeleton=skeleton or known.skeleton)
    flips = flip_indices_from_names(keypoints)
    if flips == tuple(range(len(keypoints))):
        warnings.warn(
            f"{label}: no left/right pairs found among its keypoint names ({_short(list(keypoints))}); mirrored pictures "
            "will keep every keypoint's name. If it has mirror pairs, name them left_x and right_x, or give a keypoint set.",
            stacklevel=2,
        )
    upper = tuple(k for k, entry in enumerate(keypoints) if any(word in entry.lower() for word in _UPPER_WORDS))
    return KeypointSet(name or str(category.get("name", "custom")), keypoints, flips, skeleton, upper_body=upper)


def flip_indices_from_names(keypoints: Sequence[str]) -> tuple[int, ...]:
    """Return for each name the index of its mirror image by the words left/right or l/r in it; itself where there is none."""
    lowered = [entry.lower() for entry in keypoints]
    index_of = {entry: k for k, entry in enumerate(lowered)} if len(set(lowered)) == len(lowered) else {}
    flips = list(range(len(lowered)))
    for k, entry in enumerate(lowered):
        for candidate in _mirrored_names(entry):
            partner = index_of.get(candidate)
            if partner is not None and partner != k and flips[k] == k and flips[partner] == partner:
                flips[k], flips[partner] = partner, k
    return tuple(flips)


def _mirrored_names(name: str) -> list[str]:
    """Names the mirror image of ``name`` could have, the surest first; lower case."""
    found = []
    parts = re.split(r"([^a-z0-9]+)", name)
    for position, part in enumerate(parts):  # left_hip, hip_left, r.hip, upper-left-lip
        if part in _SIDE_WORDS:
            found.append("".join([*parts[:position], _SIDE_WORDS[part], *parts[position + 1 :]]))
    for side in ("left", "right"):  # lefthip, hipleft
        if name.startswith(side) or name.endswith(side):
            other = _SIDE_WORDS[side]
            found.append(other + name[len(side) :] if name.startswith(side) else name[: -len(side)] + other)
    if len(name) > 2 and name[0] in "lr":  # lhip: only a pair if rhip exists too
        found.append(_SIDE_WORDS[name[0]] + name[1:])
    tail = re.fullmatch(r"(.+)([lr])(\d*)", name)
    if tail:  # eyeL, forelegL2
        found.append(tail[1] + _SIDE_WORDS[tail[2]] + tail[3])
    return found


def _read_skeleton(value: Any, count: int, label: str) -> tuple[tuple[int, int], ...]:
    if value is None:
        return ()
    if not isinstance(value, (list, tuple)) or not all(_is_edge(edge) for edge in value):
        raise AnnotationError(f"{label}: 'skeleton' must be a list of pairs of keypoint numbers (1-based), got {_short(value)}")
    edges = tuple((int(first) - 1, int(second) - 1) for first, second in value)
    if any(not 0 <= end < count for edge in edges for end in edge):
        # Some published files carry the skeleton of another set; a wrong one draws nonsense, none draws points.
        warnings.warn(f"{label}: its skeleton refers to keypoints beyond its {count} and is ignored", stacklevel=3)
        return ()
    return edges


def _is_edge(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and len(value) == 2 and all(_is_whole(end) for end in value)


def _is_whole(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and float(value).is_integer()


def _short(value: Any, limit: int = 120) -> str:
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 3] + "..."


@lru_cache(maxsize=1)
def _table() -> Mapping[str, Mapping[str, Any]]:
    return json.loads(resources.files("hrnet.data").joinpath("keypoint_sets.json").read_text(encoding="utf-8"))


@cache
def _built(name: str) -> KeypointSet:
    entry = _table()[name]
    if "same_as" in entry:
        return replace(_built(entry["same_as"]), name=name)
    count = len(entry["keypoints"])
    colors = entry.get("colors", [])
    return KeypointSet(
        name=name,
        keypoints=tuple(entry["keypoints"]),
        flip_indices=tuple(entry["flip_indices"]),
        skeleton=tuple((first, second) for first, second in entry["skeleton"]),
        sigmas=tuple(entry["sigmas"]) if "sigmas" in entry else None,
        upper_body=tuple(entry.get("upper_body", ())),
        colors=tuple((red, green, blue) for red, green, blue in (colors * count if len(colors) == 1 else colors)),
        joint_weights=tuple(entry["joint_weights"]) if "joint_weights" in entry else None,
    )
