"""Find several people at once with the bundled bottom-up model, and follow them through a short clip.

The people: the astronaut and the photographer of scikit-image (`astronaut`, NASA, public domain; `camera`, L. Varshney, CC0),
and drawn ones, before `brick` (CC0). Nothing is downloaded.

    python examples/several_people.py --output demo_output
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from drawn_scenes import STANDING, STRIDING, WAVING, draw_person
from skimage.data import astronaut, brick, camera

import hrnet
from hrnet.data.images import write_image
from hrnet.drawing import contact_sheet
from hrnet.inference.tracking import PoseSmoother, PoseTracker

MODEL = "higher_hrnet_w18_small_v1.lspet_mosaic_256"
SIZE = (480, 720)  # height, width
FRAMES, SHOWN = 24, 6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--output", type=Path, default=Path("demo_output"))
    parser.add_argument("--model", default=MODEL)
    arguments = parser.parse_args()
    output = arguments.output
    output.mkdir(parents=True, exist_ok=True)

    # Half of the heat of sure people: what is left of ties between neighbours scores less.
    predictor = hrnet.load(arguments.model, min_score=0.12)
    result = predictor(scene(0.5))
    print(f"{result}: {result.save(output / 'several_people.jpg')}")

    tracker, smoother = PoseTracker(), PoseSmoother()
    followed = []
    for number in range(FRAMES):
        time = number / 12
        picture = scene(number / (FRAMES - 1))
        followed.append(smoother.update(tracker.update(predictor(picture), time), time).plot(picture))
    strip = contact_sheet(followed[:: FRAMES // SHOWN], columns=SHOWN // 2, cell=(320, 480))
    write_image(output / "tracked.jpg", strip)
    print(f"people followed through {FRAMES} pictures: {output / 'tracked.jpg'}")


def scene(t: float) -> np.ndarray:
    """A picture (480, 720, 3) RGB of four people; ``t`` from 0 to 1 is the time, in which they walk."""
    height, width = SIZE
    wall = cv2.resize(np.repeat(brick()[..., None], 3, axis=2), (width, height), interpolation=cv2.INTER_AREA)
    picture = (0.4 * wall + 110).astype(np.uint8)
    draw_person(picture, WAVING, 300, 455 + 40 * t, 120, (58, 98, 160))
    draw_person(picture, STRIDING if round(6 * t) % 2 else STANDING, 270, 660 - 60 * t, 150, (70, 130, 84))
    _paste(picture, astronaut()[:, 20:460], 300, 10 + 30 * t, 170)
    _paste(picture, np.repeat(camera()[40:, :360, None], 3, axis=2), 270, 205 + 40 * t, 60 - 20 * t)
    return picture


def _paste(picture: np.ndarray, tile: np.ndarray, tall: int, x: float, y: float) -> None:
    """Put a tile, ``tall`` pixels high, with its upper left corner at (x, y) into the picture; edges are soft."""
    scale = tall / tile.shape[0]
    matrix = np.array([[scale, 0, x], [0, scale, y]])
    size = (picture.shape[1], picture.shape[0])
    inner = np.zeros(tile.shape[:2], np.float32)
    edge = round(0.03 * tile.shape[0])
    inner[edge:-edge, edge:-edge] = 1
    inner = cv2.GaussianBlur(inner, (0, 0), edge / 2)
    mask = cv2.warpAffine(inner, matrix, size, flags=cv2.INTER_AREA)[..., None]
    moved = cv2.warpAffine(tile, matrix, size, flags=cv2.INTER_AREA)
    picture[:] = (mask * moved + (1 - mask) * picture).round().astype(np.uint8)


if __name__ == "__main__":
    main()
