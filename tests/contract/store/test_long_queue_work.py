"""What the database does for the queue and for Läge as the entries become 160,000: work, not time,
so that a busy machine changes nothing.

SQLite counts the steps of its virtual machine; of PostgreSQL it is what its planner reckons for
the same statements (EXPLAIN).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, String, case, cast, event, func, insert, literal, select, update

from pipeline.domain.form.form import Forms
from pipeline.domain.law.permissions import ALL_AREAS
from pipeline.domain.model import EntryState, Person, Role
from pipeline.domain.settings import ROOT, QueueOrder
from pipeline.reporting.progress import make_progress_report
from pipeline.store.database.store import Store
from pipeline.store.entries import queue as entries_queue
from pipeline.store.paper.pages import create_batch
from pipeline.store.registers import client_register
from pipeline.store.schema import paper
from pipeline.store.schema.clock import utc_now

pytest_plugins = ("tests.support.store.databases",)
pytestmark = [pytest.mark.slow, pytest.mark.both_databases]

FORMS = Forms.load(ROOT / "forms")
NOW = utc_now()
NORTH, SOUTH = "Hemsjukvården Norr", "Hemsjukvården Söder"
NURSE = Person(
    "nina", "Nina Berglund", "sjuksköterska", Role.REVIEWER, frozenset({NORTH}), frozenset({"HSL"})
)
MANAGER = Person(
    "carl", "Carl Wiklund", "enhetschef", Role.MANAGER, frozenset({NORTH, SOUTH}), ALL_AREAS
)
FEW, MANY = 10_000, 50_000
SAME = 1.5
"""So much may the work of what has to stay the same differ."""

Act = Callable[[Connection], object]
ACTS: dict[str, Act] = {
    "claim, oldest first": lambda conn: entries_queue.claim_next(
        conn, FORMS, NURSE, entries_queue.ClaimTerms(NOW, order=QueueOrder.OLDEST)
    ),
    "claim, newest first": lambda conn: entries_queue.claim_next(
        conn, FORMS, NURSE, entries_queue.ClaimTerms(NOW, order=QueueOrder.NEWEST)
    ),
    "claim ahead": lambda conn: entries_queue.claim_next(
        conn, FORMS, NURSE, entries_queue.ClaimTerms(NOW), excluded=("open-1",)
    ),
    "take up": lambda conn: entries_queue.resume_claim(
        conn, NURSE, "open-2", 0, entries_queue.ClaimTerms(NOW)
    ),
    "count": lambda conn: entries_queue.count_waiting(conn, NURSE, NOW),
    "next sixty": lambda conn: entries_queue.peek_queue(conn, NURSE, NOW, 60),
    "Läge": lambda conn: make_progress_report(conn, FORMS, MANAGER, NOW),
}
WITH_WHAT_IS_OPEN = {"count"}
"""What is counted has to be gone through, though nothing else."""


def test_decided_entries_cost_the_queue_nothing_and_open_ones_only_the_count(store: Store) -> None:
    first_page(store)
    add(store, "open", EntryState.REVIEW, FEW)
    add(store, "done", EntryState.RECEIPTED, MANY)
    before = {name: work(store, act) for name, act in ACTS.items()}
    add(store, "rest", EntryState.RECEIPTED, MANY)
    decided = {name: work(store, act) for name, act in ACTS.items()}
    add(store, "more", EntryState.REVIEW, MANY)
    longer = {name: work(store, act) for name, act in ACTS.items()}
    queue = ACTS.keys() - {"Läge"}
    assert {
        name: decided[name] / before[name] for name in queue if decided[name] > SAME * before[name]
    } == {}
    assert {
        name: longer[name] / before[name]
        for name in queue - WITH_WHAT_IS_OPEN
        if longer[name] > SAME * before[name]
    } == {}
    assert longer["count"] < SAME * (FEW + MANY) / FEW * before["count"]
    assert longer["Läge"] < SAME * (FEW + 3 * MANY) / (FEW + MANY) * before["Läge"]


def test_entries_that_wait_for_a_second_person_cost_the_queue_no_more_when_they_are_many(
    store: Store,
) -> None:
    """Whether a person may be the second person is looked up entry by entry, as far as the queue is
    gone through.
    """
    first_page(store)
    claim = ACTS["claim, oldest first"]
    add(store, "second", EntryState.SECOND, FEW // 10)
    disputes(store)
    before = work(store, claim)
    add(store, "more", EntryState.SECOND, FEW)
    disputes(store)
    assert work(store, claim) < SAME * before
    with store.begin() as conn:
        taken = entries_queue.claim_next(conn, FORMS, NURSE, entries_queue.ClaimTerms(NOW))
        assert taken is not None
        assert taken.is_second_review


def test_a_queue_without_its_index_is_found_out(store: Store) -> None:
    first_page(store)
    for index in paper.entry.indexes:
        if str(index.name).startswith("entry_queue_"):
            index.drop(store.engine)
    add(store, "open", EntryState.REVIEW, FEW // 10)
    before = work(store, ACTS["claim, oldest first"])
    add(store, "more", EntryState.REVIEW, FEW)
    assert work(store, ACTS["claim, oldest first"]) > 2 * before


def first_page(store: Store) -> None:
    """Two units, and one page that all entries are on."""
    with store.begin() as conn:
        client_register.save_units(conn, {NORTH: "HSL", SOUTH: "HSL"})
        batch = create_batch(conn, NORTH, "Pärm 1", "anna")
        row = {
            "id": "page-1",
            "batch": batch,
            "position": 1,
            "source_name": "bunt.pdf",
            "source_page": 1,
            "scanned_at": NOW,
            "scanned_by": "anna",
        }
        conn.execute(
            insert(paper.page).values(
                {**row, "unit": NORTH, "area": "HSL", "state": "läst", "sheet": "page-1"}
            )
        )


def add(store: Store, name: str, state: EntryState, count: int) -> None:
    """So many entries more, in one statement; a tenth is of another unit, and the days and clients
    are mixed.
    """
    form = FORMS["hsl-anteckning", 1]
    one = select(literal(1).label("n")).cte("numbers", recursive=True)
    n = one.union_all(select(one.c.n + 1).where(one.c.n < count)).c.n
    day = "2021-12-" + func.substr(cast(10 + n % 20, String), 1, 2)
    columns: dict[str, Any] = {
        "id": f"{name}-" + cast(n, String),
        "sheet": f"{name}-" + cast(n, String),
        "page": literal("page-1"),
        "form": literal(form.id),
        "version": literal(form.version),
        "unit": case((n // 20 % 10 == 0, literal(SOUTH)), else_=literal(NORTH)),
        "area": literal("HSL"),
        "criticality": literal("A"),
        "state": literal(state.value),
        "revision": literal(0),
        "reason": literal(""),
        "created_at": literal(NOW - timedelta(days=3), paper.entry.c.created_at.type),
        "skipped": literal(0),
        "rank": literal(1),
        "lane": literal(1),
        "likely_pid": "1930010" + cast(10_000 + n % 997, String),
        "happened": day + " 09:40",
        "first_on": day,
        "last_on": day,
    }
    rows = select(*(value.label(column) for column, value in columns.items()))
    with store.begin() as conn:
        conn.execute(insert(paper.entry).from_select(list(columns), rows))
    # Its own process does this now and then; SQLite has no statistics of a young database either.
    if store.engine.dialect.name == "postgresql":
        with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
            conn.exec_driver_sql("VACUUM ANALYZE entry")


def disputes(store: Store) -> None:
    """Each entry in second review has been decided by anna, and a field of it is disputed."""
    entry, decision = paper.entry.c, paper.decision
    new = entry.state == EntryState.SECOND.value, entry.first_by.is_(None)
    columns: dict[str, Any] = {
        "entry": entry.id,
        "revision": literal(1),
        "field": literal("handelsetid"),
        "value": literal("10:15", decision.c.value.type),
    }
    columns |= {
        "state": literal("read"),
        "how": literal("typed"),
        "settled": literal(False),
        "by": literal("anna"),
    }
    columns |= {"at": literal(NOW, decision.c.at.type)}
    with store.begin() as conn:
        conn.execute(
            insert(decision).from_select(
                list(columns),
                select(*(value.label(name) for name, value in columns.items())).where(*new),
            )
        )
        conn.execute(
            update(paper.entry).where(*new).values(first_by="anna", first_at=NOW, revision=1)
        )
    if store.engine.dialect.name == "postgresql":
        with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
            conn.exec_driver_sql("VACUUM ANALYZE entry")
            conn.exec_driver_sql("VACUUM ANALYZE decision")


def work(store: Store, act: Act) -> float:
    """What a transaction costs the database; it is rolled back. It is done once unmeasured: the
    driver asks things of its own at the first time.
    """
    done = 0.0
    for _ in range(2):
        with store.engine.connect() as conn, conn.begin() as transaction:
            measured = steps if conn.dialect.name == "sqlite" else costs
            with measured(conn) as told:
                act(conn)
                done = told()
            transaction.rollback()
    return done


@contextmanager
def steps(conn: Connection) -> Iterator[Callable[[], float]]:
    """Steps of SQLite's virtual machine, in tens."""
    driver, counted = conn.connection.driver_connection, [1]

    def one_more() -> int:
        counted[0] += 1
        return 0

    assert driver is not None
    driver.set_progress_handler(one_more, 10)
    yield lambda: float(counted[0])
    driver.set_progress_handler(None, 0)


@contextmanager
def costs(conn: Connection) -> Iterator[Callable[[], float]]:
    """The planner's costs of all statements, in its own unit: that of reading a page of the
    disk.
    """
    asked: list[tuple[str, Any]] = []

    def note(
        one: Connection, _cursor: object, statement: str, parameters: object, *_rest: object
    ) -> None:
        if one is conn and statement.startswith(("SELECT", "UPDATE", "WITH")):
            asked.append((statement, parameters))

    event.listen(conn, "before_cursor_execute", note)

    def total() -> float:
        event.remove(conn, "before_cursor_execute", note)
        plans = [
            conn.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", parameters).scalar_one()
            for statement, parameters in asked
        ]
        return float(sum(plan[0]["Plan"]["Total Cost"] for plan in plans))

    yield total
