"""`efterskrift scan`, `watch`, `work` and `status`: import pages and read them.

The tally of `efterskrift work`, printed as its last line.
"""

from __future__ import annotations

import getpass
import json
import os
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from pipeline.cli.context import describe_issue, format_count, resolve_unit
from pipeline.cli.options import TAKING_IN, AsJson
from pipeline.domain.errors import EfterskriftError, UsageError
from pipeline.domain.settings import load_settings

if TYPE_CHECKING:
    from pipeline.operations.worker_pool import ReadingProgress
if TYPE_CHECKING:
    from pipeline.operations.intake import IntakeResult
    from pipeline.operations.watch_folder import FolderWatch
    from pipeline.store.database.store import Store

Unit = Annotated[
    str,
    typer.Option("--unit", help="Unit that the paper belongs to; required if there are several."),
]
_MAX_REPORTED_FILES = 20
"""So many files are named; Skanna shows them all."""
PaperPlace = Annotated[
    str, typer.Option("--place", help="Where the paper is kept, such as a binder or box.")
]


@dataclass(slots=True)
class WorkSummary:
    """Pages that were read from the first look to the last, and in how many seconds. While none
    waits and none is read, no time counts.
    """

    first: ReadingProgress | None = None
    last: ReadingProgress | None = None
    seconds: float = 0.0
    _at: float = 0.0

    def update(self, now: ReadingProgress, at: float) -> None:
        """How far the reading has come at a time in seconds, of any clock that only goes forwards."""
        if self.last is not None and (self.last.waiting or now.ended != self.last.ended):
            self.seconds += at - self._at
        self.first, self.last, self._at = self.first or now, now, at

    def describe(self) -> str:
        """Pages, pace and what is left."""
        if self.first is None or self.last is None:
            return "The database could not be reached."
        read, unreadable = (
            self.last.read - self.first.read,
            self.last.unreadable - self.first.unreadable,
        )
        left = f"{self.last.waiting or 'none'} {'wait' if self.last.waiting > 1 else 'waits'} to be read."
        if read + unreadable <= 0:
            return f"No page was read; {left}"
        failed = f" and {unreadable} that could not be read" if unreadable > 0 else ""
        pace = f" ({(read + unreadable) / self.seconds:.1f} a second)" if self.seconds else ""
        return f"{format_count(read, 'page')} read{failed} in {self.seconds:.1f} s{pace}; {left}"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (scan, watch, work, status):
        app.command(command.__name__, rich_help_panel=TAKING_IN)(command)


def scan(
    files: Annotated[list[Path], typer.Argument(help="PDF, TIFF, JPEG or PNG.")],
    unit: Unit = "",
    place: PaperPlace = "",
) -> None:
    """Import files as one batch.

    Repeated after an interruption, the same files are continued, not imported twice.
    """
    from pipeline.files.page_files import order_files
    from pipeline.operations.intake import import_files
    from pipeline.store.database.store import open_store

    if folders := [path.name for path in files if os.path.isdir(path)]:  # noqa: PTH112 - as below
        raise UsageError("is_folder", folders=", ".join(folders))
    if missing := [path.name for path in files if not os.path.isfile(path)]:  # noqa: PTH113 - `Path` breaks off where it may not look
        raise UsageError("no_file", missing=", ".join(missing))
    store = open_store(load_settings())
    owner = resolve_unit(store, unit)
    given, files = files, order_files(files)
    if files != given:
        typer.echo("The files are taken in in the order of their numbers.", err=True)
    with make_progress_bar("Taking in") as bar:
        task = bar.add_task("", total=_count_pages(files))
        taken = import_files(
            store,
            files,
            unit=owner,
            place=place,
            by=_operator_login(),
            on_page=lambda done: bar.update(task, completed=done),
        )
    _report_intake(store, taken)


def watch(
    folder: Annotated[
        Path, typer.Argument(help="Folder that the scanner writes to, or a USB stick.")
    ],
    unit: Unit = "",
    place: PaperPlace = "",
    once: Annotated[
        bool, typer.Option("--once", help="End as soon as every file in the folder is imported.")
    ] = False,
) -> None:
    """Import files as they appear in a folder.

    The files stay in the folder. A file that is still being written is left alone. Ends with
    Ctrl-C.
    """
    from pipeline.operations.watch_folder import FolderWatch
    from pipeline.store.database.store import open_store

    settings = load_settings()
    store = open_store(settings)
    watched = FolderWatch(
        store, folder, resolve_unit(store, unit), place, _operator_login(), settings.watch_seconds
    )
    typer.echo(f"Watching {folder}.", err=True)
    told: Counter[str] = Counter()
    try:
        while _poll_folder(watched, told, once=once) or not once or watched.pending():
            time.sleep(settings.watch_seconds)
    except KeyboardInterrupt:
        typer.echo("Ended. What was taken in is in the store.", err=True)


