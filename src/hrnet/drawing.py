"""Draw people's keypoints on pictures, and sheets of pictures: OpenCV and NumPy only.

Pictures are RGB uint8 (H, W, 3); coordinates are pixels with the centre of the top-left pixel at (0, 0). Sizes follow the
person and the picture, so that a face in a crowd and a portrait are both readable.
"""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from hrnet.structures.keypoint_set import KeypointSet

# From the palette of Okabe and Ito (2008), made for people who do not see red and green apart.
LEFT_COLOR = (86, 180, 233)
RIGHT_COLOR = (240, 150, 30)
MIDDLE_COLOR = (240, 228, 66)
OUTLINE_COLOR = (24, 24, 28)
BOX_COLOR = (245, 245, 245)
UNTRACKED_COLOR = (170, 170, 170)

PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")

_SHIFT = 4  # fractional bits of the coordinates that OpenCV is given: a sixteenth of a pixel
_REACH = 4.0  # a joint further outside than this many picture sizes is not drawn: it is noise, and would overflow


@dataclass(frozen=True)
class _Stroke:
    """Sizes for one person in pixels: limb thickness, joint radius and dark rim."""

    limb: int
    joint: float
    rim: int


def keypoint_colors(keypoint_set: KeypointSet) -> list[tuple[int, int, int]]:
    """K RGB colours: the set's own, or blue for left, orange for right and yellow for the middle.

    The side is read from the names; where they do not tell, the first of a mirrored pair counts as left.
    """
    if keypoint_set.colors:
        return [(int(red), int(green), int(blue)) for red, green, blue in keypoint_set.colors]
    colors = []
    for index, (name, mirror) in enumerate(zip(keypoint_set.keypoints, keypoint_set.flip_indices, strict=True)):
        words = name.lower().replace("-", "_").replace(" ", "_").split("_")
        if mirror == index:
            colors.append(MIDDLE_COLOR)
        elif "left" in words or "l" in words:
            colors.append(LEFT_COLOR)
        elif "right" in words or "r" in words:
            colors.append(RIGHT_COLOR)
        else:
            colors.append(LEFT_COLOR if index < mirror else RIGHT_COLOR)
    return colors


