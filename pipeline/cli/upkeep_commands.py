"""`efterskrift doctor` and `efterskrift bench`: is the machine ready, and how fast is it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from pipeline.cli.damage_bench import show_damage
from pipeline.errors import ExitCode


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("doctor")(doctor)
    app.command("bench")(bench)


def doctor() -> None:
    """Say whether everything that Efterskrift needs is installed and can be reached, and what to do if not."""
    from pipeline.health import examine

    table = Table("Part", "State", "Remedy", box=None, pad_edge=False)
    findings = examine()
    for finding in findings:
        table.add_row(finding.part, finding.state, finding.remedy)
    Console().print(table)
    if any(finding.remedy for finding in findings):
        raise typer.Exit(ExitCode.MISSING_PROGRAM)


def bench(
    files: Annotated[list[Path] | None, typer.Argument(help="Pages to read; default: the sample stack.", exists=True)] = None,
    processes: Annotated[int, typer.Option(min=1)] = os.cpu_count() or 1,
    pages: Annotated[int, typer.Option(min=1, help="How many form pages to use at most.")] = 24,
    damage: Annotated[bool, typer.Option("--damage", help="Instead: spoil filled forms in every way at rising strength, and read them.")] = False,
    form: Annotated[str, typer.Option("--form", help="With --damage: this form only.")] = "",
    sheets: Annotated[int, typer.Option("--sheets", min=1, help="With --damage: filled sheets of each form.")] = 1,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Pages a second of `read`, and of whole-page Tesseract on the same pages in the same run."""
    if damage:
        return show_damage(form, sheets, processes, as_json=as_json)
    from pipeline.bench import compare

    result = compare(files, processes, pages)
    if as_json:
        typer.echo(json.dumps(result.as_dict()))
        return
    typer.echo(f"{result.pages} pages at 300 dpi, {processes} processes")
    typer.echo(f"read                  {result.read_per_second:6.2f} pages/s")
    typer.echo(f"whole-page Tesseract  {result.tesseract_per_second:6.2f} pages/s")
    typer.echo(f"ratio                 {result.ratio:6.1f}")
