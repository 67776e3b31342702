"""Reading MATLAB files, which some data sets are published as. Needs SciPy, imported when called."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hrnet.errors import AnnotationError


def mat_names(path: str | Path) -> list[str]:
    """Names of the variables in a .mat file; raises as `read_mat` does."""
    return sorted(name for name in _load(path) if not name.startswith("__"))


def read_mat(path: str | Path, variable: str) -> np.ndarray:
    """Read one variable of a .mat file.

    Raises:
        AnnotationError: the file is missing, broken, or has no such variable.
    """
    content = _load(path)
    if variable not in content:
        there = ", ".join(sorted(name for name in content if not name.startswith("__"))) or "nothing"
        raise AnnotationError(f"{path}: expected the variable {variable!r}, the file has: {there}")
    return content[variable]


def _load(path: str | Path) -> dict[str, np.ndarray]:
    from scipy.io import loadmat  # slow to import, and seldom needed

    path = Path(path)
    if path.is_dir():
        raise AnnotationError(f"{path}: expected a .mat file, got a folder")
    if not path.exists():
        raise AnnotationError(f"{path}: there is no such annotation file")
    try:
        return loadmat(path)
    except NotImplementedError:
        raise AnnotationError(f"{path}: MATLAB 7.3 files are not read; save it as version 7 (save -v7)") from None
    except Exception as error:  # loadmat raises whatever its parser stumbles over
        raise AnnotationError(f"{path}: not a readable MATLAB file ({type(error).__name__}: {error})") from error
