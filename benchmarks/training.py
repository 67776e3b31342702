"""Speed of a training step of segmentation, beside timm's HRNet in a plain loop, and what reading the data takes of it.

    python benchmarks/training.py [--model seg_hrnet_w18] [--size 256 256] [--batch 4] [--rounds 3] [--output results.json]

timm (``pip install 'hrnet[dev]'``) is a peer for benchmarks and parity tests only; the package itself never needs it.
How to read the tables: benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import copy
import itertools
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from interleaved import Timings, describe_machine, markdown_table, measure, summarize
from lightning.pytorch.plugins.precision import MixedPrecision, Precision
from segmentation import CITY, build_peers
from torch import Tensor, nn
from torch.utils.data import default_collate

import hrnet
from hrnet.data.datasets.segmentation import load_segmentation_dataset
from hrnet.data.segmentation_augmentation import SegmentationAugmentation
from hrnet.data.segmentation_samples import SegmentationSamples
from hrnet.inference.acceleration import resolve_device
from hrnet.tasks.segmentation import Segmentation
from hrnet.training.data_module import single_threaded_opencv
from hrnet.weights.segmentation_card import SegmentationCard

REFERENCE = "plain loop over timm, float32"
ENGINE = "hrnet, bf16-mixed"
READING = "reading"
PICTURE_SIZE = (360, 480)
PICTURES = 16
BATCHES_PER_READING = 8  # scales are drawn: a single batch says little


@dataclass(frozen=True)
class Candidate:
    """A way to train: the loss of a batch, the network behind it, and the precision that the loss is computed in."""

    loss: Callable[[dict[str, Tensor]], Tensor]
    network: nn.Module
    context: Callable[[], AbstractContextManager[Any]]


def main(arguments: Sequence[str] | None = None) -> None:
    options = _parse(arguments)
    torch.set_num_threads(options.threads or torch.get_num_threads())
    device = resolve_device(options.device)
    size = (options.size[0], options.size[1])
    report: dict[str, Any] = {
        "model": options.model,
        "size": list(size),
        "batch": options.batch,
        "optimizer": options.optimizer,
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else str(device),
        "threads": torch.get_num_threads(),
        "machine": describe_machine(["torch", "timm", "numpy", "lightning"]) | {"hrnet": hrnet.__version__},
    }
    machine = report["machine"]
    print(f"# Training: {options.model}, {options.batch} pictures of {size[0]}x{size[1]}, {options.optimizer}\n")
    print(f"{machine['processor']}, {report['threads']} threads, {options.rounds} rounds, torch {machine['versions']['torch']}")
    with tempfile.TemporaryDirectory() as folder, single_threaded_opencv():
        samples = drawn_samples(Path(folder), size)
        batch = {
            name: values.to(device) for name, values in default_collate([samples[0, i] for i in range(options.batch)]).items()
        }
        candidates = build_candidates(options.model, device)
        report["first_losses"] = _first_losses(candidates, batch)
        calls: dict[str, Callable[[], object]] = {
            name: _step(candidate, batch, options.optimizer, device) for name, candidate in candidates.items()
        }
        calls[READING] = _reading(samples, options.batch)
        clock = time.process_time if options.processor_time else time.perf_counter
        timings = measure(calls, options.rounds, options.least_seconds, "training", clock)
    reading = timings.pop(READING)
    report["steps"] = _steps(timings, options.batch)
    report["reading"] = _share_of_reading(reading, timings, options)
    if options.output is not None:
        options.output.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
        print(f"\nwritten to {options.output}")


def drawn_samples(folder: Path, size: tuple[int, int]) -> SegmentationSamples:
    """Augmented windows of ``size`` of pictures and label maps that are drawn into ``folder``, as PNG like CamVid's."""
    draws = np.random.default_rng(0)
    for part in ("images", "labels"):
        (folder / part).mkdir()
    for index in range(PICTURES):
        image = np.full((*PICTURE_SIZE, 3), 128, np.uint8)
        label = np.full(PICTURE_SIZE, CITY.ignore_label, np.uint8)
        for _ in range(40):
            center = (int(draws.integers(PICTURE_SIZE[1])), int(draws.integers(PICTURE_SIZE[0])))
            radius = int(draws.integers(10, 90))
            cv2.circle(image, center, radius, draws.integers(0, 256, 3).tolist(), -1)
            cv2.circle(label, center, radius, int(draws.integers(CITY.num_classes)), -1)
        noisy = image + draws.normal(0, 4, image.shape)  # a flat picture would be decoded too fast
        cv2.imwrite(str(folder / "images" / f"{index:02d}.png"), noisy.clip(0, 255).astype(np.uint8))
        cv2.imwrite(str(folder / "labels" / f"{index:02d}.png"), label)
    dataset = load_segmentation_dataset(folder / "images", folder / "labels", class_set=CITY)
    augmentation = SegmentationAugmentation(base_size=PICTURE_SIZE[1], scale=(0.6, 1.8), scale_step=None, color=0.4)
    return SegmentationSamples(dataset, size, augmentation)


