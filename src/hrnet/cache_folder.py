"""Where downloaded files are kept on this platform; imports nothing heavy, because `hrnet doctor` reports it too."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path


def cache_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """``HRNET_CACHE``, else where this platform keeps caches: nothing is created."""
    named = environ.get("HRNET_CACHE")
    if named:
        return Path(named).expanduser()
    if sys.platform == "win32":
        local = environ.get("LOCALAPPDATA")
        return (Path(local) if local else Path.home() / "AppData" / "Local") / "hrnet"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "hrnet"
    return Path(environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "hrnet"
