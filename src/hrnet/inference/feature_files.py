"""Files of features that are written row by row, so that any number of pictures fits: NumPy's and Parquet."""

from __future__ import annotations

import os
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from hrnet.atomic_files import atomic_path, write_atomically
from hrnet.errors import MissingExtraError, nearest_name

FEATURE_SUFFIXES = (".npy", ".npz", ".parquet")


class FeatureWriter(ABC):
    """Writes (N, D) float32 features and the names of N pictures; use it as a context manager.

    The file appears whole when the block ends well, and not at all after an exception.

    Args:
        path: of the file.
        dimension: D.
        about: texts that are kept beside the numbers where the format can.
    """

    def __init__(self, path: Path, dimension: int, about: dict[str, str] | None = None) -> None:
        self.path, self.dimension, self.about = path, dimension, about or {}
        self._whole = atomic_path(path)
        self._temporary = path

    @property
    def written(self) -> list[Path]:
        """The files."""
        return [self.path]

    def __enter__(self) -> FeatureWriter:
        self._temporary = self._whole.__enter__()
        try:
            self._open()
        except BaseException as error:
            self._whole.__exit__(type(error), error, error.__traceback__)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            self._close(kind is None)
        except BaseException as failure:
            self._whole.__exit__(type(failure), failure, failure.__traceback__)
            raise
        self._whole.__exit__(kind, error, trace)

    @abstractmethod
    def write(self, features: np.ndarray, names: Sequence[str]) -> None:
        """Append (n, D) features of n pictures."""

    @abstractmethod
    def _open(self) -> None: ...

    @abstractmethod
    def _close(self, complete: bool) -> None: ...


class _NpyFile:
    """An .npy file whose number of rows is known at the end: its header has room for any."""

    def __init__(self, path: Path, dimension: int) -> None:
        self.file = open(path, "w+b")  # noqa: SIM115 (it stays open from row to row)
        self.dimension, self.rows = dimension, 0
        self._write_header()
        self.start = self.file.tell()

    def append(self, features: np.ndarray) -> None:
        self.file.write(np.ascontiguousarray(features, "<f4").tobytes())
        self.rows += len(features)

    def close(self) -> None:
        with self.file:
            self.file.seek(0)
            self._write_header()
            if self.file.tell() != self.start:
                raise RuntimeError("the header of the .npy file grew: NumPy left no room for the number of rows")

    def _write_header(self) -> None:
        header = {"descr": "<f4", "fortran_order": False, "shape": (self.rows, self.dimension)}
        np.lib.format.write_array_header_1_0(self.file, header)


class NpyWriter(FeatureWriter):
    """``features.npy``, and ``features.txt`` beside it with the names, a line each."""

    def _open(self) -> None:
        self._array, self._names = _NpyFile(self._temporary, self.dimension), list[str]()

    @property
    def written(self) -> list[Path]:
        return [self.path, self.path.with_suffix(".txt")]

    def write(self, features: np.ndarray, names: Sequence[str]) -> None:
        self._array.append(features)
        self._names += [name.replace("\n", " ") for name in names]

    def _close(self, complete: bool) -> None:
        self._array.close()
        if complete:
            write_atomically(self.path.with_suffix(".txt"), "".join(f"{name}\n" for name in self._names))


class NpzWriter(FeatureWriter):
    """An archive with ``features`` (N, D), ``names`` (N,) and the texts ``about``; a plain file grows beside it meanwhile."""

    def _open(self) -> None:
        self._rows = self._temporary.with_name(self._temporary.name + ".rows")
        self._array, self._names = _NpyFile(self._rows, self.dimension), list[str]()

    def write(self, features: np.ndarray, names: Sequence[str]) -> None:
        self._array.append(features)
        self._names += names

    def _close(self, complete: bool) -> None:
        try:
            self._array.close()
            if complete:
                with zipfile.ZipFile(self._temporary, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
                    archive.write(self._rows, "features.npy")
                    for key, text in {"names": self._names, **self.about}.items():
                        with archive.open(f"{key}.npy", "w", force_zip64=True) as entry:
                            np.lib.format.write_array(entry, np.array(text, np.str_), allow_pickle=False)
        finally:
            self._rows.unlink(missing_ok=True)


class ParquetWriter(FeatureWriter):
    """A table with the columns ``name`` (text) and ``features`` (D float32 each); ``about`` is in its metadata."""

    def _open(self) -> None:
        arrow, parquet = _pyarrow()
        self._arrow = arrow
        metadata = {f"hrnet.{key}": text for key, text in self.about.items()}
        fields = [("name", arrow.string()), ("features", arrow.list_(arrow.float32(), self.dimension))]
        self._schema = arrow.schema(fields, metadata=metadata)
        self._table = parquet.ParquetWriter(str(self._temporary), self._schema)

    def write(self, features: np.ndarray, names: Sequence[str]) -> None:
        flat = self._arrow.array(np.ascontiguousarray(features, np.float32).ravel())
        rows = self._arrow.FixedSizeListArray.from_arrays(flat, self.dimension)
        batch = self._arrow.record_batch([self._arrow.array(list(names), self._arrow.string()), rows], schema=self._schema)
        self._table.write_batch(batch)

    def _close(self, complete: bool) -> None:
        self._table.close()


_WRITERS = {".npy": NpyWriter, ".npz": NpzWriter, ".parquet": ParquetWriter}


def check_feature_file(path: str | os.PathLike[str]) -> Path:
    """The path, if features can be written there.

    Raises:
        ValueError: a suffix that is none of `FEATURE_SUFFIXES`.
        MissingExtraError: Parquet without pyarrow.
    """
    target = Path(path)
    if target.suffix not in _WRITERS:
        hint = nearest_name(target.suffix, FEATURE_SUFFIXES)
        raise ValueError(f"features are written as {', '.join(FEATURE_SUFFIXES)}, got {target.name!r}; {hint}")
    if target.suffix == ".parquet":
        _pyarrow()
    return target


def open_feature_file(path: Path, dimension: int, about: dict[str, str] | None = None) -> FeatureWriter:
    """A writer for a path that `check_feature_file` gave; missing folders are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return _WRITERS[path.suffix](path, dimension, about)


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow  # pyright: ignore[reportMissingImports]
        import pyarrow.parquet  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise MissingExtraError(
            f"Parquet files need pyarrow ({error}): pip install 'hrnet[features]', or write .npz"
        ) from error
    return pyarrow, pyarrow.parquet
