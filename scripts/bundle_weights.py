"""Turn finished training runs into bundled weights: half precision, with their card, and the epochs of all steps as one CSV.

    python scripts/bundle_weights.py NAME RUN [RUN ...] --license "research use" --metric "PCK@0.2=61.3"

The weights come from the last run, or from ``--weights``; the logs of all of them, in order, become the curve.
"""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path
from typing import Any

from hrnet.atomic_files import write_atomically
from hrnet.metrics.tables import csv_text
from hrnet.weights.files import FileFacts, read_state_dict
from hrnet.weights.network_entry import NETWORK_KEY
from hrnet.weights.writing import write_checkpoint

BUNDLED = Path(__file__).parent.parent / "src" / "hrnet" / "weights" / "bundled"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", help="such as pose_hrnet_w18_small_v1.lspet_256x192")
    parser.add_argument("runs", nargs="+", type=Path, help="run folders, first step first")
    parser.add_argument("--metric", action="append", default=[], help="NAME=VALUE for the card, measured with hrnet evaluate")
    parser.add_argument("--weights", type=Path, help="other weights than those of the last run, such as an average")
    parser.add_argument("--license", required=True, help="terms of the weights, which are those of their data")
    arguments = parser.parse_args()

    state, facts = read_state_dict(arguments.weights or arguments.runs[-1] / "weights.safetensors")
    pairs = (text.rsplit("=", 1) for text in arguments.metric)
    texts = restated_card(facts, license=arguments.license, metrics={name: float(value) for name, value in pairs})
    weights = write_checkpoint(BUNDLED / f"{arguments.name}.safetensors", state, texts, half=True)
    write_atomically(BUNDLED / f"{arguments.name}.csv", joined_logs(arguments.runs))
    print(f"{weights}: {weights.stat().st_size / 1e6:.2f} MB")


def restated_card(facts: FileFacts, **fields: Any) -> dict[str, str]:
    """The texts of a file of ours with other ``fields`` in its card: of any task, the text beside the network's entry."""
    return {
        key: text if key == NETWORK_KEY else json.dumps(json.loads(text) | fields, allow_nan=False)
        for key, text in facts.metadata.items()
        if key.startswith("hrnet.")
    }


def joined_logs(runs: list[Path]) -> str:
    """The ``log.csv`` of all runs with the run's name in front of each row; empty where a run has no such column."""
    rows = []
    for run in runs:
        with (run / "log.csv").open(newline="", encoding="utf-8") as file:
            rows += [{"run": run.name, **row} for row in csv.DictReader(file)]
    header = list(dict.fromkeys(name for row in rows for name in row))
    return csv_text(header, ([row.get(name, "") for name in header] for row in rows))


if __name__ == "__main__":
    main()
