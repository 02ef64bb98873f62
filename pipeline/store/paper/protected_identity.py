"""Protected identities (skyddade personuppgifter): which clients and areas a person may not see.

A person with the right to review in the client's own unit sees the client. All others see neither
number, name nor address: not in fields, not in lists and not in images, where the areas are painted
over before the bytes leave the server.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, or_, select

from pipeline.domain.form.confidence import PROTECTED_CANDIDATE_FROM
from pipeline.domain.form.field import BoxMm, Meaning
from pipeline.domain.form.form import Form, Forms
from pipeline.domain.law.permissions import Action, permitted_units
from pipeline.domain.model import Outcome, Person
from pipeline.store.paper.duplicates import filter_same_paper
from pipeline.store.paper.pages import Page
from pipeline.store.schema import paper, registers

IDENTIFYING_MEANINGS = frozenset(
    {
        Meaning.CLIENT_PID,
        Meaning.CLIENT_CODE,
        Meaning.CLIENT_NAME,
        Meaning.CLIENT_PRINTED,
        Meaning.CLIENT_ADDRESS,
    }
)
"""Fields that identify the client."""

WHOLE_PAGE_BOX: BoxMm = (0.0, 0.0, 2000.0, 2000.0)
"""Covers a whole image (mm), where the areas of the form do not apply."""


def find_hidden_pids(conn: Connection, person: Person, numbers: Iterable[object]) -> frozenset[str]:
    """Return those of the personal numbers whose protected client the person may not see."""
    pids = {number for number in numbers if isinstance(number, str)}
    if not pids:
        return frozenset()
    table = registers.client.c
    # Protected clients among the numbers, with their units
    query = select(table.pid, table.unit).where(table.pid.in_(pids), table.protected)
    # Only reviewers of the client's own unit may see a protected client
    own_units = permitted_units(person, Action.REVIEW)
    return frozenset(row.pid for row in conn.execute(query) if row.unit not in own_units)


@dataclass(frozen=True, slots=True)
class CoveredAreas:
    """What has to be covered on a sheet.

    `boxes` are areas (mm) by page id; `rows` are the rows of entries whose client is hidden (None:
    the client of the whole sheet).
    """

    boxes: Mapping[str, tuple[BoxMm, ...]]
    rows: frozenset[int | None]

    def is_row_hidden(self, row: int | None) -> bool:
        """Return whether the client of the entry in this row is hidden.

        On a sheet for one client, all rows are about that client.
        """
        return row in self.rows or None in self.rows


NO_COVERED_AREAS = CoveredAreas({}, frozenset())


def find_covered_areas(
    conn: Connection, person: Person, form: Form | None, pages: Sequence[Page]
) -> CoveredAreas:
    """Return what has to be covered for this person on the pages of a sheet.

    It depends on the clients that the entries are about, and on those that the reading makes
    likely.
    """
    row_pids = find_sheet_pids(conn, form, pages)
    hidden_pids = find_hidden_pids(conn, person, [pid for _, pid in row_pids])
    if not hidden_pids:
        return NO_COVERED_AREAS
    rows = frozenset(row for row, pid in row_pids if pid in hidden_pids)
    return CoveredAreas({page.id: _boxes_to_cover(form, page, rows) for page in pages}, rows)


def find_covered_boxes(
    conn: Connection, forms: Forms, person: Person, page: Page
) -> tuple[BoxMm, ...]:
    """Return the areas (mm) of one page that have to be covered for this person."""
    return find_covered_areas(
        conn, person, forms.get((page.form or "", page.version or 0)), [page]
    ).boxes.get(page.id, ())


def _boxes_to_cover(
    form: Form | None, page: Page, rows: Collection[int | None]
) -> tuple[BoxMm, ...]:
    # Field boxes apply only to a page that was read and registered to this form
    if (
        form is None
        or page.form != form.id
        or page.upright_sha256 is None
        or page.outcome is not Outcome.READ
    ):
        return (WHOLE_PAGE_BOX,)
    fields = form.pages[min(page.page_no or 1, len(form.pages)) - 1].all_fields
    # Identifying fields of hidden rows; those outside rows are about the whole sheet
    return tuple(
        spec.box
        for spec in fields
        if spec.means in IDENTIFYING_MEANINGS
        and (spec.row is None or None in rows or spec.row in rows)
    )


def find_sheet_pids(
    conn: Connection, form: Form | None, pages: Sequence[Page]
) -> list[tuple[int | None, str]]:
    """Return (row, number) of every client that a sheet is or may be about, most likely first.

    The clients of its entries come first, then the values read, then their alternatives.
    """
    sheets = _sheets_of_pages(conn, pages)
    # Clients of the sheets' entries, then numbers that were read in the form's fields
    decided = [(row.row, row.client_pid) for row in conn.execute(_entries_query(sheets))]
    read = (
        [
            (form.by_name[name].row, number)
            for name, number in _read_pids(conn, sheets, _pid_fields(form))
        ]
        if form
        else []
    )
    return [
        (row, number) for row, number in (*decided, *read) if isinstance(number, str) and number
    ]


def _is_scan_of_sheets(sheets: Collection[str]) -> ColumnElement[bool]:
    """Return the condition on pages that they are scans of these sheets.

    A repeated scan has no sheet of its own; it is recognised by the serial.
    """
    table = paper.page.c
    without_sheet = and_(table.sheet.is_(None), or_(table.serial.in_(sheets), table.id.in_(sheets)))
    return or_(table.sheet.in_(sheets), without_sheet)


def _sheets_of_pages(conn: Connection, pages: Sequence[Page]) -> set[str]:
    """Return the sheets that the pages belong to.

    A repeated scan counts for the sheet of the page that it repeats, even where more has been
    written on it since.
    """
    # Repeated scans that became sheets of their own because more is written on the same paper
    with_more_writing = filter_same_paper(
        conn, [page.id for page in pages if page.sheet == page.id and page.duplicate_of]
    )
    repeated = {
        page.duplicate_of
        for page in pages
        if page.duplicate_of and (page.sheet is None or page.id in with_more_writing)
    }
    # The sheets of the pages that were scanned first
    table = paper.page.c
    rows = (
        conn.execute(
            select(table.id, table.sheet, table.serial).where(table.id.in_(repeated))
        ).all()
        if repeated
        else []
    )
    sheet_of_first_scan = {row.id: row.sheet or row.serial for row in rows}
    sheets = {
        page.sheet or sheet_of_first_scan.get(page.duplicate_of or "") or page.serial or page.id
        for page in pages
    }
    return (
        sheets
        | {sheet for sheet in sheet_of_first_scan.values() if sheet}
        | _later_scan_sheets(conn, [page.id for page in pages])
    )


def _later_scan_sheets(conn: Connection, page_ids: Sequence[str]) -> set[str]:
    """Return the sheets of later scans of these pages, made after more was written on the paper."""
    table = paper.page.c
    # Scans that repeat one of the pages and yet are a sheet of their own
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
    """Return (field, number) of all likely readings on any scan of these sheets.

    Values read come first, by probability, then likely alternatives, by probability.
    """
    table = paper.reading.c
    # Readings of number fields on every scan of the sheets, most probable first
    query = select(table.field, table.value, table.alternatives).join(
        paper.page, paper.page.c.id == table.page
    )
    rows = conn.execute(
        query.where(_is_scan_of_sheets(sheets), table.field.in_(list(fields))).order_by(
            table.p.desc(), table.page, table.field
        )
    ).all()
    # Alternatives below the threshold are too unlikely to reveal anybody
    alternatives = sorted(
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
        *((field, value) for _, field, value in alternatives),
    ]
