"""Names, mirror pairs and drawing order of keypoints."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class KeypointSet:
    """Names, mirror pairs and drawing order of K keypoints.

    Attributes:
        name: short name, such as ``"coco"``.
        keypoints: the K keypoint names, in the order of the network's outputs.
        flip_indices: for each keypoint the index of its mirror image (itself where it has none).
        skeleton: pairs of indices to join when drawing.
        sigmas: the K constants of object keypoint similarity (OKS), or None where none are published.
        upper_body: indices that count as upper body in half-body augmentation.
        colors: K RGB colours in 0..255; empty to let the drawing choose.
        joint_weights: K loss weights, or None for equal weights.
    """

    name: str
    keypoints: tuple[str, ...]
    flip_indices: tuple[int, ...]
    skeleton: tuple[tuple[int, int], ...] = ()
    sigmas: tuple[float, ...] | None = None
    upper_body: tuple[int, ...] = ()
    colors: tuple[tuple[int, int, int], ...] = ()
    joint_weights: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        count = len(self.keypoints)
        if count == 0:
            raise ValueError(f"keypoint set {self.name!r} has no keypoints")
        if len(set(self.keypoints)) != count:
            raise ValueError(f"keypoint set {self.name!r} names a keypoint twice")
        if sorted(self.flip_indices) != list(range(count)):
            raise ValueError(f"flip_indices of {self.name!r} must be a permutation of 0..{count - 1}, got {self.flip_indices}")
        if any(self.flip_indices[self.flip_indices[k]] != k for k in range(count)):
            raise ValueError(f"flip_indices of {self.name!r} must be their own inverse, got {self.flip_indices}")
        indices = [*self.upper_body, *(index for edge in self.skeleton for index in edge)]
        if any(not 0 <= index < count for index in indices):
            raise ValueError(f"skeleton and upper_body of {self.name!r} must hold indices 0..{count - 1}")
        for label, values in (("sigmas", self.sigmas), ("joint_weights", self.joint_weights), ("colors", self.colors or None)):
            if values is not None and len(values) != count:
                raise ValueError(f"{label} of {self.name!r} must have {count} entries, got {len(values)}")

    @property
    def num_keypoints(self) -> int:
        return len(self.keypoints)
