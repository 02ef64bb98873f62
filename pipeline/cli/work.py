"""`efterskrift scan`, `watch`, `work` and `status`: import pages and read them."""

from __future__ import annotations

import getpass
import os
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.context import (
    LANGUAGE,
    As,
    AsJson,
    describe_issue,
    format_count,
    message,
    open_workspace,
    print_json,
    print_note,
    print_text,
    resolve_acting_person,
    resolve_unit,
    show_progress,
)
from pipeline.domain.errors import EfterskriftError, SchemaMismatchError, UsageError
from pipeline.domain.form.form import Forms
from pipeline.domain.settings import load_settings
from pipeline.files.page_files import order_files
from pipeline.files.sandbox_pages import count_all_pages
from pipeline.files.sandbox_process import SandboxProcess
from pipeline.operations.intake import IntakeResult, import_files
from pipeline.operations.watch_folder import FolderWatch
from pipeline.preparation.digital_forms import table_rows
from pipeline.registers.care_system_list import parse_care_table
from pipeline.reporting.watching.alarms import Alarm, describe_alarm, find_alarms, load_watch_state
from pipeline.store.database.store import Store, open_for_images
from pipeline.store.paper.intake.batches import list_repeated_sources
from pipeline.store.paper.page_lists import requeue_failed_pages
from pipeline.store.paper.pages import Page, list_batch_pages
from pipeline.store.reports.entry_counts import workspace_metrics
from pipeline.store.schema.clock import utc_now

if TYPE_CHECKING:
    from pipeline.operations.worker_pool import ReadingProgress

Unit = Annotated[
    str,
    typer.Option("--unit", help="Unit that the paper belongs to; required if there are several."),
]
PaperPlace = Annotated[
    str, typer.Option("--place", help="Where the paper is kept, such as a binder or box.")
]
_MAX_REPORTED_FILES = 20
"""Number of files that are named at most; the screen Skanna shows them all."""


@dataclass(slots=True)
class WorkSummary:
    """The number of pages that `efterskrift work` has read, and in how many seconds.

    Time counts only while pages wait or are read.
    """

    first: ReadingProgress | None = None
    last: ReadingProgress | None = None
    seconds: float = 0.0
    _at: float = 0.0

    def update(self, progress: ReadingProgress, at: float) -> None:
        """Add the progress at a time in seconds of a monotonic clock."""
        if self.last is not None and (self.last.waiting or progress.ended != self.last.ended):
            self.seconds += at - self._at
        self.first, self.last, self._at = self.first or progress, progress, at

    def describe(self) -> str:
        """Return one line: how many pages were read, how fast, and how many still wait."""
        if self.first is None or self.last is None:
            return message("cli.work.no_database")
        read = self.last.read - self.first.read
        unreadable = self.last.unreadable - self.first.unreadable
        waiting = (
            message("cli.work.waiting", count=self.last.waiting)
            if self.last.waiting
            else message("cli.work.none_waiting")
        )
        if read + unreadable <= 0:
            return message("cli.work.none_read", waiting=waiting)
        pages = format_count(read, "page")
        if unreadable > 0:
            read_pages = message("cli.work.pages_read_and_failed", pages=pages, failed=unreadable)
        else:
            read_pages = message("cli.work.pages_read", pages=pages)
        seconds = f"{self.seconds:.1f}"
        if not self.seconds:
            return message("cli.work.read", pages=read_pages, seconds=seconds, waiting=waiting)
        return message(
            "cli.work.read_at_pace",
            pages=read_pages,
            seconds=seconds,
            pace=f"{(read + unreadable) / self.seconds:.1f}",
            waiting=waiting,
        )


