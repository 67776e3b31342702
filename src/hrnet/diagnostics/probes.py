"""How the doctor looks at the world: every question to the machine goes through here, so that tests can answer instead."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path


@dataclass(frozen=True)
class Outcome:
    """What a Python process did: its exit code (None: it ran out of time) and what it wrote."""

    code: int | None
    stdout: str = ""
    stderr: str = ""


def installed_version(package: str) -> str | None:
    """Version of an installed distribution, from its metadata: the package itself is not imported."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def own_requirements() -> list[str]:
    """The requirement lines of this package; empty where it runs from a source tree without being installed."""
    try:
        return metadata.requires("hrnet") or []
    except metadata.PackageNotFoundError:
        return []


def run_python(code: str, seconds: float) -> Outcome:
    """Run ``code`` in a fresh interpreter: a library that fails or crashes at import does no harm here."""
    try:
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, errors="replace", timeout=seconds)
    except subprocess.TimeoutExpired as error:
        partial = error.stdout or b""
        return Outcome(None, partial if isinstance(partial, str) else partial.decode(errors="replace"))
    return Outcome(done.returncode, done.stdout, done.stderr)


def read_text(path: str) -> str | None:
    """Text of a file of the system, or None where this system has no such file."""
    try:
        return Path(path).read_text()
    except OSError:
        return None


def usable_cores() -> int:
    """Cores this process may run on; a scheduler or `taskset` may allow fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def physical_memory() -> int | None:
    """Bytes of memory of the machine, where the system tells."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # Windows has no sysconf, others not every name
        return None


def free_disk(folder: Path) -> int:
    """Free bytes where ``folder`` is or would be created."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free


@dataclass(frozen=True)
class Probes:
    """The questions as a bundle; a test replaces those it wants to answer itself."""

    version: Callable[[str], str | None] = installed_version
    requirements: Callable[[], list[str]] = own_requirements
    run_python: Callable[[str, float], Outcome] = run_python
    read_text: Callable[[str], str | None] = read_text
    usable_cores: Callable[[], int] = usable_cores
    physical_memory: Callable[[], int | None] = physical_memory
    free_disk: Callable[[Path], int] = free_disk
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
