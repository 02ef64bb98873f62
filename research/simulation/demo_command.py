"""What `efterskrift demo --through` does and prints."""

from __future__ import annotations

import typer

from pipeline.cli.context import message, print_text
from pipeline.cli.export_runs import open_export_context
from pipeline.domain.errors import ExitCode
from research.simulation.demo_through import ThroughReport, drive_through


def drive_demo_through() -> None:
    """Let a scripted office take the demo to the last receipt, and print what became of it.

    Raises:
        typer.Exit: an entry is lost, or what left is not what the papers say (exit code 9).
    """
    with open_export_context() as context:
        report = drive_through(context)
    _print_table(report)
    print_text(
        "cli.demo.through.waiting",
        held=len(report.held),
        kept=len(report.kept),
        lost=len(report.lost),
        rejected=len(report.rejected),
        left=sum(report.left.values()),
    )
    typer.echo()
    for (form, error), count in sorted(report.left.items()):
        print_text("cli.demo.through.left", form=form, error=error, count=count)
    for form, field in report.different:
        print_text("cli.demo.through.different", form=form, field=field)
    if report.lost:
        typer.echo(" ".join(report.lost))
    if report.lost or report.different:
        raise typer.Exit(ExitCode.EXPORT)
    print_text("cli.demo.through.same")


def _print_table(report: ThroughReport) -> None:
    titles = [message(key) for key in ("cli.demo.through.route", "cli.demo.through.form")]
    counts = [
        message(key)
        for key in (
            "cli.demo.through.entries",
            "cli.demo.through.receipted",
            "cli.demo.through.unproven",
        )
    ]
    typer.echo(f"{titles[0]:<22}{titles[1]:<28}" + "".join(f"{title:>16}" for title in counts))
    for line in report.lines:
        numbers = (line.entries, line.receipted, line.unproven)
        typer.echo(f"{line.route:<22}{line.form:<28}" + "".join(f"{n:>16}" for n in numbers))
