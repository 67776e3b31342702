"""Write a COCO keypoint file with the keypoints of another set: those of the same name, the others as not labelled.

    python scripts/relabel_keypoints.py data/coco/annotations/person_keypoints_val.json lsp coco_as_lsp.json

So a model of one keypoint set is measured on data of another, on the keypoints that both have.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from hrnet.atomic_files import write_atomically
from hrnet.data.keypoint_sets import keypoint_set
from hrnet.structures import KeypointSet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("annotations", type=Path)
    parser.add_argument("keypoint_set", help="a name of hrnet.data.keypoint_sets.list_keypoint_sets()")
    parser.add_argument("output", type=Path)
    arguments = parser.parse_args()
    content = json.loads(arguments.annotations.read_text(encoding="utf-8"))
    shared = relabel(content, keypoint_set(arguments.keypoint_set))
    write_atomically(arguments.output, json.dumps(content))
    print(f"{arguments.output}: {len(shared)} keypoints in common: {', '.join(shared)}")


def relabel(content: dict[str, Any], wanted: KeypointSet) -> list[str]:
    """Change a COCO file in place. Returns the names of the keypoints that both sets have.

    Raises:
        ValueError: the file has no category with keypoints, or none of the wanted ones.
    """
    categories = [category for category in content.get("categories", ()) if category.get("keypoints")]
    if len(categories) != 1:
        raise ValueError(f"expected one category with keypoints, got {len(categories)}")
    known = categories[0]["keypoints"]
    shared = [name for name in wanted.keypoints if name in known]
    if not shared:
        raise ValueError(f"{wanted.name} has no keypoint of the file, whose are {', '.join(known)}")
    categories[0]["keypoints"] = list(wanted.keypoints)
    categories[0]["skeleton"] = [[a + 1, b + 1] for a, b in wanted.skeleton]
    for annotation in content["annotations"]:
        values = annotation.get("keypoints")
        if values is None:
            continue
        triples = {name: values[3 * place : 3 * place + 3] for place, name in enumerate(known)}
        chosen = [triples.get(name, [0, 0, 0]) for name in wanted.keypoints]
        annotation["keypoints"] = [number for triple in chosen for number in triple]
        annotation["num_keypoints"] = sum(triple[2] > 0 for triple in chosen)
    return shared


if __name__ == "__main__":
    main()
