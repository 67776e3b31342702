"""Faces, the classes of a street's pixels, and kinds of flowers: the bundled models beside the pose model.

The face is the astronaut's of scikit-image (`astronaut`, NASA, public domain). The street and the flowers are drawn here, so
they show what networks that have learned from photographs make of drawings, right or wrong. Nothing is downloaded.

    python examples/tasks.py --output demo_output
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import cv2
import numpy as np
from drawn_scenes import STANDING, STRIDING, draw_person
from skimage.data import astronaut

import hrnet
from hrnet.data.images import write_image
from hrnet.drawing import contact_sheet

FACES = "face_hrnetv2_w18_small_v1.faces68_128"
SEGMENTER = "seg_hrnet_w18_small_v1.camvid"
CLASSIFIER = "cls_hrnet_w18_small_v1.flowers_128"

Color = tuple[int, int, int]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--output", type=Path, default=Path("demo_output"))
    parser.add_argument("--faces", default=FACES, help="weights for faces: a name or a file")
    parser.add_argument("--segmenter", default=SEGMENTER, help="weights for street scenes: a name or a file")
    parser.add_argument("--classifier", default=CLASSIFIER, help="weights for flowers: a name or a file")
    given = parser.parse_args()
    given.output.mkdir(parents=True, exist_ok=True)

    photograph = cv2.resize(astronaut()[:270, 80:400], None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    faces = hrnet.load(given.faces, announce=print)(photograph)  # finds the face by itself
    write_image(given.output / "faces.jpg", faces.plot(photograph, boxes=True))
    print(f"{faces}: {given.output / 'faces.jpg'}")

    street = draw_street()
    classes = hrnet.load(given.segmenter, announce=print)(street)
    write_image(given.output / "segmentation.jpg", contact_sheet([street, classes.plot(street)], columns=2, cell=(324, 432)))
    print(f"{classes}: {given.output / 'segmentation.jpg'}")

    flowers = [draw_sunflower(), draw_daisy(), draw_tulip()]
    kinds = hrnet.load(given.classifier, announce=print)(flowers)
    captioned = [kind.plot(flower) for kind, flower in zip(kinds, flowers, strict=True)]
    write_image(given.output / "classification.jpg", contact_sheet(captioned, columns=3, cell=captioned[0].shape[:2]))
    print(f"{', '.join(kind.name for kind in kinds)}: {given.output / 'classification.jpg'}")


class Street:
    """A canvas with a camera that looks along a street: metres to the right, up and ahead become pixels."""

    def __init__(self, size: tuple[int, int], focal: float, eye: float, horizon: float) -> None:
        self.picture = np.zeros((*size, 3), np.uint8)
        self.focal, self.eye, self.horizon = focal, eye, horizon
        self.random = np.random.default_rng(7)

    def project(self, points: np.ndarray | list[tuple[float, float, float]]) -> np.ndarray:
        """Pixels (N, 2) of points (N, 3): right, up, ahead."""
        right, up, ahead = np.asarray(points, np.float64).T
        x = self.picture.shape[1] / 2 + self.focal * right / ahead
        return np.stack([x, self.horizon + self.focal * (self.eye - up) / ahead], axis=-1)

    def face(self, points: list[tuple[float, float, float]], color: Color) -> None:
        """A plane with the corners ``points``."""
        corners = (self.project(points) * 8).round().astype(np.int32)
        cv2.fillPoly(self.picture, [corners], color, cv2.LINE_AA, shift=3)

    def ground(self, left: float, right: float, near: float, far: float, color: Color, up: float = 0.0) -> None:
        """A level strip along the street."""
        self.face([(left, up, near), (right, up, near), (right, up, far), (left, up, far)], color)

    def wall(self, right: float, near: float, far: float, low: float, high: float, color: Color) -> None:
        """An upright plane along the street."""
        self.face([(right, low, near), (right, low, far), (right, high, far), (right, high, near)], color)

    def front(self, left: float, right: float, ahead: float, low: float, high: float, color: Color) -> None:
        """An upright plane that faces the camera."""
        self.face([(left, low, ahead), (right, low, ahead), (right, high, ahead), (left, high, ahead)], color)

    def house(self, right: float, near: float, far: float, tall: float, color: Color) -> None:
        """A house beside the street: its wall along the street, with windows and a shop, and the one across."""
        dark = _shade(color, 0.7)
        outer = right + math.copysign(9, right)
        self.front(min(right, outer), max(right, outer), near, 0, tall, dark)
        self.wall(right, near, far, 0, tall, color)
        self.wall(right, near, far, tall - 0.4, tall, _shade(color, 1.25))
        self.wall(right, near + 0.4, far - 0.4, 0.4, 2.6, (34, 38, 46))
        self.wall(right, near + 0.2, far - 0.2, 2.6, 3.2, (58, 52, 60))
        for low in np.arange(3.9, tall - 1.6, 2.7):
            for start in np.arange(near + 0.9, far - 1.4, 2.3):
                self.wall(right, start - 0.15, start + 1.25, low - 0.15, low + 1.65, _shade(color, 1.35))
                self.wall(right, start, start + 1.1, low, low + 1.5, (42, 48, 58))
                self.wall(right, start + 0.5, start + 0.58, low, low + 1.5, (150, 150, 146))

    def tree(self, right: float, ahead: float, tall: float) -> None:
        """A trunk, boughs, and a crown of many small leaves."""
        self.front(right - 0.14, right + 0.14, ahead, 0, 0.5 * tall, (44, 38, 32))
        center = np.array([right, 0.66 * tall, ahead])
        for _ in range(26):
            tip = center + self.random.normal(0, (0.16 * tall, 0.17 * tall, 0))
            ends = self.project([(right, 0.36 * tall, ahead), tuple(tip)]).round().astype(int).tolist()
            cv2.line(self.picture, ends[0], ends[1], (48, 42, 34), 1, cv2.LINE_AA)
        for _ in range(1500):
            place = center + self.random.normal(0, (0.13 * tall, 0.13 * tall, 0))
            x, y = (self.project([tuple(place)])[0] * 8).round().astype(int).tolist()
            light = self.random.uniform(0.5, 1.5) * (1.15 if place[1] > center[1] else 0.8)
            radius = round(8 * self.random.uniform(0.05, 0.12) * self.focal / ahead)
            cv2.circle(self.picture, (x, y), radius, _shade((64, 72, 44), light), -1, cv2.LINE_AA, shift=3)

    def car(self, right: float, ahead: float, color: Color, lights: Color = (170, 24, 20)) -> None:
        """A car, 1.75 m wide and 4 m long, seen from behind."""
        left, far, dark = right - 0.88, ahead + 4.0, _shade(color, 0.72)
        side = right - math.copysign(0.88, right)  # the side that the camera sees
        self.ground(left - 0.15, right + 1.03, ahead - 0.25, far, (30, 31, 34))
        for start in (ahead + 0.5, ahead + 2.8):
            self.wall(side, start, start + 0.65, 0, 0.6, (16, 16, 18))
        self.wall(side, ahead, far, 0.25, 0.88, dark)
        inner = side + 0.16 * math.copysign(1, right)
        roof = [(side, 0.88, ahead + 0.1), (side, 0.88, ahead + 3.0), (inner, 1.42, ahead + 2.2), (inner, 1.42, ahead + 0.45)]
        self.face(roof, dark)
        self.wall(inner, ahead + 0.7, ahead + 2.1, 0.95, 1.34, (26, 30, 36))
        for wheel in (left + 0.08, right + 0.58):
            self.front(wheel, wheel + 0.22, ahead, 0, 0.4, (14, 14, 16))
        self.front(left, right + 0.88, ahead, 0.25, 0.9, color)
        cabin = [(left + 0.03, 0.9), (right + 0.85, 0.9), (right + 0.68, 1.43), (left + 0.2, 1.43)]
        self.face([(x, y, ahead + 0.15) for x, y in cabin], _shade(color, 1.12))
        window = [(left + 0.16, 0.95), (right + 0.72, 0.95), (right + 0.6, 1.34), (left + 0.28, 1.34)]
        self.face([(x, y, ahead + 0.15) for x, y in window], (36, 42, 50))
        for lamp in (left + 0.04, right + 0.66):
            self.front(lamp, lamp + 0.18, ahead, 0.62, 0.86, lights)
        self.front(right - 0.27, right + 0.27, ahead, 0.46, 0.58, (206, 190, 96))
        self.front(left, right + 0.88, ahead, 0.25, 0.36, (28, 28, 30))

    def pole(self, right: float, ahead: float, tall: float) -> None:
        self.front(right - 0.07, right + 0.07, ahead, 0, tall, (58, 60, 64))

    def person(self, right: float, ahead: float, striding: bool, shirt: Color) -> None:
        top, feet = self.project([(right, 1.76, ahead), (right, 0, ahead)])
        pose = STRIDING if striding else STANDING
        draw_person(self.picture, pose, float(feet[1] - top[1]), float(top[0]), float(top[1]), shirt)


def draw_street() -> np.ndarray:
    """A street in perspective (360, 480, 3) RGB, in the dull light of a dashboard camera."""
    street = Street((360, 480), focal=470, eye=1.5, horizon=172)
    sky = np.linspace(0, 1, 190)[:, None]
    street.picture[:190] = ((1 - sky) * (206, 222, 240) + sky * (244, 247, 249))[:, None].round().astype(np.uint8)
    street.ground(-60, 60, 3, 400, (72, 75, 79))
    for left, right, color, up in (
        (5.0, 9.0, (96, 96, 95), 0.12), (4.85, 5.05, (122, 121, 118), 0.12), (4.45, 4.55, (138, 124, 74), 0.0),
    ):  # fmt: skip
        street.ground(left, right, 3, 400, color, up)
        street.ground(-right, -left, 3, 400, color, up)
    for near in np.arange(6, 90, 6.0):
        street.ground(-0.09, 0.09, near, near + 3.2, (196, 197, 196))

    street.front(-40, -8, 130, 0, 15, (112, 106, 100))
    street.front(-14, 40, 150, 0, 11, (104, 98, 94))
    for right, ahead in ((-7.5, 112), (5.5, 105), (12, 98)):
        street.tree(right, ahead, 13)
    houses = ((-9, 70, 84, 9, (118, 104, 90)), (-9, 52, 70, 11.5, (96, 76, 62)), (-9, 36, 52, 9.5, (134, 122, 106)),
              (-9, 20, 36, 12, (104, 84, 66)), (-9, 5.5, 20, 10.5, (88, 74, 62)),
              (9, 66, 82, 10, (106, 96, 88)), (9, 50, 66, 8.5, (140, 130, 116)), (9, 33, 50, 11, (92, 70, 58)))  # fmt: skip
    for house in houses:
        street.house(*house)
    street.tree(8.2, 29, 9.5)
    street.tree(7.6, 21, 8.5)
    cars = ((-3.4, 46, (70, 30, 30)), (2.4, 40, (140, 144, 150)), (-3.6, 24, (46, 56, 78)), (1.9, 17, (92, 24, 26)))
    for right, ahead, color in cars:
        street.car(right, ahead, color)
    for ahead in (44, 26, 13.5):
        street.pole(-5.5, ahead, 7.5)
    street.pole(5.5, 18, 3.0)
    street.front(5.15, 5.85, 18, 2.2, 3.0, (40, 66, 128))
    street.person(6.7, 15.5, True, (40, 40, 48))
    street.person(-6.6, 17, False, (58, 34, 34))
    street.person(-7.1, 18.5, True, (36, 42, 56))
    return _photographed(street.picture, street.random)


def draw_sunflower() -> np.ndarray:
    """A sunflower before leaves (240, 240, 3) RGB."""
    picture, random = _leaves((46, 84, 38), seed=1)
    _petals(picture, (120, 116), 26, 50, 100, 10, (242, 186, 22), random)
    _petals(picture, (120, 116), 24, 46, 86, 9, (250, 204, 40), random)
    cv2.circle(picture, (120, 116), 50, (70, 42, 20), -1, cv2.LINE_AA)
    for number in range(420):  # seeds lie on Fermat's spiral
        radius, angle = 2.4 * math.sqrt(number), number * 2.39996
        place = (round(120 + radius * math.cos(angle)), round(116 + radius * math.sin(angle)))
        cv2.circle(picture, place, 2, _shade((112, 70, 28), float(random.uniform(0.4, 1.3))), -1, cv2.LINE_AA)
    return _photographed(picture, random)


def draw_daisy() -> np.ndarray:
    """A daisy in grass (240, 240, 3) RGB."""
    picture, random = _leaves((62, 104, 44), seed=2)
    _petals(picture, (122, 118), 22, 24, 92, 9, (226, 228, 234), random)
    _petals(picture, (122, 118), 20, 24, 86, 8, (246, 247, 250), random)
    for _ in range(500):
        radius, angle = 27 * math.sqrt(random.uniform()), random.uniform(0, 2 * math.pi)
        place = (round(122 + radius * math.cos(angle)), round(118 + radius * math.sin(angle)))
        cv2.circle(picture, place, 2, _shade((236, 184, 24), float(random.uniform(0.75, 1.1))), -1, cv2.LINE_AA)
    return _photographed(picture, random)


def draw_tulip() -> np.ndarray:
    """A red tulip (240, 240, 3) RGB."""
    picture, random = _leaves((58, 92, 52), seed=3)
    cv2.line(picture, (120, 140), (124, 240), (96, 140, 62), 9, cv2.LINE_AA)
    for x, turn in ((84, -16), (160, 14)):
        cv2.ellipse(picture, (x, 214), (15, 66), turn, 0, 360, (74, 124, 66), -1, cv2.LINE_AA)
    for x, turn, light in ((104, -7, 0.72), (138, 7, 0.78), (92, -13, 0.9), (150, 13, 0.95), (121, 0, 1.1)):
        for part in np.linspace(1, 0.3, 12):
            color = _shade((206, 34, 44), light * (1.25 - 0.3 * float(part)))
            cv2.ellipse(picture, (x, 102), (round(26 * part), round(60 * part)), turn, 0, 360, color, -1, cv2.LINE_AA)
    return _photographed(picture, random)


def _leaves(color: Color, seed: int) -> tuple[np.ndarray, np.random.Generator]:
    """A blurred green ground (240, 240, 3), and the random numbers to go on with."""
    random = np.random.default_rng(seed)
    picture = np.full((240, 240, 3), _shade(color, 0.6), np.uint8)
    for _ in range(160):
        place, turn = random.integers(0, 240, 2).tolist(), float(random.uniform(0, 180))
        axes = (int(random.integers(20, 60)), int(random.integers(4, 14)))
        cv2.ellipse(picture, place, axes, turn, 0, 360, _shade(color, float(random.uniform(0.4, 1.4))), -1, cv2.LINE_AA)
    return cv2.GaussianBlur(picture, (0, 0), 3.5), random


def _petals(
    picture: np.ndarray,
    center: tuple[int, int],
    count: int,
    inner: float,
    outer: float,
    width: float,
    color: Color,
    random: np.random.Generator,
) -> None:
    """A ring of petals between two radii, each a little different."""
    for number in random.permutation(count):
        angle = 2 * math.pi * (number + random.uniform(-0.25, 0.25)) / count
        reach = (outer - inner) * random.uniform(0.85, 1.1)
        middle = inner + reach / 2
        place = (round(center[0] + middle * math.cos(angle)), round(center[1] + middle * math.sin(angle)))
        for part, light in ((1.0, 0.78), (0.85, 0.95), (0.5, 1.04)):
            axes = (round(part * (reach / 2 + 6)), max(1, round(part * width)))
            tone = _shade(color, light * float(random.uniform(0.93, 1.05)))
            cv2.ellipse(picture, place, axes, math.degrees(angle), 0, 360, tone, -1, cv2.LINE_AA)


def _shade(color: Color, light: float) -> Color:
    red, green, blue = (min(255, round(part * light)) for part in color)
    return red, green, blue


def _photographed(picture: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """The soft edges and the grain of a photograph."""
    soft = cv2.GaussianBlur(picture, (0, 0), 0.6).astype(np.float64)
    coarse = cv2.GaussianBlur(random.normal(0, 1, picture.shape[:2]), (0, 0), 2.0)[..., None] * 30
    grain = random.normal(0, 3, picture.shape[:2])[..., None]
    return np.clip(soft + coarse * (soft / 255) * (1 - soft / 255) * 2 + grain, 0, 255).round().astype(np.uint8)


if __name__ == "__main__":
    main()
