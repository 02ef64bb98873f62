"""Making a package of what is exported: sheets, fixed, in one file, each sheet once as it is.

As with exports (`pipeline/export/runs.py`) the file is made from what the database says; then everything is looked at again and written in one
transaction. A process that is killed leaves a whole package or none. The archive is no target of an export: a sheet goes there besides going
into the care system, and only when the system has all of its entries.
"""

from __future__ import annotations

import secrets
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pipeline.access import Action, require
from pipeline.archive.packing import package as packed
from pipeline.archive.sheets import SheetFiles, longest, rule_name, sheet_files
from pipeline.errors import ExportError
from pipeline.export.late_entry import local
from pipeline.export.run_files import RunFile
from pipeline.export.runs import Office
from pipeline.model import Person
from pipeline.record import Record, Run
from pipeline.store import archives, events, records
from pipeline.store.archives import Archivable, ArchivedSheet, Package
from pipeline.store.database import lock_keys
from pipeline.store.exports import Connection
from pipeline.store.sheets import sheet_pages

MOST_SHEETS = 200
"""In one package, so that it fits in memory; what is left waits for the next."""
ATTEMPTS = 10
TARGET = "arkiv"


@dataclass(frozen=True, slots=True)
class ArchiveReady:
    """What waits: sheets, how many of each class of retention in the next package, and sheets of which an entry is still on its way."""

    sheets: int
    unsettled: int
    classes: tuple[tuple[str, int], ...]


def ready(office: Office, person: Person, unit: str | None = None) -> ArchiveReady:
    """What waits to be archived.

    Raises:
        NotAllowedError: the person does not archive, or not in this unit.
    """
    with office.store.noting_denials():
        require(person, Action.ARCHIVE, unit)
    with office.store.read() as conn:
        waiting = archives.archivable(conn, person, unit)
        found = _records(conn, office, waiting.sheets[:MOST_SHEETS])
    classes = Counter(rule_name(longest(each, office.settings, office.forms)) for each in found.values())
    return ArchiveReady(len(waiting.sheets), waiting.unsettled, tuple(sorted(classes.items())))


def make_package(office: Office, person: Person, now: datetime, unit: str | None = None) -> Package | None:
    """Archive what is ready, at most `MOST_SHEETS` sheets, of one unit or of all of the person's; None when there is nothing.

    Raises:
        NotAllowedError: the person does not archive, or not in this unit.
        ExportError: a sheet has no picture.
        StoreError: the database or the disk failed; nothing has been archived.
    """
    with office.store.noting_denials():
        require(person, Action.ARCHIVE, unit)
    for _ in range(ATTEMPTS):
        run = Run(f"{local(now):%Y%m%d-%H%M%S}-{TARGET}-{secrets.token_hex(2)}", TARGET, "", now, person.name[:80], 0)
        with office.store.read() as conn:
            chosen = archives.archivable(conn, person, unit).sheets[:MOST_SHEETS]
            found = _records(conn, office, chosen)
            sheets = [sheet_files(each, found.get(each.sheet, []), sheet_pages(conn, each.sheet), office, run) for each in chosen]
        if not sheets:
            return None
        data = packed(sheets, run, office.settings)
        if made := _keep(office, person, unit, sheets, run, data):
            return made
    raise ExportError("sheets_changed_all_time_while")


def package_file(office: Office, person: Person, package_id: str) -> RunFile:
    """The file of a package, the same bytes as when it was made. That it was fetched is written in the log.

    Raises:
        NotAllowedError: the package holds sheets that the person may not see.
        ExportError: there is no such package.
        StoreError: the file is missing or damaged.
    """
    with office.store.begin() as conn:
        found = archives.package(conn, person, package_id)
        events.record(conn, person.login, "fetch_package", package_id, unit=_unit(conn, package_id), sheets=found.sheets)
    return RunFile(found.file_name, "application/zip", office.store.images.get(found.sha256), found.sha256, found.sheets)


def _records(conn: Connection, office: Office, sheets: Sequence[Archivable]) -> dict[str, list[Record]]:
    """The records of sheets by sheet, in the order of their rows."""
    sheet_of = {entry_id: each.sheet for each in sheets for entry_id in each.entry_ids}
    found = defaultdict[str, list[Record]](list)
    for record in records.records(conn, office.forms, list(sheet_of)):
        found[sheet_of[record.entry_id]].append(record)
    return found


def _keep(office: Office, person: Person, unit: str | None, sheets: list[SheetFiles], run: Run, data: bytes) -> Package | None:
    """Write the package if every sheet is still what the file says; None when something has changed."""
    with office.store.begin() as conn:
        lock_keys(conn, "archive")
        now_there = {(each.sheet, each.content) for each in archives.archivable(conn, person, unit).sheets}
        if any((each.sheet, each.content) not in now_there for each in sheets):
            return None
        made = Package(run.id, f"efterskrift-{run.id}.zip", office.store.images.put(data), run.made_at, run.made_by, len(sheets))
        archives.add_package(conn, made, [_archived(each) for each in sheets])
        events.record(conn, person.login, "archive", made.id, unit=_unit(conn, made.id), sheets=made.sheets, sha256=made.sha256)
        return made


def _archived(sheet: SheetFiles) -> ArchivedSheet:
    earliest = sheet.kept.earliest.isoformat() if sheet.kept.earliest else ""
    return ArchivedSheet(sheet.sheet, sheet.content, rule_name(sheet.kept), earliest)


def _unit(conn: Connection, package_id: str) -> str | None:
    units = archives.units_of(conn, package_id)
    return units[0] if len(units) == 1 else None
