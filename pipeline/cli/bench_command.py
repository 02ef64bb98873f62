"""`efterskrift bench`: how fast is reading on this machine, and does its memory stay flat."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from pipeline.cli.damage_bench import show_damage
from pipeline.cli.quality_bench import show_quality
from pipeline.errors import UsageError

if TYPE_CHECKING:
    from pipeline.benching.compare import Comparison
    from pipeline.benching.rivals import Pace


def bench(
    files: Annotated[list[Path] | None, typer.Argument(help="Pages to read; default: forms that the program fills in itself.", exists=True)] = None,
    processes: Annotated[int, typer.Option(min=1, help="Processes that read.")] = os.cpu_count() or 1,
    pages: Annotated[int, typer.Option(min=1, help="How many pages of each sort.")] = 12,
    soak: Annotated[int, typer.Option(min=0, help="Instead: read so many pages of all forms in one process and show its memory.")] = 0,
    damage: Annotated[bool, typer.Option("--damage", help="Instead: spoil filled forms in every way at rising strength, and read them.")] = False,
    form: Annotated[str, typer.Option("--form", help="With --damage: this form only.")] = "",
    quality: Annotated[bool, typer.Option("--quality", help="Instead: one table of how well each kind of field is read.")] = False,
    data: Annotated[
        Path | None, typer.Option(help="With --quality: folder of test data (handwriting/, scans/).", exists=True, file_okay=False)
    ] = None,
    mnist: Annotated[Path | None, typer.Option(help="With --quality: folder of MNIST's idx files.", exists=True, file_okay=False)] = None,
    only: Annotated[list[str] | None, typer.Option(help="With --quality: these measurements; repeat for more.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="With --quality: a small part of each set.")] = False,
    sheets: Annotated[int, typer.Option("--sheets", min=1, help="With --damage: filled sheets of each form.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Say it as JSON.")] = False,
) -> None:
    """Pages a second and processor time a page of `read`, step by step, beside OCRmyPDF and whole-page Tesseract on the same pages."""
    of_damage, of_quality = form or sheets > 1, data or mnist or only or quick
    if (of_damage and not damage) or (of_quality and not quality):
        raise UsageError("option_another_measurement")
    if damage:
        show_damage(form, sheets, processes, as_json=as_json)
        return
    if quality:
        show_quality(data, mnist, only or [], quick=quick, as_json=as_json)
        return
    from pipeline.benching.pages import every_page, given_pages, made_pages
    from pipeline.settings import load_settings
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
