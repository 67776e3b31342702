from __future__ import annotations

import contextlib
import errno
import io
import os
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from hrnet.data.images import image_size, read_image, write_image
from hrnet.errors import ImageError

rng = np.random.default_rng(0)
NOISE = rng.integers(0, 256, (24, 37, 3), np.uint8)
SMOOTH = cv2.resize(rng.integers(0, 256, (6, 8, 3), np.uint8), (160, 120), interpolation=cv2.INTER_CUBIC)


def encoded(image, kind="PNG", **options) -> bytes:
    stream = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(stream, kind, **options)
    return stream.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM"])
def test_lossless_files_come_back(tmp_path, kind):
    path = tmp_path / "picture"
    path.write_bytes(encoded(NOISE, kind))
    for source in (path, str(path), path.read_bytes(), bytearray(path.read_bytes()), memoryview(path.read_bytes())):
        found = read_image(source)
        assert found.dtype == np.uint8
        assert found.flags.c_contiguous
        np.testing.assert_array_equal(found, NOISE)
    assert image_size(path) == (24, 37)


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 2}, {"quality": 30}])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_jpeg_equals_pillow(mode, options):
    content = encoded(Image.fromarray(SMOOTH).convert(mode), "JPEG", **options)
    expected = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))
    assert np.abs(read_image(content).astype(int) - expected).max() <= 2


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(kind, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encoded(SMOOTH[:, :90], kind, exif=exif, **({"lossless": True} if kind == "WEBP" else {}))
    expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(content))).convert("RGB"))
    found = read_image(content)
    assert found.shape == expected.shape
    assert np.abs(found.astype(int) - expected).max() <= 2
    assert image_size(content) == expected.shape[:2]


@pytest.mark.parametrize("exif", [b"Exif\0\0garbage", b"Exif\0\0MM\0*\0\0\0\x08\xff\xff", b""])
def test_broken_exif_does_not_cost_the_picture(exif):
    assert read_image(encoded(SMOOTH, "JPEG", exif=exif)).shape == SMOOTH.shape


def test_cmyk():
    found = read_image(encoded(Image.fromarray(SMOOTH).convert("CMYK"), "JPEG", quality=95))
    assert np.abs(found.astype(int) - SMOOTH).mean() < 6


def test_palette_with_and_without_transparency():
    flat = np.zeros((10, 12, 3), np.uint8)
    flat[:, 6:] = (200, 30, 40)
    palette = Image.fromarray(flat).convert("P", palette=Image.Palette.ADAPTIVE, colors=2)
    np.testing.assert_array_equal(read_image(encoded(palette)), flat)
    index = int(np.asarray(palette)[0, 0])
    found = read_image(encoded(palette, transparency=index))
    assert (found[:, :6] == 255).all()
    assert (found[:, 6:] == (200, 30, 40)).all()
    assert (read_image(encoded(palette, "GIF", transparency=index))[:, :6] == 255).all()


def test_alpha_is_composited_on_white():
    alpha = np.full(NOISE.shape[:2], 255, np.uint8)
    alpha[:10], alpha[10:15] = 0, 128
    rgba = np.dstack((NOISE, alpha))
    for found in (read_image(encoded(rgba)), read_image(rgba), read_image(Image.fromarray(rgba))):
        assert (found[:10] == 255).all()
        np.testing.assert_array_equal(found[15:], NOISE[15:])
        expected = (NOISE[10:15].astype(float) * 128 + 255 * 127) / 255
        assert np.abs(found[10:15] - expected).max() <= 1
    grey = read_image(encoded(Image.fromarray(rgba).convert("LA")))
    assert (grey[:10] == 255).all()
    assert (grey[15:, :, 0] == grey[15:, :, 2]).all()


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bit_grey(kind):
    values = np.linspace(0, 65535, 24 * 30).reshape(24, 30).astype(np.uint16)
    found = read_image(encoded(Image.fromarray(values), kind))
    np.testing.assert_allclose(found[:, :, 1], values / 257, atol=0.51)
    np.testing.assert_array_equal(found, read_image(values))


def test_sixteen_bit_colour_png():
    _, content = cv2.imencode(".png", NOISE[:, :, ::-1].astype(np.uint16) * 257)
    np.testing.assert_array_equal(read_image(content.tobytes()), NOISE)


def test_one_bit_and_float_files():
    np.testing.assert_array_equal(
        read_image(encoded(Image.fromarray(NOISE[:, :, 0] > 127)))[:, :, 0], (NOISE[:, :, 0] > 127) * 255
    )
    found = read_image(encoded(Image.fromarray(NOISE[:, :, 0].astype(np.float32) / 255), "TIFF"))
    np.testing.assert_array_equal(found[:, :, 2], NOISE[:, :, 0])
    with pytest.raises(ImageError, match=r"within 0\.\.1"):
        read_image(encoded(Image.fromarray(NOISE[:, :, 0].astype(np.float32)), "TIFF"))


