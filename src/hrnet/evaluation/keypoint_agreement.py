"""Whether a model and a data set speak of the same keypoints."""

from __future__ import annotations

from hrnet.structures import KeypointSet, PoseDataset


def compare_keypoints(known: KeypointSet | None, dataset: PoseDataset) -> list[str]:
    """Refuse a model with another number of keypoints; remark on other names, which may be an own spelling.

    Raises:
        ValueError: the numbers differ.
    """
    wanted = dataset.keypoint_set
    if known is None or known.keypoints == wanted.keypoints:
        return []
    if known.num_keypoints != wanted.num_keypoints:
        raise ValueError(
            f"the model gives {known.num_keypoints} keypoints ({known.name}) and {dataset.name} has {wanted.num_keypoints} "
            f"({wanted.name}): they must have the same keypoints"
        )
    pairs = [f"{one}/{two}" for one, two in zip(known.keypoints, wanted.keypoints, strict=True) if one != two]
    shown = ", ".join(pairs[:3]) + (", ..." if len(pairs) > 3 else "")
    return [f"{len(pairs)} keypoints of the model are named otherwise in the data set, and were compared in order: {shown}"]
