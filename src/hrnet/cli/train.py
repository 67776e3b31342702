"""``hrnet train``: a recipe becomes a run folder with checkpoints and logs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def train(
    recipe: str,
    /,
    *,
    overrides: Annotated[list[str] | None, Parameter(name="--set", negative="")] = None,
    output: Path | None = None,
    resume: Annotated[bool, Parameter(negative="")] = False,
    dry_run: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Train a network as a YAML recipe says.

    Parameters
    ----------
    recipe
        YAML file, or the name of a recipe that comes with the package.
    overrides
        key.path=value: change one entry of the recipe (may be repeated).
    output
        Folder of the run; derived from the recipe's name when absent.
    resume
        Go on from the last checkpoint in the run's folder.
    dry_run
        Print the resolved recipe and stop.
    """
    from hrnet.training import load_recipe

    resolved = load_recipe(recipe, overrides or [])
    print(resolved.to_yaml())
    if not dry_run:
        from hrnet.training import train as run_training

        result = run_training(resolved, output=output or Path("runs") / Path(recipe).stem, resume=resume)
        print(f"weights: {result.weights}")
    return 0