def scan(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="PDF or pictures (TIFF, JPEG, PNG, HEIC and others), notes of forms without "
            "paper, text, docx; with --form tables."
        ),
    ],
    unit: Unit = "",
    place: PaperPlace = "",
    form: Annotated[
        str,
        typer.Option(help="The files are tables (CSV or xlsx): each row is an entry of this form."),
    ] = "",
    column: Annotated[
        list[str] | None,
        typer.Option(
            help="TITLE=FIELD: the field of a column; TITLE= leaves it out. Remembered for tables "
            "with the same titles."
        ),
    ] = None,
) -> None:
    """Import files as one batch.

    Repeated after an interruption, the same files are continued, not imported twice.
    """
    # Not `Path.is_dir` and `is_file`, which raise where a folder may not be read.
    if folders := [path.name for path in files if os.path.isdir(path)]:  # noqa: PTH112
        raise UsageError("is_folder", folders=", ".join(folders))
    if missing := [path.name for path in files if not os.path.isfile(path)]:  # noqa: PTH113
        raise UsageError("no_file", missing=", ".join(missing))
    if column and not form:
        raise UsageError("column_needs_form")
    store = open_for_images(load_settings())
    owner = resolve_unit(store, unit)
    if form:
        _scan_tables(store, files, form, column or (), (owner, place))
        return
    ordered = order_files(files)
    if ordered != files:
        print_note("cli.scan.reordered")
    with SandboxProcess() as process:
        total = count_all_pages(process, ordered)
    with show_progress(message("cli.scan.progress"), message("cli.read.pages")) as on_page:
        intake = import_files(
            store,
            ordered,
            unit=owner,
            place=place,
            by=getpass.getuser(),
            on_page=lambda done: on_page(done, total),
        )
    _report_intake(store, intake)


def _scan_tables(
    store: Store, files: Sequence[Path], form_id: str, chosen: Sequence[str], owner: tuple[str, str]
) -> None:
    """Import each row of the tables as an entry; `owner` is the unit and the place."""
    settings = load_settings()
    form = Forms.load(*settings.form_folders).latest(form_id)
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for number, file in enumerate(files):
            table = parse_care_table(file.read_bytes(), file.name)
            known = table_rows.load_columns(settings.workspace, table.titles, form)
            columns = table_rows.choose_columns(table.titles, form, chosen, known)
            for index, title in enumerate(table.titles):
                print_note("cli.scan.column", title=title, field=columns.get(index, "") or "–")
            name, content = table_rows.make_note_file(
                settings.workspace, table, form, columns, file.name
            )
            paths.append(Path(folder) / str(number) / name)
            paths[-1].parent.mkdir()
            paths[-1].write_bytes(content)
        unit, place = owner
        intake = import_files(store, paths, unit=unit, place=place, by=getpass.getuser())
    _report_intake(store, intake)


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
    settings = load_settings()
    store = open_for_images(settings)
    watched = FolderWatch(
        store, folder, resolve_unit(store, unit), place, getpass.getuser(), settings.watch_seconds
    )
    print_note("cli.watch.begun", folder=folder)
    reported: Counter[str] = Counter()
    try:
        while _poll_folder(watched, reported, once=once) or not once or watched.pending():
            time.sleep(settings.watch_seconds)
    except KeyboardInterrupt:
        print_note("cli.watch.ended")


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
    # What reads paper takes a second to import, which the other commands here need not wait for
    from pipeline.operations.worker_pool import WorkerPool, measure_progress, run_pool

    settings = load_settings()
    store = open_for_images(settings)
    pool = WorkerPool(settings, processes)
    summary, is_idle_reported = WorkSummary(), False
    with show_progress(message("cli.read.progress"), message("cli.read.pages")) as on_page:
        for progress in run_pool(store, pool, until_idle=until_idle):
            summary.update(progress, time.monotonic())
            ended = progress.ended - (summary.first or progress).ended
            on_page(ended, ended + progress.waiting)
            if progress.waiting == 0 and not until_idle and not is_idle_reported:
                is_idle_reported = True
                print_note("cli.work.idle")
    # Each worker has finished its page before it ended: those pages count too.
    if (end := measure_progress(store)) is not None:
        summary.update(end, time.monotonic())
        if end.set_aside:
            print_note("cli.work.set_aside", pages=format_count(end.set_aside, "page"))
    typer.echo(summary.describe(), err=True)


def reread(
    unit: Annotated[str | None, typer.Option(help="Only pages of this unit.")] = None,
    login: As = "",
    as_json: AsJson = False,
) -> None:
    """Queue every page again that could not be read.

    Pages without an image, from damaged files, are left: scan their paper again.
    """
    store = open_workspace()
    person = resolve_acting_person(store, login)
    owner = resolve_unit(store, unit) if unit is not None else None
    count = store.change(requeue_failed_pages, person, owner)
    if as_json:
        print_json({"pages": count})
    else:
        print_text("cli.reread.queued", pages=format_count(count, "page"))


