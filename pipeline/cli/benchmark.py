"""`efterskrift bench`: measure the speed, memory, robustness and accuracy of reading.

The measurements are research code, which only a source checkout has; see `_require_research`.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from pipeline.cli.context import AsJson, message, print_json, print_note, print_text
from pipeline.cli.work import make_progress_bar
from pipeline.domain.errors import MissingProgramError, UsageError
from pipeline.domain.form.form import Forms
from pipeline.domain.settings import ROOT, load_settings

if TYPE_CHECKING:
    from research.benchmark.compare import Comparison, Pace
    from research.evaluation.measure import EvaluationData, QualityRow

_RESEARCH = "research"
"""Package with the code for measurements; absent from an installed wheel."""
_MIN_TABLE_WIDTH = 180
"""Characters; the table of `--quality` is not folded on a narrow terminal."""


def bench(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Pages to read. Default: synthetic filled-in forms.", exists=True),
    ] = None,
    processes: Annotated[
        int, typer.Option(min=1, help="Number of reading processes.")
    ] = os.cpu_count() or 1,
    pages: Annotated[int, typer.Option(min=1, help="Number of pages of each kind.")] = 12,
    soak: Annotated[
        int,
        typer.Option(
            min=0, help="Instead: read this many pages in one process and report its memory."
        ),
    ] = 0,
    damage: Annotated[
        bool, typer.Option("--damage", help="Instead: read forms with damage of rising strength.")
    ] = False,
    form: Annotated[str, typer.Option("--form", help="With --damage: only this form.")] = "",
    quality: Annotated[
        bool,
        typer.Option("--quality", help="Instead: accuracy and calibration of each kind of field."),
    ] = False,
    data: Annotated[
        Path | None,
        typer.Option(
            help="With --quality: folder of the test sets (handwriting/, scans/).",
            exists=True,
            file_okay=False,
        ),
    ] = None,
    mnist: Annotated[
        Path | None,
        typer.Option(
            help="With --quality: folder of the MNIST idx files.", exists=True, file_okay=False
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(help="With --quality: only this measurement; repeat for more."),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="With --quality: a small part of each test set.")
    ] = False,
    sheets: Annotated[
        int,
        typer.Option(
            "--sheets", min=1, help="With --damage: number of filled-in sheets of each form."
        ),
    ] = 1,
    as_json: AsJson = False,
) -> None:
    """Measure speed, memory, robustness and accuracy of reading.

    Speed is pages a second and CPU time by stage, compared with OCRmyPDF and whole-page Tesseract
    on the same pages. --soak measures memory, --damage robustness and --quality accuracy instead.
    Needs the folder `research` of a source checkout.
    """
    from pipeline.reading.fields.handwriting.network import open_own_network

    damage_options, quality_options = form or sheets > 1, data or mnist or only or quick
    if (damage_options and not damage) or (quality_options and not quality):
        raise UsageError("option_of_other_measurement")
    _require_research()
    open_own_network()
    if damage:
        run_damage_benchmark(form, sheets, processes, as_json=as_json)
        return
    if quality:
        run_quality_benchmark(data, mnist, only or [], quick=quick, as_json=as_json)
        return
    if soak:
        _run_soak(files, pages, soak, as_json=as_json)
    else:
        _compare_speed(files, pages, processes, as_json=as_json)


def _compare_speed(files: list[Path] | None, pages: int, processes: int, *, as_json: bool) -> None:
    """Compare the speed of reading with other programs, on files or else on drawn pages."""
    from research.benchmark.compare import compare_programs
    from research.benchmark.pages import draw_pages, load_pages

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
    from research.evaluation.damage.report import format_markdown, summarize_series
    from research.evaluation.damage.series import (
        DAMAGE_SERIES,
        list_form_ids,
        plan_trials,
        run_trials,
    )

    known = list_form_ids()
    if form and form not in known:
        raise UsageError("no_form", form=form, known=", ".join(known))
    plan = plan_trials([form] if form else known, DAMAGE_SERIES, sheets)
    outcomes = []
    with make_progress_bar(message("cli.bench.damaging")) as bar:
        task = bar.add_task("", total=len(plan))
        for outcome in run_trials(plan, processes):
            outcomes.append(outcome)
            bar.advance(task)
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
    from research.evaluation.measure import EvaluationData
    from research.evaluation.report import (
        COLUMN_EXPLANATION,
        COLUMN_TITLES,
        MEASUREMENTS,
        format_by_writer,
        format_cells,
        to_json_objects,
    )

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
    from research.evaluation.report import MEASUREMENTS

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


def _require_research() -> None:
    """Make the research code importable, which only a source checkout has.

    Raises:
        MissingProgramError: only the runtime is installed.
    """
    if (ROOT / "research").is_dir() and str(ROOT) not in sys.path:
        sys.path.append(str(ROOT))  # an editable installation finds `pipeline` and `ui` only
    if find_spec(_RESEARCH) is None:
        raise MissingProgramError("no_research")


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


def _run_soak(files: list[Path] | None, pages: int, count: int, *, as_json: bool) -> None:
    """Read `count` pages in this process and report its memory as it goes."""
    from research.benchmark.pages import draw_every_page, load_pages
    from research.benchmark.soak import run_soak

    def report_memory(done: int, mib: float) -> None:
        if not as_json:
            print_text("cli.bench.memory", pages=f"{done:7d}", mib=f"{mib:7.1f}")

    images = (
        load_pages(files, pages)
        if files
        else list(draw_every_page(Forms.load(*load_settings().form_folders)))
    )
    result = run_soak(images, count, report_memory)
    if as_json:
        print_json(result.as_dict())
    else:
        print_text(
            "cli.bench.peak", peak=f"{result.peak_mib:.0f}", growth=f"{result.growth_mib:+.2f}"
        )
