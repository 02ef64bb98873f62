"""Following up the log (PDL 4:3): its rows, what is worth a question, and how much was looked at each day. Each look at the log is in the log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from sqlalchemy import Connection

from pipeline.access import Action, require
from pipeline.audit.anchor import verify
from pipeline.export.csv_file import write_table
from pipeline.model import Person
from pipeline.store import log_rows
from pipeline.store.chain import LogRow, Verdict
from pipeline.store.database import Store
from pipeline.store.events import client_subject, record
from pipeline.store.log_rows import Hint, Wanted
from pipeline.store.people import names
from pipeline.swedish_time import SWEDEN, swedish_day

LONGEST_CSV = 100_000
"""Rows; a table longer than this is no use to a person, and `efterskrift audit export` has no limit."""


@dataclass(frozen=True, slots=True)
class LogPage:
    """Some rows of the log, the newest first, of `total`. `names` are those of the people (login → name)."""

    rows: tuple[LogRow, ...]
    total: int
    names: Mapping[str, str]


def days(first: date, last: date) -> tuple[datetime, datetime]:
    """From the beginning of a Swedish day to the end of another."""
    return datetime.combine(first, time(), SWEDEN), datetime.combine(last + timedelta(days=1), time(), SWEDEN)


def log_page(conn: Connection, person: Person, wanted: Wanted, offset: int, limit: int, *, first: bool = True) -> LogPage:
    """Rows of the log of the person's units. The first look with these wishes is an event.

    Raises:
        NotAllowedError: the person does not follow up the log, or not of this unit. So do the others here.
    """
    _require(person, wanted)
    total = log_rows.count(conn, person.units, wanted)
    if first:
        record(conn, person.login, "view_log", _about(conn, wanted), unit=wanted.unit, rows=total)
    return LogPage(tuple(log_rows.rows(conn, person.units, wanted, offset=offset, limit=limit)), total, names(conn))


def choices(conn: Connection, person: Person, wanted: Wanted) -> tuple[list[str], list[str]]:
    """The actions and logins that there are in the time, for choosing among."""
    _require(person, wanted)
    return log_rows.actions_and_people(conn, person.units, Wanted(wanted.start, wanted.end))


def hints(conn: Connection, person: Person, wanted: Wanted) -> dict[Hint, int]:
    """How many accesses there are of each kind that is worth a question."""
    _require(person, wanted)
    return {hint: log_rows.count(conn, person.units, replace(wanted, hint=hint)) for hint in Hint}


def views_per_day(conn: Connection, person: Person, wanted: Wanted) -> dict[str, int]:
    """Looks at pages by Swedish day (YYYY-MM-DD), every day of the time, also those without any."""
    _require(person, wanted)
    first, last = swedish_day(wanted.start), swedish_day(wanted.end - timedelta(microseconds=1))
    found = {(first + timedelta(days=n)).isoformat(): 0 for n in range((last - first).days + 1)}
    for hour, count in log_rows.views_per_hour(conn, person.units, wanted).items():
        day = swedish_day(datetime.fromisoformat(f"{hour}:00+00:00")).isoformat()
        found[day] = found.get(day, 0) + count
    return found


def log_csv(conn: Connection, person: Person, wanted: Wanted) -> bytes:
    """The rows as a table, the newest first, at most `LONGEST_CSV`. That it was fetched is an event."""
    _require(person, wanted)
    known = names(conn)
    rows = log_rows.rows(conn, person.units, wanted, limit=LONGEST_CSV)
    record(conn, person.login, "export_log", _about(conn, wanted), unit=wanted.unit, rows=len(rows))
    header = ("nummer", "tid", "login", "namn", "händelse", "enhet", "gäller", "uppgifter", "sha256")
    return write_table(header, [_cells(row, known) for row in rows])


def check_log(store: Store, person: Person) -> Verdict:
    """Check the whole chain of the log, of all units. That it was checked is an event.

    Raises:
        NotAllowedError: the person does not follow up the log.
    """
    with store.noting_denials():
        require(person, Action.LOG)
    return verify(store, person.login, [])


def shown_detail(row: LogRow) -> str:
    """The counts and states of a row in one line."""
    return ", ".join(f"{name} {value}" for name, value in row.detail.items() if value is not None)


def _cells(row: LogRow, known: Mapping[str, str]) -> tuple[str, ...]:
    at = f"{row.at.astimezone(SWEDEN):%Y-%m-%d %H:%M:%S}"
    return str(row.id), at, row.by, known.get(row.by, ""), row.action, row.unit or "", row.subject, shown_detail(row), row.sha256 or ""


def _about(conn: Connection, wanted: Wanted) -> str:
    """Who looks in the log for one client has looked for that client."""
    return "log" if wanted.client is None else client_subject(conn, wanted.client)


def _require(person: Person, wanted: Wanted) -> None:
    require(person, Action.LOG, wanted.unit)