def build_candidates(model: str, device: torch.device) -> dict[str, Candidate]:
    """Networks of the same weights: timm's in a plain loop, ours as the training engine runs them."""
    ours, theirs = build_peers(model)
    card = SegmentationCard(model, CITY)
    mixed = MixedPrecision("bf16-mixed", device.type)

    def plain(layout: torch.memory_format, precision: Precision) -> Candidate:
        network = copy.deepcopy(theirs).to(device).to(memory_format=layout).train()  # pyright: ignore[reportCallIssue]
        mean, std = (torch.tensor(values, device=device).view(1, 3, 1, 1) for values in (card.mean, card.std))

        def loss(batch: dict[str, Tensor]) -> Tensor:
            pixels = (batch["image"].permute(0, 3, 1, 2).float() / 255 - mean) / std
            label = batch["label"].long()
            logits = network(pixels.contiguous(memory_format=layout)).float()
            wide = F.interpolate(logits, size=label.shape[-2:], mode="bilinear", align_corners=card.align_corners)
            return F.cross_entropy(wide, label, ignore_index=CITY.ignore_label)

        return Candidate(loss, network, precision.train_step_context)

    def engine(precision: Precision) -> Candidate:
        network = copy.deepcopy(ours).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        task = Segmentation(network, card).to(device).train()

        def loss(batch: dict[str, Tensor]) -> Tensor:
            total = task.losses(batch)["total"]
            if not torch.isfinite(total):  # the engine looks at every loss too
                raise RuntimeError(f"the loss is {total.item()}")
            return total

        return Candidate(loss, network, precision.train_step_context)

    return {
        REFERENCE: plain(torch.contiguous_format, Precision()),
        "plain loop over timm, bf16-mixed, channels-last": plain(torch.channels_last, mixed),
        "hrnet, float32": engine(Precision()),
        ENGINE: engine(mixed),
    }


def _first_losses(candidates: dict[str, Candidate], batch: dict[str, Tensor]) -> dict[str, float]:
    """The loss of each before any step: they train the same thing."""
    losses = {}
    for name, candidate in candidates.items():
        with torch.no_grad(), candidate.context():
            losses[name] = candidate.loss(batch).item()
    rows = [[name, f"{value:.5f}"] for name, value in losses.items()]
    print(f"\n{markdown_table(['Loss before the first step', 'cross-entropy'], rows)}")
    return losses


def _step(candidate: Candidate, batch: dict[str, Tensor], optimizer: str, device: torch.device) -> Callable[[], object]:
    """Forward, loss, backward and update. The rate is small: one batch is learnt again and again."""
    parameters = list(candidate.network.parameters())
    if optimizer == "sgd":
        update: torch.optim.Optimizer = torch.optim.SGD(parameters, 1e-3, momentum=0.9, weight_decay=5e-4)
    else:
        update = torch.optim.AdamW(parameters, 1e-4, weight_decay=0.02)

    def run() -> None:
        update.zero_grad()
        with candidate.context():
            loss = candidate.loss(batch)
        loss.backward()
        update.step()
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    return run


def _reading(samples: SegmentationSamples, batch: int) -> Callable[[], object]:
    """Reads, augments and collates batches, as one worker does; every call draws anew."""
    keys = ((epoch, index) for epoch in itertools.count() for index in range(len(samples)))

    def run() -> None:
        for _ in range(BATCHES_PER_READING):
            default_collate([samples[next(keys)] for _ in range(batch)])

    return run


def _steps(timings: Timings, batch: int) -> list[dict[str, Any]]:
    entries = summarize(timings, batch, REFERENCE)
    rows = [
        [
            entry["name"],
            f"{entry['seconds']:.3f}",
            f"{entry['per_second']:.2f}",
            f"{entry['speedup']:.2f}",
            f"{entry['speedup_range'][0]:.2f} to {entry['speedup_range'][1]:.2f}",
        ]
        for entry in entries
    ]
    titles = ["Training step", "seconds", "pictures per second", f"times {REFERENCE}", "within rounds"]
    print(f"\n## Training step\n\n{markdown_table(titles, rows)}")
    return entries


def _share_of_reading(reading: list[float], timings: Timings, options: argparse.Namespace) -> dict[str, Any]:
    """Time that ``workers`` need for a batch, divided by the time of a step with it; above 1 the step waits for data."""
    batches = [seconds / BATCHES_PER_READING for seconds in reading]
    milliseconds = 1000 * median(batches) / options.batch
    entries, rows = [], []
    for name, steps in timings.items():
        shares = [one / options.workers / step for one, step in zip(batches, steps, strict=True)]
        entries.append({"name": name, "share": median(shares), "share_range": [min(shares), max(shares)]})
        rows.append([name, f"{100 * median(shares):.1f} %", f"{100 * min(shares):.1f} to {100 * max(shares):.1f} %"])
    print(f"\n## Reading, {options.workers} workers\n\n{milliseconds:.1f} ms of one worker for a sample\n")
    print(markdown_table(["Training step", "reading takes of it", "within rounds"], rows))
    return {"milliseconds_per_sample": milliseconds, "workers": options.workers, "shares": entries, "rounds": batches}


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="seg_hrnet_w18")
    parser.add_argument("--size", type=int, nargs=2, default=(256, 256), metavar=("HEIGHT", "WIDTH"))
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--optimizer", choices=("adamw", "sgd"), default="adamw")
    parser.add_argument("--workers", type=int, default=2, help="that share the reading of samples")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--processor-time", action="store_true", help="of one thread, for machines that do other work")
    parser.add_argument("--least-seconds", type=float, default=0.2)
    parser.add_argument("--output", type=Path)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
