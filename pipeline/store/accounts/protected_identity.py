"""Protected identities (skyddade personuppgifter): what a person may see of an entry's client, and
what of a picture has to be covered.

The right to see is the review right in the client's own unit. Whoever lacks it sees neither
number, name nor address: not in fields, not in lists and not in pictures, where the places are
painted over before the bytes leave the server.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, or_, select

from pipeline.domain.confidence import PROTECTED_CANDIDATE_FROM
from pipeline.domain.form.field import BoxMm, Meaning
from pipeline.domain.form.form import Form, Forms
from pipeline.domain.model import Outcome, Person
from pipeline.domain.permissions import Action, is_allowed
from pipeline.store.paper.duplicates import filter_same_paper
from pipeline.store.paper.pages import Page
from pipeline.store.schema import paper

IDENTIFYING_MEANINGS = frozenset(
    {Meaning.CLIENT_PID, Meaning.CLIENT_NAME, Meaning.CLIENT_PRINTED, Meaning.CLIENT_ADDRESS}
)
"""Fields that say who the client is."""

WHOLE_PAGE_BOX: BoxMm = (0.0, 0.0, 2000.0, 2000.0)
"""Covers a picture whole, where the places of a form do not hold."""


def find_hidden_pids(conn: Connection, person: Person, numbers: Iterable[object]) -> frozenset[str]:
    """Those of these personal numbers that belong to clients whose identity the person may not see."""
    asked = {number for number in numbers if isinstance(number, str)}
    if not asked:
        return frozenset()
    table = paper.client.c
    query = select(table.pid, table.unit).where(table.pid.in_(asked), table.protected)
    may = is_allowed(person, Action.REVIEW)
    return frozenset(
        row.pid for row in conn.execute(query) if not may or row.unit not in person.units
    )


@dataclass(frozen=True, slots=True)
class CoveredAreas:
    """What of a sheet has to be covered: places (mm) by page id, and the rows of the entries whose
    client is hidden (None: of the whole sheet).
    """

    boxes: Mapping[str, tuple[BoxMm, ...]]
    rows: frozenset[int | None]

    def is_row_hidden(self, row: int | None) -> bool:
        """Whether the client of the entry in this row is hidden. On a sheet for one client, all
        rows are that client's.
        """
        return row in self.rows or None in self.rows


NO_COVERED_AREAS = CoveredAreas({}, frozenset())


def find_covered_areas(
    conn: Connection, person: Person, form: Form | None, pages: Sequence[Page]
) -> CoveredAreas:
    """What of a sheet's pages has to be covered for this person, by whom its entries are about, or
    may be as the machine read them.
    """
    numbers = find_sheet_pids(conn, form, pages)
    hidden = find_hidden_pids(conn, person, [number for _, number in numbers])
    if not hidden:
        return NO_COVERED_AREAS
    rows = frozenset(row for row, number in numbers if number in hidden)
    return CoveredAreas({page.id: _boxes_to_cover(form, page, rows) for page in pages}, rows)


def find_covered_boxes(
    conn: Connection, forms: Forms, person: Person, page: Page
) -> tuple[BoxMm, ...]:
    """The places of one page that have to be covered for this person."""
    return find_covered_areas(
        conn, person, forms.get((page.form or "", page.version or 0)), [page]
    ).boxes.get(page.id, ())


def _boxes_to_cover(
    form: Form | None, page: Page, rows: Collection[int | None]
) -> tuple[BoxMm, ...]:
    if (
        form is None
        or page.form != form.id
        or page.upright_sha256 is None
        or page.outcome is not Outcome.READ
    ):
        return (WHOLE_PAGE_BOX,)
    fields = form.pages[min(page.page_no or 1, len(form.pages)) - 1].all_fields
    return tuple(
        spec.box
        for spec in fields
        if spec.means in IDENTIFYING_MEANINGS
        and (spec.row is None or None in rows or spec.row in rows)
    )


def find_sheet_pids(
    conn: Connection, form: Form | None, pages: Sequence[Page]
) -> list[tuple[int | None, str]]:
    """(row, number) of everybody whom a sheet is about or may be, the likeliest first: what is
    known, what was read, what that may be instead.
    """
    sheets = _sheets_of_pages(conn, pages)
    known = [(row.row, row.client_pid) for row in conn.execute(_entries_query(sheets))]
    read = (
        [
            (form.by_name[name].row, number)
            for name, number in _read_pids(conn, sheets, _pid_fields(form))
        ]
        if form
        else []
    )
    return [(row, number) for row, number in (*known, *read) if isinstance(number, str) and number]


def _is_scan_of_sheets(sheets: Collection[str]) -> ColumnElement[bool]:
    """The condition on the table of pages that they are scans of these sheets. A second scan has no
    sheet of its own: it is known by the serial.
    """
    table = paper.page.c
    alone = and_(table.sheet.is_(None), or_(table.serial.in_(sheets), table.id.in_(sheets)))
    return or_(table.sheet.in_(sheets), alone)


def _sheets_of_pages(conn: Connection, pages: Sequence[Page]) -> set[str]:
    """The sheets that pages are sides of; of a second scan, that of the page that it repeats, also
    where more was written on it since.
    """
    more = filter_same_paper(
        conn, [page.id for page in pages if page.sheet == page.id and page.duplicate_of]
    )
    repeated = {
        page.duplicate_of
        for page in pages
        if page.duplicate_of and (page.sheet is None or page.id in more)
    }
    table = paper.page.c
    rows = (
        conn.execute(
            select(table.id, table.sheet, table.serial).where(table.id.in_(repeated))
        ).all()
        if repeated
        else []
    )
    first = {row.id: row.sheet or row.serial for row in rows}
    own = {
        page.sheet or first.get(page.duplicate_of or "") or page.serial or page.id for page in pages
    }
    return (
        own
        | {sheet for sheet in first.values() if sheet}
        | _later_scan_sheets(conn, [page.id for page in pages])
    )


def _later_scan_sheets(conn: Connection, page_ids: Sequence[str]) -> set[str]:
    """The sheets of their own that later scans of these pages have, as more was written on the same
    paper.
    """
    table = paper.page.c
    later = (
        conn.execute(
            select(table.id).where(table.duplicate_of.in_(page_ids), table.sheet == table.id)
        )
        .scalars()
        .all()
    )
    return filter_same_paper(conn, later)


def _entries_query(sheets: Collection[str]) -> Select[Any]:
    table = paper.entry.c
    return select(table.row, table.client_pid).where(table.sheet.in_(sheets))


def _pid_fields(form: Form) -> list[str]:
    return [spec.name for spec in form.fields if spec.means is Meaning.CLIENT_PID]


def _read_pids(
    conn: Connection, sheets: Collection[str], fields: Sequence[str]
) -> list[tuple[str, object]]:
    """(field, number) of all numbers that the machine holds for likely on any scan of these sheets:
    what it read, then what that may be instead.
    """
    table = paper.reading.c
    query = select(table.field, table.value, table.alternatives).join(
        paper.page, paper.page.c.id == table.page
    )
    rows = conn.execute(
        query.where(_is_scan_of_sheets(sheets), table.field.in_(list(fields))).order_by(
            table.p.desc(), table.page, table.field
        )
    ).all()
    others = sorted(
        (
            (p, row.field, value)
            for row in rows
            for value, p in row.alternatives
            if p >= PROTECTED_CANDIDATE_FROM
        ),
        key=lambda other: -other[0],
    )
    return [
        *((row.field, row.value) for row in rows),
        *((field, value) for _, field, value in others),
    ]
