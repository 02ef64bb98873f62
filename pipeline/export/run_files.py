"""The runs that were made: which there are, and their files for whoever may open them."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.access import Action, require
from pipeline.errors import ExportError
from pipeline.export.runs import Office, find_target
from pipeline.model import Person
from pipeline.record import Run
from pipeline.store import events, export_runs, exports
from pipeline.store.export_runs import RunStatus
from pipeline.store.exports import Connection


@dataclass(frozen=True, slots=True)
class RunFile:
    """A file for the person who asked, and how many entries it holds."""

    name: str
    media_type: str
    data: bytes
    sha256: str
    entries: int


def history(office: Office, person: Person) -> list[RunStatus]:
    """The runs that the person may open, newest first.

    Raises:
        NotAllowedError: the person may not export.
    """
    with office.store.read() as conn:
        require(person, Action.EXPORT)
        return export_runs.runs_within(conn, person)


def run_file(office: Office, person: Person, run_id: str) -> RunFile:
    """The file of a run, the same bytes as when it was made. That it was fetched is written in the log.

    Raises:
        NotAllowedError: the run holds entries that the person may not see.
        ExportError: there is no such run.
        StoreError: the file is missing or damaged.
    """
    with office.store.begin() as conn:
        run = open_run(conn, person, run_id, Action.EXPORT)
        export_runs.require_whole_run(conn, person, Action.EXPORT, run_id)
        events.record(conn, person.login, "fetch_export", run_id, unit=exports.unit_of(conn, run_id), target=run.target, entries=run.entries)
    return RunFile(run.file_name, find_target(run.target).media_type, office.store.images.get(run.sha256), run.sha256, run.entries)


def open_run(conn: Connection, person: Person, run_id: str, action: Action) -> Run:
    """A run, if the person may do this with something that it holds.

    Raises:
        NotAllowedError: the person may not see any of it.
        ExportError: there is no such run.
    """
    require(person, action)
    run = export_runs.find_run(conn, run_id)
    if run is None:
        raise ExportError("no_run", run_id=run_id[:40])
    export_runs.require_run(conn, person, action, run_id)
    return run
