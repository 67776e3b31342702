"""The doctor on machines that are made up, and on this one with a broken torchvision put in the way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from hrnet.diagnostics import DoctorReport, Finding, Outcome, Probes, doctor
from hrnet.diagnostics.packages import requirements_by_extra

REQUIREMENTS = [
    "torch>=2.4",
    "opencv-python-headless!=4.13.*,>=4.9",
    "lightning>=2.6.6; extra == 'train'",
    "torchvision>=0.19; extra == 'train'",
    'av>=13; extra == "video"',
    "hrnet[train,video]; extra == 'all'",
]
VERSIONS = {"hrnet": "0.1.0", "torch": "2.15.0", "opencv-python-headless": "5.0", "lightning": "2.6.6", "torchvision": "0.29.2"}
TORCH = {"version": "2.15.0", "cuda_build": "13.2", "threads": 2, "cpu": "AVX512", "device": "cpu", "bf16": True, "gpus": []}
GPU = {"name": "H100", "bytes": 80 * 2**30, "bf16": True, "error": ""}
BROKEN_PAIR = Outcome(1, "", "Traceback ...\nRuntimeError: operator torchvision::nms does not exist\n")


def python(torch: Outcome | dict[str, Any], torchvision: Outcome | None = None) -> Callable[[str, float], Outcome]:
    """Answers for the two processes the doctor starts."""
    state = torch if isinstance(torch, Outcome) else Outcome(0, "a warning\n" + json.dumps(torch))

    def run(code: str, seconds: float) -> Outcome:
        return (torchvision or Outcome(0, "0.29.2")) if "torchvision" in code else state

    return run


@pytest.fixture
def sound(tmp_path: Path) -> Probes:
    """A machine where everything but the video extra is there."""
    return Probes(
        version=VERSIONS.get,
        requirements=lambda: REQUIREMENTS,
        run_python=python(TORCH),
        read_text={}.get,
        usable_cores=lambda: 2,
        physical_memory=lambda: 16 * 2**30,
        free_disk=lambda folder: 100 * 2**30,
        environ={"HRNET_CACHE": str(tmp_path)},
    )


def find(report: DoctorReport, subject: str) -> Finding:
    return next(finding for finding in report.findings if finding.subject == subject)


def test_sound_machine(sound: Probes) -> None:
    report = doctor(sound)
    assert report.exit_code == 0
    assert find(report, "[train]").state == "ok"
    assert find(report, "device").detail.startswith("cpu: no CUDA GPU")
    assert find(report, "precision").detail.startswith("bfloat16 on cpu (AVX512) in the presets fast and balanced")
    assert find(report, "network").detail == "downloads allowed"


def test_missing_extra_is_no_fault_and_says_how_to_get_it(sound: Probes) -> None:
    report = doctor(sound)
    assert report.exit_code == 0
    video = find(report, "[video]")
    assert (video.state, video.advice) == ("missing", "pip install 'hrnet[video]'")
    assert "av" in video.detail


def test_missing_core_package_is_a_fault(sound: Probes) -> None:
    versions = {name: version for name, version in VERSIONS.items() if name != "opencv-python-headless"}
    report = doctor(replace(sound, version=versions.get))
    assert report.exit_code == 1
    assert find(report, "opencv-python-headless").advice == "pip install opencv-python-headless"


def test_source_tree_that_is_not_installed(sound: Probes) -> None:
    report = doctor(replace(sound, requirements=list))
    assert find(report, "hrnet").state == "warning"
    assert report.exit_code == 0


@pytest.mark.parametrize(
    ("outcome", "text"),
    [
        (Outcome(1, "", "ImportError: libcudart.so.13: cannot open shared object file"), "libcudart"),
        (Outcome(-11), "code -11"),
        (Outcome(None), "no answer"),
        (Outcome(0, "not json"), "code 0"),
    ],
)
def test_broken_torch(outcome: Outcome, text: str, sound: Probes) -> None:
    report = doctor(replace(sound, run_python=python(outcome)))
    assert report.exit_code == 1
    assert text in find(report, "torch").detail or text in report.sections["Device and precision"][0].detail


def test_broken_pair_is_recognised_and_explained(sound: Probes) -> None:
    report = doctor(replace(sound, run_python=python(TORCH, BROKEN_PAIR)))
    finding = report.sections["Device and precision"][-1]
    assert report.exit_code == 1
    assert finding.subject == "torchvision"
    assert "another torch than 2.15.0" in finding.detail
    assert "pip install --force-reinstall torch torchvision" in finding.advice


def test_torchvision_broken_otherwise(sound: Probes) -> None:
    report = doctor(replace(sound, run_python=python(TORCH, Outcome(1, "", "ImportError: libjpeg is missing"))))
    assert "libjpeg is missing" in report.sections["Device and precision"][-1].detail


def test_torchvision_that_is_not_installed_is_not_imported(sound: Probes) -> None:
    versions = {name: version for name, version in VERSIONS.items() if name != "torchvision"}
    report = doctor(replace(sound, version=versions.get, run_python=python(TORCH, BROKEN_PAIR)))
    assert report.exit_code == 0
    assert find(report, "[train]").state == "missing"


@pytest.mark.parametrize(
    ("changes", "device"),
    [
        ({"device": "cuda", "gpus": [GPU]}, "cuda (H100)"),
        ({"device": "mps"}, "mps (Apple GPU)"),
        ({"cuda_build": None}, "cpu: this torch knows no GPU"),
    ],
)
def test_device(changes: dict[str, Any], device: str, sound: Probes) -> None:
    report = doctor(replace(sound, run_python=python(TORCH | changes)))
    assert find(report, "device").detail == device


def test_gpu_that_fails_at_the_first_kernel(sound: Probes) -> None:
    gpu = GPU | {"error": "no kernel image is available"}
    report = doctor(replace(sound, run_python=python(TORCH | {"gpus": [gpu]})))
    assert report.exit_code == 1
    assert "no kernel image is available" in find(report, "GPU 0").detail


def test_malicious_release_and_two_opencvs(sound: Probes) -> None:
    versions = VERSIONS | {"lightning": "2.6.3", "opencv-python": "5.0"}
    report = doctor(replace(sound, version=versions.get))
    assert find(report, "lightning").state == "broken"
    assert find(report, "OpenCV").state == "warning"


@pytest.mark.parametrize(
    "files",
    [
        {"/sys/fs/cgroup/cpu.max": "150000 100000\n"},
        {"/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "150000\n", "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n"},
    ],
)
def test_container_core_limit(files: dict[str, str], sound: Probes) -> None:
    report = doctor(replace(sound, read_text=files.get))
    assert "container limit 1.5" in find(report, "cores").detail
    threads = find(report, "torch threads")
    assert (threads.state, threads.advice) == ("warning", "set OMP_NUM_THREADS=1")


def test_container_memory_limit(sound: Probes) -> None:
    files = {"/sys/fs/cgroup/memory.max": f"{2**30}\n", "/proc/meminfo": "MemTotal: 9 kB\nMemAvailable: 9999999 kB\n"}
    finding = find(doctor(replace(sound, read_text=files.get)), "memory")
    assert finding.state == "warning"
    assert finding.detail == "1.0 GiB (container limit), 1.0 GiB free now"


def test_cache_and_offline(sound: Probes, tmp_path: Path) -> None:
    environ = {"XDG_CACHE_HOME": str(tmp_path), "HRNET_OFFLINE": "1"}
    report = doctor(replace(sound, environ=environ, free_disk=lambda folder: 2**20))
    cache = find(report, "weights cache")
    assert cache.state == "warning"
    assert str(tmp_path / "hrnet") in cache.detail
    assert "HRNET_OFFLINE" in find(report, "network").detail


def test_report_as_data_and_as_text(sound: Probes) -> None:
    report = doctor(replace(sound, run_python=python(TORCH, BROKEN_PAIR)))
    data = json.loads(json.dumps(report.to_dict()))
    assert data["sound"] is False
    assert set(data["sections"]) == set(report.sections)
    page = StringIO()
    report.print(Console(file=page, width=200))
    assert "Broken: torchvision" in page.getvalue()
    assert "[train]" in page.getvalue()


def test_requirement_lines() -> None:
    assert requirements_by_extra(REQUIREMENTS) == {
        "": ["torch", "opencv-python-headless"],
        "train": ["lightning", "torchvision"],
        "video": ["av"],
    }


def test_real_process_with_a_broken_torchvision(tmp_path: Path) -> None:
    """The command in a process of its own, with a torchvision that fails as one built for another torch does."""
    package = tmp_path / "torchvision"
    package.mkdir()
    (package / "__init__.py").write_text('raise RuntimeError("operator torchvision::nms does not exist")\n')
    info = tmp_path / "torchvision-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: torchvision\nVersion: 0.1.0\n")
    path = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-m", "hrnet", "doctor", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path})
    assert done.returncode == 1, done.stderr
    findings = json.loads(done.stdout)["sections"]["Device and precision"]
    torchvision = next(finding for finding in findings if finding["subject"] == "torchvision")
    assert torchvision["state"] == "broken"
    assert "0.1.0 was built for another torch" in torchvision["detail"]


def test_the_precision_is_the_one_that_predictions_use(sound: Probes) -> None:
    report = doctor(replace(sound, run_python=python(TORCH | {"bf16": False})))
    assert find(report, "precision").detail == "float32 in every preset: cpu (AVX512) has no fast bfloat16"
    acceleration = pytest.importorskip("hrnet.inference.acceleration")
    device = acceleration.resolve_device("auto")
    real = find(doctor(replace(sound, run_python=Probes().run_python, version={}.get)), "precision").detail
    assert real.startswith("float32" if acceleration.reduced_precision(device) is None else "bfloat16 on " + device.type)
