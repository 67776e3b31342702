"""Average the weights of several runs of one network, each of which started from another: often better than all of them.

    python scripts/average_weights.py FILE FILE [FILE ...] OUTPUT

"Model soups" (Wortsman et al., ICML 2022). The runs have to share a part of their training, or the mean is worth nothing:
measure it. The card is that of the last file, without its metrics.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from bundle_weights import restated_card
from torch import Tensor

from hrnet.weights.files import read_state_dict
from hrnet.weights.writing import write_checkpoint


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path, help="checkpoints of the same network, two or more")
    parser.add_argument("output", type=Path)
    arguments = parser.parse_args()

    read = [read_state_dict(file) for file in arguments.files]
    texts = restated_card(read[-1][1], metrics={})
    print(write_checkpoint(arguments.output, average([state for state, _ in read]), texts))


def average(states: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """The mean of state dicts, entry by entry; counters are those of the last.

    Raises:
        ValueError: there are fewer than two, or they are not of the same network.
    """
    if len(states) < 2:
        raise ValueError("an average takes two or more checkpoints, got one")
    last = states[-1]
    for number, state in enumerate(states, start=1):
        if {name: tensor.shape for name, tensor in state.items()} != {name: tensor.shape for name, tensor in last.items()}:
            raise ValueError(f"checkpoint {number} is of another network than the last")
    return {
        name: torch.stack([state[name].double() for state in states]).mean(0).to(tensor.dtype)
        if tensor.is_floating_point()
        else tensor
        for name, tensor in last.items()
    }


if __name__ == "__main__":
    main()
