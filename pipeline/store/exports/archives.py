"""Which sheets can be archived, and the archive packages. Rows are only added."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, exists, func, insert, or_, select

from pipeline.domain.errors import ExportError, NotAllowedError
from pipeline.domain.law import permissions
from pipeline.domain.law.permissions import Action
from pipeline.domain.model import EntryState, Person
from pipeline.domain.review.rules import GAPLESS_REASONS
from pipeline.store.accounts import visibility
from pipeline.store.exports.run_items import WAS_UNDONE
from pipeline.store.schema.exports import (
    archive_delivery,
    archive_package,
    archived_sheet,
    export_item,
)
from pipeline.store.schema.id_chunks import rows_of_ids
from pipeline.store.schema.paper import entry

_SENT_STATES = (EntryState.EXPORTED, EntryState.RECEIPTED)
_CLOSED_CONDITION = or_(entry.c.voided.is_not(None), entry.c.reason.in_(sorted(GAPLESS_REASONS)))
_SETTLED_CONDITION = or_(
    entry.c.state == EntryState.RECEIPTED.value,
    and_(entry.c.state == EntryState.REJECTED.value, _CLOSED_CONDITION),
)
"""The condition that nothing more is done with an entry: its target has said that it has it.

An entry that was rejected as illegible, or whose author is asked, is not settled: it may still be
entered.
"""


_IS_DELIVERED = (
    exists().where(archive_delivery.c.package == archive_package.c.id).correlate(archive_package)
)


class SheetWait(StrEnum):
    """What a sheet waits for before it is archived: the first step that one of its entries lacks.

    A decision by people, the export to its target, or the target's receipt.
    """

    REVIEW = "review"
    EXPORT = "export"
    RECEIPT = "receipt"


_WAIT = case(
    (_SETTLED_CONDITION, ""),
    (entry.c.state == EntryState.EXPORTED.value, SheetWait.RECEIPT.value),
    (
        entry.c.state.in_([EntryState.CONFIRMED.value, EntryState.SIGNED.value]),
        SheetWait.EXPORT.value,
    ),
    else_=SheetWait.REVIEW.value,
)


@dataclass(frozen=True, slots=True)
class ArchivableSheet:
    """A sheet whose entries are all settled.

    `content_digest` is a digest of its entries and of how often each was exported.
    """

    sheet: str
    entry_ids: tuple[str, ...]
    content_digest: str


@dataclass(frozen=True, slots=True)
class ArchiveQueue:
    """What can be archived now, and what other sheets with exported entries wait for."""

    sheets: tuple[ArchivableSheet, ...]
    waits: Mapping[SheetWait, int]


@dataclass(frozen=True, slots=True)
class ArchivePackage:
    """An archive package; `sha256` is that of its file, `decision` what it was archived by.

    `is_delivered`: somebody was handed its file.
    """

    id: str
    file_name: str
    sha256: str
    made_at: datetime
    made_by: str
    sheets: int
    decision: str
    is_delivered: bool = False


@dataclass(frozen=True, slots=True)
class ArchivedSheet:
    """A sheet of a package with its retention class, such as `SOL-5/1`.

    `earliest` is the earliest day of erasing; empty if never, or by plan.
    """

    sheet: str
    content: str
    rule: str
    earliest: str


def find_archivable(conn: Connection, person: Person, unit: str | None = None) -> ArchiveQueue:
    """Return the sheets that can be archived, of one unit or of all of the person's, by sheet id.

    A sheet is left out if the person may not see every entry on it, since its image shows all of
    them.

    Raises:
        NotAllowedError: the person may not archive, or not in this unit.
    """
    permissions.require_permission(person, Action.ARCHIVE, unit)
    # Sheets with a visible exported entry, without those that have a hidden one
    exported = select(entry.c.sheet).where(
        entry.c.state.in_([state.value for state in _SENT_STATES]),
        visibility.visible_entries_condition(conn, person, Action.ARCHIVE),
    )
    if unit is not None:
        exported = exported.where(entry.c.unit == unit)
    hidden = select(entry.c.sheet).where(
        ~visibility.visible_entries_condition(conn, person, Action.ARCHIVE)
    )
    ids_by_sheet, waits = _entries_by_sheet(
        conn, and_(entry.c.sheet.in_(exported), entry.c.sheet.not_in(hidden))
    )
    settled = {sheet: ids for sheet, ids in ids_by_sheet.items() if sheet not in waits}
    return ArchiveQueue(tuple(_filter_not_archived(conn, settled)), count_waits(waits))


def list_entries_of_clients(
    conn: Connection, clients: Iterable[str], forms: Iterable[str]
) -> list[str]:
    """Return the decided entries of these clients on these forms, whoever may see them."""
    decided = (*_SENT_STATES, EntryState.CONFIRMED, EntryState.SIGNED)
    query = select(entry.c.id).where(
        entry.c.client_pid.in_(sorted(clients)),
        entry.c.form.in_(sorted(forms)),
        entry.c.state.in_([state.value for state in decided]),
        entry.c.voided.is_(None),
    )
    return list(conn.execute(query.order_by(entry.c.id)).scalars())


def package_waits(conn: Connection, package_id: str) -> Mapping[str, SheetWait]:
    """Return what sheets of a package wait for, by sheet: their paper is needed."""
    in_package = select(archived_sheet.c.sheet).where(archived_sheet.c.package == package_id)
    return _entries_by_sheet(conn, entry.c.sheet.in_(in_package))[1]


def count_waits(waits: Mapping[str, SheetWait]) -> Mapping[SheetWait, int]:
    """Count sheets by what they wait for."""
    found = list(waits.values())
    return {wait: found.count(wait) for wait in SheetWait if wait in found}


def changed_archived_sheets(conn: Connection, package_id: str) -> list[str]:
    """Return the sheets of a package whose present content is in no archive package.

    These were corrected, made void or added to since.
    """
    in_package = select(archived_sheet.c.sheet).where(archived_sheet.c.package == package_id)
    # Compare the sheets' present content with that of all packages
    ids_by_sheet, waits = _entries_by_sheet(conn, entry.c.sheet.in_(in_package))
    not_archived = _filter_not_archived(conn, ids_by_sheet)
    return sorted(waits.keys() | {sheet.sheet for sheet in not_archived if sheet.entry_ids})


def _entries_by_sheet(
    conn: Connection, condition: ColumnElement[bool]
) -> tuple[dict[str, list[str]], dict[str, SheetWait]]:
    """Return the ids of each sheet's entries that are not rejected, and what sheets wait for."""
    ids_by_sheet: dict[str, list[str]] = defaultdict(list)
    waits: dict[str, SheetWait] = {}
    query = select(entry.c.sheet, entry.c.id, entry.c.state, _WAIT.label("wait")).where(condition)
    # A rejected entry is no content, but it has to be settled as well
    for row in conn.execute(query.order_by(entry.c.sheet, entry.c.id)):
        ids_by_sheet[row.sheet] += [row.id] if row.state != EntryState.REJECTED.value else []
        # Of several entries the one that is furthest from its receipt
        if row.wait:
            wait = SheetWait(row.wait)
            waits[row.sheet] = min(wait, waits.get(row.sheet, wait), key=list(SheetWait).index)
    return ids_by_sheet, waits


