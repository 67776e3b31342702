"""The machine: cores and threads, memory, and the folder downloaded weights are kept in."""

from __future__ import annotations

import os

from hrnet.cache_folder import cache_folder
from hrnet.diagnostics.probes import Probes
from hrnet.diagnostics.report import Finding

GIB = 2**30
LITTLE_DISK = 2 * GIB  # less than this does not hold the published checkpoints
LITTLE_MEMORY = 2 * GIB  # importing torch and predicting with a W48 takes about this


def core_limit(probes: Probes) -> float | None:
    """Cores a container may use by its cgroup quota (version 2, then 1), or None where there is no limit."""
    quota, period = (probes.read_text("/sys/fs/cgroup/cpu.max") or "max 0").split()[:2]
    if quota == "max":
        quota = (probes.read_text("/sys/fs/cgroup/cpu/cpu.cfs_quota_us") or "-1").strip()
        period = (probes.read_text("/sys/fs/cgroup/cpu/cpu.cfs_period_us") or "0").strip()
    return int(quota) / int(period) if int(quota) > 0 and int(period) > 0 else None


def examine_threads(probes: Probes, torch_threads: int | None) -> list[Finding]:
    """Cores against threads: more threads than cores spin and wait for each other."""
    cores, limit = probes.usable_cores(), core_limit(probes)
    shown = f"{cores} usable" + (f", container limit {limit:g}" if limit is not None else "")
    findings = [Finding("cores", shown)]
    ceiling = max(1, int(limit)) if limit is not None and limit < cores else cores
    if torch_threads is not None:
        if torch_threads > ceiling:
            advice = f"set OMP_NUM_THREADS={ceiling}"
            findings.append(Finding("torch threads", f"{torch_threads} on {ceiling} cores", "warning", advice))
        else:
            findings.append(Finding("torch threads", str(torch_threads)))
    settings = {name: value for name, value in sorted(probes.environ.items()) if name.startswith(("OMP_", "MKL_", "KMP_"))}
    findings.append(Finding("thread settings", ", ".join(f"{name}={value}" for name, value in settings.items()) or "none"))
    return findings


def examine_memory(probes: Probes) -> list[Finding]:
    """Memory this process can get: the machine's, or its container's limit."""
    total = probes.physical_memory()
    limits = [probes.read_text("/sys/fs/cgroup/memory.max"), probes.read_text("/sys/fs/cgroup/memory/memory.limit_in_bytes")]
    known = [int(text) for text in limits if text and text.strip().isdecimal()] + ([total] if total else [])
    if not known:
        return [Finding("memory", "this system does not tell")]
    usable = min(known)
    shown = f"{usable / GIB:.1f} GiB" + (" (container limit)" if total and usable < total else "")
    available = _available(probes.read_text("/proc/meminfo"))
    if available is not None:
        shown += f", {min(available, usable) / GIB:.1f} GiB free now"
        usable = min(available, usable)
    if usable < LITTLE_MEMORY:
        return [Finding("memory", shown, "warning", "use a small model and --batch-size 1")]
    return [Finding("memory", shown)]


def examine_cache(probes: Probes) -> list[Finding]:
    """Where downloaded weights go, and whether anything may be downloaded."""
    folder = cache_folder(probes.environ)
    existing = folder
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    free = probes.free_disk(folder)
    shown = f"{folder} ({free / GIB:.0f} GiB free)"
    if not os.access(existing, os.W_OK):
        finding = Finding("weights cache", f"{folder} cannot be written", "warning", "set HRNET_CACHE to a folder of yours")
    elif free < LITTLE_DISK:
        finding = Finding("weights cache", shown, "warning", "make room, or set HRNET_CACHE to another disk")
    else:
        finding = Finding("weights cache", shown)
    asked = [
        name for name in ("HRNET_OFFLINE", "HF_HUB_OFFLINE") if probes.environ.get(name, "0").lower() not in ("", "0", "false")
    ]
    network = f"off by {' and '.join(asked)}: only bundled and cached weights" if asked else "downloads allowed"
    return [finding, Finding("network", network)]


def _available(meminfo: str | None) -> int | None:
    """Bytes the kernel says a new program could have."""
    for line in (meminfo or "").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return None
