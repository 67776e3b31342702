"""Turn a record of published checkpoints into the zoo's data file: one entry per checkpoint file, under a name of ours.

    python scripts/make_zoo.py published_checkpoints.json

The record lists what the metafiles of mmpose 1.x and 0.29, mmsegmentation, mmdetection and timm state. Where it has no model
facts (mmpose 0.29, mmsegmentation, mmdetection, and a few configs of mmpose 1.x) the conventions follow from the config's
name; the entry then lists under ``assumed`` what was derived.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from zoo_records import mmdet, mmpose, mmseg, timm

from hrnet.cli.models import multiply_accumulates
from hrnet.models import build_model

ZOO = Path(__file__).parent.parent / "src" / "hrnet" / "weights" / "zoo" / "zoo.json"

Entry = dict[str, Any]

TOOLKITS = {"mmpose": "mmpose 1.x", "mmpose_v0": "mmpose 0.x", "mmdet": "mmdet", "mmseg": "mmseg", "timm": "timm"}
PREFERRED = list(TOOLKITS)  # whose facts and name a file listed twice gets, and whose entry gets the plain name

# What stands where a data set's name should, or the wrong one.
WRONG_DATASETS = {"# HRNet backbone": "Cityscapes"}
# The second row of this checkpoint's metafile has the score of the 384x288 model, which is not listed.
SINGLE_RESULT = {"td-hm_res101_8xb64-210e_coco-256x192"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("record", type=Path)
    arguments = parser.parse_args()
    entries = zoo_entries(json.loads(arguments.record.read_text(encoding="utf-8"))["checkpoints"])
    measure(entries, json.loads(ZOO.read_text(encoding="utf-8")) if ZOO.exists() else [])
    lines = ",\n".join(json.dumps(entry, separators=(", ", ": ")) for entry in entries)
    ZOO.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    print(f"{ZOO}: {len(entries)} entries, {ZOO.stat().st_size / 1e3:.0f} kB")


def zoo_entries(records: list[Entry]) -> list[Entry]:
    """All entries, sorted by name. Raises ValueError where two would have one name."""
    merged: dict[tuple[str, ...], Entry] = {}
    names: dict[str, Entry] = {}
    for record in sorted(records, key=lambda record: PREFERRED.index(record["source"])):
        entry = zoo_entry(record)
        key = next((k for k in identities(entry) if k in merged), None)
        if key is not None:  # the same file, listed by a second toolkit
            known = merged[key]
            known["sources"] += entry["sources"]
            known["urls"] += [url for url in entry["urls"] if url not in known["urls"]]
            continue
        if entry["name"] in names and record["source"] == "mmpose_v0":
            entry["name"] += "_v0"
        if entry["name"] in names:
            raise ValueError(f"{record['config']}: there is already an entry called {entry['name']}")
        names[entry["name"]] = entry
        merged.update(dict.fromkeys(identities(entry), entry))
    return [names[name] for name in sorted(names)]


def measure(entries: list[Entry], known: list[Entry]) -> None:
    """Count parameters and multiply-accumulates of each network at its input, or take over what was counted before."""
    keys = ("architecture", "num_outputs", "options", "input_size")
    counted = {str([entry.get(key) for key in keys]): entry for entry in known if "parameters" in entry}
    for entry in entries:
        if entry["architecture"] is None:
            continue
        key = str([entry.get(key) for key in keys])
        if key not in counted:
            print("counting", entry["name"], flush=True)
            counted[key] = {"parameters": None, "multiply_accumulates": None} | sizes(entry)
        entry["parameters"] = counted[key]["parameters"]
        if counted[key].get("multiply_accumulates"):
            entry["multiply_accumulates"] = counted[key]["multiply_accumulates"]


def sizes(entry: Entry) -> Entry:
    """Of a detector the parameters alone: how much it computes depends on what it finds."""
    with torch.device("meta"):
        network = build_model(entry["architecture"], entry["num_outputs"], **entry.get("options", {})).eval()
        parameters = sum(parameter.numel() for parameter in network.parameters())
        if "detection" in entry["task"] or "instance" in entry["task"]:
            return {"parameters": parameters}
    height, width = entry["input_size"]
    return {"parameters": parameters, "multiply_accumulates": multiply_accumulates(network, (height, width))}


def identities(entry: Entry) -> Iterator[tuple[str, ...]]:
    yield from (("url", url) for url in entry["urls"])
    if entry["sha256"]:
        yield "sha256", entry["sha256"]


def zoo_entry(record: Entry) -> Entry:
    build = {"mmpose": mmpose, "mmpose_v0": mmpose, "mmdet": mmdet, "mmseg": mmseg, "timm": timm}[record["source"]]
    results = [
        {"dataset": WRONG_DATASETS.get(row["dataset"], row["dataset"]), "task": row.get("task"), "metrics": row["metrics"]}
        for row in record["results"]
    ]
    if record["config"] in SINGLE_RESULT:
        results = results[:1]
    dataset = results[0]["dataset"] if results else None
    common = {
        "sha256": hash_in(record),
        "urls": [record["url"]],
        "sources": [[TOOLKITS[record["source"]], record["config"]]],
        "license": record.get("license"),
        "results": results,
    }
    entry = {"dataset": dataset, "training_data": dataset, **common, **build(record)}
    first = ("name", "task", "architecture", "num_outputs", "options")
    ordered = {key: entry[key] for key in first if key in entry} | entry
    return {key: value for key, value in ordered.items() if value not in (None, []) or key in ("architecture", "sha256")}


def hash_in(record: Entry) -> str | None:
    """The hash in the file's name. The record took the date for it where the date stands last (``_ac7c17bf-20221228.pth``)."""
    stated = record["sha256_prefix"]
    if stated and re.fullmatch(r"20[12]\d[01]\d[0-3]\d", stated):
        found = re.search(rf"_([0-9a-f]{{8}})-{stated}\.\w+$", record["url"])
        if not found:
            raise ValueError(f"{record['url']}: {stated} is a date, and no hash stands before it")
        return found[1]
    return stated


if __name__ == "__main__":
    main()
