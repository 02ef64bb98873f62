"""`efterskrift read` and `recognize`: read pages or images of single fields without a database."""

from __future__ import annotations

import json
import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import chain, count, islice
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from pipeline.cli.context import describe_issue, message, print_json, print_note, show_progress
from pipeline.domain.errors import (
    BrokenFileError,
    EfterskriftError,
    ExitCode,
    IntakeError,
    MissingProgramError,
    ReadingError,
    describe_error_location,
)
from pipeline.domain.form.field import Kind
from pipeline.domain.issues import IssueCode
from pipeline.domain.model import Outcome, PageReading, Reading
from pipeline.domain.settings import load_settings
from pipeline.files.images import ScannedPage
from pipeline.files.sandbox_pages import ForeignPages, count_all_pages
from pipeline.files.sandbox_process import SandboxProcess
from pipeline.reading.field_readers import CALIBRATED_READERS, make_field_image
from pipeline.reading.fields.field_image import FieldImage
from pipeline.reading.fields.handwriting.network import open_own_network
from pipeline.reading.imaging.process_resources import limit_threads
from pipeline.reading.read_page import PageReader
from pipeline.reading.single_fields import decode_grayscale, read_image_files
from pipeline.registers.clients import load_client_register
from pipeline.registers.staff import load_staff

_reader: PageReader | None = None
"""The reader of this process, of the pool too; set by `_start_reader`."""
BATCH_SIZE = 64
"""Number of field images that are held in memory and read together."""
_PAGE_ATTEMPTS = 3
"""How often a page is read before it counts as what kills its process; the first may be shared."""
_CHUNK_PER_PROCESS = 4
"""Number of pages for each process at a time, so that a stack of hundreds needs constant memory."""


@dataclass(frozen=True, slots=True)
class RegisterFiles:
    """Files of the client register and the staff list, used as prior; None where not given."""

    clients: Path | None = None
    staff: Path | None = None


@dataclass(frozen=True, slots=True)
class PageOutput:
    """The JSON object of a page, and the exit code of its failure, if it failed."""

    page_object: dict[str, Any]
    exit_code: ExitCode | None = None


def read(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="PDF or pictures: TIFF, JPEG, PNG, HEIC and others.", exists=True, dir_okay=False
        ),
    ],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object per page.")
    ] = False,
    clients: Annotated[
        Path | None,
        typer.Option(help="Client register (CSV or xlsx), used as prior knowledge.", exists=True),
    ] = None,
    staff: Annotated[
        Path | None,
        typer.Option(
            help="Staff list (CSV or xlsx) with initials, used as prior knowledge.", exists=True
        ),
    ] = None,
    processes: Annotated[
        int, typer.Option(min=1, help="Number of reading processes.")
    ] = os.cpu_count() or 1,
) -> None:
    """Read pages and print their values; nothing is stored.

    With --json a failed page is reported in its own object and the exit code stays 0. Without it
    the command fails after the last page if any page did.
    """
    console = Console()
    failed: list[ExitCode] = []
    for page in read_files(files, RegisterFiles(clients, staff), processes):
        if as_json:
            print_json(page.page_object, ensure_ascii=False)
        else:
            _print_page(page.page_object, console)
            failed += [page.exit_code] if page.exit_code else []
    if failed:
        raise _most_urgent_error(failed)


def _most_urgent_error(codes: Sequence[ExitCode]) -> EfterskriftError:
    """Return the error that ends the command: of several, the one that is to be corrected first."""
    if ExitCode.MISSING_PROGRAM in codes:
        return MissingProgramError("pages_unread_as_programs_missing", number=len(codes))
    if ExitCode.INTAKE in codes:
        return IntakeError("pages_not_imported", number=len(codes))
    return ReadingError("pages_unreadable", number=len(codes))


def read_files(files: list[Path], registers: RegisterFiles, processes: int) -> Iterator[PageOutput]:
    """Read the pages in the order of the files, with a progress bar on stderr."""
    limit_threads()
    # An error in a register, a form or a setting is raised here; in the pool it would only end
    # the processes.
    _start_reader(registers)
    title, noun = message("cli.read.progress"), message("cli.read.pages")
    with (
        ReadingPool(registers, processes) as pool,
        SandboxProcess() as process,
        show_progress(title, noun, is_transient=True) as on_page,
    ):
        total, done = count_all_pages(process, files), count(1)
        pages = (page for path in files for page in _iter_pages(process, path))
        while chunk := list(islice(pages, processes * _CHUNK_PER_PROCESS)):
            for result in pool.read(chunk):
                on_page(next(done), total)
                yield result


