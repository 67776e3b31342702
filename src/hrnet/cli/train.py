"""``hrnet train``: a recipe becomes a run folder with checkpoints and logs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import CycloptsError, Parameter


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
        Folder of the run, runs/NAME when absent. The resolved recipe is written there as recipe.yaml.
    resume
        Go on from the last checkpoint in the run's folder; the run then ends as if it had not been interrupted.
    dry_run
        Print the resolved recipe and stop.
    """
    for override in overrides or []:
        if "=" not in override:
            raise CycloptsError(f"--set needs key.path=value, got {override!r}")
    if dry_run:
        from hrnet.training import load_recipe

        print(load_recipe(recipe, overrides or []).to_yaml(), end="")
        return 0
    from hrnet.training import train as run_training

    run_training(recipe, overrides or [], output=output, resume=resume)
    return 0
