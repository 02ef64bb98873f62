"""`efterskrift read`: read pages and print their values, without a database."""

from __future__ import annotations

import json
import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from pipeline.cli.options import TAKING_IN
from pipeline.cli.page_words import in_words
from pipeline.errors import EfterskriftError, ExitCode, IntakeError, MissingProgramError, ReadingError
from pipeline.settings import load_settings

if TYPE_CHECKING:
    from pipeline.digitize import Reader
    from pipeline.model import PageReading, Reading
    from pipeline.scan import ScannedPage

_reader: Reader | None = None
"""One reader a process of the pool; see `_start`."""


@dataclass(frozen=True, slots=True)
class Registers:
    """Files of what is known apart from the pages; None where it is not given."""

    clients: Path | None = None
    staff: Path | None = None


@dataclass(frozen=True, slots=True)
class PageSaid:
    """The object of a page, and of which kind its failure is, if it failed."""

    said: dict[str, Any]
    failed_with: ExitCode | None = None


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("read", rich_help_panel=TAKING_IN)(read)


def read(
    files: Annotated[list[Path], typer.Argument(help="PDF, TIFF, JPEG or PNG.", exists=True, dir_okay=False)],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a page.")] = False,
    clients: Annotated[Path | None, typer.Option(help="Client register (CSV), used as prior knowledge.", exists=True)] = None,
    staff: Annotated[Path | None, typer.Option(help="Staff list (CSV) with initials, used as prior knowledge.", exists=True)] = None,
    processes: Annotated[int, typer.Option(min=1, help="Number of reading processes.")] = os.cpu_count() or 1,
) -> None:
    """Read pages and print their values; nothing is stored.

    With --json a failed page is reported in its own object and the exit code stays 0. Without it
    the command fails after the last page if any page did.
    """
    console = Console()
    failed: list[ExitCode] = []
    for page in read_files(files, Registers(clients, staff), processes):
        if as_json:
            typer.echo(json.dumps(page.said, ensure_ascii=False))
        else:
            _show(page.said, console)
            failed += [page.failed_with] if page.failed_with else []
    if failed:
        raise _failure(failed)


def _failure(codes: Sequence[ExitCode]) -> EfterskriftError:
    """What ends a command in which pages failed in these ways: of several, that which is to be put right first."""
    if ExitCode.MISSING_PROGRAM in codes:
        return MissingProgramError("pages_could_not_read_since", number=len(codes))
    if ExitCode.INTAKE in codes:
        return IntakeError("pages_could_not_taken_read", number=len(codes))
    return ReadingError("pages_could_not_read", number=len(codes))


def read_files(files: list[Path], registers: Registers, processes: int) -> Iterator[PageSaid]:
    """What each page says, in the order of the files, with a progress bar on stderr."""
    from pipeline.one_thread import one_thread_each
    from pipeline.scan import page_count, pages_of

    one_thread_each()
    _start(registers)  # what is wrong with a register, a form or a setting is said here: in the pool it would only end the processes
    columns = (TextColumn("Reading"), BarColumn(), MofNCompleteColumn(), TextColumn("pages"), TimeRemainingColumn())
    with (
        # Spawned, not forked: a copy of a process with threads (the progress bar's) may wait for ever for a lock that one of them held.
        ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), initializer=_start, initargs=(registers,)) as pool,
        Progress(*columns, console=Console(stderr=True), transient=True) as progress,
    ):
        task = progress.add_task("read", total=sum(page_count(path) or 1 for path in files))
        pages = ((str(path), page) for path in files for page in pages_of(path))
        # A few pages for each process at a time: a stack of hundreds stays in constant memory.
        while chunk := list(islice(pages, processes * 4)):
            for result in pool.map(_read_one, chunk):
                progress.advance(task)
                yield result


def _start(registers: Registers) -> None:
    import cv2

    from pipeline.clients import load_register
    from pipeline.digitize import Reader
    from pipeline.staff import load_staff

    cv2.setNumThreads(1)
    global _reader
    clients = load_register(registers.clients) if registers.clients else None
    staff = load_staff(registers.staff) if registers.staff else None
    _reader = Reader.of(load_settings(), clients, staff)


def _read_one(item: tuple[str, ScannedPage]) -> PageSaid:
    source, page = item
    place = {"source": source, "page": page.source_page}
    if page.data is None:
        return PageSaid(place | _failed(page.problem), ExitCode.INTAKE)
    assert _reader is not None
    try:
        return PageSaid(place | as_object(_reader.read(page.data, page.media_type).reading))
    except EfterskriftError as error:
        return PageSaid(place | _failed(error.message), error.exit_code)


def _failed(reason: str) -> dict[str, Any]:
    from pipeline.model import Outcome, PageReading

    return as_object(PageReading(Outcome.FAILED, problems=(reason,)))


def as_object(reading: PageReading) -> dict[str, Any]:
    """A page's reading with the JSON keys of the contract."""
    code = reading.code
    return {
        "outcome": str(reading.outcome),
        "form": code.form if code else None,
        "version": code.version if code else None,
        "page_no": code.page_no if code else None,
        "pages": code.pages if code else None,
        "serial": code.serial or None if code else None,
        "rotation_deg": round(reading.rotation_deg, 2) + 0.0,  # -0.0 is 0.0
        "residual_mm": None if reading.residual_mm is None else round(reading.residual_mm, 3),
        "problems": list(reading.problems),
        "fields": {name: _field(field) for name, field in reading.fields.items()},
    }


def _field(reading: Reading) -> dict[str, Any]:
    return {
        "value": reading.value,
        "p": round(reading.p, 4),
        "state": str(reading.state),
        "alternatives": [[value, round(p, 4)] for value, p in reading.alternatives],
        "reasons": list(reading.reasons),
        "box_px": list(reading.box_px) if reading.box_px else None,
    }


def _show(page: dict[str, Any], console: Console) -> None:
    form = f"{page['form']} v{page['version']}, {page['serial'] or '–'}" if page["form"] else ""
    console.print(f"[bold]{escape(page['source'])}[/] page {page['page']}: {page['outcome']} {form}", highlight=False)
    for problem in page["problems"]:
        console.print(f"  ! {in_words(problem)}", highlight=False, markup=False)
    filled = {name: field for name, field in page["fields"].items() if field["state"] != "empty"}
    width = max(map(len, chain(filled, [""])))
    for name, field in filled.items():
        said = f"({field['state']})" if field["value"] is None else str(field["value"])
        said = said.replace("\n", "\n" + " " * (width + 11))  # each line of a text below the first
        console.print(f"  {name:<{width}}  {field['p']:.3f}  {said}", highlight=False, markup=False, soft_wrap=True)
