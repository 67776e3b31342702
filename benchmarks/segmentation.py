"""Speed and memory of semantic segmentation, beside timm's HRNet with an equal head.

    python benchmarks/segmentation.py [--model seg_hrnet_w48] [--size 1024 2048] [--rounds 3] [--output results.json]
    python benchmarks/segmentation.py --memory seg_hrnet_w48 --precision float32     (one prediction, its peak memory)

timm (``pip install 'hrnet[dev]'``) is a peer for benchmarks and parity tests only; the package itself never needs it.
How to read the tables: benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import copy
import json
import re
import resource
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from interleaved import describe_machine, markdown_table, measure, summarize
from torch import Tensor, nn

import hrnet
from hrnet.data.class_sets import class_set
from hrnet.inference.acceleration import prepare_network, reduced_precision, resolve_device
from hrnet.inference.segmentation import SegmentationPredictor, build_segmentation_predictor
from hrnet.inference.segmentation_acceleration import accelerate_segmentation
from hrnet.models import build_model
from hrnet.models.seg_hrnet import SegHRNet
from hrnet.weights.segmentation_card import SegmentationCard, SegmentationTest

REFERENCE = "plain loop over timm, float32"
CITY = class_set("cityscapes")


class TimmSegmentation(nn.Module):
    """timm's body and the head of HRNetV2 as one writes it down: resize, concatenate, convolve."""

    def __init__(self, timm_name: str, head: nn.Module) -> None:
        super().__init__()
        import timm

        # Without a feature location there are the four raw branches and nothing behind them.
        self.body = timm.create_model(timm_name, features_only=True, feature_location="", pretrained=False)
        self.head = head

    def forward(self, x: Tensor) -> Tensor:
        finest, *coarse = self.body(x)[-4:]
        size = finest.shape[2:]
        wide = [F.interpolate(maps, size=size, mode="bilinear", align_corners=False) for maps in coarse]
        return self.head(torch.cat([finest, *wide], dim=1))


def main(arguments: Sequence[str] | None = None) -> None:
    options = _parse(arguments)
    torch.set_num_threads(options.threads or torch.get_num_threads())
    if options.memory:
        print(json.dumps({"peak_gb": _peak_memory(options.memory, tuple(options.size), options.precision)}))
        return
    device = resolve_device(options.device)
    size = (options.size[0], options.size[1])
    report: dict[str, Any] = {
        "model": options.model,
        "size": list(size),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else str(device),
        "threads": torch.get_num_threads(),
        "rounds": options.rounds,
        "machine": describe_machine(["torch", "timm", "numpy"]) | {"hrnet": hrnet.__version__},
    }
    machine = report["machine"]
    print(
        f"# Segmentation: {options.model}, {size[0]}x{size[1]}\n\n{machine['processor']}, {report['threads']} threads, ", end=""
    )
    print(f"{options.rounds} rounds, torch {machine['versions']['torch']}")
    ours, theirs = build_peers(options.model)
    report["equality"] = _equality(ours, theirs, device)
    report["network"] = _networks(ours, theirs, device, size, options)
    report["pictures"] = _pictures(ours, theirs, device, size, options)
    if options.measure_memory:
        report["memory"] = _memory(options, size)
    if options.output is not None:
        options.output.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
        print(f"\nwritten to {options.output}")


