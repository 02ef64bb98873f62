"""Which sheets can be archived, and the packages that were made of them. Rows are only ever added."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, exists, func, insert, or_, select

from pipeline.domain import permissions
from pipeline.domain.errors import ExportError, NotAllowedError
from pipeline.domain.model import EntryState, Person
from pipeline.domain.permissions import Action
from pipeline.domain.review.rules import GAPLESS_REASONS
from pipeline.store.accounts import visibility
from pipeline.store.schema.exports import archive_package, archived_sheet, export_item
from pipeline.store.schema.paper import entry

_MAX_IDS = 500
SENT_STATES = (EntryState.EXPORTED, EntryState.RECEIPTED)
_CLOSED_CONDITION = or_(entry.c.voided.is_not(None), entry.c.reason.in_(sorted(GAPLESS_REASONS)))
SETTLED_CONDITION = or_(
    entry.c.state.in_([state.value for state in SENT_STATES]),
    and_(entry.c.state == EntryState.REJECTED.value, _CLOSED_CONDITION),
)
"""Entries with which nothing more is done. Paper put aside as illegible, or whose author is asked,
is not: somebody may still enter it.
"""


@dataclass(frozen=True, slots=True)
class ArchivableSheet:
    """A sheet all of whose entries are settled. `content` is a digest of its entries and of how
    often each was exported.
    """

    sheet: str
    entry_ids: tuple[str, ...]
    content_digest: str


@dataclass(frozen=True, slots=True)
class ArchiveQueue:
    """What can be archived now, and how many sheets with exported entries still hold an entry that
    is on its way.
    """

    sheets: tuple[ArchivableSheet, ...]
    unsettled_count: int


@dataclass(frozen=True, slots=True)
class ArchivePackage:
    """A package that was made. `sha256` is that of its file."""

    id: str
    file_name: str
    sha256: str
    made_at: datetime
    made_by: str
    sheets: int


@dataclass(frozen=True, slots=True)
class ArchivedSheet:
    """A sheet of a package with the class of retention that it was given, `SOL-5/1`, and the
    earliest day of erasing (empty: never, or by plan).
    """

    sheet: str
    content: str
    rule: str
    earliest: str


def find_archivable(conn: Connection, person: Person, unit: str | None = None) -> ArchiveQueue:
    """The sheets that wait to be archived, of one unit or of all of the person's, oldest sheet id
    first.

    A sheet of which the person may not see every entry is left out: its picture shows all of
    them.

    Raises:
        NotAllowedError: the person does not archive, or not in this unit.
    """
    permissions.require_permission(person, Action.ARCHIVE, unit)
    sent = select(entry.c.sheet).where(
        entry.c.state.in_([state.value for state in SENT_STATES]),
        visibility.visible_entries_condition(conn, person),
    )
    if unit is not None:
        sent = sent.where(entry.c.unit == unit)
    hidden = select(entry.c.sheet).where(~visibility.visible_entries_condition(conn, person))
    by_sheet, unsettled = _entries_by_sheet(
        conn, and_(entry.c.sheet.in_(sent), entry.c.sheet.not_in(hidden))
    )
    settled = {sheet: ids for sheet, ids in by_sheet.items() if sheet not in unsettled}
    return ArchiveQueue(tuple(_filter_not_archived(conn, settled)), len(unsettled))


def changed_archived_sheets(conn: Connection, package_id: str) -> list[str]:
    """The sheets of a package that are not in the archive as they are now: corrected, made void or
    added to since, and in no later package.
    """
    held = select(archived_sheet.c.sheet).where(archived_sheet.c.package == package_id)
    by_sheet, unsettled = _entries_by_sheet(conn, entry.c.sheet.in_(held))
    return sorted(
        unsettled | {one.sheet for one in _filter_not_archived(conn, by_sheet) if one.entry_ids}
    )


def _entries_by_sheet(
    conn: Connection, condition: ColumnElement[bool]
) -> tuple[dict[str, list[str]], set[str]]:
    """The entries of each sheet but those put aside, and the sheets that hold an entry that is not
    settled.
    """
    by_sheet: dict[str, list[str]] = defaultdict(list)
    unsettled = set()
    query = select(
        entry.c.sheet, entry.c.id, entry.c.state, SETTLED_CONDITION.label("settled")
    ).where(condition)
    for row in conn.execute(query.order_by(entry.c.sheet, entry.c.id)):
        by_sheet[row.sheet] += [row.id] if row.state != EntryState.REJECTED.value else []
        if not row.settled:
            unsettled.add(row.sheet)
    return by_sheet, unsettled


def _filter_not_archived(
    conn: Connection, sheets: Mapping[str, Sequence[str]]
) -> Iterable[ArchivableSheet]:
    times = _count_exports(conn, [entry_id for each in sheets.values() for entry_id in each])
    known = _archived_contents(conn, list(sheets))
    for sheet, entry_ids in sheets.items():
        named = "\n".join(f"{entry_id} {times.get(entry_id, 0)}" for entry_id in entry_ids)
        content = hashlib.sha256(named.encode()).hexdigest()
        if (sheet, content) not in known:
            yield ArchivableSheet(sheet, tuple(entry_ids), content)


def _count_exports(conn: Connection, entry_ids: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for part in _chunk_ids(entry_ids):
        query = (
            select(export_item.c.entry, func.count())
            .where(export_item.c.entry.in_(part))
            .group_by(export_item.c.entry)
        )
        found |= {row[0]: row[1] for row in conn.execute(query)}
    return found


def _archived_contents(conn: Connection, sheets: Sequence[str]) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    for part in _chunk_ids(sheets):
        found |= {
            (row.sheet, row.content)
            for row in conn.execute(select(archived_sheet).where(archived_sheet.c.sheet.in_(part)))
        }
    return found


def _chunk_ids(ids: Sequence[str]) -> Iterable[Sequence[str]]:
    return (ids[start : start + _MAX_IDS] for start in range(0, len(ids), _MAX_IDS))


def add_package(conn: Connection, package: ArchivePackage, sheets: Sequence[ArchivedSheet]) -> None:
    """Write down a package and its sheets. A sheet goes into a package once as it is: the database
    refuses a second (StoreError).
    """
    row = {
        "id": package.id,
        "file_name": package.file_name,
        "file_sha256": package.sha256,
        "made_at": package.made_at,
        "made_by": package.made_by,
    }
    conn.execute(insert(archive_package).values(row))
    rows = [
        {
            "package": package.id,
            "sheet": s.sheet,
            "content": s.content,
            "rule": s.rule,
            "earliest": s.earliest,
        }
        for s in sheets
    ]
    conn.execute(insert(archived_sheet), rows)


def list_packages(conn: Connection, person: Person) -> list[ArchivePackage]:
    """The packages that hold nothing that the person may not see, newest first.

    Raises:
        NotAllowedError: the person does not archive.
    """
    permissions.require_permission(person, Action.ARCHIVE)
    return _select_packages(conn, is_wholly_visible(conn, person))


def load_package(
    conn: Connection, person: Person, package_id: str, action: Action = Action.ARCHIVE
) -> ArchivePackage:
    """One package, if the person may see everything in it.

    Raises:
        NotAllowedError: the person may not do this, or not with everything in the package.
        ExportError: there is no such package.
    """
    permissions.require_permission(person, action)
    found = _select_packages(conn, archive_package.c.id == package_id)
    if not found:
        raise ExportError("no_package", package_id=package_id[:40])
    if not _select_packages(
        conn, (archive_package.c.id == package_id) & is_wholly_visible(conn, person)
    ):
        raise NotAllowedError("package_not_visible", by=person.login, action=action.value)
    return found[0]


def list_package_sheets(conn: Connection, package_id: str) -> list[ArchivedSheet]:
    """The sheets of a package. Whoever shows them has asked for the package."""
    query = (
        select(archived_sheet)
        .where(archived_sheet.c.package == package_id)
        .order_by(archived_sheet.c.sheet)
    )
    return [
        ArchivedSheet(row.sheet, row.content, row.rule, row.earliest) for row in conn.execute(query)
    ]


def list_package_units(conn: Connection, package_id: str) -> list[str]:
    """The units whose paper a package holds."""
    held = (
        select(entry.c.unit)
        .join(archived_sheet, archived_sheet.c.sheet == entry.c.sheet)
        .where(archived_sheet.c.package == package_id)
    )
    return sorted(conn.execute(held.distinct()).scalars())


def is_wholly_visible(conn: Connection, person: Person) -> ColumnElement[bool]:
    """The condition on packages that they hold nothing that the person may not see."""
    held = (archived_sheet.c.package == archive_package.c.id) & (
        archived_sheet.c.sheet == entry.c.sheet
    )
    return ~exists(
        select(archived_sheet.c.sheet)
        .where(held, ~visibility.visible_entries_condition(conn, person))
        .correlate(archive_package)
    )


def _select_packages(conn: Connection, condition: ColumnElement[bool]) -> list[ArchivePackage]:
    count: Any = (
        select(func.count())
        .where(archived_sheet.c.package == archive_package.c.id)
        .correlate(archive_package)
        .scalar_subquery()
    )
    query = (
        select(archive_package, count.label("sheets"))
        .where(condition)
        .order_by(archive_package.c.made_at.desc(), archive_package.c.id.desc())
    )
    return [
        ArchivePackage(row.id, row.file_name, row.file_sha256, row.made_at, row.made_by, row.sheets)
        for row in conn.execute(query)
    ]
