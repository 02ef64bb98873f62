"""Counts of entries and pages for managers, for `efterskrift status` and for watching.

Neither contains names, numbers or texts of a record (SoLPUL 7 a §); the metrics are for the
administrator of the machine, and so without units and persons.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, func, literal_column, select

from pipeline.domain.issues import split_code
from pipeline.domain.model import EntryState
from pipeline.store.entries.entry import CONFIRMED_STATES
from pipeline.store.exports.archives import list_undelivered_packages
from pipeline.store.exports.runs import IS_DELIVERED, list_undelivered_runs
from pipeline.store.paper import pages
from pipeline.store.paper.intake.batches import list_unfinished
from pipeline.store.paper.page_lists import list_all_problem_pages
from pipeline.store.paper.pages import count_closed_pages, count_pages_by_state
from pipeline.store.paper.tallies import list_entry_tallies
from pipeline.store.paper.workers import count_entries_by_state, count_queue
from pipeline.store.registers.form_publications import list_publications
from pipeline.store.schema import paper
from pipeline.store.schema.exports import export_item, export_run
from pipeline.store.schema.paper import batch, entry, page, worker
from pipeline.store.schema.tally import IS_UNRECEIPTED

_entry_table = paper.entry
ENDED_STATES = [*CONFIRMED_STATES, EntryState.REJECTED.value]
EntryGroup = tuple[str, bool, str, str, str, str, int]
"""State, whether void, unit, form, class, age, count."""


def count_entries_left(
    conn: Connection, units: Collection[str]
) -> dict[tuple[str, EntryState, bool], int]:
    """Count the entries without all their receipts by unit, state and whether they are void."""
    keys = (_entry_table.c.unit, _entry_table.c.state)
    query = select(*keys, func.count(), func.count(_entry_table.c.voided)).where(
        _entry_table.c.unit.in_(sorted(units)), IS_UNRECEIPTED
    )
    counts: dict[tuple[str, EntryState, bool], int] = {}
    for unit, state, entries, void in conn.execute(query.group_by(*keys)):
        counts[unit, EntryState(state), True] = void
        counts[unit, EntryState(state), False] = entries - void
    return {key: entries for key, entries in counts.items() if entries}


def count_entry_groups(
    conn: Connection, units: Collection[str], ages: Mapping[str, datetime], oldest: str
) -> list[EntryGroup]:
    """Count entries by state, whether they are void, unit, form, class and age.

    Args:
        ages: name of an age → entries made after this moment have it, youngest first.
        oldest: the age of all others.
    """
    # As literals: PostgreSQL does not recognise a grouped column that has a parameter in it.
    names: list[tuple[ColumnElement[bool], ColumnElement[str]]] = [
        (_entry_table.c.created_at > moment, literal_column(f"'{name}'"))
        for name, moment in ages.items()
    ]
    age = case(*names, else_=literal_column(f"'{oldest}'")).label("age")
    keys = (
        _entry_table.c.state,
        _entry_table.c.voided.is_not(None).label("void"),
        _entry_table.c.unit,
        _entry_table.c.form,
        _entry_table.c.criticality,
    )
    # What is receipted is counted as a whole, and that of the known ages taken from it.
    is_receipted = _entry_table.c.state == EntryState.RECEIPTED.value
    is_young = _entry_table.c.created_at > min(ages.values())
    counts: Counter[tuple[str, bool, str, str, str, str]] = Counter()
    for condition in (IS_UNRECEIPTED, and_(is_receipted, is_young)):
        inner = (
            select(*keys, age).where(_entry_table.c.unit.in_(sorted(units)), condition).subquery()
        )
        columns: list[ColumnElement[Any]] = [*inner.c, func.count()]
        for row in conn.execute(select(*columns).group_by(*inner.c)):
            state, is_void, unit, form, criticality, age_name, entries = row
            counts[state, bool(is_void), unit, form, criticality, age_name] += entries
    old = Counter[tuple[bool, str, str, str]]()
    for one in list_entry_tallies(conn, units):
        old[one.is_void, one.unit, one.form, one.criticality] += one.entries
    for (state, is_void, unit, form, criticality, _), entries in counts.items():
        if state == EntryState.RECEIPTED:
            old[is_void, unit, form, criticality] -= entries
    for (is_void, unit, form, criticality), entries in old.items():
        counts[EntryState.RECEIPTED.value, is_void, unit, form, criticality, oldest] += entries
    return [(*key, entries) for key, entries in sorted(counts.items()) if entries > 0]


def workspace_metrics(conn: Connection) -> dict[str, Any]:
    """Return the numbers of pages, entries, problems and batches of the whole workspace.

    `pages` {in, done, waiting, failed, queued} where in = done + waiting + failed and `queued` of
    the waiting are not read yet; `entries` by state; `problems` by code; `batches` {in,
    unfinished: [id …]}; `exports` {unfetched: [run …]} and `archive` {unfetched: [package …]},
    whose file nobody was handed; `forms` {unfinished: [form/version …]}, whose publication was
    begun and not ended; `closed` pages that failed and were closed, which are done.
    """
    *_, queued = count_queue(conn)
    return {
        "pages": count_pages_by_state(conn) | {"queued": queued},
        "entries": count_entries_by_state(conn),
        "problems": _problem_counts(conn),
        "batches": {
            "in": conn.execute(select(func.count()).select_from(batch)).scalar_one(),
            "unfinished": list_unfinished(conn),
        },
        "exports": {"unfetched": list_undelivered_runs(conn)},
        "archive": {"unfetched": list_undelivered_packages(conn)},
        "forms": {"unfinished": [one.name for one in list_publications(conn)]},
        "closed": count_closed_pages(conn),
    }


def _problem_counts(conn: Connection) -> dict[str, int]:
    """Return the number of pages with each problem code; a page counts once for each code."""
    codes: Counter[str] = Counter()
    for problem_page in list_all_problem_pages(conn):
        kind = _problem_kind(problem_page.outcome, problem_page.duplicate_of)
        problems = (*problem_page.problems, problem_page.reason, kind)
        codes.update({split_code(problem)[0] for problem in problems if problem})
    return dict(sorted(codes.items()))


def _problem_kind(outcome: str | None, duplicate_of: str | None) -> str:
    """Return the problem that follows from the page's outcome; empty if none."""
    if duplicate_of:
        return "duplicate"
    return "unidentified" if outcome == "unidentified" else ""


