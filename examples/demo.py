"""Predict poses with the bundled model on photographs and on drawn scenes: `make demo`, or `python examples/demo.py`.

The photographs come with scikit-image: `astronaut` (NASA, public domain) and `camera` (L. Varshney, CC0).
Nothing is downloaded.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from drawn_scenes import STANDING, STRIDING, WAVING, draw_scene
from skimage.data import astronaut, camera

import hrnet
from hrnet.data.images import write_image
from hrnet.drawing import contact_sheet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--output", type=Path, default=Path("demo_output"))
    output = parser.parse_args().output
    output.mkdir(parents=True, exist_ok=True)

    # Boxes are x1, y1, x2, y2 in pixels, one per person.
    pictures = {
        "astronaut": (astronaut(), [[0, 0, 480, 511]]),
        "photographer": (camera(), [[0, 50, 335, 511]]),
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

    for name, result in zip(pictures, results, strict=True):
        picture = result.save(output / f"{name}.jpg")
        numbers = result.save(output / f"{name}.json")
        print(f"{result}: {picture}, {numbers}")
    sheet = contact_sheet([result.plot() for result in results], columns=4, cell=(360, 360))
    write_image(output / "sheet.jpg", sheet)
    print(f"all of them: {output / 'sheet.jpg'}")


if __name__ == "__main__":
    main()
