"""Reading and writing pictures. Everything inside the toolkit sees RGB uint8 (H, W, 3) with the EXIF orientation applied."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any, TypeAlias

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from hrnet.atomic_files import write_atomically
from hrnet.data.pixel_formats import array_to_rgb, pillow_to_rgb
from hrnet.drawing import encode_picture
from hrnet.errors import ImageError

ImageSource: TypeAlias = "str | os.PathLike[str] | bytes | bytearray | memoryview | np.ndarray | Image.Image"

DEFAULT_MAX_PIXELS = 178_956_970  # where Pillow itself refuses; about 0.5 GB as RGB
_EXIF_ORIENTATION = 0x0112
# Plain decoders only, and the common ones first: the others cost imports. (EPS, for one, would start another program.)
_COMMON_FORMATS = ("JPEG", "PNG", "BMP", "GIF", "PPM")
_OTHER_FORMATS = ("TIFF", "WEBP", "AVIF", "JPEG2000", "TGA", "DIB", "ICO", "PCX", "SGI")


def read_image(source: ImageSource, *, max_pixels: int = DEFAULT_MAX_PIXELS, bgr: bool = False) -> np.ndarray:
    """Read a picture as RGB uint8 (H, W, 3).

    Alpha and palette transparency are composited on white, 16-bit greys are divided by 257, grey becomes three equal channels,
    CMYK is converted, of animations the first frame is taken, and the EXIF orientation is applied.

    Args:
        source: path, the bytes of a file, a Pillow image, or an array: (H, W), (H, W, 1), (H, W, 2) grey and alpha, (H, W, 3)
            or (H, W, 4); uint8, uint16, bool, other integers within 0..255, or floats within 0..1. An array that is RGB uint8
            already is returned as it is, not copied.
        max_pixels: larger pictures are refused by what their header says, before anything is decoded.
        bgr: colour arrays are BGR or BGRA, as OpenCV gives them. Files, bytes and Pillow images know their own channels.

    Raises:
        ImageError: the picture is missing, broken, truncated, empty, too large or of an unknown kind; the message names it.
            Damage inside a JPEG that leaves its end in place cannot be told from noise and is not noticed.
    """
    if isinstance(source, np.ndarray):
        return array_to_rgb(source, bgr)
    if isinstance(source, Image.Image):
        return _decode_opened(source, None, f"Pillow image {source.mode} {source.size}", max_pixels)
    content, name = _content(source)
    return _decode_opened(_open(content, name, max_pixels), content, name, max_pixels)


def image_size(path: str | os.PathLike[str] | bytes) -> tuple[int, int]:
    """Return (height, width) of a picture as `read_image` gives it, from its header alone.

    Raises:
        ImageError: the file is missing, or its header is not that of a picture.
    """
    if isinstance(path, bytes):
        name, stream = f"picture of {len(path)} bytes", io.BytesIO(path)
    else:
        name, stream = os.fspath(path), _open_file(path)
    with stream:
        opened = _identify(stream, name)
        turned = _orientation(opened) >= 5
        width, height = opened.size
    return (width, height) if turned else (height, width)


def write_image(path: str | os.PathLike[str], image: np.ndarray, *, quality: int = 95) -> None:
    """Write a picture (any array `read_image` takes) in the format its name asks for: .jpg, .png, .webp, .bmp, ...

    The file appears whole or not at all: it is written beside its place and then moved there.

    Args:
        quality: of JPEG, 1..100.

    Raises:
        ImageError: the array is no picture, or the name asks for an unknown format.
        OSError: the folder is missing or not writable, or the disk is full; the message names the file.
    """
    try:
        content = encode_picture(array_to_rgb(np.asarray(image)), Path(path).suffix, quality)
    except ImageError:
        raise
    except ValueError as error:
        raise ImageError(f"{os.fspath(path)}: {error}") from error
    write_atomically(path, content)


def _content(source: Any) -> tuple[bytes, str]:
    if isinstance(source, (bytes, bytearray, memoryview)):
        content, name = bytes(source), f"picture of {len(source)} bytes"
    elif isinstance(source, (str, os.PathLike)):
        with _open_file(source) as stream:
            try:
                content, name = stream.read(), os.fspath(source)
            except OSError as error:
                raise ImageError(f"{os.fspath(source)}: cannot be read ({error.strerror or error})") from error
    else:
        kinds = "a path, bytes, a Pillow image or a NumPy array"
        raise ImageError(f"expected a picture as {kinds}, got {type(source).__module__}.{type(source).__name__}")
    if not content:
        raise ImageError(f"{name}: expected a picture, the file is empty")
    return content, name


def _open_file(path: str | os.PathLike[str]) -> Any:
    try:
        return open(path, "rb")
    except FileNotFoundError:
        raise ImageError(f"{os.fspath(path)}: there is no such file") from None
    except (IsADirectoryError, PermissionError) as error:
        if os.path.isdir(path):  # Windows answers a folder with "permission denied"
            raise ImageError(f"{os.fspath(path)}: expected a picture, got a folder") from None
        raise ImageError(f"{os.fspath(path)}: cannot be read ({error.strerror or error})") from error
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        raise ImageError(f"{os.fspath(path)!r}: cannot be read ({error})") from error


def _open(content: bytes, name: str, max_pixels: int) -> Image.Image:
    opened = _identify(io.BytesIO(content), name, max_pixels)
    _check_size(opened, name, max_pixels)
    return opened


def _identify(stream: Any, name: str, max_pixels: int = DEFAULT_MAX_PIXELS) -> Image.Image:
    """Read the header with Pillow; nothing is decoded yet."""
    try:
        try:
            return Image.open(stream, formats=_COMMON_FORMATS)
        except UnidentifiedImageError:
            Image.init()
            stream.seek(0)
            return Image.open(stream, formats=[kind for kind in _OTHER_FORMATS if kind in Image.OPEN])
    except UnidentifiedImageError:
        stream.seek(0)
        start = stream.read(12)
        if not start:
            raise ImageError(f"{name}: expected a picture, the file is empty") from None
        if _is_picture_start(start):
            raise ImageError(f"{name}: expected a picture, its header is cut off or broken") from None
        raise ImageError(f"{name}: expected a picture, got something else (it starts with {start!r})") from None
    except Image.DecompressionBombError as error:
        raise ImageError(f"{name}: larger than the limit of {max_pixels:,} pixels ({error})") from error
    except Exception as error:  # a broken header makes Pillow's plugins raise nearly anything
        raise ImageError(f"{name}: expected a picture, its header is broken ({type(error).__name__}: {error})") from error


def _is_picture_start(start: bytes) -> bool:
    return start.startswith((b"\xff\xd8", b"\x89PNG", b"GIF8", b"BM", b"II*\0", b"MM\0*")) or start[8:12] == b"WEBP"


def _check_size(opened: Image.Image, name: str, max_pixels: int) -> None:
    width, height = opened.size
    if width < 1 or height < 1:
        raise ImageError(f"{name}: expected a picture, its header says {width} x {height} pixels")
    if width * height > max_pixels:
        raise ImageError(f"{name}: {width} x {height} pixels are more than the limit of {max_pixels:,} (max_pixels)")


def _decode_opened(opened: Image.Image, content: bytes | None, name: str, max_pixels: int) -> np.ndarray:
    _check_size(opened, name, max_pixels)
    orientation = _orientation(opened)
    try:
        pixels = _decode_plain_jpeg(opened, content) if content is not None else None
        if pixels is None:
            opened.load()
            pixels = pillow_to_rgb(opened, name)
    except ImageError:
        raise
    except MemoryError as error:
        raise ImageError(f"{name}: not enough memory for {opened.size[0]} x {opened.size[1]} pixels") from error
    except Exception as error:  # truncated and broken data make Pillow's decoders raise nearly anything
        raise ImageError(f"{name}: the picture is broken or cut off ({type(error).__name__}: {error})") from error
    return np.ascontiguousarray(_turn(pixels, orientation))


def _decode_plain_jpeg(opened: Image.Image, content: bytes) -> np.ndarray | None:
    """Decode an ordinary complete JPEG with OpenCV, to the same pixels as Pillow in less time; None for anything else.

    Small pictures gain a factor of two. Some versions of OpenCV fill up a truncated JPEG with grey, so without the end-of-image
    mark Pillow decides. PNGs are left to Pillow: OpenCV is no faster there and knows less about palettes and transparency.
    """
    if opened.format != "JPEG" or opened.mode not in ("RGB", "L") or not content.endswith(b"\xff\xd9"):
        return None
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        decoded = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    except cv2.error:
        return None
    return None if decoded is None or decoded.shape[1::-1] != opened.size else cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB)


def _orientation(opened: Image.Image) -> int:
    """EXIF orientation 1..8; 1 where there is none, where it is nonsense, and where Pillow applies it by itself (TIFF)."""
    if opened.format == "TIFF":
        return 1
    try:
        if opened.format == "PNG":
            if "exif" not in opened.info:  # getexif would decode the whole picture to look behind it
                return 1
            exif = Image.Exif()
            exif.load(opened.info["exif"])
            value = exif.get(_EXIF_ORIENTATION, 1)
        else:
            value = opened.getexif().get(_EXIF_ORIENTATION, 1)
    except Exception:  # broken EXIF must not cost the picture
        return 1
    return value if value in range(1, 9) else 1


def _turn(pixels: np.ndarray, orientation: int) -> np.ndarray:
    if orientation >= 5:
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return pixels
