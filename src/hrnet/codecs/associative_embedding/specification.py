"""How maps of heat and tags become people. Plain data: nothing here imports torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from hrnet.geometry import CropConvention

# Joints of the trunk first, then arms and legs from the inside to the outside; the first ones decide who is a person.
_GROUPING_ORDER = (0, 1, 2, 3, 4, 5, 6, 11, 12, 7, 8, 9, 10, 13, 14, 15, 16)


@dataclass(frozen=True)
class AssociativeEmbeddingSpec:
    """Options of decoding (Newell et al., "Associative Embedding", NeurIPS 2017; Cheng et al., "HigherHRNet", CVPR 2020).

    The defaults are HigherHRNet's; `openmmlab` and `hourglass` give those of the two other published decoders.

    Attributes:
        max_people: candidates per joint, and how many people a candidate may be matched with. More people than that are
            still created, unless ``skip_when_full``.
        detection_threshold: a candidate counts if its heat is above this; at least 0.
        tag_threshold: a candidate belongs to a person if its tag is less than this away from the person's mean tag.
        nms_kernel: pixels of the window (odd) in which a candidate must be the maximum.
        tag_distance: of a candidate and a person: "euclidean" over the tag's components, or their "root_mean_square".
        weigh_by_heat: match by rounded tag distance first and by heat among equals; else by tag distance alone.
        skip_when_full: leave out whole types of joints once ``max_people`` people exist.
        adjustment: where a joint lies within its pixel, in map pixels: "quarter" moves it by 0.25 in both axes, towards the
            larger neighbour (backwards if they are equal), and adds 0.5; "quarter_openmmlab" does not move it between equal
            neighbours nor at the border, and adds 0.5; "udp" takes one Newton step on the smoothed heat; "none" does nothing.
        fill_absent: look for joints that no candidate gave: where heat minus penalty times rounded Euclidean
            tag distance is largest.
        fill_penalty: that penalty.
        fill_adjustment: the same as ``adjustment`` for joints found this way: "quarter" or "none".
        fill_score: their score: the "heat" there or "one".
        fill_needs_heat: keep them only where the heat is above 0.
        published_slip: repeat a slip of a published decoder, to compare with it. "hourglass_bounds": the lower neighbour of a
            joint found this way is looked for no further down than row K - 1, and the right one no further than column
            H - 1. "openmmlab_logarithm": with UDP, such joints are looked for in, and scored by, the logarithm.
        heat_ceiling: averaged heat is cut off here.
        project_to_input: enlarge all maps to the size of the network's input at scale 1, not only to the largest map.
        has_center_joint: the network predicts one joint more, the centre of a person, that is dropped.
        joint_order: order in which types of joints are grouped; None for the published one.
    """

    max_people: int = 30
    detection_threshold: float = 0.1
    tag_threshold: float = 1.0
    nms_kernel: int = 5
    tag_distance: Literal["euclidean", "root_mean_square"] = "euclidean"
    weigh_by_heat: bool = True
    skip_when_full: bool = False
    adjustment: Literal["quarter", "quarter_openmmlab", "udp", "none"] = "quarter"
    fill_absent: bool = True
    fill_penalty: float = 1.0
    fill_adjustment: Literal["quarter", "none"] = "quarter"
    fill_score: Literal["heat", "one"] = "heat"
    fill_needs_heat: bool = True
    published_slip: Literal["none", "hourglass_bounds", "openmmlab_logarithm"] = "none"
    heat_ceiling: float | None = None
    project_to_input: bool = True
    has_center_joint: bool = False
    joint_order: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        if self.max_people < 1:
            raise ValueError(f"max_people must be at least 1, got {self.max_people}")
        if not self.detection_threshold >= 0:
            raise ValueError(f"detection_threshold must be at least 0, got {self.detection_threshold}")
        if not self.tag_threshold > 0:
            raise ValueError(f"tag_threshold must be positive, got {self.tag_threshold}")
        if self.nms_kernel < 1 or self.nms_kernel % 2 == 0:
            raise ValueError(f"nms_kernel must be odd and positive, got {self.nms_kernel}")
        if not self.fill_penalty > 0:
            raise ValueError(f"fill_penalty must be positive, got {self.fill_penalty}")

    @classmethod
    def openmmlab(cls, udp: bool = False) -> AssociativeEmbeddingSpec:
        """The decoder of the OpenMMLab code, with plain or with UDP heatmaps."""
        return cls(
            adjustment="udp" if udp else "quarter_openmmlab",
            fill_penalty=100.0,
            fill_adjustment="none",
            fill_needs_heat=False,
            project_to_input=False,
        )

    @classmethod
    def hourglass(cls) -> AssociativeEmbeddingSpec:
        """The decoder published with associative embedding on stacked hourglasses."""
        return cls(
            nms_kernel=3,
            tag_distance="root_mean_square",
            skip_when_full=True,
            fill_score="one",
            heat_ceiling=1.0,
            project_to_input=False,
        )

    @property
    def convention(self) -> CropConvention:
        """How many units a side of n pixels of the maps counts: networks whose joints are placed by UDP count its way."""
        return CropConvention.UNIT_LENGTH if self.adjustment == "udp" else CropConvention.FULL_SIZE

    def grouping_order(self, num_keypoints: int) -> tuple[int, ...]:
        """The order in which ``num_keypoints`` types of joints are grouped.

        Raises:
            ValueError: ``joint_order`` does not name each joint once.
        """
        order = self.joint_order
        if order is None:
            order = tuple(joint for joint in _GROUPING_ORDER if joint < num_keypoints)
            order += tuple(range(len(_GROUPING_ORDER), num_keypoints))
        return _permutation(order, num_keypoints)


def _permutation(order: Sequence[int], count: int) -> tuple[int, ...]:
    if sorted(order) != list(range(count)):
        raise ValueError(f"joint_order must name each of 0..{count - 1} once, got {tuple(order)}")
    return tuple(order)
