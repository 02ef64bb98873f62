"""The runs that were made: which there are, and their files for those who may open them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pipeline.domain.errors import ExportError
from pipeline.domain.law.permissions import (
    Action,
    require_permission,
    require_permission_for,
)
from pipeline.domain.model import Person
from pipeline.domain.record import Run
from pipeline.export.context import ExportContext
from pipeline.store.event_log import events
from pipeline.store.exports import ready_entries, run_items, runs
from pipeline.store.exports.run_items import Connection
from pipeline.store.exports.runs import RunStatus


@dataclass(frozen=True, slots=True)
class RunFile:
    """A file for the person who asked, and how many entries it holds."""

    name: str
    media_type: str
    data: bytes
    sha256: str
    entries: int


def list_runs(context: ExportContext, person: Person) -> list[RunStatus]:
    """List the runs that the person may open, newest first.

    Raises:
        NotAllowedError: the person may not export.
    """
    with context.store.read() as conn:
        require_permission(person, Action.EXPORT)
        return runs.list_visible_runs(conn, person)


def list_undelivered(context: ExportContext, person: Person, target: str) -> list[RunStatus]:
    """List the runs to a target that nobody was handed and that the person may open, oldest first.

    Raises:
        NotAllowedError: the person may not export.
    """
    return [
        status
        for status in reversed(list_runs(context, person))
        if status.run.target == target and status.is_unclaimed and not status.hidden
    ]


def confirm_delivery(context: ExportContext, person: Person, run_id: str, now: datetime) -> None:
    """Store that the person has the file of a run, once it is written or on its way.

    Raises:
        NotAllowedError: the run holds entries that the person may not see.
        ExportError: there is no such run, or it was undone meanwhile: then nobody may use its file.
    """
    with context.store.begin() as conn:
        require_run(conn, person, run_id, Action.EXPORT)
        runs.require_run(conn, person, Action.EXPORT, run_id, whole=True)
        runs.save_delivery(conn, run_id, person.login, now)


def fetch_run_file(context: ExportContext, person: Person, run_id: str) -> RunFile:
    """Return the file of a run, the same bytes as when it was made, and write that in the log.

    Raises:
        NotAllowedError: the run holds entries that the person may not see.
        ExportError: there is no such run, or it was undone.
        StoreError: the file is missing or damaged.
    """
    with context.store.begin() as conn:
        run = require_run(conn, person, run_id, Action.EXPORT)
        runs.require_run(conn, person, Action.EXPORT, run_id, whole=True)
        runs.lock_run(conn, run_id)
        events.record(
            conn,
            person.login,
            "fetch_export",
            run_id,
            unit=run_items.run_unit(conn, run_id),
            target=run.target,
            entries=run.entries,
        )
    # Its target may be of a package that is no longer installed.
    exporter = context.targets.get(run.target)
    return RunFile(
        run.file_name,
        exporter.media_type if exporter else "application/octet-stream",
        context.store.images.get(run.sha256),
        run.sha256,
        run.entries,
    )


def undo_run(context: ExportContext, person: Person, run_id: str, now: datetime) -> int:
    """Undo a run that nobody has the file of; return how many entries wait again.

    Raises:
        NotAllowedError: the run holds entries that the person may not see.
        ExportError: there is no such run, its file was fetched or sent, an entry is receipted or
            being keyed in, a later run builds on it, or it was undone already.
    """
    with context.store.begin() as conn:
        run = require_run(conn, person, run_id, Action.EXPORT)
        runs.require_run(conn, person, Action.EXPORT, run_id, whole=True)
        items = run_items.list_run_items(conn, run_id)
        runs.save_undo(conn, run_id, person.login, now)
        ready_entries.mark_ready_again(conn, [item.entry_id for item in items if item.is_current])
        events.record(
            conn,
            person.login,
            "undo_export",
            run_id,
            unit=run_items.run_unit(conn, run_id),
            target=run.target,
            route=run.route,
            entries=run.entries,
        )
        for item in items:
            events.record(
                conn,
                person.login,
                "export_undone",
                item.entry_id,
                unit=item.unit,
                run=run_id,
                revision=item.route_revision,
            )
    return run.entries


def require_run(conn: Connection, person: Person, run_id: str, action: Action) -> Run:
    """Return a run if the person may do this with at least one of its entries.

    Raises:
        NotAllowedError: the person may not see any of it.
        ExportError: there is no such run.
    """
    require_permission_for(run_id, person, action)
    run = runs.find_run(conn, run_id)
    if run is None:
        raise ExportError("no_run", run_id=run_id[:40])
    runs.require_run(conn, person, action, run_id)
    return run
