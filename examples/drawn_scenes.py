"""Scenes with drawn people, for the demo: pictures nobody has rights in, with joints that are known exactly."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np

Joints = dict[str, tuple[float, float]]  # in units of a person's height, feet near y = 1, the body's middle at x = 0


STANDING: Joints = {
    "head": (0.0, 0.07), "neck": (0.0, 0.17),
    "left shoulder": (0.10, 0.21), "left elbow": (0.15, 0.36), "left wrist": (0.16, 0.50),
    "right shoulder": (-0.10, 0.21), "right elbow": (-0.15, 0.36), "right wrist": (-0.16, 0.50),
    "left hip": (0.065, 0.51), "left knee": (0.075, 0.74), "left ankle": (0.08, 0.95),
    "right hip": (-0.065, 0.51), "right knee": (-0.075, 0.74), "right ankle": (-0.08, 0.95),
}  # fmt: skip
WAVING: Joints = STANDING | {"left elbow": (0.24, 0.18), "left wrist": (0.22, 0.02)}
STRIDING: Joints = STANDING | {
    "left knee": (0.17, 0.70), "left ankle": (0.16, 0.92), "right knee": (-0.13, 0.72), "right ankle": (-0.27, 0.88),
    "left elbow": (0.03, 0.35), "left wrist": (0.15, 0.43), "right elbow": (-0.22, 0.32), "right wrist": (-0.20, 0.46),
}  # fmt: skip

SKIN, SHIRTS, TROUSERS, HAIR = (214, 168, 140), ((178, 58, 52), (58, 98, 160), (70, 130, 84)), (48, 52, 66), (62, 44, 36)


def draw_scene(people: list[tuple[Joints, float, float, float]], size: tuple[int, int] = (480, 640)) -> np.ndarray:
    """Draw people before a plain wall.

    Args:
        people: for each (joints, height, x, y): height in pixels, then where the middle of the top of the head stands.
        size: (height, width) of the picture.

    Returns:
        (H, W, 3) RGB uint8.
    """
    height, width = size
    horizon = int(height * 0.78)
    scene = np.empty((height, width, 3), np.uint8)
    scene[:horizon] = (np.linspace(225, 196, horizon)[:, None, None] + np.array([0, 2, 6])).astype(np.uint8)
    scene[horizon:] = (np.linspace(150, 118, height - horizon)[:, None, None] * np.array([1.0, 0.9, 0.78])).astype(np.uint8)
    for index, (joints, tall, x, y) in enumerate(people):
        draw_person(scene, joints, tall, x, y, SHIRTS[index % 3])
    return cv2.GaussianBlur(scene, (3, 3), 0)


def draw_person(scene: np.ndarray, pose: Joints, tall: float, x: float, y: float, shirt: tuple[int, int, int]) -> None:
    """Draw a person, ``tall`` pixels high, into a picture; the middle of the top of the head is at (x, y)."""
    joints = {name: (x + tall * u, y + tall * v) for name, (u, v) in pose.items()}

    def limb(names: tuple[str, ...], widths: tuple[float, ...], color: tuple[int, int, int]) -> None:
        """Tapered links through the named joints; widths are parts of the person's height."""
        for (first, second), start, end in zip(pairwise(names), widths, widths[1:], strict=False):
            a, b = np.array(joints[first]), np.array(joints[second])
            for t in np.linspace(0, 1, 40):
                center = a + (b - a) * t
                radius = max(1, round((start + (end - start) * t) * tall / 2))
                cv2.circle(scene, (round(center[0]), round(center[1])), radius, color, -1, cv2.LINE_AA)

    shade = (int(shirt[0] * 0.85), int(shirt[1] * 0.85), int(shirt[2] * 0.85))
    for side in ("right", "left"):
        limb((f"{side} hip", f"{side} knee", f"{side} ankle"), (0.105, 0.075, 0.05), TROUSERS)
        ankle = joints[f"{side} ankle"]
        foot = (round(ankle[0]), round(ankle[1] + 0.03 * tall))
        cv2.ellipse(scene, foot, (round(0.045 * tall), round(0.02 * tall)), 0, 0, 360, HAIR, -1, cv2.LINE_AA)
    corners = ("left shoulder", "left hip", "right hip", "right shoulder")
    torso = np.array([joints[name] for name in corners]).round().astype(np.int32)
    cv2.fillPoly(scene, [torso], shirt, cv2.LINE_AA)
    cv2.polylines(scene, [torso], True, shirt, max(1, round(0.06 * tall)), cv2.LINE_AA)
    limb(("neck", "head"), (0.05, 0.05), SKIN)
    for side in ("right", "left"):
        limb((f"{side} shoulder", f"{side} elbow"), (0.07, 0.055), shade)
        limb((f"{side} elbow", f"{side} wrist"), (0.05, 0.035), SKIN)
        wrist = joints[f"{side} wrist"]
        cv2.circle(scene, (round(wrist[0]), round(wrist[1])), max(1, round(0.028 * tall)), SKIN, -1, cv2.LINE_AA)
    head = (round(joints["head"][0]), round(joints["head"][1]))
    cv2.ellipse(
        scene,
        (head[0], head[1] - round(0.012 * tall)),
        (round(0.052 * tall), round(0.064 * tall)),
        0,
        0,
        360,
        HAIR,
        -1,
        cv2.LINE_AA,
    )
    cv2.ellipse(
        scene,
        (head[0], head[1] + round(0.008 * tall)),
        (round(0.043 * tall), round(0.056 * tall)),
        0,
        0,
        360,
        SKIN,
        -1,
        cv2.LINE_AA,
    )
    for offset in (-0.017, 0.017):
        cv2.circle(scene, (round(head[0] + offset * tall), head[1]), max(1, round(0.006 * tall)), HAIR, -1, cv2.LINE_AA)
