"""Following up the log (PDL 4:3): its rows, what is worth a question, and how much was looked at
each day. Each look at the log is in the log.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from sqlalchemy import Connection

from pipeline.domain.dates import SWEDEN, swedish_day
from pipeline.domain.model import Person
from pipeline.domain.permissions import Action, require_permission
from pipeline.files.csv_tables import write_csv
from pipeline.reporting.audit.anchors import verify_log
from pipeline.store.accounts.people import names_by_login
from pipeline.store.database.store import Store
from pipeline.store.event_log import queries
from pipeline.store.event_log.events import client_log_subject, record
from pipeline.store.event_log.hash_chain import ChainVerdict, LogRow
from pipeline.store.event_log.queries import Hint, LogFilter

MAX_CSV_ROWS = 100_000
"""Rows; a table longer than this is no use to a person, and `efterskrift audit export` has no
limit.
"""


@dataclass(frozen=True, slots=True)
class LogPage:
    """Some rows of the log, the newest first, of `total`. `names` are those of the people (login →
    name).
    """

    rows: tuple[LogRow, ...]
    total: int
    names: Mapping[str, str]


def day_range(first: date, last: date) -> tuple[datetime, datetime]:
    """From the beginning of a Swedish day to the end of another."""
    return datetime.combine(first, time(), SWEDEN), datetime.combine(
        last + timedelta(days=1), time(), SWEDEN
    )


def load_log_page(
    conn: Connection,
    person: Person,
    log_filter: LogFilter,
    offset: int,
    limit: int,
    *,
    first: bool = True,
) -> LogPage:
    """Rows of the log of the person's units. The first look with these wishes is an event.

    Raises:
        NotAllowedError: the person does not follow up the log, or not of this unit. So do the
        others here.
    """
    _require_log_access(person, log_filter)
    total = queries.count_log_rows(conn, person.units, log_filter)
    if first:
        record(
            conn,
            person.login,
            "view_log",
            _log_subject(conn, log_filter),
            unit=log_filter.unit,
            rows=total,
        )
    return LogPage(
        tuple(queries.list_log_rows(conn, person.units, log_filter, offset=offset, limit=limit)),
        total,
        names_by_login(conn),
    )


def list_filter_choices(
    conn: Connection, person: Person, log_filter: LogFilter
) -> tuple[list[str], list[str]]:
    """The actions and logins that there are in the time, for choosing among."""
    _require_log_access(person, log_filter)
    return queries.list_actions_and_logins(
        conn, person.units, LogFilter(log_filter.start, log_filter.end)
    )


def count_hints(conn: Connection, person: Person, log_filter: LogFilter) -> dict[Hint, int]:
    """How many accesses there are of each kind that is worth a question."""
    _require_log_access(person, log_filter)
    return {
        hint: queries.count_log_rows(conn, person.units, replace(log_filter, hint=hint))
        for hint in Hint
    }


def count_views_per_day(conn: Connection, person: Person, log_filter: LogFilter) -> dict[str, int]:
    """Looks at pages by Swedish day (YYYY-MM-DD), every day of the time, also those without any."""
    _require_log_access(person, log_filter)
    first, last = (
        swedish_day(log_filter.start),
        swedish_day(log_filter.end - timedelta(microseconds=1)),
    )
    found = {(first + timedelta(days=n)).isoformat(): 0 for n in range((last - first).days + 1)}
    for hour, count in queries.count_views_per_hour(conn, person.units, log_filter).items():
        day = swedish_day(datetime.fromisoformat(f"{hour}:00+00:00")).isoformat()
        found[day] = found.get(day, 0) + count
    return found


def export_log_csv(conn: Connection, person: Person, log_filter: LogFilter) -> bytes:
    """The rows as a table, the newest first, at most `LONGEST_CSV`. That it was fetched is an
    event.
    """
    _require_log_access(person, log_filter)
    known = names_by_login(conn)
    rows = queries.list_log_rows(conn, person.units, log_filter, limit=MAX_CSV_ROWS)
    record(
        conn,
        person.login,
        "export_log",
        _log_subject(conn, log_filter),
        unit=log_filter.unit,
        rows=len(rows),
    )
    header = (
        "nummer",
        "tid",
        "login",
        "namn",
        "händelse",
        "enhet",
        "gäller",
        "uppgifter",
        "sha256",
    )
    return write_csv(header, [_csv_cells(row, known) for row in rows])


def check_log(store: Store, person: Person) -> ChainVerdict:
    """Check the whole chain of the log, of all units. That it was checked is an event.

    Raises:
        NotAllowedError: the person does not follow up the log.
    """
    with store.recording_denials():
        require_permission(person, Action.LOG)
    return verify_log(store, person.login, [])


def format_detail(row: LogRow) -> str:
    """The counts and states of a row in one line."""
    return ", ".join(f"{name} {value}" for name, value in row.detail.items() if value is not None)


def _csv_cells(row: LogRow, known: Mapping[str, str]) -> tuple[str, ...]:
    at = f"{row.at.astimezone(SWEDEN):%Y-%m-%d %H:%M:%S}"
    return (
        str(row.id),
        at,
        row.by,
        known.get(row.by, ""),
        row.action,
        row.unit or "",
        row.subject,
        format_detail(row),
        row.sha256 or "",
    )


def _log_subject(conn: Connection, log_filter: LogFilter) -> str:
    """Who looks in the log for one client has looked for that client."""
    return "log" if log_filter.client is None else client_log_subject(conn, log_filter.client)


def _require_log_access(person: Person, log_filter: LogFilter) -> None:
    require_permission(person, Action.LOG, log_filter.unit)
