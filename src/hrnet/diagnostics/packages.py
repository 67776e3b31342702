"""Packages: what is installed, which extras are complete, and combinations that are known to break."""

from __future__ import annotations

import re

from hrnet.diagnostics.probes import Probes
from hrnet.diagnostics.report import Finding

# what somebody misses without the extra
EXTRA_PURPOSES = {
    "train": "hrnet train",
    "eval": "AP in hrnet evaluate",
    "detect": "finding the people before their poses",
    "video": "writing h264 video",
    "hub": "sharing models on the Hugging Face Hub",
    "demo": "the demo's pictures",
}
MALICIOUS = {("lightning", "2.6.2"), ("lightning", "2.6.3")}
OPENCV_WHEELS = ("opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless")

_REQUIREMENT = re.compile(r"^\s*([A-Za-z0-9._-]+)(.*?)(?:;(.*))?$")
_EXTRA = re.compile(r"""extra\s*==\s*['"]([^'"]+)['"]""")


def requirements_by_extra(lines: list[str]) -> dict[str, list[str]]:
    """Package names of requirement lines by extra; the core's under ``""``. References to this package itself are left out."""
    table: dict[str, list[str]] = {}
    for line in lines:
        match = _REQUIREMENT.match(line)
        if match is None or match[1].lower() == "hrnet":
            continue
        extra = _EXTRA.search(match[3] or "")
        table.setdefault(extra[1] if extra else "", []).append(match[1])
    return table


def examine_core(probes: Probes) -> list[Finding]:
    """The packages nothing works without, and combinations known to be harmful."""
    needed = requirements_by_extra(probes.requirements()).get("", [])
    own = probes.version("hrnet")
    if not own or not needed:
        advice = "in the project's folder: pip install -e ."
        return [Finding("hrnet", "runs from a source tree that is not installed: packages are not checked", "warning", advice)]
    findings = [Finding("hrnet", own)]
    for package in needed:
        version = probes.version(package)
        if version:
            findings.append(Finding(package, version))
        else:
            findings.append(Finding(package, "not installed, and nothing works without it", "broken", f"pip install {package}"))
    return findings + _harmful(probes)


def examine_extras(probes: Probes) -> list[Finding]:
    """Each extra: complete, or what it would take."""
    table = requirements_by_extra(probes.requirements())
    findings = []
    for extra, purpose in EXTRA_PURPOSES.items():
        if extra not in table:
            continue
        versions = {package: probes.version(package) for package in table[extra]}
        absent = [package for package, version in versions.items() if version is None]
        if absent:
            detail = f"for {purpose}: without {', '.join(absent)}"
            findings.append(Finding(f"[{extra}]", detail, "missing", f"pip install 'hrnet[{extra}]'"))
        else:
            shown = ", ".join(f"{package} {version}" for package, version in versions.items())
            findings.append(Finding(f"[{extra}]", f"for {purpose}: {shown}"))
    return findings


def _harmful(probes: Probes) -> list[Finding]:
    findings = []
    for package, bad in sorted(MALICIOUS):
        if probes.version(package) == bad:
            advice = f"pip install --upgrade '{package}>=2.6.6', and change every password this machine knows"
            findings.append(Finding(package, f"{bad} was a malicious release", "broken", advice))
    wheels = [wheel for wheel in OPENCV_WHEELS if probes.version(wheel)]
    if len(wheels) > 1:
        advice = f"pip uninstall {' '.join(wheels)}; pip install opencv-python-headless"
        findings.append(Finding("OpenCV", f"{' and '.join(wheels)} overwrite each other's files", "warning", advice))
    return findings