def build_peers(model: str) -> tuple[SegHRNet, TimmSegmentation]:
    """Our network and timm's with the same (random) weights, and statistics that fit them."""
    match = re.fullmatch(r"seg_hrnet_(w18_small)_v1|seg_hrnet_(w18_small_v2|w\d+)", model)
    if match is None:
        raise SystemExit(f"timm has no network like {model!r}; take seg_hrnet_w18, _w48, _w18_small_v1 ...")
    torch.manual_seed(0)
    ours = build_model(model, CITY.num_classes)
    assert isinstance(ours, SegHRNet)
    theirs = TimmSegmentation(f"hrnet_{match[1] or match[2]}", copy.deepcopy(ours.last_layer))
    for module in theirs.modules():
        if isinstance(module, nn.Upsample):  # inside of the body, as segmentation networks are trained
            module.mode, module.align_corners = "bilinear", False
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
            nn.init.constant_(module.weight, 0.5)  # so that rounding is magnified no more than in a trained network
    with torch.no_grad():
        theirs.train()(torch.randn(2, 3, 128, 128))
    state = dict(theirs.body.state_dict())
    missing = ours.load_state_dict(state, strict=False)
    if missing.unexpected_keys or any(not key.startswith("last_layer") for key in missing.missing_keys):
        raise RuntimeError(f"timm's weights do not fit {model}: {missing}")
    ours.last_layer.load_state_dict(theirs.head.state_dict())
    return ours.eval(), theirs.eval()


def _equality(ours: SegHRNet, theirs: TimmSegmentation, device: torch.device) -> list[dict[str, Any]]:
    """How far our logits are from timm's in float32, in standard deviations."""
    x = torch.randn(1, 3, 128, 192).to(device)
    entries = []
    with torch.inference_mode():
        expected = copy.deepcopy(theirs).to(device)(x)
        for name, reduce in (("hrnet, float32", False), ("hrnet, bfloat16", True)):
            prepared = prepare_network(ours, device, reduce, announce=lambda text: None)
            dtype = next(prepared.parameters()).dtype
            found = accelerate_segmentation(prepared)(x.to(dtype)).float()
            largest = ((found - expected).abs().max() / expected.std()).item()
            rms = ((found - expected).square().mean().sqrt() / expected.std()).item()
            entries.append({"name": name, "dtype": str(dtype), "largest_difference": largest, "rms_difference": rms})
    rows = [[row["name"], f"{row['largest_difference']:.1e}", f"{row['rms_difference']:.1e}"] for row in entries]
    titles = ["Difference to timm float32, in standard deviations", "largest", "root mean square"]
    print(f"\n{markdown_table(titles, rows)}")
    return entries


def _networks(
    ours: SegHRNet, theirs: TimmSegmentation, device: torch.device, size: tuple[int, int], options: argparse.Namespace
) -> list[dict[str, Any]]:
    """The networks alone: from a normalised picture to logits at a quarter of its size."""
    x = torch.randn(1, 3, *size).to(device)
    candidates: dict[str, Callable[[], object]] = {}

    def add(name: str, network: nn.Module, dtype: torch.dtype, layout: torch.memory_format) -> None:
        inputs = x.to(dtype).contiguous(memory_format=layout)

        @torch.inference_mode()
        def run() -> None:
            network(inputs)
            _finish(device)

        candidates[name] = run

    plain = copy.deepcopy(theirs).to(device)
    add("timm, float32", plain, torch.float32, torch.contiguous_format)
    exact = prepare_network(ours, device, reduce_precision=False)
    add("hrnet, float32, head as trained", exact, torch.float32, torch.channels_last)
    add("hrnet, float32", accelerate_segmentation(exact), torch.float32, torch.channels_last)
    reduced = reduced_precision(device)
    if reduced is not None:
        fast = prepare_network(ours, device, reduce_precision=True)
        add("hrnet, bfloat16, head as trained", fast, reduced, torch.channels_last)
        add("hrnet, bfloat16", accelerate_segmentation(fast), reduced, torch.channels_last)
    entries = summarize(measure(candidates, options.rounds, options.least_seconds, "network"), 1, "timm, float32")
    _print("Network alone", entries, "timm float32")
    return entries


