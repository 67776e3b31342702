"""Turn what the user gives (files, folders, patterns, arrays, videos, cameras) into a stream of frames."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from hrnet.errors import ImageError
from hrnet.inference.file_lists import IMAGE_SUFFIXES, find_media
from hrnet.inference.read_ahead import read_ahead
from hrnet.inference.video_input import VIDEO_SUFFIXES, VideoInfo, open_camera, probe_video, read_video

_MAX_CAMERA_INDEX = 63


@dataclass(frozen=True)
class Frame:
    """One picture of a source, or the reason why there is none.

    Attributes:
        image: (H, W, 3) RGB uint8, None if it could not be read.
        name: name for messages and outputs: the path as found, ``image_3`` for arrays, ``clip.mp4#12`` for videos.
        index: running number in the source, from 0.
        error: why ``image`` is None.
        path: the file the frame is from, None for arrays and cameras.
        video: the video or camera the frame is from, None for pictures.
        video_index: number of the frame in its video, from 0.
        time: seconds from the start of its video or camera, None for pictures.
    """

    image: np.ndarray | None
    name: str
    index: int
    error: ImageError | None = None
    path: Path | None = None
    video: VideoInfo | None = None
    video_index: int = 0
    time: float | None = None


@dataclass(frozen=True)
class _Item:
    """One entry of a source before it is read: exactly one of the fields after ``name`` is set."""

    name: str
    picture: Path | None = None
    array: Any = None
    video: Path | None = None
    camera: int | None = None


class Source:
    """A stream of frames that can be iterated as often as wanted. Build it with `open_source`.

    ``len(source)`` is the number of frames where it is known (videos: as their files state it); ``count`` is None where it
    is not. Reading runs ahead in a thread, so that decoding overlaps with the network.
    """

    def __init__(self, items: list[_Item], bgr: bool = False, read_ahead_depth: int = 8) -> None:
        self._items = items
        self._bgr = bgr
        self._depth = read_ahead_depth
        self._infos: dict[int, VideoInfo | ImageError] = {}
        for index, item in enumerate(items):
            if item.video is not None:
                self._infos[index] = self._probe(item)

    @property
    def is_video(self) -> bool:
        """Whether all of it is video (or camera)."""
        return all(item.video is not None or item.camera is not None for item in self._items)

    @property
    def is_live(self) -> bool:
        """Whether a camera is part of it, so that it does not end by itself."""
        return any(item.camera is not None for item in self._items)

    @property
    def fps(self) -> float | None:
        """Frames per second if the source is one video file that states it."""
        info = self._infos.get(0) if len(self._items) == 1 else None
        return info.fps if isinstance(info, VideoInfo) else None

    @property
    def count(self) -> int | None:
        """Number of frames, None where it is not known."""
        total = 0
        for index, item in enumerate(self._items):
            info = self._infos.get(index)
            frames = info.frame_count if isinstance(info, VideoInfo) else 1
            if item.camera is not None or frames is None:
                return None
            total += frames
        return total

    def __len__(self) -> int:
        if self.count is None:
            raise TypeError("the number of frames of this source is not known; see Source.count")
        return self.count

    def __iter__(self) -> Iterator[Frame]:
        # A camera's frames are wanted fresh, so hardly any may wait; arrays are in memory already.
        in_memory = all(item.array is not None for item in self._items)
        return read_ahead(self._frames(), 1 if self.is_live else 0 if in_memory else self._depth)

    def _probe(self, item: _Item) -> VideoInfo | ImageError:
        assert item.video is not None
        try:
            return probe_video(item.video, item.name)
        except (ImageError, OSError) as error:
            if len(self._items) == 1:
                raise
            return _image_error(error, item.name)

    def _frames(self) -> Generator[Frame, None, None]:
        number = 0
        for position, item in enumerate(self._items):
            if item.camera is not None:
                frames = self._camera_frames(item)
            elif item.video is not None:
                frames = self._video_frames(item, self._infos[position])
            else:
                frames = self._picture_frame(item)
            for frame in frames:
                yield _numbered(frame, number)
                number += 1

    def _picture_frame(self, item: _Item) -> Iterator[Frame]:
        from hrnet.data.images import read_image

        try:
            image = read_image(item.picture) if item.picture is not None else read_image(item.array, bgr=self._bgr)
        except (ImageError, OSError) as error:
            if len(self._items) == 1:
                raise
            yield Frame(None, item.name, 0, error=_image_error(error, item.name), path=item.picture)
        else:
            yield Frame(image, item.name, 0, path=item.picture)

    def _video_frames(self, item: _Item, info: VideoInfo | ImageError) -> Iterator[Frame]:
        assert item.video is not None
        if not isinstance(info, VideoInfo):
            yield Frame(None, item.name, 0, error=info, path=item.video)
            return
        count = 0
        try:
            for time, image in read_video(item.video):
                yield Frame(image, f"{item.name}#{count}", 0, path=item.video, video=info, video_index=count, time=time)
                count += 1
        except (ImageError, OSError) as error:
            # After some frames their results are worth keeping: the break is reported as one more, bad, frame.
            if len(self._items) == 1 and count == 0:
                raise
            failure = _image_error(error, item.name)
            yield Frame(None, f"{item.name}#{count}", 0, error=failure, path=item.video, video=info, video_index=count)

    def _camera_frames(self, item: _Item) -> Iterator[Frame]:
        assert item.camera is not None
        try:
            with open_camera(item.camera) as (info, images):
                for count, (time, image) in enumerate(images):
                    yield Frame(image, f"{item.name}#{count}", 0, video=info, video_index=count, time=time)
        except ImageError as error:
            if len(self._items) == 1:
                raise
            yield Frame(None, item.name, 0, error=error)


def open_source(source: Any, *, bgr: bool = False, recursive: bool = False, read_ahead_depth: int = 8) -> Source:
    """Open anything that holds pictures.

    Args:
        source: one of these, or a list of them:
            a picture or video file; a folder (its pictures and videos in natural order: ``2.jpg`` before ``10.jpg``; hidden
            files and files of other kinds are passed over); a pattern such as ``"shots/*.jpg"`` (``**`` for all depths); an
            array (H, W, 3), or (N, H, W, 3) for a batch; a PIL picture; the bytes of a picture file; a camera as an index or
            ``"camera:0"``.
        bgr: arrays hold BGR (as OpenCV reads them) instead of RGB. Files are always read as RGB.
        recursive: look into the folders of folders too.
        read_ahead_depth: frames decoded ahead of use; 0 to decode when asked.

    Returns:
        A `Source` of `Frame`. A file that cannot be read becomes a frame with ``error`` set if it is one among several; if it
        is the only one, its ImageError is raised.

    Raises:
        FileNotFoundError: a path that does not exist (naming the nearest that does), an empty folder, a pattern without match.
        ImageError: the only file is a video that cannot be opened.
        TypeError, ValueError: something that is no picture.
    """
    items = _items(source, recursive, nested=False)
    if not items:
        raise ValueError("there is no picture in the empty list or batch that was given")
    return Source(items, bgr=bgr, read_ahead_depth=read_ahead_depth)


def _items(source: Any, recursive: bool, nested: bool) -> list[_Item]:
    if isinstance(source, (str, os.PathLike)):
        return _path_items(os.fspath(source), recursive)
    if isinstance(source, (int, np.integer)) and not isinstance(source, bool):
        return [_camera_item(int(source))]
    if isinstance(source, np.ndarray):
        if source.ndim == 4:
            return [_Item(f"image_{index}", array=image) for index, image in enumerate(source)]
        return [_Item("image_0", array=source)]
    if isinstance(source, (bytes, bytearray, memoryview)):
        return [_Item("image_0", array=source)]
    if isinstance(source, (list, tuple)):
        if source and isinstance(source[0], (int, float, np.integer)) and nested:
            raise TypeError("a list of numbers is no picture; pass a NumPy array (H, W, 3) of uint8")
        items = [item for entry in source for item in _items(entry, recursive, nested=True)]
        return [_renamed(item, index) for index, item in enumerate(items)]
    if hasattr(source, "convert") and hasattr(source, "getbands"):  # a PIL picture, recognised without importing PIL
        name = getattr(source, "filename", "") or "image_0"
        return [_Item(str(name), array=source)]
    hint = "; turn a tensor into an array (H, W, 3) of uint8 first" if hasattr(source, "detach") else ""
    raise TypeError(
        "expected a path, folder, pattern, array (H, W, 3) or (N, H, W, 3), PIL picture, bytes, camera index, or a list of "
        f"these, got {type(source).__name__}{hint}"
    )


def _path_items(text: str, recursive: bool) -> list[_Item]:
    if text.startswith("camera:"):
        number = text.removeprefix("camera:")
        if not (number.isascii() and number.isdigit()):
            raise ValueError(f"a camera is given as camera:0, camera:1 and so on, got {text!r}")
        return [_camera_item(int(number))]
    if "://" in text:
        raise ValueError(f"{text!r} is an address on the network: download it first and give the file")
    items = []
    for path in find_media(text, recursive):
        if path.suffix.lower() in VIDEO_SUFFIXES:
            items.append(_Item(str(path), video=path))
        else:
            items.append(_Item(str(path), picture=path))
    return items


def _camera_item(index: int) -> _Item:
    if not 0 <= index <= _MAX_CAMERA_INDEX:
        raise ValueError(f"a camera index lies between 0 and {_MAX_CAMERA_INDEX}, got {index}")
    return _Item(f"camera_{index}", camera=index)


def _renamed(item: _Item, index: int) -> _Item:
    """Number arrays by their place in the list; what has a name of its own keeps it."""
    return _Item(f"image_{index}", array=item.array) if item.array is not None and item.name.startswith("image_") else item


def _numbered(frame: Frame, index: int) -> Frame:
    return replace(frame, index=index)


def _image_error(error: Exception, name: str) -> ImageError:
    return error if isinstance(error, ImageError) else ImageError(f"{name}: cannot be read: {error}")


__all__ = ["IMAGE_SUFFIXES", "VIDEO_SUFFIXES", "Frame", "Source", "open_source"]
