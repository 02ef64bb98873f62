"""Making an archive package of what is exported: sheets, fixed, in one file, each sheet once.

As with exports (`pipeline/export/runs/make.py`) the file is built from the database; then
everything is checked again and written in one transaction. A process that is killed leaves a
whole package or none; one that nobody was handed is named until somebody is. The archive is no
target of an export: a sheet goes there besides going into the care system, and only when that
system has said that it has all of its entries. The number of the decision or plan that it is
archived by is stored, and stands in the package.
"""

from __future__ import annotations

import secrets
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pipeline.domain.errors import ExportError
from pipeline.domain.law.permissions import Action
from pipeline.domain.law.retention import (
    investigation_forms,
    retention_label,
    shows_investigation,
)
from pipeline.domain.model import Person
from pipeline.domain.record import Record, Run
from pipeline.export.archive.package import build_package
from pipeline.export.archive.sheets import (
    SheetFiles,
    SheetPaper,
    build_sheet_files,
    longest_retention,
)
from pipeline.export.record_text import to_local_time
from pipeline.export.runs import ExportContext, RunFile
from pipeline.store.database.store import lock_keys
from pipeline.store.entries.attached_pages import list_attached_pages, page_words
from pipeline.store.event_log import events
from pipeline.store.exports import archives, records
from pipeline.store.exports.archives import (
    ArchivableSheet,
    ArchivedSheet,
    ArchivePackage,
    SheetWait,
)
from pipeline.store.exports.run_items import Connection
from pipeline.store.paper.pages import list_sheet_pages

MAX_SHEETS = 200
"""Sheets of one package, so that it fits in memory; the others wait for the next."""
MAX_ATTEMPTS = 10
"""Attempts at a package whose sheets change while its file is made."""
MAX_DECISION_LENGTH = 80
TARGET = "arkiv"


@dataclass(frozen=True, slots=True)
class ArchiveReady:
    """What waits to be archived.

    `classes` counts the sheets of the next package by class of retention, `waits` other sheets by
    what they wait for.
    """

    sheets: int
    waits: Mapping[SheetWait, int]
    classes: tuple[tuple[str, int], ...]

    @property
    def unsettled(self) -> int:
        """Sheets of which an entry is still on its way."""
        return sum(self.waits.values())


@dataclass(frozen=True, slots=True)
class _DraftPackage:
    """A package that is not stored yet."""

    sheets: tuple[SheetFiles, ...]
    run: Run
    decision: str


def find_ready(context: ExportContext, person: Person, unit: str | None = None) -> ArchiveReady:
    """Return what waits to be archived.

    Raises:
        NotAllowedError: the person does not archive, or not in this unit.
    """
    context.store.require_permission(person, Action.ARCHIVE, unit)
    with context.store.read() as conn:
        waiting = archives.find_archivable(conn, person, unit)
        by_sheet = _records_by_sheet(conn, context, waiting.sheets[:MAX_SHEETS])
        children = _investigated_children(conn, context, by_sheet)
    classes = Counter(
        retention_label(longest_retention(sheet_records, context.settings, context.forms, children))
        for sheet_records in by_sheet.values()
    )
    return ArchiveReady(len(waiting.sheets), waiting.waits, tuple(sorted(classes.items())))


def make_package(
    context: ExportContext, person: Person, now: datetime, decision: str, unit: str | None = None
) -> ArchivePackage | None:
    """Archive what is ready, at most `MAX_SHEETS` sheets, of one unit or of all of the person's.

    Returns None when there is nothing.

    Args:
        decision: the number of the plan (dokumenthanteringsplan) or decision that it is done by.

    Raises:
        NotAllowedError: the person does not archive, or not in this unit.
        ExportError: a sheet has no image, or there is no decision.
        StoreError: the database or the disk failed; nothing has been archived.
    """
    context.store.require_permission(person, Action.ARCHIVE, unit)
    # Optimistic concurrency: build from a snapshot, then try to save; repeat if the sheets changed.
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
            archivable = archives.find_archivable(conn, person, unit).sheets[:MAX_SHEETS]
            by_sheet = _records_by_sheet(conn, context, archivable)
            children = _investigated_children(conn, context, by_sheet)
            sheets = [
                build_sheet_files(
                    sheet,
                    by_sheet.get(sheet.sheet, []),
                    _load_paper(conn, sheet.sheet),
                    context,
                    run,
                    investigated=children,
                )
                for sheet in archivable
            ]
        if not sheets:
            return None
        if not decision.strip():
            raise ExportError("archive_needs_decision")
        draft = _DraftPackage(tuple(sheets), run, decision.strip()[:MAX_DECISION_LENGTH])
        data = build_package(sheets, run, context.settings, draft.decision)
        if package := _save_package(context, person, unit, draft, data):
            return package
    raise ExportError("sheets_kept_changing")


