"""`efterskrift bench --quality`: accuracy and calibration of each kind of field."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from pipeline.errors import UsageError


def show_quality(folder: Path | None, mnist: Path | None, only: Sequence[str], *, quick: bool, as_json: bool) -> None:
    """Measure and print; sets whose data is not here are shown as absent.

    Raises:
        UsageError: a name in `only` is none of the measurements.
    """
    from pipeline.quality.measure import Data
    from pipeline.quality.sets import MEASUREMENTS
    from pipeline.quality.table import EXPLAINED, HEADS, as_objects, by_writer, cells

    if unknown := set(only) - set(MEASUREMENTS):
        raise UsageError("no_measurement", unknown=", ".join(sorted(unknown)), measurements=", ".join(MEASUREMENTS))
    if folder is None:
        typer.echo("No test data is given: only what the program draws itself is measured. Give its folder with --data.", err=True)
    data = Data(folder, mnist, quick)
    rows = []
    columns = (TextColumn("Measuring {task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=len(only or MEASUREMENTS))
        for name in only or MEASUREMENTS:
            bar.update(task, description=name)
            rows += MEASUREMENTS[name](data)
            bar.advance(task)
    if as_json:
        typer.echo(json.dumps(as_objects(rows), ensure_ascii=False))
        return
    table = Table(*HEADS, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*cells(row))
    console = Console(width=max(180, Console().width))
    console.print(table)
    console.print(EXPLAINED)
    console.print(f"Error of each writer, worst first:\n{by_writer(rows)}")
