"""The script that a test module is about: ``test_NAME.py`` is about ``scripts/NAME.py``."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

_SCRIPTS = str(Path(__file__).parents[2] / "scripts")


@pytest.fixture(scope="module")
def script(request: pytest.FixtureRequest) -> Iterator[ModuleType]:
    sys.path.insert(0, _SCRIPTS)
    yield importlib.import_module(request.module.__name__.rpartition(".")[2].removeprefix("test_"))
    sys.path.remove(_SCRIPTS)
