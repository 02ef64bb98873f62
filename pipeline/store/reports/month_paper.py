"""Paper that waits and may belong to a month: what keeps statistics of the month from being whole.

Counts only, no names. Paper whose month nobody knows is counted under `ANY_MONTH`: an entry without
a day, a page that is not read, a sheet of an open pack that has not come back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, func, or_, select

from pipeline.domain.form.form import Forms
from pipeline.domain.law.permissions import Action
from pipeline.domain.model import EntryState, Person
from pipeline.store.accounts import visibility
from pipeline.store.exports.ready_entries import signature_rule
from pipeline.store.paper import pages
from pipeline.store.quality.rekeying import has_open_difference
from pipeline.store.quality.seeded_errors import has_open_seeded_error
from pipeline.store.registers.client_register import areas_by_unit
from pipeline.store.reports.sheet_accounting import count_sheets
from pipeline.store.schema import paper
from pipeline.store.schema.tally import IS_GAP, IS_LIVE_PAGE

ANY_MONTH = ""
_MONTH_LENGTH = len("YYYY-MM")
_entry_table, _page_table = paper.entry, paper.page


@dataclass(frozen=True, slots=True)
class ReportingScope:
    """What a kind of statistics is about: the entries of these forms within an area of law."""

    forms: frozenset[str]
    area: str


def list_reporting_units(conn: Connection, scope: ReportingScope) -> list[str]:
    """Return the units of the area of law, and those that have entries of it, by name."""
    areas = areas_by_unit(conn)
    # Units with an entry on one of the forms
    query = select(_entry_table.c.unit).where(_entry_table.c.form.in_(sorted(scope.forms)))
    with_area = query.where(_is_in_area(areas, scope)).distinct()
    own = {unit for unit, area in areas.items() if area == scope.area}
    return sorted(own | set(conn.execute(with_area).scalars()))


def count_open_paper(
    conn: Connection, forms: Forms, scope: ReportingScope, units: Collection[str]
) -> Counter[str]:
    """Count by month (YYYY-MM) what waits to be reviewed, signed or resolved in these units."""
    waiting = Counter[str]()
    needs_signature = signature_rule(conn, forms)
    for row in conn.execute(_unsettled_entries(conn, scope, units)):
        if (
            row.state != EntryState.CONFIRMED
            or row.is_held
            or needs_signature(row.form, row.version, row.unit, row.area)
        ):
            waiting[(row.event_on or ANY_MONTH)[:_MONTH_LENGTH]] += 1
    waiting[ANY_MONTH] += _count_unread_pages(conn, units)
    waiting[ANY_MONTH] += sum(
        sheets.missing for sheets in count_sheets(conn, units) if sheets.form in scope.forms
    )
    return waiting


def count_hidden_entries(
    conn: Connection, person: Person, scope: ReportingScope, units: Collection[str]
) -> int:
    """Count the entries of these units that the person may not export."""
    is_visible = visibility.visible_entries_condition(conn, person, Action.EXPORT)
    query = select(func.count()).select_from(_entry_table)
    hidden: int = conn.execute(
        query.where(
            *_scope_conditions(conn, scope, units),
            _entry_table.c.voided.is_(None),
            _entry_table.c.state != EntryState.REJECTED.value,
            ~is_visible,
        )
    ).scalar_one()
    return hidden


def _unsettled_entries(
    conn: Connection, scope: ReportingScope, units: Collection[str]
) -> Select[Any]:
    """Return a query of what may wait: a confirmed entry does if it is to be signed or is held."""
    table = _entry_table.c
    is_held = or_(has_open_seeded_error(table.id), has_open_difference(table.id))
    may_wait = (EntryState.REVIEW.value, EntryState.SECOND.value, EntryState.CONFIRMED.value)
    columns = (table.state, table.form, table.version, table.unit, table.area, table.event_on)
    return select(*columns, is_held.label("is_held")).where(
        *_scope_conditions(conn, scope, units),
        table.voided.is_(None),
        or_(table.state.in_(may_wait), IS_GAP, and_(is_held, table.state != EntryState.REJECTED)),
    )


def _scope_conditions(
    conn: Connection, scope: ReportingScope, units: Collection[str]
) -> tuple[ColumnElement[bool], ...]:
    return (
        _entry_table.c.form.in_(sorted(scope.forms)),
        _entry_table.c.unit.in_(sorted(units)),
        _is_in_area(areas_by_unit(conn), scope),
    )


def _is_in_area(areas: Mapping[str, str], scope: ReportingScope) -> ColumnElement[bool]:
    """Whether an entry is of the area: by itself, else by its unit."""
    units = sorted(unit for unit, area in areas.items() if area == scope.area)
    return or_(
        _entry_table.c.area == scope.area,
        and_(_entry_table.c.area.is_(None), _entry_table.c.unit.in_(units)),
    )


def _count_unread_pages(conn: Connection, units: Collection[str]) -> int:
    """Return how many pages have no entry yet: unread, unreadable, or of no known form."""
    query = select(func.count()).select_from(_page_table)
    unread: int = conn.execute(
        query.where(_page_table.c.unit.in_(sorted(units)), IS_LIVE_PAGE, pages.has_no_entry)
    ).scalar_one()
    return unread
