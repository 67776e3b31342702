"""Drawn pictures of shapes and figures that cover each other, to train instance segmentation without any data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from hrnet.data.instance_scenes import InstanceScene
from hrnet.errors import nearest_name
from hrnet.geometry import Floats
from hrnet.structures.class_set import ClassSet
from hrnet.structures.labelled_instances import LabelledInstances
from hrnet.structures.run_lengths import encode_labels

_CHANGING, _FIXED = 0x647261, 0x667864  # streams of draws that share nothing
_SHIFT = 4  # fractional bits of the coordinates that OpenCV is given

Kind = Literal["ellipse", "rectangle", "triangle", "star", "figure"]
KINDS: tuple[Kind, ...] = ("ellipse", "rectangle", "triangle", "star", "figure")


@dataclass(frozen=True)
class ShapeLayout:
    """What is drawn.

    Attributes:
        size: (height, width) of the pictures.
        shapes: fewest and most shapes; where no place is found for one, it is left out.
        shape_size: smallest and largest shape, its longer side as part of the picture's shorter one.
        kinds: of shapes, drawn alike often.
        as_classes: each kind is a class of its own; otherwise all are ``shape``.
        together: probability that a shape is put near another, to cover it in part.
        alike: probability that it has nearly the colour of the one before.
        least_visible: part of every shape that stays visible, 0..1.
    """

    size: tuple[int, int] = (128, 128)
    shapes: tuple[int, int] = (2, 7)
    shape_size: tuple[float, float] = (0.2, 0.55)
    kinds: tuple[Kind, ...] = KINDS
    as_classes: bool = False
    together: float = 0.7
    alike: float = 0.3
    least_visible: float = 0.35

    def __post_init__(self) -> None:
        if min(self.size) < 32:
            raise ValueError(f"size is (height, width) of at least 32 pixels, got {self.size}")
        if not 0 <= self.shapes[0] <= self.shapes[1]:
            raise ValueError(f"shapes is (fewest, most) of at least 0, got {self.shapes}")
        if not 0 < self.shape_size[0] <= self.shape_size[1] <= 1:
            raise ValueError(f"shape_size is (smallest, largest) within 0..1, got {self.shape_size}")
        if unknown := [kind for kind in self.kinds if kind not in KINDS] or ([] if self.kinds else ["nothing"]):
            raise ValueError(f"kinds may hold {', '.join(KINDS)}, got {unknown[0]!r}; {nearest_name(unknown[0], KINDS)}")

    @property
    def class_set(self) -> ClassSet:
        return ClassSet("drawn_shapes", self.kinds if self.as_classes else ("shape",))


class DrawnShapes:
    """Drawn pictures by epoch and index; a `hrnet.data.instance_scenes.InstanceSource`.

    Args:
        length: pictures in an epoch.
        layout: what is drawn.
        seed: of all draws.
        fixed: the same pictures in every epoch, none of which is among those that change, whatever the seeds.
    """

    def __init__(self, length: int, layout: ShapeLayout | None = None, seed: int = 0, fixed: bool = False) -> None:
        if length < 1:
            raise ValueError(f"length must be at least 1, got {length}")
        self.length = length
        self.layout = layout or ShapeLayout()
        self.seed = seed
        self.fixed = fixed

    def __len__(self) -> int:
        return self.length

    def scene(self, epoch: int, index: int) -> InstanceScene:
        key = (_FIXED, self.seed, index) if self.fixed else (_CHANGING, self.seed, epoch, index)
        return draw_scene(self.layout, np.random.default_rng(key))

    def truth(self, index: int) -> LabelledInstances:
        """The visible pixels of each shape."""
        scene = self.scene(0, index)
        size = scene.labels.shape[0], scene.labels.shape[1]
        return LabelledInstances(
            size, tuple(encode_labels(scene.labels, len(scene))), scene.class_ids, np.zeros(len(scene), np.bool_)
        )


def draw_scene(layout: ShapeLayout, draws: np.random.Generator) -> InstanceScene:
    """Draw one picture, shapes one on top of the other."""
    height, width = layout.size
    image = _background(layout.size, draws)
    labels = np.zeros(layout.size, np.int16)
    whole: list[int] = []
    class_ids: list[int] = []
    centers: list[Floats] = []
    color = draws.uniform(30, 226, 3)
    for _ in range(int(draws.integers(layout.shapes[0], layout.shapes[1] + 1))):
        color = color + draws.normal(0, 10, 3) if draws.random() < layout.alike else draws.uniform(30, 226, 3)
        for _attempt in range(8):
            side = min(height, width) * draws.uniform(*layout.shape_size)
            center = draws.uniform((0.1 * width, 0.1 * height), (0.9 * width, 0.9 * height))
            if centers and draws.random() < layout.together:
                near = centers[int(draws.integers(len(centers)))]
                center = near + draws.uniform(-0.6, 0.6, 2) * side
            kind = int(draws.integers(len(layout.kinds)))
            mask = _shape(layout.kinds[kind], center, side, layout.size, draws)
            area = int(mask.sum())
            visible = np.bincount(labels[~mask & (labels > 0)], minlength=len(whole) + 1)[1:]
            if area >= 0.02 * side**2 and (visible >= layout.least_visible * np.array(whole)).all():
                break
        else:
            continue
        whole.append(area)
        centers.append(center)
        class_ids.append(kind if layout.as_classes else 0)
        labels[mask] = len(whole)
        _paint(image, mask, np.clip(color, 10, 245), center, side, draws)
    image = cv2.GaussianBlur(image, (0, 0), 0.6) + draws.normal(0, 4, image.shape).astype(np.float32)
    return InstanceScene(np.clip(image, 0, 255).astype(np.uint8), labels, np.array(class_ids, np.int64))


def _background(size: tuple[int, int], draws: np.random.Generator) -> NDArray[np.float32]:
    """A blurred pattern of a few colours."""
    coarse = draws.uniform(20, 236, 3) + draws.normal(0, 25, (4, 4, 3))
    return cv2.resize(coarse.astype(np.float32), size[::-1], interpolation=cv2.INTER_CUBIC)  # pyright: ignore


def _paint(
    image: NDArray[np.float32],
    mask: NDArray[np.bool_],
    color: Floats,
    center: Floats,
    side: float,
    draws: np.random.Generator,
) -> None:
    """Fill a shape: shaded from one side to the other, with a darker rim."""
    direction = draws.uniform(0, 2 * np.pi)
    rows, columns = np.nonzero(mask)
    along = ((columns - center[0]) * np.cos(direction) + (rows - center[1]) * np.sin(direction)) / side
    image[mask] = color * (1 + 0.35 * along[:, None])
    rim = mask & ~cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=1).astype(np.bool_)
    image[rim] *= 0.7


def _shape(kind: Kind, center: Floats, side: float, size: tuple[int, int], draws: np.random.Generator) -> NDArray[np.bool_]:
    """The mask (H, W) of a shape whose longer side is ``side`` pixels, turned and stretched at random."""
    canvas = np.zeros(size, np.uint8)
    angle = draws.uniform(0, 2 * np.pi)
    narrow = draws.uniform(0.5, 1.0)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    if kind == "figure":
        _figure(canvas, center, side, 0.35 * (angle / np.pi - 1), draws)
        return canvas.astype(np.bool_)
    match kind:
        case "ellipse":
            corners = _on_circle(40)
        case "rectangle":
            corners = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
        case "triangle":
            corners = _on_circle(3)
        case "star":
            corners = _on_circle(10) * np.where(np.arange(10) % 2 == 0, 1.0, 0.45)[:, None]
            narrow = max(narrow, 0.8)
    points = corners * (side / 2, side / 2 * narrow) @ turn.T + center
    cv2.fillPoly(canvas, [_fixed(points)], (1,), shift=_SHIFT)
    return canvas.astype(np.bool_)


def _figure(canvas: NDArray[np.uint8], center: Floats, side: float, lean: float, draws: np.random.Generator) -> None:
    """Somebody upright, leaning by ``lean`` radians: head, trunk, and limbs in any pose."""
    turn = np.array([[np.cos(lean), -np.sin(lean)], [np.sin(lean), np.cos(lean)]])

    def place(x: float, y: float) -> Floats:
        return turn @ [x * side, y * side] + center

    thick = max(2, round(0.11 * side))
    arms, legs = draws.uniform(-0.25, 0.15, 2), draws.uniform(0.06, 0.2, 2)
    for begin, end in (
        (place(0, -0.2), place(-0.28, arms[0])),
        (place(0, -0.2), place(0.28, arms[1])),
        (place(0, 0.1), place(-legs[0], 0.47)),
        (place(0, 0.1), place(legs[1], 0.47)),
    ):
        first, last = (tuple(int(value) for value in point) for point in _fixed(np.stack([begin, end])))
        cv2.line(canvas, first, last, (1,), thick, cv2.LINE_8, _SHIFT)
    trunk = np.stack([place(-0.13, -0.24), place(0.13, -0.24), place(0.1, 0.14), place(-0.1, 0.14)])
    cv2.fillPoly(canvas, [_fixed(trunk)], (1,), shift=_SHIFT)
    x, y = (int(value) for value in _fixed(place(0, -0.37)[None])[0])
    cv2.circle(canvas, (x, y), round(0.12 * side * (1 << _SHIFT)), (1,), -1, cv2.LINE_8, _SHIFT)


def _on_circle(count: int) -> Floats:
    angles = np.arange(count) * (2 * np.pi / count)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def _fixed(points: Floats) -> NDArray[np.int32]:
    return np.round(points * (1 << _SHIFT)).astype(np.int32)
