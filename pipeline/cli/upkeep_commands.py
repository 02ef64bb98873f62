"""`efterskrift doctor`: check that everything needed is installed and reachable."""

from __future__ import annotations

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipeline.cli.options import RUNNING
from pipeline.errors import ExitCode


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor", rich_help_panel=RUNNING)(doctor)


def doctor() -> None:
    """Check that everything needed is installed and reachable."""
    from pipeline.health import examine

    table = Table("Part", "State", "Remedy", box=None, pad_edge=False)
    findings = examine()
    for finding in findings:
        table.add_row(finding.part, escape(finding.state), escape(finding.remedy))
    Console().print(table)
    if wrong := [finding for finding in findings if finding.remedy]:
        lacking = any(finding.code is ExitCode.MISSING_PROGRAM for finding in wrong)
        typer.echo(f"{'' if lacking else 'What Efterskrift needs is installed. '}Next ({wrong[0].part}): {wrong[0].remedy}")
        raise typer.Exit(ExitCode.MISSING_PROGRAM if lacking else wrong[0].code)
