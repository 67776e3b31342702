"""Predict poses with the bundled model on a photograph and on drawn scenes: `make demo`, or `python examples/demo.py`.

The photograph is scikit-image's `astronaut` (NASA, public domain). Nothing is downloaded.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from drawn_scenes import STANDING, STRIDING, WAVING, draw_scene
from skimage.data import astronaut

import hrnet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--output", type=Path, default=Path("demo_output"))
    output = parser.parse_args().output
    output.mkdir(parents=True, exist_ok=True)

    # Boxes are x1, y1, x2, y2 in pixels, one per person.
    pictures = {
        "astronaut": (astronaut(), [[0, 0, 480, 511]]),
        "waving": (draw_scene([(WAVING, 400, 320, 40)]), [[220, 30, 440, 450]]),
        "two_people": (
            draw_scene([(STRIDING, 380, 190, 60), (STANDING, 400, 440, 50)]),
            [[70, 50, 275, 445], [355, 40, 525, 460]],
        ),
    }
    print("loading the bundled model")
    predictor = hrnet.load()

    images, boxes = zip(*pictures.values(), strict=True)
    print(f"predicting on {len(images)} pictures")
    started = time.perf_counter()
    results = predictor(list(images), boxes=list(boxes))
    print(f"done in {time.perf_counter() - started:.2f} s")

    for name, result, image in zip(pictures, results, images, strict=True):
        picture = result.save(output / f"{name}.jpg", image=image)
        numbers = result.save(output / f"{name}.json")
        print(f"{result}: {picture}, {numbers}")


if __name__ == "__main__":
    main()