def _iter_pages(
    process: SandboxProcess, path: Path
) -> Iterator[tuple[str, ScannedPage] | PageOutput]:
    """Yield the pages of a file; whatever error there is with one, it is the output of the page."""
    number, last = 1, 1
    pages: ForeignPages | None = None
    while number <= last:
        try:
            pages = pages or ForeignPages(process, path)
            last = pages.page_count
            yield str(path), pages.read(number)
        except EfterskriftError as error:
            yield _failed_output(str(path), number, error.message, error.exit_code)
        except Exception as error:  # a bad page must not stop the others
            reason = f"{IssueCode.NOT_READ}: {describe_error_location(error)}"
            yield _failed_output(str(path), number, reason, ExitCode.INTAKE)
        number += 1


class ReadingPool:
    """Processes that read pages. A page that kills its process twice is a failed page.

    They are spawned, not forked: the copy of a process with threads (the progress bar's) may wait
    for ever for a lock that one of them held.
    """

    def __init__(self, registers: RegisterFiles, processes: int) -> None:
        self._registers, self._processes = registers, processes
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> ReadingPool:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def read(self, pages: Sequence[tuple[str, ScannedPage] | PageOutput]) -> Iterator[PageOutput]:
        """Yield the output of each page, in order; that of a page may be known already."""
        futures = [None if isinstance(page, PageOutput) else self._submit(page) for page in pages]
        for page, future in zip(pages, futures, strict=True):
            if isinstance(page, PageOutput) or future is None:
                assert isinstance(page, PageOutput)
                yield page
            else:
                yield self._result(page, future)

    def _submit(self, page: tuple[str, ScannedPage]) -> Future[PageOutput]:
        if self._pool is None:
            self._pool = ProcessPoolExecutor(
                self._processes,
                multiprocessing.get_context("spawn"),
                initializer=_start_reader,
                initargs=(self._registers,),
            )
        try:
            return self._pool.submit(_read_page, page)
        except BrokenProcessPool as error:
            broken: Future[PageOutput] = Future()
            broken.set_exception(error)
            return broken

    def _result(self, page: tuple[str, ScannedPage], future: Future[PageOutput]) -> PageOutput:
        """Return a page's output. Where a process was killed, each page is read again by itself.

        A pool does not say which of its pages killed it.
        """
        for _ in range(_PAGE_ATTEMPTS):
            try:
                return future.result()
            except BrokenProcessPool:
                self._pool = None
                future = self._submit(page)
        self._pool = None
        reason = f"{IssueCode.READER_DIED}: {_PAGE_ATTEMPTS - 1}"
        return _failed_output(page[0], page[1].source_page, reason, ExitCode.READING)


def _start_reader(registers: RegisterFiles) -> None:
    """Load what this process reads pages with."""
    import cv2

    cv2.setNumThreads(1)
    open_own_network()
    global _reader
    clients = load_client_register(registers.clients) if registers.clients else None
    staff = load_staff(registers.staff) if registers.staff else None
    _reader = PageReader.of(load_settings(), clients, staff)


def _read_page(item: tuple[str, ScannedPage]) -> PageOutput:
    source, page = item
    if page.data is None:
        return _failed_output(source, page.source_page, page.problem, ExitCode.INTAKE)
    assert _reader is not None
    try:
        reading = _reader.read(page.data, page.media_type).reading
    except EfterskriftError as error:
        return _failed_output(source, page.source_page, error.message, error.exit_code)
    except Exception as error:  # a page must not stop the others, whatever its error is
        reason = f"{IssueCode.NOT_READ}: {describe_error_location(error)}"
        return _failed_output(source, page.source_page, reason, ExitCode.READING)
    return PageOutput({"source": source, "page": page.source_page} | page_object(reading))


def _failed_output(source: str, number: int, reason: str, code: ExitCode) -> PageOutput:
    failed = page_object(PageReading(Outcome.FAILED, issues=(reason,)))
    return PageOutput({"source": source, "page": number} | failed, code)


def page_object(reading: PageReading) -> dict[str, Any]:
    """Return a page's reading with the JSON keys of the contract."""
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
        "problems": list(reading.issues),
        "fields": {name: _field_object(field) for name, field in reading.fields.items()},
    }


