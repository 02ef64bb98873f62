"""The backlog (kvar på papper): clients whose paper is not entered yet.

It shows staff who open the record in the care system that it has a gap. A client is on the list
from the moment that a sheet is taken to be about the client until every entry is exported and
receipted, void, or rejected for a reason that leaves no gap (`rules.GAPLESS_REASONS`). Illegible
paper, or paper whose author is asked, stays on it. The client of an unreviewed sheet is the one
read with high confidence; the list says so. Sheets of an unknown client are counted, except those
about no client (a meeting, a schedule).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, distinct, func, select

from pipeline.domain.dates import swedish_day
from pipeline.domain.form.form import Subject
from pipeline.domain.law.permissions import Action, permitted_units, require_permission
from pipeline.domain.model import Person
from pipeline.store.accounts import visibility
from pipeline.store.entries.entry import CLIENT_KEY
from pipeline.store.event_log.events import record
from pipeline.store.paper import pages
from pipeline.store.paper.protected_identity import find_hidden_pids
from pipeline.store.reports.progress import DANGERS, IS_NOT_ENTERED, count_danger
from pipeline.store.schema import paper, registers
from pipeline.store.schema.id_chunks import chunk_ids
from pipeline.store.schema.tally import IS_LIVE_PAGE

_entry_table, _page_table, _client_table = paper.entry, paper.page, registers.client


@dataclass(frozen=True, slots=True)
class BacklogMarker:
    """A client of a unit with paper that is not entered.

    `oldest` is the day (YYYY-MM-DD) of the oldest event or, where no event's day is known, of the
    scan. `is_certain`: a person, or the print on the sheets, has said that all of it is about this
    client. `criticality` is the highest class, A before B before C; `dangers` are names of
    `progress.DANGERS`.
    """

    unit: str
    pid: str
    name: str
    sheets: int
    entries: int
    oldest: str
    criticality: str
    is_certain: bool
    dangers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Backlog:
    """The backlog, and what is not on it.

    `unknown` counts sheets of unknown clients and pages that are not read, `hidden` entries that
    the person may not see (protected identities, blocks, other areas of law).
    """

    markers: tuple[BacklogMarker, ...]
    unknown: int
    hidden: int


def load_backlog(conn: Connection, person: Person, unit: str | None = None) -> Backlog:
    """Return the backlog of the person's units, or of one of them, by unit and personal number.

    The look-up is logged, with counts only.

    Raises:
        NotAllowedError: the person may not see it, or not in this unit.
    """
    require_permission(person, Action.BACKLOG, unit)
    units = [unit] if unit is not None else sorted(permitted_units(person, Action.BACKLOG))
    # What is not entered in these units, and what of it the person can see.
    is_left = and_(_entry_table.c.unit.in_(units), IS_NOT_ENTERED)
    is_visible = and_(is_left, visibility.visible_entries_condition(conn, person, Action.BACKLOG))
    shown, hidden = _visible_markers(
        conn, person, _group_by_client(conn, and_(is_visible, CLIENT_KEY.is_not(None)))
    )
    total, visible_count, unknown = conn.execute(_backlog_counts(units, is_visible)).one()
    backlog = Backlog(
        tuple(shown), unknown + _count_unread_pages(conn, units), total - visible_count + hidden
    )
    # Each unit has its own log entry.
    for listed_unit in units:
        listed = sum(marker.unit == listed_unit for marker in backlog.markers)
        record(conn, person.login, "list_backlog", listed_unit, unit=listed_unit, count=listed)
    return backlog


def _group_by_client(conn: Connection, condition: ColumnElement[bool]) -> Sequence[Any]:
    """Return a row for each unit and client of the entries with the condition."""
    keys = (_entry_table.c.unit, CLIENT_KEY.label("pid"))
    # The oldest scan of an entry whose event has no known day.
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
        func.count(_entry_table.c.client_pid).label("confirmed"),
        *(count_danger(name).label(name) for name in DANGERS),
    )
    return conn.execute(
        select(*keys, *facts).where(condition).group_by(*keys).order_by(*keys)
    ).all()


def _visible_markers(
    conn: Connection, person: Person, rows: Sequence[Any]
) -> tuple[list[BacklogMarker], int]:
    """Return the markers of clients that the person may see, and the number of other entries."""
    pids = sorted({row.pid for row in rows})
    parts = list(chunk_ids(pids))
    # Protected identities and blocked clients.
    hidden_pids = {
        pid for part in parts for pid in find_hidden_pids(conn, person, part)
    } | visibility.filter_blocked(conn, person, pids)
    names = {
        pid: name
        for part in parts
        for pid, name in conn.execute(
            select(_client_table.c.pid, _client_table.c.name).where(_client_table.c.pid.in_(part))
        )
    }
    markers = [
        BacklogMarker(
            row.unit,
            row.pid,
            names.get(row.pid, ""),
            row.sheets,
            row.entries,
            _oldest_day(row),
            row.criticality,
            row.confirmed == row.entries,
            tuple(name for name in DANGERS if getattr(row, name)),
        )
        for row in rows
        if row.pid not in hidden_pids
    ]
    return markers, sum(row.entries for row in rows if row.pid in hidden_pids)


def _oldest_day(row: Any) -> str:  # noqa: ANN401 - a row of `_group_by_client`
    """Return the oldest day of a row of `_group_by_client`."""
    scanned: datetime | None = row.scanned
    days: list[str | None] = [row.event_on, swedish_day(scanned).isoformat() if scanned else None]
    return min(day for day in days if day)


def _backlog_counts(units: Sequence[str], is_visible: ColumnElement[bool]) -> Any:  # noqa: ANN401 - a query
    """Return the query for three counts of what is not entered.

    They are all entries, the visible ones, and the visible sheets of unknown clients.
    """
    # Sheets with a visible entry about a client whom nobody knows.
    unknown_sheet = case(
        (
            and_(is_visible, CLIENT_KEY.is_(None), _entry_table.c.subject == Subject.CLIENT.value),
            _entry_table.c.sheet,
        )
    )
    columns = (func.count(), pages.count_where(is_visible), func.count(distinct(unknown_sheet)))
    # Everything of these units that is not entered.
    return select(*columns).where(_entry_table.c.unit.in_(units), IS_NOT_ENTERED)


def _count_unread_pages(conn: Connection, units: Sequence[str]) -> int:
    """Return how many pages have no entry yet.

    They wait to be read, could not be read, or nobody has said what they are.
    """
    query = select(func.count()).select_from(_page_table)
    unread: int = conn.execute(
        query.where(_page_table.c.unit.in_(units), IS_LIVE_PAGE, pages.has_no_entry)
    ).scalar_one()
    return unread
