"""What the parts of a run's data must agree in."""

from __future__ import annotations

from collections.abc import Sequence

from hrnet.data.datasets.multi_person import MultiPersonDataset
from hrnet.structures import KeypointSet, PoseDataset


def one_keypoint_set(parts: Sequence[PoseDataset | MultiPersonDataset]) -> KeypointSet:
    """The keypoint set of all parts. Raises ValueError where they are labelled with different keypoints."""
    first = parts[0]
    for part in parts[1:]:
        if part.keypoint_set.keypoints != first.keypoint_set.keypoints:
            raise ValueError(
                f"{part.name} is labelled with {part.keypoint_set.num_keypoints} keypoints "
                f"({', '.join(part.keypoint_set.keypoints[:3])}, ...), {first.name} with {first.keypoint_set.num_keypoints} "
                f"({', '.join(first.keypoint_set.keypoints[:3])}, ...): all parts of a run must agree"
            )
    return first.keypoint_set
