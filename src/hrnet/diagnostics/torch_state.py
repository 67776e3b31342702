"""torch and torchvision: whether they import, where a network runs, in which precision and with how many threads."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hrnet.diagnostics.probes import Outcome, Probes
from hrnet.diagnostics.report import Finding

SECONDS = 120.0  # a cold import of torch from a slow disk takes up to a minute
PAIR_SYMPTOM = "operator torchvision::nms does not exist"

# Runs in its own process. A convolution on the GPU, because a driver that is too old or a GPU too new for the build
# passes torch.cuda.is_available() and fails at the first kernel. Device and precision are decided where predictions are.
_TORCH_SCRIPT = (
    f"""
import sys
sys.path.append({str(Path(__file__).parents[2])!r})
"""
    + """
import json, torch
from hrnet.inference.acceleration import reduced_precision, resolve_device
device = resolve_device("auto")
state = {"version": torch.__version__, "cuda_build": torch.version.cuda, "threads": torch.get_num_threads(),
         "cpu": torch.backends.cpu.get_cpu_capability(), "device": device.type,
         "bf16": reduced_precision(device) == torch.bfloat16, "gpus": []}
if torch.cuda.is_available():
    for index in range(torch.cuda.device_count()):
        gpu = {"name": torch.cuda.get_device_name(index), "bytes": torch.cuda.get_device_properties(index).total_memory,
               "bf16": reduced_precision(torch.device("cuda", index)) == torch.bfloat16, "error": ""}
        try:
            torch.nn.Conv2d(3, 8, 3).to(index)(torch.ones(1, 3, 8, 8, device=index)).sum().item()
        except Exception as error:
            gpu["error"] = str(error).strip().splitlines()[0]
        state["gpus"].append(gpu)
print(json.dumps(state))
"""
)


@dataclass(frozen=True)
class TorchState:
    """What torch says about itself; ``findings`` and ``threads`` are ready to be shown."""

    findings: list[Finding] = field(default_factory=list)
    threads: int | None = None


def examine_torch(probes: Probes) -> TorchState:
    """Import torch and torchvision in processes of their own and report what will run."""
    outcome = probes.run_python(_TORCH_SCRIPT, SECONDS)
    state = _last_json(outcome)
    if state is None:
        advice = "pip install --force-reinstall torch"
        return TorchState([Finding("torch", f"cannot be imported: {_reason(outcome)}", "broken", advice)])
    findings = [
        Finding("torch", f"{state['version']} ({_build(state)})"),
        *_gpus(state),
        _device(state),
        _precision(state),
    ]
    if probes.version("torchvision"):
        findings.append(_torchvision(probes, state["version"]))
    return TorchState(findings, state["threads"])


def _build(state: dict[str, Any]) -> str:
    return f"built for CUDA {state['cuda_build']}" if state["cuda_build"] else "built without CUDA"


def _gpus(state: dict[str, Any]) -> list[Finding]:
    findings = []
    for index, gpu in enumerate(state["gpus"]):
        detail = f"{gpu['name']}, {gpu['bytes'] / 2**30:.0f} GiB, {'bf16' if gpu['bf16'] else 'no native bf16'}"
        if gpu["error"]:
            advice = "install a torch built for this GPU and driver, or run with --device cpu"
            findings.append(Finding(f"GPU {index}", f"{detail}: fails with: {gpu['error']}", "broken", advice))
        else:
            findings.append(Finding(f"GPU {index}", detail))
    return findings


def _device(state: dict[str, Any]) -> Finding:
    """Where ``--device auto`` goes."""
    if state["device"] == "cuda":
        return Finding("device", f"cuda ({state['gpus'][0]['name']})")
    if state["device"] == "mps":
        return Finding("device", "mps (Apple GPU)")
    why = "no CUDA GPU that this torch can use" if state["cuda_build"] else "this torch knows no GPU"
    return Finding("device", f"cpu: {why}")


def _precision(state: dict[str, Any]) -> Finding:
    """What the presets that may reduce the precision will compute with."""
    device = f"cpu ({state['cpu']})" if state["device"] == "cpu" else state["device"]
    if state["bf16"]:
        return Finding("precision", f"bfloat16 on {device} in the presets fast and balanced, float32 in the others")
    return Finding("precision", f"float32 in every preset: {device} has no fast bfloat16")


def _torchvision(probes: Probes, torch_version: str) -> Finding:
    """Import torchvision apart: with a torch it was not built for it fails, and takes lightning with it."""
    outcome = probes.run_python("import torchvision; print(torchvision.__version__)", SECONDS)
    version = probes.version("torchvision")
    if outcome.code == 0:
        return Finding("torchvision", f"{version}, imports")
    if outcome.code is None:
        return Finding(
            "torchvision", f"{version}, not known whether it imports: {_reason(outcome)}, the machine is busy", "warning"
        )
    if PAIR_SYMPTOM in outcome.stderr:
        detail = (
            f"{version} was built for another torch than {torch_version} ({PAIR_SYMPTOM}); training and detectors fail with it"
        )
        advice = (
            "install both from the same index in one command: pip install --force-reinstall torch torchvision"
            " (a CPU-only torch needs the CPU-only torchvision);"
            " or, for prediction with given boxes alone, pip uninstall torchvision"
        )
        return Finding("torchvision", detail, "broken", advice)
    return Finding(
        "torchvision",
        f"{version} cannot be imported: {_reason(outcome)}",
        "broken",
        "pip install --force-reinstall torch torchvision",
    )


def _last_json(outcome: Outcome) -> dict[str, Any] | None:
    """The state printed last; libraries may have printed before it."""
    lines = outcome.stdout.strip().splitlines()
    if outcome.code != 0 or not lines:
        return None
    try:
        return json.loads(lines[-1])
    except json.JSONDecodeError:
        return None


def _reason(outcome: Outcome) -> str:
    if outcome.code is None:
        return f"no answer within {SECONDS:.0f} seconds"
    lines = outcome.stderr.strip().splitlines()
    return lines[-1] if lines else f"the process ended with code {outcome.code}"
