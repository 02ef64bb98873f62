"""`efterskrift bench`: measure the speed, memory, robustness and accuracy of reading.

The measurements are research code, which only a source checkout has.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.context import (
    AsJson,
    require_research,
)
from pipeline.domain.errors import UsageError
from pipeline.reading.fields.handwriting.network import open_own_network


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
    damage_options, quality_options = form or sheets > 1, data or mnist or only or quick
    if (damage_options and not damage) or (quality_options and not quality):
        raise UsageError("option_of_other_measurement")
    require_research()
    from research.benchmark.command import (
        compare_speed,
        report_memory,
        run_damage_benchmark,
        run_quality_benchmark,
    )

    open_own_network()
    if damage:
        run_damage_benchmark(form, sheets, processes, as_json=as_json)
    elif quality:
        run_quality_benchmark(data, mnist, only or [], quick=quick, as_json=as_json)
    elif soak:
        report_memory(files, pages, soak, as_json=as_json)
    else:
        compare_speed(files, pages, processes, as_json=as_json)