def _filter_not_archived(
    conn: Connection, sheets: Mapping[str, Sequence[str]]
) -> Iterable[ArchivableSheet]:
    """Yield the sheets whose present content is in no package."""
    export_counts = _count_exports(conn, [entry_id for ids in sheets.values() for entry_id in ids])
    archived = _archived_contents(conn, list(sheets))
    for sheet, entry_ids in sheets.items():
        # A sheet's content changes when an entry is added, removed or exported again
        lines = "\n".join(f"{entry_id} {export_counts.get(entry_id, 0)}" for entry_id in entry_ids)
        content = hashlib.sha256(lines.encode()).hexdigest()
        if (sheet, content) not in archived:
            yield ArchivableSheet(sheet, tuple(entry_ids), content)


def _count_exports(conn: Connection, entry_ids: Sequence[str]) -> dict[str, int]:
    """Return how often each entry was exported; entries without exports are left out."""
    # Every export counts that left the program, also one that was refused
    query = select(export_item.c.entry, func.count()).where(~WAS_UNDONE)
    query = query.group_by(export_item.c.entry)
    return {row[0]: row[1] for row in rows_of_ids(conn, query, export_item.c.entry, entry_ids)}


def _archived_contents(conn: Connection, sheets: Sequence[str]) -> set[tuple[str, str]]:
    """Return (sheet, content) of these sheets in all packages."""
    # Of any package, not only the latest
    return {
        (row.sheet, row.content)
        for row in rows_of_ids(conn, select(archived_sheet), archived_sheet.c.sheet, sheets)
    }


