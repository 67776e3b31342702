"""What the doctor found, as data and as text."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

State = Literal["ok", "missing", "warning", "broken"]

_STYLES: dict[str, str] = {"ok": "green", "missing": "dim", "warning": "yellow", "broken": "bold red"}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        subject: what, in a word or two.
        detail: what was found.
        state: ``"ok"``; ``"missing"`` for an extra nobody has to have; ``"warning"`` for what works worse than it
            could; ``"broken"`` for what needs mending before the commands work.
        advice: how to mend it; empty where nothing is to be done.
    """

    subject: str
    detail: str
    state: State = "ok"
    advice: str = ""


@dataclass(frozen=True)
class DoctorReport:
    """Findings under their headings, in the order in which they are shown."""

    sections: dict[str, list[Finding]]

    @property
    def findings(self) -> list[Finding]:
        return [finding for section in self.sections.values() for finding in section]

    @property
    def exit_code(self) -> int:
        """0 unless something that is needed is broken."""
        return int(any(finding.state == "broken" for finding in self.findings))

    def to_dict(self) -> dict[str, Any]:
        return {
            "sound": self.exit_code == 0,
            "sections": {title: [asdict(finding) for finding in section] for title, section in self.sections.items()},
        }

    def print(self, console: Any = None) -> None:
        """Show the report on a rich ``Console``; by default on standard output."""
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        console = console or Console()
        for title, section in self.sections.items():
            table = Table(box=None, show_header=False, title=title, title_justify="left", title_style="bold", pad_edge=False)
            table.add_column(min_width=24)
            table.add_column(min_width=7)
            table.add_column(overflow="fold")
            for finding in section:
                detail = Text(finding.detail)
                if finding.advice:
                    detail.append(f"\n-> {finding.advice}", style="cyan")
                table.add_row(Text(finding.subject), Text(finding.state, style=_STYLES[finding.state]), detail)
            console.print(table)
            console.print()
        broken = [finding.subject for finding in self.findings if finding.state == "broken"]
        console.print(Text(f"Broken: {', '.join(broken)}" if broken else "Everything that is needed works."))