def track_color(track_id: int) -> tuple[int, int, int]:
    """RGB colour of a track: always the same for a number, far apart for numbers near each other."""
    hue = (0.55 + track_id * 0.618034) % 1  # steps of the golden ratio keep any run of numbers well spread
    red, green, blue = colorsys.hsv_to_rgb(hue, (0.75, 0.5)[track_id // 5 % 2], (1.0, 0.8)[track_id // 10 % 2])
    return round(255 * red), round(255 * green), round(255 * blue)


def draw_poses(
    image: np.ndarray,
    keypoints: np.ndarray,
    scores: np.ndarray,
    keypoint_set: KeypointSet,
    boxes: np.ndarray | None = None,
    box_scores: np.ndarray | None = None,
    threshold: float = 0.3,
    copy: bool = True,
    track_ids: np.ndarray | None = None,
) -> np.ndarray:
    """Draw N people on a picture and return it.

    Args:
        image: (H, W, 3) RGB uint8.
        keypoints: (N, K, 2) pixels. Points that are not finite are left out; points outside the picture may be given.
        scores: (N, K); joints below ``threshold`` (or NaN) are not drawn, and neither are their limbs.
        keypoint_set: skeleton and colours; a set without a skeleton is drawn as dots.
        boxes: (N, 4) xyxy to draw as well.
        box_scores: (N,) to write at the boxes.
        threshold: smallest score that is drawn.
        copy: False to draw on ``image`` itself, which must then be writable and contiguous.
        track_ids: (N,) numbers of people in a video: each is drawn in the colour of its number, which is written beside it.

    Raises:
        ValueError: a shape or type that does not fit.
    """
    _check_image(image)
    points, confidence = np.asarray(keypoints, np.float64), np.asarray(scores, np.float64)
    joints = keypoint_set.num_keypoints
    if points.size == 0:
        points, confidence = points.reshape(0, joints, 2), confidence.reshape(0, joints)
    if points.ndim != 3 or points.shape[1:] != (joints, 2):
        raise ValueError(f"keypoints must have shape (N, {joints}, 2) for the set {keypoint_set.name!r}, got {points.shape}")
    if confidence.shape != points.shape[:2]:
        raise ValueError(f"scores must have shape {points.shape[:2]} like the keypoints, got {confidence.shape}")
    if not copy and not (image.flags.writeable and image.flags.c_contiguous):
        raise ValueError("copy=False needs a writable, contiguous picture; pass copy=True")
    canvas = np.array(image, order="C", copy=True) if copy else image
    rectangles = None if boxes is None else np.asarray(boxes, np.float64).reshape(-1, 4)
    for label, given in (("boxes", rectangles), ("track_ids", track_ids)):
        if given is not None and len(given) != len(points):
            raise ValueError(f"{len(points)} people but {len(given)} {label}")

    side_colors = keypoint_colors(keypoint_set)
    order = range(len(points) - 1, -1, -1)  # the first person, usually the surest, ends on top
    for person in order:
        drawable = _drawable(points[person], confidence[person], threshold, canvas.shape)
        box = None if rectangles is None else rectangles[person]
        stroke = _stroke(points[person][drawable], box, canvas.shape)
        if box is not None:
            label = "" if box_scores is None else f"{float(np.asarray(box_scores)[person]):.2f}"
            _draw_box(canvas, box, label, stroke)
        track = -1 if track_ids is None else int(track_ids[person])
        colors = side_colors if track_ids is None else [track_color(track) if track >= 0 else UNTRACKED_COLOR] * joints
        _draw_person(canvas, points[person], drawable, keypoint_set.skeleton, colors, stroke)
        if track >= 0 and drawable.any():
            top = points[person][drawable][points[person][drawable, 1].argmin()]
            _write_label(canvas, top - (0, 2 * stroke.joint + stroke.limb), str(track), OUTLINE_COLOR, track_color(track))
    return canvas


def contact_sheet(
    images: Sequence[np.ndarray],
    columns: int,
    cell: tuple[int, int] = (256, 256),
    captions: Sequence[str] | None = None,
    background: tuple[int, int, int] = (250, 250, 250),
) -> np.ndarray:
    """Put pictures into a grid, each scaled to fit its cell with its proportions kept.

    Args:
        images: RGB uint8 pictures of any sizes, at least one.
        columns: cells per row; a sheet of fewer pictures has as many columns as pictures.
        cell: (height, width) of a cell in pixels, without its caption.
        captions: one line per picture, shortened to fit.
        background: RGB between the pictures.

    Returns:
        RGB uint8 picture.
    """
    if not len(images):
        raise ValueError("a contact sheet needs at least one picture")
    if columns < 1 or min(cell) < 8:
        raise ValueError(f"columns must be at least 1 and the cell at least 8 x 8, got {columns} and {cell}")
    if captions is not None and len(captions) != len(images):
        raise ValueError(f"{len(images)} pictures but {len(captions)} captions")
    height, width = cell
    gap, strip = max(2, min(cell) // 40), 0 if captions is None else max(14, height // 12)
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    step_y, step_x = height + strip + gap, width + gap
    sheet = np.full((rows * step_y + gap, columns * step_x + gap, 3), background, np.uint8)
    for index, image in enumerate(images):
        _check_image(image)
        top, left = gap + index // columns * step_y, gap + index % columns * step_x
        scale = min(height / image.shape[0], width / image.shape[1])
        size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
        small = cv2.resize(np.ascontiguousarray(image), size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        y, x = top + (height - size[1]) // 2, left + (width - size[0]) // 2
        sheet[y : y + size[1], x : x + size[0]] = small
        if captions is not None:
            _write_caption(sheet, captions[index], left, top + height, width, strip)
    return sheet


def encode_picture(image: np.ndarray, suffix: str = ".jpg", quality: int = 92) -> bytes:
    """Bytes of a picture file. ``image`` is RGB uint8 (H, W, 3); ``suffix`` one of `PICTURE_SUFFIXES`. Raises ValueError."""
    _check_image(image)
    kind = suffix.lower()
    if kind not in PICTURE_SUFFIXES:
        raise ValueError(f"cannot write a picture as {suffix!r}: use one of {', '.join(PICTURE_SUFFIXES)}")
    options = [cv2.IMWRITE_JPEG_QUALITY, quality] if kind in (".jpg", ".jpeg") else []
    try:
        done, data = cv2.imencode(kind, cv2.cvtColor(image, cv2.COLOR_RGB2BGR), options)
    except cv2.error as error:
        raise ValueError(f"cannot write a {image.shape[1]}x{image.shape[0]} picture as {kind}: {error}") from error
    if not done:
        raise ValueError(f"cannot write a {image.shape[1]}x{image.shape[0]} picture as {kind}: too large for this kind?")
    return data.tobytes()


def _check_image(image: np.ndarray) -> None:
    if not isinstance(image, np.ndarray):
        raise ValueError(f"a picture to draw on must be an array (H, W, 3) of RGB uint8, got {type(image).__name__}")
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.size == 0:
        raise ValueError(f"a picture to draw on must be (H, W, 3) RGB uint8, got {image.dtype} {image.shape}")


def _drawable(points: np.ndarray, scores: np.ndarray, threshold: float, shape: tuple[int, ...]) -> np.ndarray:
    """(K,) bool: the joints that are sure enough and not absurdly far outside."""
    reach = _REACH * max(shape[:2])
    with np.errstate(invalid="ignore"):
        return np.isfinite(points).all(axis=1) & (np.abs(points) <= reach).all(axis=1) & (scores >= threshold)


def _stroke(points: np.ndarray, box: np.ndarray | None, shape: tuple[int, ...]) -> _Stroke:
    picture = min(shape[:2])
    if len(points) > 1:
        extent = float(np.ptp(points, axis=0).max())
    elif box is not None and np.isfinite(box).all():
        extent = float(max(box[2] - box[0], box[3] - box[1]))
    else:
        extent = max(shape[:2]) / 4
    limb = int(np.clip(round(0.013 * extent), 1, max(2, round(0.011 * picture))))
    return _Stroke(limb=limb, joint=max(1.0, 0.95 * limb), rim=max(1, round(0.25 * limb)))


def _fixed(point: np.ndarray) -> tuple[int, int]:
    return round(float(point[0]) * (1 << _SHIFT)), round(float(point[1]) * (1 << _SHIFT))


def _line(canvas: np.ndarray, start: np.ndarray, end: np.ndarray, color: tuple[int, int, int], thickness: int) -> None:
    cv2.line(canvas, _fixed(start), _fixed(end), color, thickness, cv2.LINE_AA, _SHIFT)


def _draw_person(
    canvas: np.ndarray,
    points: np.ndarray,
    drawable: np.ndarray,
    skeleton: tuple[tuple[int, int], ...],
    colors: list[tuple[int, int, int]],
    stroke: _Stroke,
) -> None:
    limbs = [(a, b) for a, b in skeleton if drawable[a] and drawable[b]]
    # A hairline gets half a rim, or nothing but rim would be seen of a small person.
    dark = stroke.limb + (2 * stroke.rim if stroke.limb > 1 else 1)
    for a, b in limbs:  # all the rims first, so that none cuts through a neighbouring limb
        _line(canvas, points[a], points[b], OUTLINE_COLOR, dark)
    for a, b in limbs:
        middle = (points[a] + points[b]) / 2  # each half in its joint's colour: a shoulder line shows both sides
        _line(canvas, points[a], middle, colors[a], stroke.limb)
        _line(canvas, middle, points[b], colors[b], stroke.limb)
    indices = np.flatnonzero(drawable)
    for index, radius in zip(indices, _joint_radii(points[indices], stroke), strict=True):
        centre, scale = _fixed(points[index]), 1 << _SHIFT
        rim = min(stroke.rim, 0.45 * radius)
        cv2.circle(canvas, centre, round((radius + rim) * scale), OUTLINE_COLOR, -1, cv2.LINE_AA, _SHIFT)
        cv2.circle(canvas, centre, round(radius * scale), _lighter(colors[index]), -1, cv2.LINE_AA, _SHIFT)


def _joint_radii(points: np.ndarray, stroke: _Stroke) -> np.ndarray:
    """Radii that shrink where joints are crowded (eyes and ears, 98 face points), so that dots stay apart."""
    if len(points) < 2:
        return np.full(len(points), stroke.joint)
    distances = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    return np.clip(0.35 * distances.min(axis=1), min(1.5, stroke.joint), stroke.joint)


def _lighter(color: tuple[int, int, int]) -> tuple[int, int, int]:
    red, green, blue = (round(value + 0.35 * (255 - value)) for value in color)
    return red, green, blue


def _draw_box(canvas: np.ndarray, box: np.ndarray, label: str, stroke: _Stroke) -> None:
    if not np.isfinite(box).all():
        return
    reach = _REACH * max(canvas.shape[:2])
    first, last = _fixed(np.clip(box[:2], -reach, reach)), _fixed(np.clip(box[2:], -reach, reach))
    thickness = max(1, stroke.limb // 3)
    cv2.rectangle(canvas, first, last, OUTLINE_COLOR, thickness + 2, cv2.LINE_AA, _SHIFT)
    cv2.rectangle(canvas, first, last, BOX_COLOR, thickness, cv2.LINE_AA, _SHIFT)
    if label:
        _write_label(canvas, box[:2], label, BOX_COLOR, OUTLINE_COLOR)


def _write_label(canvas: np.ndarray, place: np.ndarray, label: str, color: tuple[int, ...], ground: tuple[int, ...]) -> None:
    """Write on a plate whose lower left corner is at ``place`` (2,), moved to where all of it is in the picture."""
    scale = float(np.clip(min(canvas.shape[:2]) / 1100, 0.35, 1.2))
    weight = max(1, round(1.4 * scale))
    (width, height), base = cv2.getTextSize(label, cv2.FONT_HERSHEY_SIMPLEX, scale, weight)
    x = int(np.clip(place[0], 0, max(0, canvas.shape[1] - width - 6)))
    y = int(np.clip(place[1], height + base + 4, max(height + base + 4, canvas.shape[0] - 1)))
    cv2.rectangle(canvas, (x, y - height - base - 4), (x + width + 6, y), ground, -1)
    cv2.putText(canvas, label, (x + 3, y - base), cv2.FONT_HERSHEY_SIMPLEX, scale, color, weight, cv2.LINE_AA)


def _write_caption(sheet: np.ndarray, caption: str, left: int, top: int, width: int, strip: int) -> None:
    scale = strip / 36

    def text_width(text: str) -> int:
        return cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)[0][0]

    text = " ".join(caption.split())
    if text_width(text) > width:
        while text and text_width(text + "...") > width:
            text = text[:-1]
        text += "..."
    x = left + max(0, (width - text_width(text)) // 2)
    cv2.putText(sheet, text, (x, top + round(0.72 * strip)), cv2.FONT_HERSHEY_SIMPLEX, scale, (40, 40, 44), 1, cv2.LINE_AA)