def test_arrays():
    assert read_image(NOISE) is NOISE
    np.testing.assert_array_equal(read_image(NOISE[:, :, ::-1], bgr=True), NOISE)
    np.testing.assert_array_equal(read_image(np.dstack((NOISE[:, :, ::-1], NOISE[:, :, :1] * 0 + 255)), bgr=True), NOISE)
    np.testing.assert_array_equal(read_image(NOISE / 255), NOISE)
    np.testing.assert_array_equal(read_image((NOISE / 255).astype(np.float16)), read_image((NOISE / 255).astype(np.float16)))
    np.testing.assert_array_equal(read_image(NOISE.astype(np.int64)), NOISE)
    np.testing.assert_array_equal(read_image(NOISE[:, :, 0] > 9)[:, :, 1], (NOISE[:, :, 0] > 9) * 255)
    assert read_image(NOISE[:, :, :1]).shape == NOISE.shape
    assert read_image(NOISE[:, :, 0]).shape == NOISE.shape


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (NOISE.astype(np.float32), r"floats?.* within 0\.\.1.*astype"),
        (NOISE / 255 - 0.5, r"within 0\.\.1"),
        (np.full((4, 4, 3), np.nan), r"within 0\.\.1"),
        (NOISE.astype(np.int32) - 5, r"within 0\.\.255"),
        (np.zeros((3, 50, 40), np.uint8), "channels come last"),
        (np.zeros((2, 5, 4, 3), np.uint8), "one picture at a time"),
        (np.zeros(5, np.uint8), "got an array of shape"),
        (np.zeros((0, 5, 3), np.uint8), "empty"),
        (np.zeros((5, 5, 3), complex), "complex"),
        (np.array([["a"]]), "uint8"),
    ],
)
def test_arrays_that_are_no_pictures(array, message):
    with pytest.raises(ImageError, match=message):
        read_image(array)


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.95, 0.999])
def test_truncated_jpeg(tmp_path, progressive, share):
    content = encoded(SMOOTH, "JPEG", progressive=progressive, quality=95)
    (tmp_path / "half.jpg").write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ImageError, match=r"half\.jpg"):
        read_image(tmp_path / "half.jpg")


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF", "TIFF", "BMP"])
@pytest.mark.parametrize("share", [0.01, 0.3, 0.8])
def test_truncated_others(tmp_path, kind, share):
    content = encoded(SMOOTH, kind)
    (tmp_path / "half").write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ImageError, match="half"):
        read_image(tmp_path / "half")


def test_a_jpeg_with_a_tail_is_read():
    content = encoded(SMOOTH, "JPEG")
    np.testing.assert_array_equal(read_image(content + b"some camera's notes"), read_image(content))


def test_broken_png():
    content = bytearray(encoded(SMOOTH))
    content[len(content) // 2] ^= 0xFF
    with pytest.raises(ImageError, match="broken"):
        read_image(bytes(content))


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's remarks about TIFF tags
def test_random_damage_never_leaks_another_error():
    draws = np.random.default_rng(1)
    for kind in ("JPEG", "PNG", "GIF", "TIFF", "WEBP", "BMP", "PPM"):
        whole = encoded(SMOOTH, kind)
        for _ in range(40):
            content = bytearray(whole)
            for position in draws.integers(0, min(len(content), 400), 4):
                content[position] = draws.integers(0, 256)
            for read in (lambda data: read_image(data, max_pixels=10**6), image_size):
                with contextlib.suppress(ImageError):
                    read(bytes(content))


def test_no_pictures(tmp_path):
    (tmp_path / "empty.jpg").write_bytes(b"")
    (tmp_path / "text.jpg").write_text("I am a text, not a picture")
    for read in (read_image, image_size):
        with pytest.raises(ImageError, match=r"empty\.jpg: .*empty"):
            read(tmp_path / "empty.jpg")
        with pytest.raises(ImageError, match=r"text\.jpg: expected a picture, got something else .*I am a text"):
            read(tmp_path / "text.jpg")
        with pytest.raises(ImageError, match="got a folder"):
            read(tmp_path)
        with pytest.raises(ImageError, match=r"absent\.jpg: there is no such file"):
            read(tmp_path / "absent.jpg")
        with pytest.raises(ImageError):
            read("zero\0byte.jpg")
    with pytest.raises(ImageError, match=r"got builtins\.int"):
        read_image(3)  # pyright: ignore[reportArgumentType]
    with pytest.raises(ImageError, match="empty"):
        read_image(b"")


def png_header(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_bombs_are_refused_by_their_header(tmp_path):
    for width, height in ((60000, 60000), (12000, 12000)):
        (tmp_path / "bomb.png").write_bytes(png_header(width, height))
        with pytest.raises(ImageError, match=r"bomb\.png: .*limit of 100,000,000"):
            read_image(tmp_path / "bomb.png", max_pixels=100_000_000)
    with pytest.raises(ImageError, match=r"37 x 24 pixels are more than the limit of 100 "):
        read_image(encoded(NOISE), max_pixels=100)


def test_write_and_read_back(tmp_path):
    write_image(tmp_path / "a.png", NOISE)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), NOISE)
    write_image(tmp_path / "a.JPG", SMOOTH)
    assert np.abs(read_image(tmp_path / "a.JPG").astype(int) - SMOOTH).mean() < 3
    assert sorted(os.listdir(tmp_path)) == ["a.JPG", "a.png"]


def test_write_errors_leave_nothing(tmp_path, monkeypatch):
    write_image(tmp_path / "a.png", NOISE)
    before = (tmp_path / "a.png").read_bytes()
    with pytest.raises(ImageError, match=r"b\.xyz"):
        write_image(tmp_path / "b.xyz", NOISE)
    with pytest.raises(ImageError, match=r"within 0\.\.1"):
        write_image(tmp_path / "b.png", NOISE.astype(float))
    with pytest.raises(OSError, match=r"b\.png"):
        write_image(tmp_path / "nowhere" / "b.png", NOISE)

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="disk is full"):
        write_image(tmp_path / "a.png", SMOOTH)
    assert os.listdir(tmp_path) == ["a.png"]
    assert (tmp_path / "a.png").read_bytes() == before
