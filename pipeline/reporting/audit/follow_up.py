"""Follow-up of the log (PDL 4:3): its rows, what is worth a question, and accesses by day.

Each look at the log is in the log.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path

from sqlalchemy import Connection

from pipeline.domain.dates import SWEDEN, swedish_day
from pipeline.domain.errors import LogBrokenError, ReadOnlyStoreError, UsageError
from pipeline.domain.law.permissions import Action, permitted_units, require_permission
from pipeline.domain.model import Person
from pipeline.files.csv_tables import write_csv
from pipeline.store.accounts.people import names_by_login
from pipeline.store.database.store import Store
from pipeline.store.event_log import queries
from pipeline.store.event_log.chain_check import FIRST_HEAD, ChainProblem, ChainVerdict
from pipeline.store.event_log.events import client_log_subject, record
from pipeline.store.event_log.hash_chain import ChainHead, LogRow, load_head
from pipeline.store.event_log.queries import Hint, LogFilter
from pipeline.store.event_log.verification import find_rewritten_anchors, verify_chain
from pipeline.texts import text

# Anchors: heads of the log that are kept out of reach of those who could rewrite the log.
#
# A file of anchors holds one a line, as JSON, the oldest first.

FORMAT = "efterskrift-log-1"


@dataclass(frozen=True, slots=True)
class LogAnchor:
    """A head of the log and when it was taken."""

    head: ChainHead
    at: datetime

    def to_json_line(self) -> str:
        """Return the anchor as a line of JSON."""
        at = self.at.isoformat(timespec="seconds")
        return json.dumps(
            {
                "format": FORMAT,
                "number": self.head.number,
                "sha256": self.head.sha256,
                "sealed_at": at,
            }
        )


def take_anchor(
    conn: Connection, by: str, now: datetime, known_heads: Sequence[ChainHead] = ()
) -> LogAnchor:
    """Return the head of the log as it is now. That it was taken is the next row.

    Args:
        known_heads: earlier heads in the file that this one goes to.

    Raises:
        UsageError: the log has no head any longer.
        LogBrokenError: the log is not the one whose heads were kept.
    """
    if rewritten := find_rewritten_anchors(conn, known_heads):
        raise LogBrokenError("log_row_replaced", other=rewritten[0])
    head = load_head(conn)
    if head is None:
        raise UsageError("log_chain_end_missing")
    record(conn, by, "seal_log", "log", number=head.number)
    return LogAnchor(head, now)


def read_anchors(path: Path) -> list[ChainHead]:
    """Read the heads of a file of anchors.

    Raises:
        UsageError: the file is no file of anchors.
    """
    try:
        lines = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]
        heads = [
            ChainHead(int(line["number"]), str(line["sha256"]))
            for line in lines
            if line["format"] == FORMAT
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _no_anchors_error(path) from error
    if not heads or len(heads) != len(lines):
        raise _no_anchors_error(path)
    return heads


def verify_log(
    store: Store, by: str, anchors: list[ChainHead], *, from_anchor: bool = False
) -> ChainVerdict:
    """Check log and record, while others go on working, and write the result in the log.

    The log of a workspace that can only be read is checked all the same.

    Args:
        store: the store.
        by: who checks.
        anchors: earlier heads that were stored elsewhere.
        from_anchor: begin after the newest of them.

    Raises:
        UsageError: there is no head to begin after.
    """
    if from_anchor and not anchors:
        raise UsageError("no_anchor_to_begin")
    start = max(anchors, key=lambda head: head.number) if from_anchor else FIRST_HEAD
    verdict = store.query(verify_chain, anchors, start)
    with suppress(ReadOnlyStoreError), store.begin() as conn:
        record(
            conn,
            by,
            "verify_log",
            "log",
            rows=verdict.rows,
            records=verdict.records,
            problems=verdict.count,
            anchors=len(anchors),
            start=verdict.start,
        )
    return verdict


def describe_problem(problem: ChainProblem, language: str) -> str:
    """Return a problem in words of a language."""
    return text(
        f"cli.audit.problem.{problem.wrong.value}",
        language,
        first=problem.first,
        last=problem.last,
        count=problem.last - problem.first + 1,
        origin=problem.origin,
        table=problem.table,
        owner=problem.owner or "",
    )


def _no_anchors_error(path: Path) -> UsageError:
    return UsageError("no_log_heads", path=path)


MAX_CSV_ROWS = 100_000
"""Rows of a table for a person; `efterskrift audit export` has no limit."""
_CSV_HEADER = (
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


@dataclass(frozen=True, slots=True)
class LogPage:
    """Some rows of the log, the newest first, of `total`. `names` are people's names by login."""

    rows: tuple[LogRow, ...]
    total: int
    names: Mapping[str, str]


