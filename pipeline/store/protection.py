"""Protected identities (skyddade personuppgifter): what a person may see of an entry's client, and what of a picture has to be covered.

The right to see is the review right in the client's own unit. Whoever lacks it sees neither number, name nor address: not in fields, not in lists and
not in pictures, where the places are painted over before the bytes leave the server.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, or_, select

from pipeline.access import Action, allowed
from pipeline.confidence import PROTECTED_CANDIDATE_FROM
from pipeline.field_spec import BoxMm, Meaning
from pipeline.model import Outcome, Person
from pipeline.store import tables
from pipeline.store.duplicates import same_paper
from pipeline.store.pages import Page
from pipeline.template import Form, Forms

TELLS = frozenset({Meaning.CLIENT_PID, Meaning.CLIENT_NAME, Meaning.CLIENT_PRINTED, Meaning.CLIENT_ADDRESS})
"""Fields that say who the client is."""

WHOLE_PAGE: BoxMm = (0.0, 0.0, 2000.0, 2000.0)
"""Covers a picture whole, where the places of a form do not hold."""


def hidden_numbers(conn: Connection, person: Person, numbers: Iterable[object]) -> frozenset[str]:
    """Those of these personal numbers that belong to clients whose identity the person may not see."""
    asked = {number for number in numbers if isinstance(number, str)}
    if not asked:
        return frozenset()
    table = tables.client.c
    query = select(table.pid, table.unit).where(table.pid.in_(asked), table.protected)
    may = allowed(person, Action.REVIEW)
    return frozenset(row.pid for row in conn.execute(query) if not may or row.unit not in person.units)


@dataclass(frozen=True, slots=True)
class Covered:
    """What of a sheet has to be covered: places (mm) by page id, and the rows of the entries whose client is hidden (None: of the whole sheet)."""

    boxes: Mapping[str, tuple[BoxMm, ...]]
    rows: frozenset[int | None]

    def hides(self, row: int | None) -> bool:
        """Whether the client of the entry in this row is hidden. On a sheet for one client, all rows are that client's."""
        return row in self.rows or None in self.rows


NOTHING = Covered({}, frozenset())


def covered_on(conn: Connection, person: Person, form: Form | None, pages: Sequence[Page]) -> Covered:
    """What of a sheet's pages has to be covered for this person, by whom its entries are about, or may be as the machine read them."""
    numbers = numbers_on(conn, form, pages)
    hidden = hidden_numbers(conn, person, [number for _, number in numbers])
    if not hidden:
        return NOTHING
    rows = frozenset(row for row, number in numbers if number in hidden)
    return Covered({page.id: _boxes(form, page, rows) for page in pages}, rows)


def covered_page(conn: Connection, forms: Forms, person: Person, page: Page) -> tuple[BoxMm, ...]:
    """The places of one page that have to be covered for this person."""
    return covered_on(conn, person, forms.get((page.form or "", page.version or 0)), [page]).boxes.get(page.id, ())


def _boxes(form: Form | None, page: Page, rows: Collection[int | None]) -> tuple[BoxMm, ...]:
    if form is None or page.form != form.id or page.upright_sha256 is None or page.outcome is not Outcome.READ:
        return (WHOLE_PAGE,)
    fields = form.pages[min(page.page_no or 1, len(form.pages)) - 1].all_fields
    return tuple(spec.box for spec in fields if spec.means in TELLS and (spec.row is None or None in rows or spec.row in rows))


def numbers_on(conn: Connection, form: Form | None, pages: Sequence[Page]) -> list[tuple[int | None, str]]:
    """(row, number) of everybody whom a sheet is about or may be, the likeliest first: what is known, what was read, what that may be instead."""
    sheets = _sheets(conn, pages)
    known = [(row.row, row.client_pid) for row in conn.execute(_entries(sheets))]
    read = [(form.by_name[name].row, number) for name, number in _read(conn, sheets, _number_fields(form))] if form else []
    return [(row, number) for row, number in (*known, *read) if isinstance(number, str) and number]


def _on_sheets(sheets: Collection[str]) -> ColumnElement[bool]:
    """The condition on the table of pages that they are scans of these sheets. A second scan has no sheet of its own: it is known by the serial."""
    table = tables.page.c
    alone = and_(table.sheet.is_(None), or_(table.serial.in_(sheets), table.id.in_(sheets)))
    return or_(table.sheet.in_(sheets), alone)


def _sheets(conn: Connection, pages: Sequence[Page]) -> set[str]:
    """The sheets that pages are sides of; of a second scan, that of the page that it repeats, also where more was written on it since."""
    more = same_paper(conn, [page.id for page in pages if page.sheet == page.id and page.duplicate_of])
    repeated = {page.duplicate_of for page in pages if page.duplicate_of and (page.sheet is None or page.id in more)}
    table = tables.page.c
    rows = conn.execute(select(table.id, table.sheet, table.serial).where(table.id.in_(repeated))).all() if repeated else []
    first = {row.id: row.sheet or row.serial for row in rows}
    own = {page.sheet or first.get(page.duplicate_of or "") or page.serial or page.id for page in pages}
    return own | {sheet for sheet in first.values() if sheet} | _written_on_since(conn, [page.id for page in pages])


def _written_on_since(conn: Connection, page_ids: Sequence[str]) -> set[str]:
    """The sheets of their own that later scans of these pages have, as more was written on the same paper."""
    table = tables.page.c
    later = conn.execute(select(table.id).where(table.duplicate_of.in_(page_ids), table.sheet == table.id)).scalars().all()
    return same_paper(conn, later)


def _entries(sheets: Collection[str]) -> Select[Any]:
    table = tables.entry.c
    return select(table.row, table.client_pid).where(table.sheet.in_(sheets))


def _number_fields(form: Form) -> list[str]:
    return [spec.name for spec in form.fields if spec.means is Meaning.CLIENT_PID]


def _read(conn: Connection, sheets: Collection[str], fields: Sequence[str]) -> list[tuple[str, object]]:
    """(field, number) of all numbers that the machine holds for likely on any scan of these sheets: what it read, then what that may be instead."""
    table = tables.reading.c
    query = select(table.field, table.value, table.alternatives).join(tables.page, tables.page.c.id == table.page)
    rows = conn.execute(query.where(_on_sheets(sheets), table.field.in_(list(fields))).order_by(table.p.desc(), table.page, table.field)).all()
    others = sorted(
        ((p, row.field, value) for row in rows for value, p in row.alternatives if p >= PROTECTED_CANDIDATE_FROM), key=lambda other: -other[0]
    )
    return [*((row.field, row.value) for row in rows), *((field, value) for _, field, value in others)]
