"""The package imports nothing heavy until it is used, and its public names are what they say."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import hrnet

HEAVY = {"torch", "torchvision", "cv2", "numpy", "PIL", "lightning", "pydantic"}


def modules_after(code: str) -> set[str]:
    """Top-level modules that a fresh interpreter holds after ``code``."""
    script = f"{code}\nimport sys\nprint('MODULES', *{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split()[1:])


def test_import_brings_nothing_heavy() -> None:
    assert not HEAVY & modules_after("import hrnet; hrnet.__version__; dir(hrnet)")


@pytest.mark.parametrize("tokens", [["--help"], ["predict", "pose", "--help"], ["train", "--help"], ["--version"]])
def test_help_brings_nothing_heavy(tokens: list[str]) -> None:
    assert not HEAVY & modules_after(f"from hrnet.cli import main; main({tokens!r})")


def test_run_as_module() -> None:
    done = subprocess.run([sys.executable, "-m", "hrnet", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == hrnet.__version__


@pytest.mark.parametrize("name", hrnet.__all__)
def test_public_name_resolves(name: str) -> None:
    assert getattr(hrnet, name) is getattr(hrnet, name)
    assert name in dir(hrnet)


def test_unknown_name() -> None:
    with pytest.raises(AttributeError, match="no attribute 'lod'"):
        hrnet.lod  # noqa: B018  # pyright: ignore[reportAttributeAccessIssue]


def test_lazy_names_match_those_for_type_checkers() -> None:
    """The TYPE_CHECKING block and the table used at run time are the same list."""
    assert hrnet.__file__
    tree = ast.parse(Path(hrnet.__file__).read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    declared = {
        alias.asname or alias.name: (node.module, alias.name)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert declared == hrnet._HOMES
    assert {*declared, "__version__"} == set(hrnet.__all__)
