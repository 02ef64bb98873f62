"""Counts of entries for managers, and the metrics of `efterskrift status`.

Neither contains names, numbers or texts of a record (SoLPUL 7 a §); the metrics are for the
administrator of the machine, and so without units and persons.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, func, literal_column, select

from pipeline.domain.issues import split_code
from pipeline.domain.model import EntryState
from pipeline.store.entries.entry import CONFIRMED_STATES
from pipeline.store.exports.archives import list_undelivered_packages
from pipeline.store.exports.runs import list_undelivered_runs
from pipeline.store.paper.intake.batches import list_unfinished
from pipeline.store.paper.pages import (
    count_closed_pages,
    count_pages_by_state,
    list_all_problem_pages,
)
from pipeline.store.paper.tallies import list_entry_tallies
from pipeline.store.paper.workers import count_entries_by_state, count_queue
from pipeline.store.registers.form_publications import list_publications
from pipeline.store.schema import paper
from pipeline.store.schema.paper import batch
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
    for page in list_all_problem_pages(conn):
        problems = (*page.problems, page.reason, _problem_kind(page.outcome, page.duplicate_of))
        codes.update({split_code(problem)[0] for problem in problems if problem})
    return dict(sorted(codes.items()))


def _problem_kind(outcome: str | None, duplicate_of: str | None) -> str:
    """Return the problem that follows from the page's outcome; empty if none."""
    if duplicate_of:
        return "duplicate"
    return "unidentified" if outcome == "unidentified" else ""
