"""Write the validation mosaics of a bottom-up recipe as pictures with a COCO keypoint file.

    python scripts/write_mosaics.py RECIPE FOLDER [--set key.path=value ...]

RECIPE and --set are those of hrnet train. FOLDER/NAME.json and the pictures of FOLDER/NAME/ are then a data set like any other:

    hrnet evaluate pose --annotations FOLDER/mosaics.json --images FOLDER/mosaics --model runs/mine/weights.safetensors

The mosaics are those that the run is validated on, whatever its seed. AP differs a little from what the run logs: the pictures
are JPEGs, and somebody of whom too little is seen is ignored, which the run does not know of.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from hrnet.data.mosaic_files import write_scenes
from hrnet.tasks.bottom_up_recipe import BottomUpRecipe
from hrnet.tasks.scene_files import load_scenes
from hrnet.training import load_recipe


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", help="YAML file, or the name of a recipe that comes with the package")
    parser.add_argument("folder", type=Path, help="where the pictures and the annotation file go; made where it is missing")
    parser.add_argument("--set", dest="overrides", action="append", default=[], help="key.path=value: change the recipe")
    parser.add_argument("--name", default="mosaics", help="of the annotation file and of the pictures' folder")
    parser.add_argument("--quality", type=int, default=95, help="of the JPEGs, 1 to 100")
    given = parser.parse_args(arguments)
    try:
        file, count = write_mosaics(given.recipe, given.folder, given.overrides, given.name, given.quality)
    except (ValueError, OSError) as error:
        sys.exit(f"error: {error}")
    print(f"{file}: {count} mosaics")


def write_mosaics(
    recipe: str, folder: Path, overrides: Sequence[str] = (), name: str = "mosaics", quality: int = 95
) -> tuple[Path, int]:
    """Write the mosaics of a recipe, and return the annotation file and their number.

    Raises:
        ValueError: the recipe is of another task, or is not validated on mosaics; and whatever reading the recipe or its data
            raises.
    """
    read = load_recipe(recipe, overrides)
    if not isinstance(read, BottomUpRecipe):
        raise ValueError(f"{recipe} is a recipe of {read.task}: mosaics belong to recipes of bottom_up_pose")
    if read.data.val is None or read.data.val.mosaic is None:
        raise ValueError(f"{recipe} is not validated on mosaics: data.val.mosaic is missing")
    part = load_scenes(read.data.val, Path(read.data.root).expanduser(), read.model.keypoint_set, fixed=True)
    return write_scenes(part.scenes, part.dataset.keypoint_set, folder, name, quality), len(part.scenes)


if __name__ == "__main__":
    main()
