"""How large things are drawn: bars of layers, and the texts beside them."""

from __future__ import annotations

import math

from network_drawing.trace import Node

# Parts of a layer's name that only hold others.
CONTAINERS = {"backbone", "neck", "heads", "pose", "segment", "face", "rpn_head", "roi_head", "bbox_head", "mask_head",
              "semantic_head", "ocr_distri_head", "object_context_block"}  # fmt: skip

BLOCK, BLOCK_GAP, CONV = 6.0, 2.0, 8.0
CHARACTER = 0.6  # widest mean width of a character, in font sizes


def size_of(node: Node) -> tuple[float, float]:
    """Width and height: a bar for every layer, as high as it has channels, on a logarithmic scale."""
    height = max(8.0, 7 * math.log2(node.channels) - 12)
    if node.kind in ("sum", "product"):
        return 10.0, 10.0
    if node.kind == "output":
        return 6.0, 6.0
    if node.kind in ("input", "regions"):
        return 20.0, 20.0
    bar = BLOCK if node.kind == "blocks" else CONV
    return node.count * (bar + BLOCK_GAP) - BLOCK_GAP, height


def shape_text(node: Node) -> str:
    return "×".join(map(str, node.shape))


def attribute_of(node: Node) -> str:
    """What a layer of a neck or head is called in the network: the first part of its name that is no container."""
    if node.kind not in ("conv", "blocks") or node.phase not in ("neck", "head"):
        return ""
    return next((part for part in node.name.split(".") if part not in CONTAINERS and not part.isdigit()), "")


def output_width(node: Node) -> float:
    if node.brief:
        return text_width(node.name, 10.5)
    return text_width(f"{node.name} ", 10.5) + text_width(shape_text(node), 10)


def text_width(text: str, size: float) -> float:
    return CHARACTER * size * len(text)
