"""``hrnet doctor``: what is installed, what will run where, what is missing and how to get it."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter


def doctor(*, as_json: Annotated[bool, Parameter(name="--json", negative="")] = False) -> int:
    """Say what is installed, which device and precision will run, and how to mend what is broken.

    Parameters
    ----------
    as_json
        Print the report as JSON, for a bug report or a script.
    """
    import json

    from hrnet.diagnostics import doctor as examine

    report = examine()
    if as_json:
        print(json.dumps(report.to_dict(), indent=2))
    else:
        report.print()
    return report.exit_code
