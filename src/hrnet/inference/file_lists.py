"""Find the picture and video files that a path, folder or pattern means, in natural order."""

from __future__ import annotations

import glob
import os
import re
from pathlib import Path

from hrnet.errors import nearest_name
from hrnet.inference.video_input import VIDEO_SUFFIXES

IMAGE_SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".png", ".bmp", ".webp", ".tif", ".tiff", ".gif"),
    *(".jp2", ".ppm", ".pgm", ".pbm", ".pnm", ".avif"),
)
_NAMES_SHOWN = 400  # enough neighbours to find a typing error among, without reading a folder of millions


def natural_key(path: str | os.PathLike[str]) -> tuple[tuple[int, int, str], ...]:
    """Key to sort names by with numbers in them as numbers: ``2.jpg`` before ``10.jpg``, whatever the case."""
    text = os.fspath(path)
    parts = [part for part in re.split(r"([0-9]+)", text.casefold()) if part]
    key = [(0, int(part), "") if part[0] in "0123456789" else (1, 0, part) for part in parts]
    return (*key, (-1, 0, text))  # the end comes before any going on, and tells "7" from "07"


def find_media(text: str | os.PathLike[str], recursive: bool = False) -> list[Path]:
    """Return the files meant by a path, a folder or a pattern, at least one.

    A file is returned whatever its suffix; folders and patterns are searched for pictures and videos by suffix, hidden names
    left out. ``~`` is the home folder.

    Raises:
        FileNotFoundError: nothing there; the message names what is near.
    """
    expanded = os.path.expanduser(os.fspath(text))
    if not expanded:
        raise FileNotFoundError("the path of the picture is empty")
    path = Path(expanded)
    try:
        if path.is_dir():
            return _of_folder(path, recursive)
        if path.exists():  # before patterns, for a file that is really called "a[1].jpg"
            return [path]
        if "\0" in expanded:  # some Python versions raise above, others call it a path that does not exist
            raise ValueError("it holds a zero byte")
    except (OSError, ValueError) as error:  # too long, or a zero byte in it
        raise FileNotFoundError(f"{expanded[:200]!r} is no usable path: {error}") from error
    if glob.has_magic(expanded):
        return _of_pattern(expanded)
    raise FileNotFoundError(f"{expanded} does not exist; {_nearby(path)}")


def _is_media(path: Path) -> bool:
    return path.suffix.lower() in IMAGE_SUFFIXES + VIDEO_SUFFIXES and not path.name.startswith(".") and path.is_file()


def _of_folder(folder: Path, recursive: bool) -> list[Path]:
    found = [path for path in (folder.rglob("*") if recursive else folder.iterdir()) if _is_media(path)]
    if recursive:
        found = [path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts)]
    if found:
        return sorted(found, key=natural_key)
    below = not recursive and any(_is_media(path) for path in folder.rglob("*"))
    others = len(list(folder.iterdir()))
    hint = "; its folders do: ask for recursive reading" if below else f" ({others} entries of other kinds)"
    raise FileNotFoundError(f"the folder {folder} holds no pictures or videos{hint}")


def _of_pattern(pattern: str) -> list[Path]:
    matches = [Path(match) for match in glob.glob(pattern, recursive=True)]
    found = [path for path in matches if _is_media(path)]
    if found:
        return sorted(found, key=natural_key)
    if matches:
        raise FileNotFoundError(f"{pattern!r} matches no picture or video (only {len(matches)} others, such as {matches[0]})")
    raise FileNotFoundError(f"nothing matches the pattern {pattern!r}")


def _nearby(path: Path) -> str:
    parent = path.parent
    if not parent.is_dir():
        existing = next((folder for folder in parent.parents if folder.is_dir()), Path("."))
        return f"its folder {parent} does not exist either ({existing} does)"
    names = []
    for entry in parent.iterdir():
        names.append(entry.name)
        if len(names) >= _NAMES_SHOWN:
            break
    if not names:
        return f"the folder {parent} is empty"
    sentence = nearest_name(path.name, names)
    return sentence if sentence.startswith("did you mean") else f"the folder {parent} has no file with a similar name"