def add_package(conn: Connection, package: ArchivePackage, sheets: Sequence[ArchivedSheet]) -> None:
    """Store a package and its sheets.

    A sheet is archived once per content: the database refuses a second time (StoreError).
    """
    row = {
        "id": package.id,
        "file_name": package.file_name,
        "file_sha256": package.sha256,
        "made_at": package.made_at,
        "made_by": package.made_by,
        "decision": package.decision,
    }
    conn.execute(insert(archive_package).values(row))
    rows = [
        {
            "package": package.id,
            "sheet": sheet.sheet,
            "content": sheet.content,
            "rule": sheet.rule,
            "earliest": sheet.earliest,
        }
        for sheet in sheets
    ]
    conn.execute(insert(archived_sheet), rows)


def list_packages(conn: Connection, person: Person) -> list[ArchivePackage]:
    """Return the packages that the person may see completely, newest first.

    Raises:
        NotAllowedError: the person may not archive.
    """
    permissions.require_permission(person, Action.ARCHIVE)
    return _select_packages(conn, is_wholly_visible(conn, person, Action.ARCHIVE))


def load_package(
    conn: Connection, person: Person, package_id: str, action: Action = Action.ARCHIVE
) -> ArchivePackage:
    """Return one package, if the person may see everything in it.

    Raises:
        NotAllowedError: the person may not do this, or not with everything in the package.
        ExportError: there is no such package.
    """
    permissions.require_permission_for(package_id, person, action)
    packages = _select_packages(conn, archive_package.c.id == package_id)
    if not packages:
        raise ExportError("no_package", package_id=package_id[:40])
    # The package exists, but may hold an entry that the person may not see
    if not _select_packages(
        conn, (archive_package.c.id == package_id) & is_wholly_visible(conn, person, action)
    ):
        raise NotAllowedError(
            "package_not_visible", by=person.login, action=action.value, subject=package_id
        )
    return packages[0]


def list_undelivered_packages(conn: Connection) -> list[str]:
    """Return the packages whose file nobody was handed: a process was killed before."""
    query = select(archive_package.c.id).where(~_IS_DELIVERED)
    return list(
        conn.execute(query.order_by(archive_package.c.made_at, archive_package.c.id)).scalars()
    )


def save_package_delivery(conn: Connection, package_id: str, by: str, at: datetime) -> None:
    """Store that the file of a package was handed to somebody."""
    conn.execute(insert(archive_delivery).values(package=package_id, by=by, at=at))


def package_unit(conn: Connection, package_id: str) -> str | None:
    """Return the unit whose paper a package holds; None if there are several."""
    # The units of all entries on the package's sheets
    units = (
        select(entry.c.unit)
        .join(archived_sheet, archived_sheet.c.sheet == entry.c.sheet)
        .where(archived_sheet.c.package == package_id)
    )
    found = list(conn.execute(units.distinct()).scalars())
    return found[0] if len(found) == 1 else None


def is_wholly_visible(conn: Connection, person: Person, action: Action) -> ColumnElement[bool]:
    """Return the condition that a package has no entry that is out of the person's reach."""
    # Entries on the package's sheets
    is_in_package = (archived_sheet.c.package == archive_package.c.id) & (
        archived_sheet.c.sheet == entry.c.sheet
    )
    # None of them is hidden from the person
    return ~exists(
        select(archived_sheet.c.sheet)
        .where(is_in_package, ~visibility.visible_entries_condition(conn, person, action))
        .correlate(archive_package)
    )


def _select_packages(conn: Connection, condition: ColumnElement[bool]) -> list[ArchivePackage]:
    """Return the packages that meet a condition, newest first, with their numbers of sheets."""
    # The sheets of each package
    count: Any = (
        select(func.count())
        .where(archived_sheet.c.package == archive_package.c.id)
        .correlate(archive_package)
        .scalar_subquery()
    )
    query = (
        select(archive_package, count.label("sheets"), _IS_DELIVERED.label("is_delivered"))
        .where(condition)
        .order_by(archive_package.c.made_at.desc(), archive_package.c.id.desc())
    )
    return [
        ArchivePackage(
            row.id,
            row.file_name,
            row.file_sha256,
            row.made_at,
            row.made_by,
            row.sheets,
            row.decision,
            bool(row.is_delivered),
        )
        for row in conn.execute(query)
    ]