def _pictures(
    ours: SegHRNet, theirs: TimmSegmentation, device: torch.device, size: tuple[int, int], options: argparse.Namespace
) -> list[dict[str, Any]]:
    """From a picture (H, W, 3) uint8 to the class of every pixel."""
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    card = SegmentationCard(options.model, CITY, test=SegmentationTest("own"))
    plain = copy.deepcopy(theirs).to(device)
    mean, std = (torch.tensor(values, device=device).view(1, 3, 1, 1) for values in (card.mean, card.std))

    @torch.inference_mode()
    def loop() -> np.ndarray:
        pixels = torch.from_numpy(image).to(device).permute(2, 0, 1)[None].float() / 255
        logits = F.interpolate(plain((pixels - mean) / std), size=size, mode="bilinear", align_corners=False)
        return logits.argmax(1)[0].cpu().numpy()

    def predictor(preset: str) -> Callable[[], object]:
        built = build_segmentation_predictor(ours, card, device=str(device), preset=preset, announce=lambda text: None)
        return lambda: built.predict_pictures([image])

    fast = accelerate_segmentation(prepare_network(ours, device, reduce_precision=True, announce=lambda text: None))
    tiled = SegmentationPredictor(fast, card, pixels_per_pass=size[0] * size[1] // 3)

    candidates: dict[str, Callable[[], object]] = {
        REFERENCE: loop,
        "hrnet, fast": predictor("fast"),
        "hrnet, published (float32)": predictor("published"),
        "hrnet, fast, in tiles": lambda: tiled.predict_pictures([image]),
    }
    if options.flip:
        candidates["hrnet, balanced (with the mirrored picture)"] = predictor("balanced")
    entries = summarize(measure(candidates, options.rounds, options.least_seconds, "pictures"), 1, REFERENCE)
    _print("From picture to classes", entries, REFERENCE)
    return entries


def _memory(options: argparse.Namespace, size: tuple[int, int]) -> dict[str, float]:
    """Peak memory of one prediction, each in a process of its own."""
    found = {}
    for precision in ("bfloat16", "float32"):
        command = [sys.executable, __file__, "--memory", options.model, "--precision", precision]
        command += ["--size", *map(str, size), "--threads", str(torch.get_num_threads())]
        answer = subprocess.run(command, capture_output=True, text=True, check=True)
        found[precision] = json.loads(answer.stdout.splitlines()[-1])["peak_gb"]
    rows = [[name, f"{value:.2f}"] for name, value in found.items()]
    print(f"\n## Peak memory of a process that predicts one picture\n\n{markdown_table(['Precision', 'GB'], rows)}")
    return found


def _peak_memory(model: str, size: tuple[int, int], precision: str) -> float:
    """Gigabytes (10^9 bytes) that this process had in memory at most, interpreter and libraries included."""
    card = SegmentationCard(model, CITY, test=SegmentationTest("own"))
    network = build_model(model, CITY.num_classes).eval()
    preset = "fast" if precision == "bfloat16" else "published"
    predictor = build_segmentation_predictor(network, card, device="cpu", preset=preset, announce=lambda text: None)
    del network
    predictor.predict_pictures([np.zeros((*size, 3), np.uint8)])
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9


def _print(title: str, entries: list[dict[str, Any]], reference: str) -> None:
    rows = [
        [
            entry["name"],
            f"{entry['seconds']:.2f}",
            f"{entry['per_second']:.3f}",
            f"{entry['speedup']:.2f}",
            f"{entry['speedup_range'][0]:.2f} to {entry['speedup_range'][1]:.2f}",
        ]
        for entry in entries
    ]
    titles = [title, "seconds", "pictures per second", f"times {reference}", "within rounds"]
    print(f"\n## {title}\n\n{markdown_table(titles, rows)}")


def _finish(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="seg_hrnet_w48")
    parser.add_argument("--size", type=int, nargs=2, default=(1024, 2048), metavar=("HEIGHT", "WIDTH"))
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--least-seconds", type=float, default=0.2)
    parser.add_argument("--flip", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--measure-memory", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--memory", metavar="MODEL", help="predict one picture and print the peak memory of the process")
    parser.add_argument("--precision", choices=("bfloat16", "float32"), default="float32")
    parser.add_argument("--output", type=Path)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
