"""What `efterskrift bench` does: it runs the measurements and prints their results."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from pipeline.cli.context import message, print_json, print_note, print_text, show_progress
from pipeline.domain.errors import UsageError
from pipeline.domain.form.form import Forms
from pipeline.domain.settings import load_settings
from research.benchmark.compare import Comparison, Pace, compare_programs
from research.benchmark.pages import draw_every_page, draw_pages, load_pages
from research.benchmark.soak import run_soak
from research.evaluation.damage.report import format_markdown, summarize_series
from research.evaluation.damage.series import (
    DAMAGE_SERIES,
    list_form_ids,
    plan_trials,
    run_trials,
)
from research.evaluation.measure import EvaluationData, QualityRow
from research.evaluation.report import (
    COLUMN_EXPLANATION,
    COLUMN_TITLES,
    MEASUREMENTS,
    format_by_writer,
    format_cells,
    to_json_objects,
)

_MIN_TABLE_WIDTH = 180
"""Characters; the table of the accuracy is not folded on a narrow terminal."""


def compare_speed(files: list[Path] | None, pages: int, processes: int, *, as_json: bool) -> None:
    """Compare the speed of reading with other programs, on files or else on drawn pages."""
    samples = (
        {message("cli.bench.given_pages"): load_pages(files, pages)}
        if files
        else draw_pages(Forms.load(*load_settings().form_folders), pages)
    )
    results = [compare_programs(name, images, processes) for name, images in samples.items()]
    if as_json:
        print_json(
            {"processes": processes, "sorts": [result.as_dict() for result in results]},
            ensure_ascii=False,
        )
        return
    for result in results:
        _print_comparison(result, processes)


def run_damage_benchmark(form: str, sheets: int, processes: int, *, as_json: bool) -> None:
    """Read one form, or all forms if none is named, with damage of rising strength.

    Raises:
        UsageError: there is no such form.
    """
    known = list_form_ids()
    if form and form not in known:
        raise UsageError("no_form", form=form, known=", ".join(known))
    plan = plan_trials([form] if form else known, DAMAGE_SERIES, sheets)
    outcomes = []
    with show_progress(message("cli.bench.damaging"), message("cli.read.pages")) as on_page:
        for outcome in run_trials(plan, processes):
            outcomes.append(outcome)
            on_page(len(outcomes), len(plan))
    summaries = summarize_series(outcomes, DAMAGE_SERIES)
    typer.echo(
        json.dumps([summary.as_dict() for summary in summaries], ensure_ascii=False)
        if as_json
        else format_markdown(summaries)
    )


def run_quality_benchmark(
    folder: Path | None, mnist: Path | None, only: Sequence[str], *, quick: bool, as_json: bool
) -> None:
    """Measure the accuracy and calibration of each kind of field and print them.

    Test sets whose data is absent are shown as absent.

    Raises:
        UsageError: a name in `only` is none of the measurements.
    """
    if unknown := set(only) - set(MEASUREMENTS):
        raise UsageError(
            "no_measurement",
            unknown=", ".join(sorted(unknown)),
            measurements=", ".join(MEASUREMENTS),
        )
    if folder is None:
        print_note("cli.bench.no_data")
    rows = _measure_quality(EvaluationData(folder, mnist, quick), only or list(MEASUREMENTS))
    if as_json:
        print_json(to_json_objects(rows), ensure_ascii=False)
        return
    table = Table(*COLUMN_TITLES, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*format_cells(row))
    console = Console(width=max(_MIN_TABLE_WIDTH, Console().width))
    console.print(table)
    console.print(COLUMN_EXPLANATION)
    console.print(message("cli.bench.by_writer", table=format_by_writer(rows)))


def _measure_quality(data: EvaluationData, names: Sequence[str]) -> list[QualityRow]:
    """Run the measurements of these names, with a progress bar on stderr."""
    columns = (
        TextColumn(message("cli.bench.measuring", name="{task.description}")),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    rows: list[QualityRow] = []
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=len(names))
        for name in names:
            bar.update(task, description=name)
            rows += MEASUREMENTS[name](data)
            bar.advance(task)
    return rows


def _print_comparison(result: Comparison, processes: int) -> None:
    """Print the pace of reading, its stages, and the pace of the other programs."""
    outcomes = ", ".join(f"{count} {outcome}" for outcome, count in result.outcomes.items())
    table = Table(
        "",
        *(
            message(name)
            for name in ("cli.bench.column.pace", "cli.bench.column.cpu", "cli.bench.column.ratio")
        ),
        title=message("cli.bench.title", pages=result.sort, processes=processes, outcomes=outcomes),
        title_justify="left",
    )
    for column in table.columns[1:]:
        column.justify = "right"
    table.add_row("read", *_pace_cells(result.read), "1.0")
    for name, ms in sorted(result.stages.items(), key=lambda item: -item[1]):
        table.add_row(f"  {name}", "", f"{ms:.0f}", "")
    table.add_row(
        message("cli.bench.tesseract"),
        *_pace_cells(result.tesseract),
        f"{result.times(result.tesseract):.1f}",
    )
    if result.ocrmypdf:
        table.add_row(
            "OCRmyPDF", *_pace_cells(result.ocrmypdf), f"{result.times(result.ocrmypdf):.1f}"
        )
    else:
        table.add_row("OCRmyPDF", message("cli.bench.not_installed"), "", "")
    console = Console()
    console.print(table)
    if result.remedy:
        console.print(result.remedy, markup=False)


def _pace_cells(pace: Pace) -> tuple[str, str]:
    return f"{pace.per_second:.2f}", f"{pace.cpu_ms:.0f}"


def report_memory(files: list[Path] | None, pages: int, count: int, *, as_json: bool) -> None:
    """Read `count` pages in this process and report its memory as it goes."""

    def print_memory(done: int, mib: float) -> None:
        if not as_json:
            print_text("cli.bench.memory", pages=f"{done:7d}", mib=f"{mib:7.1f}")

    images = (
        load_pages(files, pages)
        if files
        else list(draw_every_page(Forms.load(*load_settings().form_folders)))
    )
    result = run_soak(images, count, print_memory)
    if as_json:
        print_json(result.as_dict())
    else:
        print_text(
            "cli.bench.peak", peak=f"{result.peak_mib:.0f}", growth=f"{result.growth_mib:+.2f}"
        )