def package_file(context: ExportContext, person: Person, package_id: str) -> RunFile:
    """Return the file of a package, the same bytes as when it was made, and write that in the log.

    Raises:
        NotAllowedError: the package holds sheets that the person may not see.
        ExportError: there is no such package.
        StoreError: the file is missing or damaged.
    """
    with context.store.begin() as conn:
        package = archives.load_package(conn, person, package_id)
        events.record(
            conn,
            person.login,
            "fetch_package",
            package_id,
            unit=archives.package_unit(conn, package_id),
            sheets=package.sheets,
        )
    return RunFile(
        package.file_name,
        "application/zip",
        context.store.images.get(package.sha256),
        package.sha256,
        package.sheets,
    )


def confirm_package(context: ExportContext, person: Person, package_id: str, now: datetime) -> None:
    """Store that the person has the file of a package, once it is written or on its way.

    Raises:
        NotAllowedError: the package holds sheets that the person may not see.
        ExportError: there is no such package.
    """
    with context.store.begin() as conn:
        archives.load_package(conn, person, package_id)
        archives.save_package_delivery(conn, package_id, person.login, now)


def _records_by_sheet(
    conn: Connection, context: ExportContext, sheets: Sequence[ArchivableSheet]
) -> dict[str, list[Record]]:
    """Return the records of sheets by sheet, in the order of their rows."""
    sheet_by_entry = {entry_id: sheet.sheet for sheet in sheets for entry_id in sheet.entry_ids}
    by_sheet = defaultdict[str, list[Record]](list)
    for record in records.load_records(conn, context.forms, list(sheet_by_entry)):
        by_sheet[sheet_by_entry[record.entry_id]].append(record)
    return by_sheet


def _investigated_children(
    conn: Connection, context: ExportContext, by_sheet: Mapping[str, Sequence[Record]]
) -> frozenset[str]:
    """Return the clients of these sheets of whom any paper shows that an investigation was opened.

    That paper may be in no package yet, or in an earlier one.
    """
    clients = {one.client.pid for sheet_records in by_sheet.values() for one in sheet_records}
    entry_ids = archives.list_entries_of_clients(conn, clients - {""}, investigation_forms())
    return frozenset(
        record.client.pid
        for record in records.load_records(conn, context.forms, entry_ids)
        if shows_investigation(record.form, record.fields)
    )


def _load_paper(conn: Connection, sheet: str) -> SheetPaper:
    attachments = list_attached_pages(conn, sheet)
    words = page_words(conn, [attached.page.id for attached in attachments])
    return SheetPaper(list_sheet_pages(conn, sheet), attachments, words)


def _save_package(
    context: ExportContext,
    person: Person,
    unit: str | None,
    draft: _DraftPackage,
    data: bytes,
) -> ArchivePackage | None:
    """Write the package if every sheet is still what the file says; else return None."""
    sheets, run = draft.sheets, draft.run
    with context.store.begin() as conn:
        lock_keys(conn, "archive")
        # Compare digests of what is archivable now with those of the file.
        current = {
            (sheet.sheet, sheet.content_digest)
            for sheet in archives.find_archivable(conn, person, unit).sheets
        }
        if any((sheet.sheet, sheet.content) not in current for sheet in sheets):
            return None
        package = ArchivePackage(
            run.id,
            f"efterskrift-{run.id}.zip",
            context.store.images.put(data),
            run.made_at,
            run.made_by,
            len(sheets),
            draft.decision,
        )
        archived = [
            ArchivedSheet(
                sheet.sheet,
                sheet.content,
                retention_label(sheet.retention),
                sheet.retention.earliest.isoformat() if sheet.retention.earliest else "",
            )
            for sheet in sheets
        ]
        archives.add_package(conn, package, archived)
        events.record(
            conn,
            person.login,
            "archive",
            package.id,
            unit=archives.package_unit(conn, package.id),
            sheets=package.sheets,
            sha256=package.sha256,
        )
        return package
