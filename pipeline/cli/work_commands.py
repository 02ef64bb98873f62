"""`efterskrift scan`, `watch`, `work` and `status`: import pages and read them."""

from __future__ import annotations

import getpass
import json
import os
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

from pipeline.cli.acting import named_unit
from pipeline.cli.counting import counted
from pipeline.cli.options import TAKING_IN, AsJson
from pipeline.cli.page_words import in_words
from pipeline.cli.work_tally import WorkTally
from pipeline.errors import EfterskriftError, UsageError
from pipeline.settings import load_settings

if TYPE_CHECKING:
    from pipeline.intake import Taken
    from pipeline.store.database import Store
    from pipeline.watch import FolderWatch

Unit = Annotated[str, typer.Option("--unit", help="Unit that the paper belongs to; required if there are several.")]
_MOST_TOLD = 20
"""So many files are named; Skanna shows them all."""
Place = Annotated[str, typer.Option("--place", help="Where the paper is kept, such as a binder or box.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (scan, watch, work, status):
        app.command(command.__name__, rich_help_panel=TAKING_IN)(command)


def scan(files: Annotated[list[Path], typer.Argument(help="PDF, TIFF, JPEG or PNG.")], unit: Unit = "", place: Place = "") -> None:
    """Import files as one batch.

    Repeated after an interruption, the same files are continued, not imported twice.
    """
    from pipeline.file_order import as_meant
    from pipeline.intake import take_in
    from pipeline.store.database import open_store

    if folders := [path.name for path in files if os.path.isdir(path)]:  # noqa: PTH112 - as below
        raise UsageError("is_folder", folders=", ".join(folders))
    if missing := [path.name for path in files if not os.path.isfile(path)]:  # noqa: PTH113 - `Path` breaks off where it may not look
        raise UsageError("no_file", missing=", ".join(missing))
    store = open_store(load_settings())
    owner = named_unit(store, unit)
    given, files = files, as_meant(files)
    if files != given:
        typer.echo("The files are taken in in the order of their numbers.", err=True)
    with progress("Taking in") as bar:
        task = bar.add_task("", total=_count(files))
        taken = take_in(store, files, unit=owner, place=place, by=_login(), on_page=lambda done: bar.update(task, completed=done))
    _tell(store, taken)


def watch(
    folder: Annotated[Path, typer.Argument(help="Folder that the scanner writes to, or a USB stick.")],
    unit: Unit = "",
    place: Place = "",
    once: Annotated[bool, typer.Option("--once", help="End as soon as every file in the folder is imported.")] = False,
) -> None:
    """Import files as they appear in a folder.

    The files stay in the folder. A file that is still being written is left alone. Ends with
    Ctrl-C.
    """
    from pipeline.store.database import open_store
    from pipeline.watch import FolderWatch

    settings = load_settings()
    store = open_store(settings)
    watched = FolderWatch(store, folder, named_unit(store, unit), place, _login(), settings.watch_seconds)
    typer.echo(f"Watching {folder}.", err=True)
    told: Counter[str] = Counter()
    try:
        while _look(watched, told, once=once) or not once or watched.pending():
            time.sleep(settings.watch_seconds)
    except KeyboardInterrupt:
        typer.echo("Ended. What was taken in is in the store.", err=True)


def work(
    processes: Annotated[int, typer.Option("--processes", min=1, help="Number of reading processes.")] = os.cpu_count() or 1,
    until_idle: Annotated[bool, typer.Option("--until-idle", help="End when no page is waiting.")] = False,
) -> None:
    """Read the waiting pages.

    Any number of these may run, on several machines. Ends with Ctrl-C.
    """
    from pipeline.crew import Crew, how_far
    from pipeline.crew import work as run
    from pipeline.store.database import open_store

    settings = load_settings()
    store = open_store(settings)
    crew = Crew(settings, processes)
    tally, rests = WorkTally(), False
    with progress("Reading") as bar:
        task = bar.add_task("", total=None)
        for now in run(store, crew, until_idle=until_idle):
            tally.look(now, time.monotonic())
            ended = now.ended - (tally.first or now).ended
            bar.update(task, total=ended + now.waiting, completed=ended)
            if now.waiting == 0 and not until_idle and not rests:
                rests = True
                typer.echo("No page waits to be read. What comes in is read until Ctrl-C ends this.", err=True)
    if (end := how_far(store)) is not None:  # each worker finished its page before it ended
        tally.look(end, time.monotonic())
    typer.echo(tally.said(), err=True)


def status(as_json: AsJson = False) -> None:
    """Show the number of pages in, done, waiting and failed."""
    from pipeline.store.database import open_store
    from pipeline.store.figures import figures

    store = open_store(load_settings())
    with store.read() as conn:
        found = figures(conn)
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
    else:
        _show(found)


def _look(watched: FolderWatch, told: Counter[str], *, once: bool) -> bool:
    """One look; whether something was taken in. What hinders one look need not hinder the next."""
    try:
        taken = watched.look()
    except EfterskriftError as error:
        if once:
            raise
        typer.echo(str(error), err=True)
        return False
    finally:
        _tell_others(watched, told)
    if taken is not None:
        _tell(watched.store, taken)
    return taken is not None


def _tell_others(watched: FolderWatch, told: Counter[str]) -> None:
    """Say what is left alone, by kind only, whenever there is more of it than has been told."""
    if watched.others - told:
        kinds = ", ".join(sorted(kind or "no suffix" for kind in watched.others))
        typer.echo(f"Left alone, not scans: {counted(watched.others.total(), 'file')} ({kinds}).", err=True)
    told |= watched.others


def _tell(store: Store, taken: Taken) -> None:
    """What came in; which files could not be taken in and why, and which were taken in before."""
    from pipeline.store.pages import pages_of
    from pipeline.store.stacks import taken_before

    bad = f", {taken.failed} of them could not be taken in" if taken.failed else ""
    typer.echo(f"Batch {taken.batch}: {counted(taken.pages, 'page')}{bad}{' (continued)' if taken.continued else ''}.")
    with store.read() as conn:
        failed = [page for page in pages_of(conn, taken.batch) if page.image_sha256 is None] if taken.failed else []
        before = taken_before(conn, taken.batch)
    if before:
        typer.echo(
            f"Taken in before: {', '.join(before[:_MOST_TOLD])}. Pages that are the same are settled as duplicates once they are read.", err=True
        )
    for page in failed[:_MOST_TOLD]:
        typer.echo(f"  {page.source_name}, page {page.source_page}: {in_words(page.reason)}", err=True)
    if len(failed) > _MOST_TOLD:
        typer.echo(f"  and {counted(len(failed) - _MOST_TOLD, 'page')} more, which the screen Skanna shows", err=True)
    if failed:
        typer.echo("They are kept and counted as failed. Take in a file that is whole, or scan that paper once more.", err=True)


def _count(files: Sequence[Path]) -> int | None:
    """How many pages the files have; None if one of them cannot be read: taking it in says why."""
    from pipeline.scan import page_count

    try:
        return sum(page_count(path) for path in files)
    except OSError:
        return None


def _login() -> str:
    return getpass.getuser()


def progress(what: str) -> Progress:
    """A bar on stderr: pages done of all, pages a second, time that is left."""
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TextColumn("pages"), _Speed(), TimeElapsedColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True))


class _Speed(ProgressColumn):
    """Pages a second."""

    def render(self, task: Task) -> Text:
        """The speed, or nothing while it is not known."""
        return Text(f"{task.speed:.1f}/s" if task.speed else "")


def _show(found: dict[str, Any]) -> None:
    pages = found["pages"]
    typer.echo(
        f"Pages in {pages['in']} = done {pages['done']} + waiting {pages['waiting']} + failed {pages['failed']}; {pages['queued']} not read yet"
    )
    for name in ("entries", "problems"):
        typer.echo(f"{name.capitalize()}: " + (", ".join(f"{key} {n}" for key, n in found[name].items()) or "none"))
    typer.echo(f"Batches: {found['batches']['in']}")
    for batch in found["batches"]["unfinished"]:
        typer.echo(f"Batch {batch} is being taken in, or was cut short: then take in the same files again.")
