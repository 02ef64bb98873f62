"""Searches and the queue within a form, client or author are found by indexes: no statement goes
through all entries, whatever the size of the queue.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import Connection, event, insert, update

from pipeline.domain.form.form import Forms
from pipeline.domain.model import EntryState
from pipeline.domain.settings import ROOT
from pipeline.store.accounts.own_choices import QueueGrouping, choose_queue_grouping
from pipeline.store.database.store import Store
from pipeline.store.entries.queue import ClaimTerms, claim_next
from pipeline.store.lookup.own_actions import list_own_actions
from pipeline.store.lookup.search import EntrySearch, search_entries
from pipeline.store.schema import paper, registers
from tests.contract.store.test_long_queue_work import NORTH, NOW, NURSE, add, first_page

pytest_plugins = ("tests.support.store.databases",)
pytestmark = [pytest.mark.slow, pytest.mark.both_databases]

FORMS = Forms.load(ROOT / "forms")
COUNT = 20_000
CLIENT = "193001010021"
SEARCHES = {
    "number": EntrySearch(number=CLIENT),
    "name": EntrySearch(name="asta"),
    "day": EntrySearch(first_day="2021-12-11", last_day="2021-12-11"),
    "author": EntrySearch(author="berg"),
    "author and unit": EntrySearch(author="berg", unit=NORTH),
    "serial": EntrySearch(serial="ABCD2345"),
}


@pytest.fixture(scope="module")
def long_queue(shared_store: Store) -> Store:
    """Open and decided entries, of which every hundredth is by one author."""
    store = shared_store
    first_page(store)
    entry = paper.entry.c
    with store.begin() as conn:
        conn.execute(
            insert(registers.staff).values(
                login=NURSE.login,
                name=NURSE.name,
                title=NURSE.title,
                role=NURSE.role.value,
                password_hash="-",
                active=True,
            )
        )
        conn.execute(insert(registers.client).values(pid=CLIENT, name="Asta Provberg", unit=NORTH))
        conn.execute(insert(paper.event), [_event(number) for number in range(COUNT)])
    add(store, "open", EntryState.REVIEW, COUNT)
    add(store, "done", EntryState.CONFIRMED, COUNT)
    with store.begin() as conn:
        decided = update(paper.entry).where(entry.state == EntryState.CONFIRMED.value)
        conn.execute(decided.values(client_pid=entry.likely_pid, event_on=entry.first_on))
        of_author = entry.likely_pid.like("%21")
        conn.execute(decided.where(of_author).values(author="Britta Berg"))
        conn.execute(update(paper.entry).where(of_author).values(author_key="britta berg"))
    if store.engine.dialect.name == "postgresql":
        with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
            conn.exec_driver_sql("VACUUM ANALYZE")
    return store


def _event(number: int) -> dict[str, object]:
    """A look at a page, or one in a hundred times a skip; behind the log's own numbers."""
    action = "view_page" if number % 100 else "skip"
    row = {
        "id": 1_000_000 + number,
        "at": NOW,
        "by": NURSE.login,
        "action": action,
        "subject": f"done-{number + 1}",
    }
    return {**row, "detail": {}, "unit": NORTH}


def scans(store: Store, act: Callable[[Connection], object]) -> list[str]:
    """The parts of the plans of all statements that go through all entries or all of the log."""
    asked: list[tuple[str, object]] = []

    def note(_conn: Connection, _cursor: object, statement: str, given: object, *_: object) -> None:
        if statement.startswith(("SELECT", "UPDATE", "WITH")):
            asked.append((statement, given))

    with store.engine.connect() as conn, conn.begin() as transaction:
        event.listen(conn, "before_cursor_execute", note)
        act(conn)
        event.remove(conn, "before_cursor_execute", note)
        is_sqlite = conn.dialect.name == "sqlite"
        explain = "EXPLAIN QUERY PLAN" if is_sqlite else "EXPLAIN"
        plans = [
            str(row[3] if is_sqlite else row[0]).strip()
            for statement, given in asked
            for row in conn.exec_driver_sql(f"{explain} {statement}", given)  # type: ignore[arg-type]
        ]
        transaction.rollback()
    word = "SCAN" if is_sqlite else "Seq Scan on"
    whole = (f"{word} entry ", f"{word} event ")
    return [
        part
        for part in plans
        if f"{part.removeprefix('->').strip()} ".startswith(whole) and "INDEX" not in part
    ]


@pytest.mark.parametrize("name", SEARCHES)
def test_a_search_goes_by_an_index(long_queue: Store, name: str) -> None:
    assert scans(long_queue, lambda conn: search_entries(conn, NURSE, SEARCHES[name])) == []


def test_the_own_last_decisions_go_by_an_index(long_queue: Store) -> None:
    assert scans(long_queue, lambda conn: list_own_actions(conn, NURSE)) == []


@pytest.mark.parametrize("grouping", QueueGrouping)
def test_a_claim_within_a_group_goes_by_an_index(
    long_queue: Store, grouping: QueueGrouping
) -> None:
    def claim(conn: Connection) -> None:
        choose_queue_grouping(conn, NURSE, grouping, "open-20")
        view = claim_next(conn, FORMS, NURSE, ClaimTerms(NOW))
        assert view is not None

    assert scans(long_queue, claim) == []
