"""`efterskrift bench`: measure speed, memory and quality of reading with the research code."""

from __future__ import annotations

import json
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from pipeline.cli.damage_bench import show_damage
from pipeline.cli.options import RESEARCH, AsJson
from pipeline.cli.quality_bench import show_quality
from pipeline.errors import MissingProgramError, UsageError
from pipeline.settings import ROOT, load_settings

if TYPE_CHECKING:
    from pipeline.benching.compare import Comparison
    from pipeline.benching.rivals import Pace

_RESEARCH = "pipeline.benching"
"""Package with the code for measurements; absent from an installed wheel."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("bench", rich_help_panel=RESEARCH)(bench)


def bench(
    files: Annotated[list[Path] | None, typer.Argument(help="Pages to read. Default: synthetic filled-in forms.", exists=True)] = None,
    processes: Annotated[int, typer.Option(min=1, help="Number of reading processes.")] = os.cpu_count() or 1,
    pages: Annotated[int, typer.Option(min=1, help="Number of pages of each kind.")] = 12,
    soak: Annotated[int, typer.Option(min=0, help="Instead: read this many pages in one process and report its memory.")] = 0,
    damage: Annotated[bool, typer.Option("--damage", help="Instead: read forms with damage of rising strength.")] = False,
    form: Annotated[str, typer.Option("--form", help="With --damage: only this form.")] = "",
    quality: Annotated[bool, typer.Option("--quality", help="Instead: accuracy and calibration of each kind of field.")] = False,
    data: Annotated[
        Path | None, typer.Option(help="With --quality: folder of the test sets (handwriting/, scans/).", exists=True, file_okay=False)
    ] = None,
    mnist: Annotated[Path | None, typer.Option(help="With --quality: folder of the MNIST idx files.", exists=True, file_okay=False)] = None,
    only: Annotated[list[str] | None, typer.Option(help="With --quality: only this measurement; repeat for more.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="With --quality: a small part of each test set.")] = False,
    sheets: Annotated[int, typer.Option("--sheets", min=1, help="With --damage: number of filled-in sheets of each form.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Measure the speed of reading, or its memory or accuracy.

    Speed is pages a second and CPU time by stage, compared with OCRmyPDF and whole-page Tesseract
    on the same pages. --soak measures memory, --damage robustness and --quality accuracy instead.
    Needs the folder `research` of a source checkout.
    """
    of_damage, of_quality = form or sheets > 1, data or mnist or only or quick
    if (of_damage and not damage) or (of_quality and not quality):
        raise UsageError("option_another_measurement")
    _require_research()
    if damage:
        show_damage(form, sheets, processes, as_json=as_json)
        return
    if quality:
        show_quality(data, mnist, only or [], quick=quick, as_json=as_json)
        return
    from pipeline.benching.pages import every_page, given_pages, made_pages
    from pipeline.template import Forms

    forms = Forms.load(*load_settings().form_folders)
    if soak:
        _soak(given_pages(files, pages) if files else list(every_page(forms)), soak, as_json=as_json)
        return
    sorts = {"given pages": given_pages(files, pages)} if files else made_pages(forms, pages)
    from pipeline.benching.compare import compare

    results = [compare(sort, some, processes) for sort, some in sorts.items()]
    if as_json:
        typer.echo(json.dumps({"processes": processes, "sorts": [result.as_dict() for result in results]}, ensure_ascii=False))
        return
    for result in results:
        _show(result, processes)


def _require_research() -> None:
    """Make the research code importable, which only a source checkout has.

    Raises:
        MissingProgramError: the installation holds the runtime only.
    """
    if (ROOT / "research").is_dir() and str(ROOT) not in sys.path:
        sys.path.append(str(ROOT))  # an editable installation finds only `pipeline` and `ui`
    if find_spec(_RESEARCH) is None:
        raise MissingProgramError("no_research")


def _show(result: Comparison, processes: int) -> None:
    outcomes = ", ".join(f"{count} {outcome}" for outcome, count in result.outcomes.items())
    table = Table("", "pages/s", "CPU ms/page", "CPU / read's", title=f"{result.sort}, {processes} processes: {outcomes}", title_justify="left")
    table.columns[1].justify = table.columns[2].justify = table.columns[3].justify = "right"
    table.add_row("read", *_cells(result.read), "1.0")
    for name, ms in sorted(result.stages.items(), key=lambda item: -item[1]):
        table.add_row(f"  {name}", "", f"{ms:.0f}", "")
    table.add_row("whole-page Tesseract", *_cells(result.tesseract), f"{result.times(result.tesseract):.1f}")
    if result.ocrmypdf:
        table.add_row("OCRmyPDF", *_cells(result.ocrmypdf), f"{result.times(result.ocrmypdf):.1f}")
    else:
        table.add_row("OCRmyPDF", "not installed", "", "")
    console = Console()
    console.print(table)
    if result.remedy:
        console.print(result.remedy, markup=False)


def _cells(pace: Pace) -> tuple[str, str]:
    return f"{pace.per_second:.2f}", f"{pace.cpu_ms:.0f}"


def _soak(pages: list[bytes], count: int, *, as_json: bool) -> None:
    from pipeline.benching.soak import soak

    def tell(done: int, mib: float) -> None:
        if not as_json:
            typer.echo(f"{done:7d} pages  {mib:7.1f} MiB")

    result = soak(pages, count, tell)
    typer.echo(json.dumps(result.as_dict()) if as_json else f"peak {result.peak_mib:.0f} MiB, {result.growth_mib:+.2f} MiB per 1,000 pages")
