"""Whose paper is not entered yet (kvar på papper), so that staff who open the record in the care
system know that it has a hole.

A client is on the list from the moment that a sheet is taken to be about the client until every
entry is exported and receipted, made void, or rejected for a reason that leaves no gap
(`review.LEAVE_NO_GAP`). Paper that is illegible, or whose author is asked, stays on it. Whom an
unreviewed sheet is about is what the machine is sure of; the list says so. Sheets that nobody
knows the client of are counted, but for those that are about no client (a meeting, a schedule).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, distinct, func, not_, select

from pipeline.domain.dates import swedish_day
from pipeline.domain.form.form import Subject
from pipeline.domain.model import Person
from pipeline.domain.permissions import Action, require_permission
from pipeline.store.accounts import visibility
from pipeline.store.accounts.protected_identity import find_hidden_pids
from pipeline.store.event_log.events import record
from pipeline.store.paper import pages
from pipeline.store.reports.progress import CLIENT_KEY as _WHO
from pipeline.store.reports.progress import IS_NOT_ENTERED
from pipeline.store.schema import paper

_entry_table, _page_table, _client_table = paper.entry, paper.page, paper.client
_MAX_ROWS = 500


@dataclass(frozen=True, slots=True)
class BacklogMarker:
    """One client of one unit with paper that is not entered.

    `oldest` is the day (YYYY-MM-DD) of the oldest event or, where no event's day is known, of
    the scan. `sure` is whether a person, or the print on the sheet, has said whom all of it is
    about. `criticality` is the highest class, A before B before C.
    """

    unit: str
    pid: str
    name: str
    sheets: int
    entries: int
    oldest: str
    criticality: str
    is_certain: bool


@dataclass(frozen=True, slots=True)
class Backlog:
    """The list, and what is not on it: `unknown` sheets of unknown clients and pages that are not
    read, `hidden` entries that the person may not see (protected identities, blocks, other areas
    of law).
    """

    markers: tuple[BacklogMarker, ...]
    unknown: int
    hidden: int


def load_backlog(conn: Connection, person: Person, unit: str | None = None) -> Backlog:
    """The list of the person's units, or of one of them; by unit and personal number. That it was
    looked at is recorded, with counts only.

    Raises:
        NotAllowedError: the person may not see it, or not in this unit.
    """
    require_permission(person, Action.BACKLOG, unit)
    units = [unit] if unit is not None else sorted(person.units)
    left = and_(_entry_table.c.unit.in_(units), IS_NOT_ENTERED)
    visible = and_(left, visibility.visible_entries_condition(conn, person))
    shown, unshown = _visible_markers(
        conn, person, _group_by_client(conn, and_(visible, _WHO.is_not(None)))
    )
    total, seen, unknown = conn.execute(_backlog_counts(units, visible)).one()
    found = Backlog(
        tuple(shown), unknown + _count_unread_pages(conn, units), total - seen + unshown
    )
    for each in units:
        listed = sum(one.unit == each for one in found.markers)
        record(conn, person.login, "list_backlog", each, unit=each, count=listed)
    return found


def _group_by_client(conn: Connection, condition: ColumnElement[bool]) -> Sequence[Any]:
    keys = (_entry_table.c.unit, _WHO.label("pid"))
    scanned = func.min(
        case((_entry_table.c.event_on.is_(None), _entry_table.c.created_at)),
        type_=_entry_table.c.created_at.type,
    )
    facts = (
        func.count(distinct(_entry_table.c.sheet)).label("sheets"),
        func.count().label("entries"),
        func.min(_entry_table.c.event_on).label("event_on"),
        scanned.label("scanned"),
        func.min(_entry_table.c.criticality).label("criticality"),
        func.count(_entry_table.c.client_pid).label("said"),
    )
    return conn.execute(
        select(*keys, *facts).where(condition).group_by(*keys).order_by(*keys)
    ).all()


def _visible_markers(
    conn: Connection, person: Person, rows: Sequence[Any]
) -> tuple[list[BacklogMarker], int]:
    """The lines of clients that the person may know of, and how many entries are of others."""
    pids = sorted({row.pid for row in rows})
    parts = [pids[start : start + _MAX_ROWS] for start in range(0, len(pids), _MAX_ROWS)]
    secret = {
        pid for part in parts for pid in find_hidden_pids(conn, person, part)
    } | visibility.filter_blocked(conn, person, pids)
    names = {
        pid: name
        for part in parts
        for pid, name in conn.execute(
            select(_client_table.c.pid, _client_table.c.name).where(_client_table.c.pid.in_(part))
        )
    }
    lines = [
        BacklogMarker(
            row.unit,
            row.pid,
            names.get(row.pid, ""),
            row.sheets,
            row.entries,
            _oldest_day(row),
            row.criticality,
            row.said == row.entries,
        )
        for row in rows
        if row.pid not in secret
    ]
    return lines, sum(row.entries for row in rows if row.pid in secret)


def _oldest_day(row: Any) -> str:  # noqa: ANN401 - a row of `_grouped`
    scanned: datetime | None = row.scanned
    days: list[str | None] = [row.event_on, swedish_day(scanned).isoformat() if scanned else None]
    return min(day for day in days if day)


def _backlog_counts(units: Sequence[str], visible: ColumnElement[bool]) -> Any:  # noqa: ANN401 - a query
    """All entries left, those that the person may see, and the sheets among these that nobody knows
    the client of.
    """
    sheet = case(
        (
            and_(visible, _WHO.is_(None), _entry_table.c.subject == Subject.CLIENT.value),
            _entry_table.c.sheet,
        )
    )
    columns = (func.count(), pages.count_where(visible), func.count(distinct(sheet)))
    return select(*columns).where(_entry_table.c.unit.in_(units), IS_NOT_ENTERED)


def _count_unread_pages(conn: Connection, units: Sequence[str]) -> int:
    """Pages that have no entry yet, since they wait to be read, could not be read, or nobody has
    said what they are.
    """
    bare = _page_table.c.sheet.not_in(select(_entry_table.c.sheet))
    query = (
        select(func.count())
        .select_from(_page_table)
        .where(_page_table.c.unit.in_(units), not_(pages.is_done))
    )
    found: int = conn.execute(query.where(func.coalesce(bare, True))).scalar_one()
    return found
