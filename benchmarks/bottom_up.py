"""Speed of bottom-up pose: of decoding, over the number of people and the size of the maps; and of all from file to people.

    python benchmarks/bottom_up.py [--people 1 3 10 30 100] [--sizes 128 256 512] [--threads 1] [--output results.json]
    python benchmarks/bottom_up.py --only end-to-end [--model higher_hrnet_w32] [--input-size 512]

The people are drawn as maps: a Gaussian of heat per joint, and tags that are alike around each person. A twelfth of the joints
is left out, so that there is something to fill in. "full evaluation" decodes the same maps the plain way, as published: pooled
maps, the same grouping, and every pixel of the map evaluated for every person that lacks a joint; both must agree.

From file to people, the network has random weights, and what it gives would be no people but noise. So its outputs are timed
up to where they are one set of maps, and drawn maps of the same size are decoded in their place.
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

import numpy as np
import torch
import torch.nn.functional as F
from interleaved import describe_machine, markdown_table, measure
from torch import Tensor

import hrnet
from hrnet.codecs.associative_embedding import (
    AssociativeEmbeddingDecoder,
    AssociativeEmbeddingSpec,
    ScaledPass,
    TaggedMaps,
    aggregate,
    tagged_maps,
)
from hrnet.codecs.associative_embedding.candidates import TILE
from hrnet.data.images import read_image, write_image
from hrnet.geometry import warp
from hrnet.inference.bottom_up import build_bottom_up_predictor
from hrnet.models import build_model
from hrnet.weights.bottom_up_card import BottomUpCard

JOINTS = 17
TAG_DIMENSIONS = 2  # plain and mirrored
SHARE_LEFT_OUT = 1 / 12
FULL = "full evaluation"
OURS = "hrnet"


def main(arguments: Sequence[str] | None = None) -> None:
    options = _parse(arguments)
    torch.set_num_threads(options.threads)
    report: dict[str, Any] = {
        "threads": torch.get_num_threads(),
        "rounds": options.rounds,
        "machine": describe_machine(["torch", "numpy", "scipy"]) | {"hrnet": hrnet.__version__},
    }
    machine = report["machine"]
    print(f"# Bottom-up decoding\n\n{machine['processor']}, {report['threads']} CPU threads, {options.rounds} rounds")
    middle, largest = options.people[len(options.people) // 2], max(options.sizes)
    if options.only != "decoding":
        found = [_from_file_to_people(preset, options.stage_people or middle, options) for preset in ("fast", "accurate")]
        report["end_to_end"] = found
    if options.only != "end-to-end":
        _decoding(report, middle, largest, options)
    if options.output is not None:
        options.output.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
        print(f"\nwritten to {options.output}")


def _decoding(report: dict[str, Any], middle: int, largest: int, options: argparse.Namespace) -> None:
    report["stages"] = [_stages(options.stage_people or middle, size, options) for size in options.sizes]
    report["people"] = _curve([(count, largest) for count in options.people], options)
    report["sizes"] = _curve([(options.stage_people or middle, size) for size in options.sizes], options)
    report["enlarging"] = _enlarging(options.stage_people or middle, largest, options)


def draw_people(people: int, size: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Heat (1, 17, size, size) and tags (1, 17, 2, size, size) of people all over the picture."""
    random = np.random.default_rng(seed)
    side = 1.6 * size / np.sqrt(people + 4)
    corners = random.uniform(0, size - side, (people, 1, 2))
    joints = torch.from_numpy(corners + random.uniform(0, side, (people, JOINTS, 2))).float()
    shown = torch.from_numpy(random.uniform(size=(people, JOINTS)) > SHARE_LEFT_OUT)
    strength = torch.from_numpy(random.uniform(0.3, 1, (people, JOINTS))).float() * shown
    # Every person has a place of its own in the plane of tags.
    angle, radius = 2.4 * np.arange(people), 1.5 * np.sqrt(np.arange(people) + 1)
    names = torch.from_numpy(np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)).float()
    axis, sigma = torch.arange(size).float(), size / 128
    heat, tags = torch.zeros(JOINTS, size, size), torch.zeros(JOINTS, TAG_DIMENSIONS, size, size)
    for joint in range(JOINTS):
        across = (axis - joints[:, joint, :1]).square()
        down = (axis - joints[:, joint, 1:]).square()
        distance = across.unsqueeze(1) + down.unsqueeze(2)
        heat[joint] = (strength[:, joint, None, None] * torch.exp(-distance / (2 * sigma**2))).amax(0)
        tags[joint] = names[distance.argmin(0)].permute(2, 0, 1)
    noise = torch.Generator().manual_seed(seed)
    # Noise at the resolution of the network's output, smooth at that of the maps.
    coarse = [torch.randn(1, count, size // 4, size // 4, generator=noise) for count in (JOINTS, JOINTS * TAG_DIMENSIONS)]
    rough = [F.interpolate(part, (size, size), mode="bilinear")[0] for part in coarse]
    return (heat + 0.004 * rough[0])[None], (tags + 0.1 * rough[1].view_as(tags))[None]


def decode_fully(maps: TaggedMaps, spec: AssociativeEmbeddingSpec) -> np.ndarray:
    """Positions (N, 17, 2) and heat by pooling whole maps and evaluating every pixel for every absent joint."""
    decoder = AssociativeEmbeddingDecoder(spec)
    heat, tags = maps.heat.dense(), maps.tags.dense().unflatten(0, (-1, TAG_DIMENSIONS))
    pooled = F.max_pool2d(heat, spec.nms_kernel, 1, spec.nms_kernel // 2)
    torch.where(pooled == heat, heat, 0.0).flatten(1).topk(spec.max_people)
    [people] = decoder.group(maps, decoder.candidates(maps))
    pictures = np.zeros(len(people.values), int)
    adjusted = decoder.adjust(maps, people, pictures)
    person_tags = torch.from_numpy(decoder._person_tags(maps, adjusted, pictures))
    result = np.concatenate([adjusted.positions, adjusted.values[..., None]], axis=-1)
    for person, joint in zip(*np.nonzero(people.values == 0), strict=True):
        difference = tags[joint] - person_tags[person].view(-1, 1, 1)
        best = int((heat[joint] - difference.square().sum(0).sqrt().round()).argmax())
        row, column = divmod(best, maps.size[1])
        if heat[joint, row, column] > 0:
            result[person, joint] = (column, row, heat[joint, row, column])
    return result


def _from_file_to_people(preset: str, people: int, options: argparse.Namespace) -> dict[str, Any]:
    """Time one stage of prediction after the other, for one square picture."""
    torch.manual_seed(0)
    size, card = options.input_size, BottomUpCard(options.model, hrnet.keypoint_set("coco"), options.input_size)
    predictor = build_bottom_up_predictor(build_model(options.model, JOINTS).eval(), card, device="cpu", preset=preset)
    passes, decoder, spec = predictor._passes, predictor._decoder, card.decoding
    [placement] = passes.place((640, 640))
    now: dict[str, Any] = {}

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture.jpg"
        coarse = np.random.default_rng(0).integers(0, 256, (20, 20, 3), np.uint8)
        write_image(path, warp(coarse, np.array([[32.0, 0, 0], [0, 32, 0]]), (640, 640)))

        def read() -> None:
            now["image"] = read_image(path)

        def place() -> None:
            now["pixels"] = warp(now["image"], placement.matrix, placement.input_size)[None]

        def network() -> None:
            now["outputs"] = passes._run(now["pixels"])

        def put_together() -> None:
            aggregate([ScaledPass(1.0, *now["outputs"])], spec, card.flip_indices, placement.input_size)

        def parse() -> None:
            [now["people"]] = decoder.decode(now["drawn"])

        def result() -> None:
            found = now["people"]
            predictor._result(found, placement.to_picture(found.keypoints, placement.input_size), (640, 640))

        stages = {"read": read, "place": place, "network": network, "aggregate": put_together, "parse": parse, "result": result}
        for stage in (read, place, network):
            stage()
        height = now["outputs"][0].heatmaps[-1].shape[2]
        heat, tags = draw_people(people, height)
        components = 2 if predictor._passes.flip_test else 1
        now["drawn"] = tagged_maps([heat], tags[:, :, :components], spec, placement.input_size)
        parse()
        seconds = _medians(stages, options, f"{preset}, end to end")
    total = sum(seconds.values())
    rows = [[name, f"{1000 * value:.1f}", f"{100 * value / total:.1f} %"] for name, value in seconds.items()]
    beside = total - seconds["network"]
    rows.append(["all but the network", f"{1000 * beside:.1f}", f"{100 * beside / total:.1f} %"])
    precision = str(next(passes._network.parameters()).dtype).removeprefix("torch.")
    mirrored = "plain and mirrored" if passes.flip_test else "plain"
    title = f"From file to people: {options.model}, {size}x{size}, preset {preset} ({precision}, {mirrored})"
    print(f"\n## {title}\n\nDrawn maps of {people} people are parsed in place of those of random weights.\n")
    print(markdown_table(["Stage", "ms", "share"], rows), flush=True)
    return {"preset": preset, "precision": precision, "people": people, "seconds": seconds, "share_beside": beside / total}


def _stages(people: int, size: int, options: argparse.Namespace) -> dict[str, Any]:
    """Time one stage after the other, as the decoder goes through them."""
    spec = AssociativeEmbeddingSpec(max_people=max(30, people))
    decoder, maps = AssociativeEmbeddingDecoder(spec), tagged_maps(*_as_layers(draw_people(people, size)), spec)
    now: dict[str, Any] = {}

    def bound() -> None:
        now["largest"] = maps.heat.largest(TILE)

    def candidates() -> None:
        now["candidates"] = decoder.candidates(maps, now["largest"])

    def group() -> None:
        [now["people"]] = decoder.group(maps, now["candidates"])
        now["pictures"] = np.zeros(len(now["people"].values), int)

    def adjust() -> None:
        now["adjusted"] = decoder.adjust(maps, now["people"], now["pictures"])

    def fill() -> None:
        decoder.fill(maps, now["adjusted"], now["pictures"], now["largest"])

    stages = {"largest heat of tiles": bound, "candidates": candidates, "group": group, "adjust": adjust, "fill": fill}
    for stage in stages.values():  # each needs what the one before left
        stage()
    seconds = _medians(stages, options, f"{people} people, {size}x{size}")
    total = sum(seconds.values())
    rows = [[name, f"{1000 * value:.2f}", f"{100 * value / total:.0f} %"] for name, value in seconds.items()]
    rows.append(["all", f"{1000 * total:.2f}", "100 %"])
    print(f"\n## Stages, {people} people, maps of {size}x{size}\n\n{markdown_table(['Stage', 'ms', 'share'], rows)}")
    return {"people": people, "size": size, "found": len(now["people"].values), "seconds": seconds}


def _curve(points: Sequence[tuple[int, int]], options: argparse.Namespace) -> list[dict[str, Any]]:
    """Time whole decoding, and beside it the full evaluation."""
    entries = []
    for people, size in points:
        spec = AssociativeEmbeddingSpec(max_people=max(30, people))
        maps = tagged_maps(*_as_layers(draw_people(people, size)), spec)
        decoder = AssociativeEmbeddingDecoder(spec)
        candidates: dict[str, Callable[[], object]] = {OURS: lambda d=decoder, m=maps: d.decode(m)}
        if not options.skip_full:
            _require_same(decoder, maps, spec)
            candidates[FULL] = lambda m=maps, s=spec: decode_fully(m, s)
        seconds = _medians(candidates, options, f"{people} people, {size}x{size}")
        entries.append({"people": people, "size": size, "found": len(decoder.decode(maps)[0].scores), "seconds": seconds})
    rows = [
        [
            f"{entry['people']} people, {entry['size']}x{entry['size']}",
            f"{1000 * entry['seconds'][OURS]:.2f}",
            f"{1000 * entry['seconds'][FULL]:.0f}" if FULL in entry["seconds"] else "-",
            f"{entry['seconds'][FULL] / entry['seconds'][OURS]:.0f}" if FULL in entry["seconds"] else "-",
        ]
        for entry in entries
    ]
    print(f"\n## Whole decoding\n\n{markdown_table(['', 'ms', 'full evaluation, ms', 'times faster'], rows)}", flush=True)
    return entries


def _enlarging(people: int, size: int, options: argparse.Namespace) -> dict[str, Any]:
    """Time decoding at ``size`` of maps of half that, enlarged first or where they are read."""
    spec = AssociativeEmbeddingSpec(max_people=max(30, people))
    heat, tags = draw_people(people, size // 2)
    decoder = AssociativeEmbeddingDecoder(spec)

    def enlarged_first() -> None:
        large_heat = F.interpolate(heat, (size, size), mode="bilinear")
        large_tags = F.interpolate(tags.flatten(1, 2), (size, size), mode="bilinear").view(1, JOINTS, -1, size, size)
        decoder.decode(tagged_maps([large_heat], large_tags, spec))

    def where_read() -> None:
        decoder.decode(tagged_maps([heat], tags, spec, (size, size)))

    found = {"enlarged first": enlarged_first, "enlarged where read": where_read}
    seconds = _medians(found, options, "enlarging")
    rows = [[name, f"{1000 * value:.2f}"] for name, value in seconds.items()]
    title = f"Maps of {size // 2}x{size // 2} decoded at {size}x{size}, {people} people"
    print(f"\n## {title}\n\n{markdown_table(['', 'ms'], rows)}", flush=True)
    return {"people": people, "size": size, "seconds": seconds}


def _require_same(decoder: AssociativeEmbeddingDecoder, maps: TaggedMaps, spec: AssociativeEmbeddingSpec) -> None:
    [ours] = decoder.decode(maps)
    theirs = decode_fully(maps, spec)
    same = np.array_equal(ours.keypoint_scores, theirs[..., 2])
    near = np.abs(ours.keypoints - theirs[..., :2]).max(initial=0) <= 0.75  # the full one leaves filled joints at whole pixels
    if not (same and near):
        raise SystemExit("the full evaluation gives other people: do not trust these times")


def _as_layers(scene: tuple[Tensor, Tensor]) -> tuple[list[Tensor], Tensor]:
    return [scene[0]], scene[1]


def _medians(candidates: Mapping[str, Callable[[], object]], options: argparse.Namespace, label: str) -> dict[str, float]:
    with torch.inference_mode():
        timings = measure(candidates, options.rounds, options.seconds, label)
    return {name: median(values) for name, values in timings.items()}


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Speed of bottom-up decoding.")
    parser.add_argument("--people", type=int, nargs="+", default=[1, 3, 10, 30, 60, 100], help="points of the curve")
    parser.add_argument("--stage-people", type=int, default=30, help="people of the other tables (default: %(default)s)")
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=[128, 256, 512], help="sides of the maps (default: %(default)s)"
    )
    parser.add_argument("--only", choices=("decoding", "end-to-end"), help="one part of it")
    parser.add_argument("--model", default="higher_hrnet_w32", help="network end to end (default: %(default)s)")
    parser.add_argument("--input-size", type=int, default=512, help="its input's side in pixels (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads of torch (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="how often everything is timed (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=0.1, help="repeat faster calls for this long (default: %(default)s)")
    parser.add_argument("--skip-full", action="store_true", help="leave out the full evaluation, which takes seconds")
    parser.add_argument("--output", type=Path, help="write the numbers as JSON, too")
    options = parser.parse_args(arguments)
    if min(*options.people, *options.sizes, options.rounds, options.stage_people, options.threads, options.input_size) < 1:
        parser.error("people, sizes, rounds and threads must be at least 1")
    return options


if __name__ == "__main__":
    main()