# What is watched of the queue, the workers and reading: counts and moments of the whole workspace.
#
# Nothing here grows with the history of the workspace, as it is asked every minute.

PACE_MINUTES = 5
"""The pace of reading is the mean of so many minutes."""
_ENDED = [pages.STATE_READ, pages.STATE_FAILED]
_CODE = re.compile(r"[a-z_]{1,40}")


@dataclass(frozen=True, slots=True)
class QueueState:
    """Pages that wait to be read, since when the oldest does, and who reads.

    `workers` have had a heartbeat lately; `pace` is in pages a minute; `first_at` is when the first
    page of the workspace came in.
    """

    waiting: int = 0
    oldest_at: datetime | None = None
    workers: int = 0
    pace: float = 0.0
    first_at: datetime | None = None


def load_queue_state(conn: Connection, now: datetime, patience: timedelta) -> QueueState:
    """Return the state of the queue; `patience` is the age of a heartbeat that counts as lately."""
    # A page that waits for its image is not waiting for a worker
    queued = select(func.count(), func.min(page.c.scanned_at)).where(
        pages.is_queued, page.c.reason == ""
    )
    waiting, oldest_at = conn.execute(queued).one()
    alive = select(func.count()).select_from(worker).where(worker.c.beat_at > now - patience)
    since = now - timedelta(minutes=PACE_MINUTES)
    lately = select(func.count()).select_from(page).where(page.c.read_at > since)
    first = select(page.c.scanned_at).order_by(page.c.scanned_at).limit(1)
    return QueueState(
        int(waiting),
        oldest_at,
        int(conn.execute(alive).scalar_one()),
        int(conn.execute(lately).scalar_one()) / PACE_MINUTES,
        conn.execute(first).scalar_one_or_none(),
    )


def count_failures(conn: Connection) -> dict[str, int]:
    """Return how many pages have failed and wait for a person, by the code of the reason."""
    query = select(page.c.reason, func.count()).where(pages.is_failed).group_by(page.c.reason)
    counts = Counter[str]()
    for reason, number in conn.execute(query):
        code, _ = split_code(reason)
        # A sentence may name a file, whose name may be a person's
        counts[code if _CODE.fullmatch(code) else "other"] += number
    return dict(sorted(counts.items()))


def list_ended_pages(
    conn: Connection, units: Collection[str], most: int
) -> list[tuple[str, datetime, bool]]:
    """Return the latest pages that were read or failed: batch, when scanned, and if it failed.

    The newest come first.
    """
    query = (
        select(page.c.batch, page.c.scanned_at, page.c.state)
        .where(page.c.state.in_(_ENDED), page.c.unit.in_(sorted(units)))
        .order_by(page.c.scanned_at.desc())
        .limit(most)
    )
    return [(row[0], row[1], row[2] == pages.STATE_FAILED) for row in conn.execute(query)]


def count_unreceipted(
    conn: Connection, units: Collection[str], before: datetime
) -> tuple[int, int]:
    """Return how many entries of these units were sent and have no receipt, and the late of them.

    Late are those last sent at this moment or before. A file that nobody fetched is not sent.
    """
    sent = (
        select(func.max(export_run.c.made_at).label("at"))
        .select_from(entry)
        .join(export_item, export_item.c.entry == entry.c.id)
        .join(export_run, export_run.c.id == export_item.c.run)
        .where(
            IS_UNRECEIPTED,
            entry.c.state == EntryState.EXPORTED.value,
            entry.c.voided.is_(None),
            entry.c.unit.in_(sorted(units)),
            IS_DELIVERED,
        )
        .group_by(entry.c.id)
        .subquery()
    )
    late = func.coalesce(func.sum(case((sent.c.at <= before, 1), else_=0)), 0)
    number, of_them = conn.execute(select(func.count(), late).select_from(sent)).one()
    return int(number), int(of_them)
