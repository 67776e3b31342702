"""What holds for every test: one thread, the same random numbers each time, and no network."""

from __future__ import annotations

import os
import random
import socket
import sys

# Before anything imports torch or OpenMP: workers share two cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ["HRNET_OFFLINE"] = os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np
import pytest
from hypothesis import settings

# A busy machine must not fail a test, and a failure must come again.
settings.register_profile("hrnet", deadline=None, derandomize=True)
settings.load_profile("hrnet")

LOOPBACK = ("127.", "::1", "localhost")


@pytest.fixture(autouse=True)
def _same_random_numbers() -> None:
    random.seed(0)
    np.random.seed(0)
    torch = sys.modules.get("torch")  # a test that does not use torch need not wait for it
    if torch is not None:
        torch.manual_seed(0)


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections leave this machine in no test; processes of one test may talk to each other."""
    connect = socket.socket.connect

    def local_only(self: socket.socket, address: object) -> None:
        if isinstance(address, tuple) and not str(address[0]).startswith(LOOPBACK):
            raise OSError(f"a test tried to reach {address[0]}")
        connect(self, address)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(socket.socket, "connect", local_only)
