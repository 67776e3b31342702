"""The whole examination, in the order in which it is told."""

from __future__ import annotations

import platform

from hrnet.diagnostics.machine import examine_cache, examine_memory, examine_threads
from hrnet.diagnostics.packages import examine_core, examine_extras
from hrnet.diagnostics.probes import Probes
from hrnet.diagnostics.report import DoctorReport, Finding
from hrnet.diagnostics.torch_state import examine_torch


def doctor(probes: Probes | None = None) -> DoctorReport:
    """Examine the installation and the machine.

    torch and torchvision are imported in processes of their own (a few seconds), so a broken one is reported, not raised.

    Args:
        probes: how to look at the world; the real machine when None.
    """
    probes = probes or Probes()
    torch_state = examine_torch(probes)
    system = Finding("Python", f"{platform.python_version()} on {platform.platform()}")
    return DoctorReport(
        {
            "Installed": [system, *examine_core(probes)],
            "Device and precision": torch_state.findings,
            "Extras": examine_extras(probes),
            "Machine": [*examine_threads(probes, torch_state.threads), *examine_memory(probes)],
            "Weights": examine_cache(probes),
        }
    )
