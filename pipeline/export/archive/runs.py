"""Making a package of what is exported: sheets, fixed, in one file, each sheet once as it is.

As with exports (`pipeline/export/runs.py`) the file is made from what the database says; then
everything is looked at again and written in one transaction. A process that is killed leaves a
whole package or none. The archive is no target of an export: a sheet goes there besides going
into the care system, and only when the system has all of its entries.
"""

from __future__ import annotations

import secrets
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pipeline.domain.errors import ExportError
from pipeline.domain.model import Person
from pipeline.domain.permissions import Action, require_permission
from pipeline.domain.record import Record, Run
from pipeline.export.archive.package import build_package as packed
from pipeline.export.archive.sheets import (
    SheetFiles,
    build_sheet_files,
    longest_retention,
    retention_label,
)
from pipeline.export.record_text import to_local_time
from pipeline.export.runs import ExportContext, RunFile
from pipeline.store.database.store import lock_keys
from pipeline.store.event_log import events
from pipeline.store.exports import archives, records
from pipeline.store.exports.archives import ArchivableSheet, ArchivedSheet, ArchivePackage
from pipeline.store.exports.run_items import Connection
from pipeline.store.paper.sheets import list_sheet_pages

MAX_SHEETS = 200
"""In one package, so that it fits in memory; what is left waits for the next."""
MAX_ATTEMPTS = 10
TARGET = "arkiv"


@dataclass(frozen=True, slots=True)
class ArchiveReady:
    """What waits: sheets, how many of each class of retention in the next package, and sheets of
    which an entry is still on its way.
    """

    sheets: int
    unsettled: int
    classes: tuple[tuple[str, int], ...]


def find_ready(context: ExportContext, person: Person, unit: str | None = None) -> ArchiveReady:
    """What waits to be archived.

    Raises:
        NotAllowedError: the person does not archive, or not in this unit.
    """
    with context.store.recording_denials():
        require_permission(person, Action.ARCHIVE, unit)
    with context.store.read() as conn:
        waiting = archives.find_archivable(conn, person, unit)
        found = _records_by_sheet(conn, context, waiting.sheets[:MAX_SHEETS])
    classes = Counter(
        retention_label(longest_retention(each, context.settings, context.forms))
        for each in found.values()
    )
    return ArchiveReady(
        len(waiting.sheets), waiting.unsettled_count, tuple(sorted(classes.items()))
    )


def make_package(
    context: ExportContext, person: Person, now: datetime, unit: str | None = None
) -> ArchivePackage | None:
    """Archive what is ready, at most `MOST_SHEETS` sheets, of one unit or of all of the person's;
    None when there is nothing.

    Raises:
        NotAllowedError: the person does not archive, or not in this unit.
        ExportError: a sheet has no picture.
        StoreError: the database or the disk failed; nothing has been archived.
    """
    with context.store.recording_denials():
        require_permission(person, Action.ARCHIVE, unit)
    for _ in range(MAX_ATTEMPTS):
        run = Run(
            f"{to_local_time(now):%Y%m%d-%H%M%S}-{TARGET}-{secrets.token_hex(2)}",
            TARGET,
            "",
            now,
            person.name[:80],
            0,
        )
        with context.store.read() as conn:
            chosen = archives.find_archivable(conn, person, unit).sheets[:MAX_SHEETS]
            found = _records_by_sheet(conn, context, chosen)
            sheets = [
                build_sheet_files(
                    each,
                    found.get(each.sheet, []),
                    list_sheet_pages(conn, each.sheet),
                    context,
                    run,
                )
                for each in chosen
            ]
        if not sheets:
            return None
        data = packed(sheets, run, context.settings)
        if made := _save_package(context, person, unit, sheets, run, data):
            return made
    raise ExportError("sheets_changed_all_time_while")


def package_file(context: ExportContext, person: Person, package_id: str) -> RunFile:
    """The file of a package, the same bytes as when it was made. That it was fetched is written in
    the log.

    Raises:
        NotAllowedError: the package holds sheets that the person may not see.
        ExportError: there is no such package.
        StoreError: the file is missing or damaged.
    """
    with context.store.begin() as conn:
        found = archives.load_package(conn, person, package_id)
        events.record(
            conn,
            person.login,
            "fetch_package",
            package_id,
            unit=_package_unit(conn, package_id),
            sheets=found.sheets,
        )
    return RunFile(
        found.file_name,
        "application/zip",
        context.store.images.get(found.sha256),
        found.sha256,
        found.sheets,
    )


def _records_by_sheet(
    conn: Connection, context: ExportContext, sheets: Sequence[ArchivableSheet]
) -> dict[str, list[Record]]:
    """The records of sheets by sheet, in the order of their rows."""
    sheet_of = {entry_id: each.sheet for each in sheets for entry_id in each.entry_ids}
    found = defaultdict[str, list[Record]](list)
    for record in records.load_records(conn, context.forms, list(sheet_of)):
        found[sheet_of[record.entry_id]].append(record)
    return found


def _save_package(
    context: ExportContext,
    person: Person,
    unit: str | None,
    sheets: list[SheetFiles],
    run: Run,
    data: bytes,
) -> ArchivePackage | None:
    """Write the package if every sheet is still what the file says; None when something has
    changed.
    """
    with context.store.begin() as conn:
        lock_keys(conn, "archive")
        now_there = {
            (each.sheet, each.content_digest)
            for each in archives.find_archivable(conn, person, unit).sheets
        }
        if any((each.sheet, each.content) not in now_there for each in sheets):
            return None
        made = ArchivePackage(
            run.id,
            f"efterskrift-{run.id}.zip",
            context.store.images.put(data),
            run.made_at,
            run.made_by,
            len(sheets),
        )
        archives.add_package(conn, made, [_archived_sheet(each) for each in sheets])
        events.record(
            conn,
            person.login,
            "archive",
            made.id,
            unit=_package_unit(conn, made.id),
            sheets=made.sheets,
            sha256=made.sha256,
        )
        return made


def _archived_sheet(sheet: SheetFiles) -> ArchivedSheet:
    earliest = sheet.retention.earliest.isoformat() if sheet.retention.earliest else ""
    return ArchivedSheet(sheet.sheet, sheet.content, retention_label(sheet.retention), earliest)


def _package_unit(conn: Connection, package_id: str) -> str | None:
    units = archives.list_package_units(conn, package_id)
    return units[0] if len(units) == 1 else None