def status(as_json: AsJson = False) -> None:
    """Show the pages in, done, waiting and failed, and alarms."""
    settings = load_settings()
    store, forms = open_workspace(settings), Forms.load(*settings.form_folders)
    metrics = store.query(workspace_metrics)
    state = load_watch_state(store, settings, forms, utc_now())
    alarms = find_alarms(state, settings)
    done = {
        "backup": state.backup.last_at,
        "check": state.check.started_at if state.check else None,
        "log_check": state.log_check.last_at,
    }
    if as_json:
        named = [
            {"kind": alarm.kind.value, "severity": alarm.severity.value, "count": alarm.count}
            for alarm in alarms
        ]
        upkeep = {name: at.isoformat() if at else None for name, at in done.items()}
        found = metrics | {"upkeep": upkeep, "alarms": named}
        print_json(found, ensure_ascii=False)
    else:
        _print_status(metrics)
        never = message("cli.status.never")
        print_text(
            "cli.status.upkeep",
            **{name: f"{at:%Y-%m-%d %H:%M} UTC" if at else never for name, at in done.items()},
        )
        _print_alarms(alarms, forms)


def _poll_folder(watched: FolderWatch, reported: Counter[str], *, once: bool) -> bool:
    """Import the folder's new files and return whether there were any.

    An error is only printed, since the next poll may succeed; with `once` it is raised, and always
    that the store was upgraded under this version of the program.
    """
    try:
        intake = watched.poll()
    except SchemaMismatchError:
        raise
    except EfterskriftError as error:
        if once:
            raise
        typer.echo(str(error), err=True)
        return False
    finally:
        _report_skipped_files(watched, reported)
    if intake is not None:
        _report_intake(watched.store, intake)
    return intake is not None


def _report_skipped_files(watched: FolderWatch, reported: Counter[str]) -> None:
    """Name the kinds of the files that are no scans, whenever there are more than before."""
    if watched.others - reported:
        no_suffix = message("cli.watch.no_suffix")
        print_note(
            "cli.watch.skipped",
            files=format_count(watched.others.total(), "file"),
            kinds=", ".join(sorted(kind or no_suffix for kind in watched.others)),
        )
    reported |= watched.others


def _report_intake(store: Store, intake: IntakeResult) -> None:
    """Report what was imported, which pages failed and why, and which files came in before."""
    pages = format_count(intake.pages, "page")
    if intake.failed:
        pages = message("cli.scan.pages_and_failed", pages=pages, failed=intake.failed)
    print_text(
        "cli.scan.batch_continued" if intake.is_resumed else "cli.scan.batch",
        batch=intake.batch,
        pages=pages,
    )
    with store.read() as conn:
        failed = (
            [page for page in list_batch_pages(conn, intake.batch) if page.image_sha256 is None]
            if intake.failed
            else []
        )
        repeated = list_repeated_sources(conn, intake.batch)
    if repeated:
        print_note("cli.scan.repeated", files=", ".join(repeated[:_MAX_REPORTED_FILES]))
    _report_failed_pages(failed)


def _report_failed_pages(failed: Sequence[Page]) -> None:
    """Name the pages that could not be imported, and what to do about them."""
    for page in failed[:_MAX_REPORTED_FILES]:
        print_note(
            "cli.scan.failed_page",
            file=page.source_name,
            page=page.source_page,
            reason=describe_issue(page.reason),
        )
    if len(failed) > _MAX_REPORTED_FILES:
        further = format_count(len(failed) - _MAX_REPORTED_FILES, "page")
        print_note("cli.scan.more_failed", pages=further)
    if failed:
        print_note("cli.scan.failed_remedy")


def _print_status(metrics: dict[str, Any]) -> None:
    """Print the sums of the workspace, and the batches whose import is not finished."""
    print_text("cli.status.pages", **metrics["pages"])
    for name in ("entries", "problems"):
        counts = ", ".join(f"{key} {number}" for key, number in metrics[name].items())
        print_text(f"cli.status.{name}", counts=counts or message("cli.status.none"))
    print_text("cli.status.batches", number=metrics["batches"]["in"])
    for batch in metrics["batches"]["unfinished"]:
        print_text("cli.status.unfinished", batch=batch)
    for run in metrics["exports"]["unfetched"]:
        print_text("cli.status.unfetched", run=run)
    for package in metrics["archive"]["unfetched"]:
        print_text("cli.status.unfetched_package", package=package)
    for form in metrics["forms"]["unfinished"]:
        print_text("cli.status.unpublished", form=form)


def _print_alarms(alarms: Sequence[Alarm], forms: Forms) -> None:
    """Print each alarm with its remedy; without any, nothing."""
    for alarm in alarms:
        said = describe_alarm(alarm, forms, LANGUAGE)
        typer.echo(
            f"{message(f'alarm.severity.{alarm.severity.value}')}: {said.sentence} {said.remedy}"
        )
