"""How carefully to predict: three named compromises, and the convention of published scores."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from hrnet.codecs.specification import CodecSpec
from hrnet.errors import nearest_name

PresetName = Literal["fast", "balanced", "accurate", "published"]


@dataclass(frozen=True)
class Preset:
    """One compromise.

    Attributes:
        flip_test: average with the mirrored picture; twice the network's time.
        reduced_precision: bfloat16 where the device is fast at it.
        decoder: ``"dark"``, the finest that reads any Gaussian heatmap; None for the one that the checkpoint states.
    """

    flip_test: bool
    reduced_precision: bool
    decoder: Literal["dark"] | None


PRESETS: dict[str, Preset] = {
    "fast": Preset(flip_test=False, reduced_precision=True, decoder="dark"),
    "balanced": Preset(flip_test=True, reduced_precision=True, decoder="dark"),
    "accurate": Preset(flip_test=True, reduced_precision=False, decoder="dark"),
    "published": Preset(flip_test=True, reduced_precision=False, decoder=None),
}


def find_preset(name: str) -> Preset:
    """Return the preset called ``name``. Raises ValueError naming the nearest."""
    if name not in PRESETS:
        raise ValueError(f"there is no preset {name!r}; {nearest_name(name, PRESETS)}")
    return PRESETS[name]


def decoding_codec(stated: CodecSpec, preset: Preset) -> CodecSpec:
    """The codec to decode with. UDP's sizes count differently, so a checkpoint trained with UDP keeps its own."""
    if preset.decoder is None or stated.name.startswith("udp"):
        return stated
    return replace(stated, name=preset.decoder)
