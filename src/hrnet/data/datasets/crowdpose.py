"""CrowdPose (Li et al., CVPR 2019): COCO files of 14 keypoints whose images state how crowded they are."""

from __future__ import annotations

from pathlib import Path

from hrnet.data.datasets.multi_person import MultiPersonDataset, load_multi_person
from hrnet.data.keypoint_sets import keypoint_set
from hrnet.errors import AnnotationError

EASY_BELOW, HARD_FROM = 0.2, 0.8  # crowd index; medium lies between


def load_crowdpose(annotations: str | Path, images: str | Path, without_people: bool = False) -> MultiPersonDataset:
    """Read a CrowdPose file.

    Its categories carry COCO's skeleton by mistake, so the keypoint set is taken from its name. Nothing is ignored in
    training, as in HigherHRNet: every pixel counts.

    Raises:
        AnnotationError: the file is broken, has not 14 keypoints, or an image has no ``crowdIndex`` within 0..1.
    """
    found = load_multi_person(annotations, images, "coco", keypoint_set("crowdpose"), (), without_people)
    for picture in found.pictures:
        if picture.crowd_index is None or not 0 <= picture.crowd_index <= 1:
            raise AnnotationError(
                f"{found.annotation_file}: image {picture.image_id}: field 'crowdIndex' must be a number within 0..1, "
                f"got {picture.crowd_index}; without it, read the file with load_multi_person"
            )
    return found


def crowding(crowd_index: float) -> str:
    """``"easy"``, ``"medium"`` or ``"hard"``, the split that a picture is evaluated in."""
    return "easy" if crowd_index < EASY_BELOW else "medium" if crowd_index < HARD_FROM else "hard"