def _field_object(reading: Reading) -> dict[str, Any]:
    return {
        "value": reading.value,
        "p": round(reading.p, 4),
        "state": str(reading.state),
        "alternatives": [[value, round(p, 4)] for value, p in reading.alternatives],
        "reasons": list(reading.evidence),
        "box_px": list(reading.box_px) if reading.box_px else None,
    }


def _print_page(page: dict[str, Any], console: Console) -> None:
    """Print a page's form, its issues, and the fields that are not empty."""
    form = f"{page['form']} v{page['version']}, {page['serial'] or '–'}" if page["form"] else ""
    heading = message(
        "cli.read.page",
        source=f"[bold]{escape(page['source'])}[/]",
        page=page["page"],
        outcome=page["outcome"],
        form=form,
    )
    console.print(heading, highlight=False)
    for issue in page["problems"]:
        console.print(f"  ! {describe_issue(issue)}", highlight=False, markup=False)
    filled = {name: field for name, field in page["fields"].items() if field["state"] != "empty"}
    width = max(map(len, chain(filled, [""])))
    for name, field in filled.items():
        value = f"({field['state']})" if field["value"] is None else str(field["value"])
        value = value.replace("\n", "\n" + " " * (width + 11))  # lines of a text begin alike
        console.print(
            f"  {name:<{width}}  {field['p']:.3f}  {value}",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )


def recognize(
    kind: Annotated[Kind, typer.Argument(help="Kind of field.")],
    paths: Annotated[
        list[Path], typer.Argument(help="Images, folders or zip archives of images.", exists=True)
    ],
    cells: Annotated[
        int | None,
        typer.Option(min=1, max=60, help="Number of boxes in a row, or of ruled lines in an area."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object per image.")
    ] = False,
) -> None:
    """Read images of single fields; nothing is stored.

    An image that cannot be read gets the state "failed" and a problem. The others are read, and the
    exit code is 4.
    """
    count, failed = 0, 0
    for result in recognize_files(kind, paths, cells):
        count += 1
        failed += result["state"] == "failed"
        typer.echo(json.dumps(result, ensure_ascii=False) if as_json else _format_row(result))
    if failed:
        print_note("cli.recognize.failed", count=failed)
        raise typer.Exit(ExitCode.INTAKE)
    if not count:
        print_note("cli.recognize.none")


def recognize_files(kind: Kind, paths: list[Path], cells: int | None) -> Iterator[dict[str, Any]]:
    """Read field images in order, one JSON object each, with progress on stderr."""
    title, noun = message("cli.read.progress"), message("cli.recognize.pictures")
    with show_progress(title, noun, is_transient=True) as on_picture:
        files, done = read_image_files(paths), 0
        while batch := list(islice(files, BATCH_SIZE)):
            yield from _recognize_batch(kind, batch, cells)
            done += len(batch)
            on_picture(done, None)


def _recognize_batch(
    kind: Kind, files: list[tuple[str, bytes]], cells: int | None
) -> list[dict[str, Any]]:
    """Read a batch of images together; one at a time if one of them fails the whole batch."""
    # Decode: an image that cannot be opened gets its result here and is not read.
    results: list[dict[str, Any]] = []
    images: list[tuple[int, FieldImage]] = []
    for path, data in files:
        try:
            images.append((len(results), make_field_image(decode_grayscale(data), kind, cells)))
            results.append({"path": path})
        except BrokenFileError as error:
            results.append(_failed_image_object(path, error))
    # Read the rest together, and put each reading in the place of its image.
    try:
        readings = CALIBRATED_READERS[kind]([image for _, image in images])
    except ReadingError as error:
        if len(files) == 1:
            return [_failed_image_object(files[0][0], error)]
        return [result for file in files for result in _recognize_batch(kind, [file], cells)]
    for (index, _), reading in zip(images, readings, strict=True):
        results[index] |= _reading_object(reading)
    return results


def _reading_object(reading: Reading) -> dict[str, Any]:
    return {
        "value": reading.value,
        "p": round(reading.p, 4),
        "state": str(reading.state),
        "alternatives": [[value, round(p, 4)] for value, p in reading.alternatives],
    }


def _failed_image_object(path: str, error: EfterskriftError) -> dict[str, Any]:
    return {
        "path": path,
        "value": None,
        "p": 0.0,
        "state": "failed",
        "alternatives": [],
        "problem": error.message,
    }


def _format_row(result: dict[str, Any]) -> str:
    value = result.get("problem") or ("" if result["value"] is None else str(result["value"]))
    return f"{result['state']:<10} {result['p']:6.3f}  {value:<30}  {result['path']}"