def day_range(first: date, last: date) -> tuple[datetime, datetime]:
    """Return the beginning of a Swedish day and the end of another."""
    end = last + timedelta(days=1)
    return datetime.combine(first, time(), SWEDEN), datetime.combine(end, time(), SWEDEN)


def load_log_page(
    conn: Connection,
    person: Person,
    log_filter: LogFilter,
    offset: int,
    limit: int,
    *,
    first: bool = True,
) -> LogPage:
    """Return rows of the log of the person's units.

    Args:
        first: whether this is the first page with this filter, which is an event of the log.

    Raises:
        NotAllowedError: the person does not follow up the log, or not of this unit. The functions
        below raise it too.
    """
    require_permission(person, Action.LOG, log_filter.unit)
    total = queries.count_log_rows(conn, permitted_units(person, Action.LOG), log_filter)
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
        tuple(
            queries.list_log_rows(
                conn, permitted_units(person, Action.LOG), log_filter, offset=offset, limit=limit
            )
        ),
        total,
        names_by_login(conn),
    )


def list_filter_choices(
    conn: Connection, person: Person, log_filter: LogFilter
) -> tuple[list[str], list[str]]:
    """Return the actions and logins of the time, to choose from."""
    require_permission(person, Action.LOG, log_filter.unit)
    return queries.list_actions_and_logins(
        conn, permitted_units(person, Action.LOG), LogFilter(log_filter.start, log_filter.end)
    )


def count_hints(conn: Connection, person: Person, log_filter: LogFilter) -> dict[Hint, int]:
    """Count the accesses of each kind that is worth a question."""
    require_permission(person, Action.LOG, log_filter.unit)
    return {
        hint: queries.count_log_rows(
            conn, permitted_units(person, Action.LOG), replace(log_filter, hint=hint)
        )
        for hint in Hint
    }


def count_views_per_day(conn: Connection, person: Person, log_filter: LogFilter) -> dict[str, int]:
    """Count the views of pages by Swedish day (YYYY-MM-DD), days without any included."""
    require_permission(person, Action.LOG, log_filter.unit)
    first, last = (
        swedish_day(log_filter.start),
        swedish_day(log_filter.end - timedelta(microseconds=1)),
    )
    days = range((last - first).days + 1)
    views = {(first + timedelta(days=number)).isoformat(): 0 for number in days}
    # The database counts by hour in UTC; a Swedish day begins within one of its days.
    for hour, count in queries.count_views_per_hour(
        conn, permitted_units(person, Action.LOG), log_filter
    ).items():
        day = swedish_day(datetime.fromisoformat(f"{hour}:00+00:00")).isoformat()
        views[day] = views.get(day, 0) + count
    return views


def export_log_csv(conn: Connection, person: Person, log_filter: LogFilter) -> bytes:
    """Return the rows as a table, the newest first, at most `MAX_CSV_ROWS`; that is an event."""
    require_permission(person, Action.LOG, log_filter.unit)
    names = names_by_login(conn)
    rows = queries.list_log_rows(
        conn, permitted_units(person, Action.LOG), log_filter, limit=MAX_CSV_ROWS
    )
    record(
        conn,
        person.login,
        "export_log",
        _log_subject(conn, log_filter),
        unit=log_filter.unit,
        rows=len(rows),
    )
    return write_csv(_CSV_HEADER, [_csv_cells(row, names) for row in rows])


def check_log(store: Store, person: Person) -> ChainVerdict:
    """Check the whole chain of the log, of all units, and write that in the log.

    Raises:
        NotAllowedError: the person does not follow up the log.
    """
    store.require_permission(person, Action.LOG)
    return verify_log(store, person.login, [])


def format_detail(row: LogRow) -> str:
    """Return the counts and states of a row in one line."""
    return ", ".join(f"{name} {value}" for name, value in row.detail.items() if value is not None)


def _csv_cells(row: LogRow, names: Mapping[str, str]) -> tuple[str, ...]:
    at = f"{row.at.astimezone(SWEDEN):%Y-%m-%d %H:%M:%S}"
    return (
        str(row.id),
        at,
        row.by,
        names.get(row.by, ""),
        row.action,
        row.unit or "",
        row.subject,
        format_detail(row),
        row.sha256 or "",
    )


def _log_subject(conn: Connection, log_filter: LogFilter) -> str:
    """Return what a look at the log is about: the filter's client, if it has one."""
    return "log" if log_filter.client is None else client_log_subject(conn, log_filter.client)