def work(
    processes: Annotated[
        int, typer.Option("--processes", min=1, help="Number of reading processes.")
    ] = os.cpu_count() or 1,
    until_idle: Annotated[
        bool, typer.Option("--until-idle", help="End when no page is waiting.")
    ] = False,
) -> None:
    """Read the waiting pages.

    Any number of these may run, on several machines. Ends with Ctrl-C.
    """
    from pipeline.operations.worker_pool import WorkerPool, measure_progress
    from pipeline.operations.worker_pool import run_pool as run
    from pipeline.store.database.store import open_store

    settings = load_settings()
    store = open_store(settings)
    crew = WorkerPool(settings, processes)
    tally, rests = WorkSummary(), False
    with make_progress_bar("Reading") as bar:
        task = bar.add_task("", total=None)
        for now in run(store, crew, until_idle=until_idle):
            tally.update(now, time.monotonic())
            ended = now.ended - (tally.first or now).ended
            bar.update(task, total=ended + now.waiting, completed=ended)
            if now.waiting == 0 and not until_idle and not rests:
                rests = True
                typer.echo(
                    "No page waits to be read. What comes in is read until Ctrl-C ends this.",
                    err=True,
                )
    if (
        end := measure_progress(store)
    ) is not None:  # each worker finished its page before it ended
        tally.update(end, time.monotonic())
    typer.echo(tally.describe(), err=True)


def status(as_json: AsJson = False) -> None:
    """Show the number of pages in, done, waiting and failed."""
    from pipeline.store.database.store import open_store
    from pipeline.store.reports.entry_counts import workspace_metrics

    store = open_store(load_settings())
    with store.read() as conn:
        found = workspace_metrics(conn)
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
    else:
        _print_status(found)


def _poll_folder(watched: FolderWatch, told: Counter[str], *, once: bool) -> bool:
    """One look; whether something was taken in. What hinders one look need not hinder the next."""
    try:
        taken = watched.poll()
    except EfterskriftError as error:
        if once:
            raise
        typer.echo(str(error), err=True)
        return False
    finally:
        _report_skipped_files(watched, told)
    if taken is not None:
        _report_intake(watched.store, taken)
    return taken is not None


def _report_skipped_files(watched: FolderWatch, told: Counter[str]) -> None:
    """Say what is left alone, by kind only, whenever there is more of it than has been told."""
    if watched.others - told:
        kinds = ", ".join(sorted(kind or "no suffix" for kind in watched.others))
        typer.echo(
            f"Left alone, not scans: {format_count(watched.others.total(), 'file')} ({kinds}).",
            err=True,
        )
    told |= watched.others


def _report_intake(store: Store, taken: IntakeResult) -> None:
    """What came in; which files could not be taken in and why, and which were taken in before."""
    from pipeline.store.paper.batches import list_repeated_sources
    from pipeline.store.paper.pages import list_batch_pages

    bad = f", {taken.failed} of them could not be taken in" if taken.failed else ""
    typer.echo(
        f"Batch {taken.batch}: {format_count(taken.pages, 'page')}{bad}{' (continued)' if taken.is_resumed else ''}."
    )
    with store.read() as conn:
        failed = (
            [page for page in list_batch_pages(conn, taken.batch) if page.image_sha256 is None]
            if taken.failed
            else []
        )
        before = list_repeated_sources(conn, taken.batch)
    if before:
        typer.echo(
            f"Taken in before: {', '.join(before[:_MAX_REPORTED_FILES])}. Pages that are the same are settled as duplicates once they are read.",
            err=True,
        )
    for page in failed[:_MAX_REPORTED_FILES]:
        typer.echo(
            f"  {page.source_name}, page {page.source_page}: {describe_issue(page.reason)}",
            err=True,
        )
    if len(failed) > _MAX_REPORTED_FILES:
        typer.echo(
            f"  and {format_count(len(failed) - _MAX_REPORTED_FILES, 'page')} more, which the screen Skanna shows",
            err=True,
        )
    if failed:
        typer.echo(
            "They are kept and counted as failed. Take in a file that is whole, or scan that paper once more.",
            err=True,
        )


def _count_pages(files: Sequence[Path]) -> int | None:
    """How many pages the files have; None if one of them cannot be read: taking it in says why."""
    from pipeline.files.page_files import count_pages

    try:
        return sum(count_pages(path) for path in files)
    except OSError:
        return None


def _operator_login() -> str:
    return getpass.getuser()


def make_progress_bar(what: str) -> Progress:
    """A bar on stderr: pages done of all, pages a second, time that is left."""
    columns = (
        TextColumn(what),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("pages"),
        _SpeedColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=Console(stderr=True))


class _SpeedColumn(ProgressColumn):
    """Pages a second."""

    def render(self, task: Task) -> Text:
        """The speed, or nothing while it is not known."""
        return Text(f"{task.speed:.1f}/s" if task.speed else "")


def _print_status(found: dict[str, Any]) -> None:
    pages = found["pages"]
    typer.echo(
        f"Pages in {pages['in']} = done {pages['done']} + waiting {pages['waiting']} + failed {pages['failed']}; {pages['queued']} not read yet"
    )
    for name in ("entries", "problems"):
        typer.echo(
            f"{name.capitalize()}: "
            + (", ".join(f"{key} {n}" for key, n in found[name].items()) or "none")
        )
    typer.echo(f"Batches: {found['batches']['in']}")
    for batch in found["batches"]["unfinished"]:
        typer.echo(
            f"Batch {batch} is being taken in, or was cut short: then take in the same files again."
        )
