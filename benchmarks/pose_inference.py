"""Speed of top-down pose: the network beside timm's, a whole prediction stage by stage, and the presets.

    python benchmarks/pose_inference.py [--model pose_hrnet_w32] [--batch 1 32] [--threads N] [--output results.json]

timm (``pip install 'hrnet[dev]'``) is a peer for benchmarks and parity tests only; the package itself never needs it.
How to read the tables: benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np
import torch
from interleaved import Timings, describe_machine, markdown_table, measure, summarize
from timm_peer import Peers, build_peers, candidates, compare_outputs

import hrnet
from hrnet.codecs import CodecSpec
from hrnet.data.images import read_image
from hrnet.data.keypoint_sets import keypoint_set
from hrnet.geometry import apply_affine, crop_matrix, invert_affine, region_of_box, warp
from hrnet.inference.acceleration import reduced_precision, resolve_device
from hrnet.inference.presets import PRESETS
from hrnet.inference.suppression import rescore
from hrnet.inference.top_down import PosePredictor
from hrnet.structures import PoseResult
from hrnet.weights import PoseCard, save_checkpoint

PICTURE_SIZE = (480, 640)
REFERENCE = "timm backbone, float32"
PLAIN_LOOP = "plain loop over timm, float32"


def main(arguments: Sequence[str] | None = None) -> None:
    options = _parse(arguments)
    torch.set_num_threads(options.threads or torch.get_num_threads())
    device = resolve_device(options.device)
    size = tuple(options.input_size)
    card = PoseCard(options.model, keypoint_set("coco"), CodecSpec("dark", size))
    peers = build_peers(options.model, card.num_outputs, size)
    report: dict[str, Any] = {
        "model": options.model,
        "input_size": list(size),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else str(device),
        "threads": torch.get_num_threads(),
        "rounds": options.rounds,
        "machine": describe_machine(["torch", "timm", "numpy", "opencv-python-headless"]) | {"hrnet": hrnet.__version__},
    }
    _print_head(report)
    report |= _networks(peers, device, size, options)
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = save_checkpoint(Path(folder) / "random.safetensors", peers.pose, card)
        paths, boxes = _pictures(Path(folder), max(options.batch))

        def load(preset: str, batch: int) -> PosePredictor:
            return hrnet.load(checkpoint, device=str(device), preset=preset, batch_size=batch)

        report["stages"] = [_stages(load("fast", batch), paths[:batch], boxes[:batch], options) for batch in options.batch]
        report["end_to_end"] = [
            _end_to_end(load, peers, paths[:batch], boxes[:batch], card, device, options) for batch in options.batch
        ]
        report["presets"] = [_presets(load, paths[:batch], boxes[:batch], options) for batch in options.batch]
    if options.output is not None:
        options.output.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
        print(f"\nwritten to {options.output}")


def _networks(peers: Peers, device: torch.device, size: tuple[int, int], options: argparse.Namespace) -> dict[str, Any]:
    """Time the networks alone, and compare what they give."""
    found = candidates(peers, device, reduced_precision(device))
    equality = compare_outputs(found, torch.randn(2, 3, *size).to(device))
    results: dict[str, Any] = {"equality": equality, "network": []}
    titles = ["Difference to timm float32, in standard deviations", "largest", "root mean square"]
    rows = [[str(row["name"]), f"{row['largest_difference']:.1e}", f"{row['rms_difference']:.1e}"] for row in equality]
    print(f"\n## Network\n\n{markdown_table(titles, rows)}")
    for batch in options.batch:
        x = torch.randn(batch, 3, *size).to(device)

        def run(name: str, x: torch.Tensor = x) -> Callable[[], None]:
            candidate, inputs = found[name], found[name].inputs(x)

            @torch.inference_mode()
            def once() -> None:
                candidate.network(inputs)
                _finish(device)

            return once

        entries = summarize(_measure({name: run(name) for name in found}, options, f"batch {batch}"), batch, REFERENCE)
        results["network"].append({"batch": batch, "candidates": entries})
        _print_candidates(f"Network alone, batch {batch}", entries, "timm float32")
    return results


def _stages(
    predictor: PosePredictor, paths: list[Path], boxes: list[np.ndarray], options: argparse.Namespace
) -> dict[str, Any]:
    """Time one stage after the other, as `PosePredictor` goes through them, for one batch with one person per picture."""
    task, codec, card = predictor.task, predictor.task.codec, predictor.task.card
    height, width = codec.input_size
    device = task.mean.device
    now: dict[str, Any] = {}

    def decode_pictures() -> None:
        now["images"] = [read_image(path) for path in paths]

    def crop() -> None:
        now["matrices"], crops = [], []
        for image, box in zip(now["images"], boxes, strict=True):
            center, region = region_of_box(box[0], width / height, card.padding)
            matrix = crop_matrix(center, region, (height, width), convention=codec.convention)
            now["matrices"].append(invert_affine(matrix))
            crops.append(warp(image, matrix, (height, width)))
        now["crops"] = torch.from_numpy(np.stack(crops)).to(device)

    def normalize() -> None:
        now["inputs"] = task.normalize(now["crops"])
        _finish(device)

    def network() -> None:
        now["maps"] = task.network(now["inputs"])
        _finish(device)

    def decode_heatmaps() -> None:
        now["decoded"] = [part.cpu().numpy() for part in codec.decode(now["maps"])]

    def result() -> None:
        keypoints, scores = now["decoded"]
        located = apply_affine(np.stack(now["matrices"]), keypoints)
        one = np.ones(1, np.float32)
        for image, box, points, values in zip(now["images"], boxes, located, scores, strict=True):
            person = rescore(one, values[None])
            PoseResult(points[None], values[None], box, one, person, card.keypoint_set, image.shape[:2], image=image)

    stages = {
        "decode pictures": decode_pictures,
        "crop": crop,
        "normalise": normalize,
        "network": network,
        "decode heatmaps": decode_heatmaps,
        "result": result,
    }
    with torch.inference_mode():
        for stage in stages.values():  # each needs what the one before left
            stage()
        timings = _measure(stages, options, f"stages, batch {len(paths)}")
    seconds = {name: median(values) for name, values in timings.items()}
    total = sum(seconds.values())
    rows = [[name, f"{1000 * value / len(paths):.2f}", f"{100 * value / total:.1f} %"] for name, value in seconds.items()]
    outside = 1 - seconds["network"] / total
    rows.append(["all but the network", f"{1000 * (total - seconds['network']) / len(paths):.2f}", f"{100 * outside:.1f} %"])
    titles = ["Stage", "ms per person", "share"]
    print(f"\n## Stages one after the other, batch {len(paths)}, preset fast\n\n{markdown_table(titles, rows)}")
    return {"batch": len(paths), "seconds": seconds, "share_outside_network": outside, "rounds": timings}


def _end_to_end(
    load: Callable[[str, int], PosePredictor],
    peers: Peers,
    paths: list[Path],
    boxes: list[np.ndarray],
    card: PoseCard,
    device: torch.device,
    options: argparse.Namespace,
) -> dict[str, Any]:
    """Time whole predictions from files to results, beside a loop as one would write it around timm's network."""
    height, width = card.codec.input_size
    theirs = peers.timm_pose.to(device)
    mean, deviation = (torch.tensor(values, device=device).view(3, 1, 1) for values in (card.mean, card.std))

    @torch.inference_mode()
    def plain_loop() -> None:
        inputs, matrices = [], []
        for path, box in zip(paths, boxes, strict=True):
            read = cv2.imread(str(path))
            assert read is not None
            image = np.asarray(cv2.cvtColor(read, cv2.COLOR_BGR2RGB), np.uint8)
            center, region = region_of_box(box[0], width / height, card.padding)
            matrix = crop_matrix(center, region, (height, width))
            matrices.append(invert_affine(matrix))
            pixels = torch.from_numpy(warp(image, matrix, (height, width))).to(device)
            inputs.append((pixels.permute(2, 0, 1).float() / 255 - mean) / deviation)
        maps = theirs(torch.stack(inputs))
        index = maps.flatten(2).argmax(2).cpu().numpy()
        columns = maps.shape[-1]
        apply_affine(np.stack(matrices), 4 * np.stack([index % columns, index // columns], axis=-1))

    found: dict[str, Callable[[], object]] = {PLAIN_LOOP: plain_loop}
    for name in ("fast", "accurate"):
        found[f"hrnet, preset {name}"] = _prediction(load(name, len(paths)), paths, boxes)
    entries = summarize(_measure(found, options, f"end to end, batch {len(paths)}"), len(paths), PLAIN_LOOP)
    _print_candidates(f"End to end, batch {len(paths)} (files to keypoints)", entries, "plain loop")
    return {"batch": len(paths), "candidates": entries}


def _presets(
    load: Callable[[str, int], PosePredictor], paths: list[Path], boxes: list[np.ndarray], options: argparse.Namespace
) -> dict[str, Any]:
    """Time whole predictions with each preset."""
    found = {name: _prediction(load(name, len(paths)), paths, boxes) for name in PRESETS}
    entries = summarize(_measure(found, options, f"presets, batch {len(paths)}"), len(paths), "fast")
    _print_candidates(f"Presets, end to end, batch {len(paths)}", entries, "fast")
    return {"batch": len(paths), "candidates": entries}


def _prediction(predictor: PosePredictor, paths: list[Path], boxes: list[np.ndarray]) -> Callable[[], object]:
    return lambda: predictor(list(paths), boxes)


def _pictures(folder: Path, count: int) -> tuple[list[Path], list[np.ndarray]]:
    """Draw ``count`` JPEG pictures with smooth and fine structure, one box of a person in each."""
    random = np.random.default_rng(0)
    height, width = PICTURE_SIZE
    paths, boxes = [], []
    for number in range(count):
        coarse = random.integers(0, 256, (height // 16, width // 16, 3), np.uint8)
        grain = random.normal(0, 8, (height, width, 3))
        picture = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC) + grain
        paths.append(folder / f"{number}.jpg")
        cv2.imwrite(str(paths[-1]), picture.clip(0, 255).astype(np.uint8))
        left, top = random.uniform(20, 300), random.uniform(5, 60)
        boxes.append(np.array([[left, top, left + 160, top + 400]], np.float32))
    return paths, boxes


def _measure(found: Mapping[str, Callable[[], object]], options: argparse.Namespace, label: str) -> Timings:
    return measure(found, options.rounds, options.seconds, label)


def _finish(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _print_head(report: dict[str, Any]) -> None:
    machine = report["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in {"hrnet": machine["hrnet"], **machine["versions"]}.items())
    size = "x".join(map(str, report["input_size"]))
    print(f"# Pose inference: {report['model']} at {size}\n")
    print(f"{machine['processor']}, {machine['system']}; runs on {report['device']} with {report['threads']} CPU threads")
    print(f"Python {machine['python']}, {versions}; medians of {report['rounds']} interleaved rounds")


def _print_candidates(title: str, entries: list[dict[str, Any]], reference: str) -> None:
    rows = [
        [
            entry["name"],
            f"{1000 * entry['seconds']:.1f}",
            f"{entry['per_second']:.2f}",
            f"{entry['speedup']:.2f}",
            "{:.2f} to {:.2f}".format(*entry["speedup_range"]),
        ]
        for entry in entries
    ]
    titles = ["", "ms per batch", "people / s", f"times {reference}", "over the rounds"]
    print(f"\n## {title}\n\n{markdown_table(titles, rows)}", flush=True)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Speed of top-down pose, beside timm's HRNet.")
    parser.add_argument("--model", default="pose_hrnet_w32", help="an HRNet that timm has too (default: %(default)s)")
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 32], help="people per pass (default: 1 32)")
    parser.add_argument("--input-size", type=int, nargs=2, default=[256, 192], metavar=("HEIGHT", "WIDTH"))
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:N or auto (default: %(default)s)")
    parser.add_argument("--threads", type=int, help="CPU threads of torch (default: torch's choice)")
    parser.add_argument("--rounds", type=int, default=5, help="how often everything is timed (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=0.2, help="repeat faster calls for this long (default: %(default)s)")
    parser.add_argument("--output", type=Path, help="write the numbers as JSON, too")
    options = parser.parse_args(arguments)
    if min(options.batch) < 1 or options.rounds < 1:
        parser.error("--batch and --rounds must be at least 1")
    return options


if __name__ == "__main__":
    main()
