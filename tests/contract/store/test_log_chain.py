"""The log on both databases: it refuses change, its chain does not fork, and what a person does to
it past the program is found and named.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from threading import Barrier, Thread

import pytest
from sqlalchemy import Connection, create_engine, delete, insert, select, update

from pipeline.domain.errors import NotAllowedError, StoreError
from pipeline.domain.model import Role
from pipeline.domain.settings import Settings
from pipeline.store.database.store import Store, open_store
from pipeline.store.entries import queue
from pipeline.store.event_log import hash_chain, verification
from pipeline.store.event_log.chain_check import ProblemKind
from pipeline.store.event_log.events import client_log_subject, list_events, record
from pipeline.store.event_log.hash_chain import (
    GENESIS_DIGEST,
    ChainHead,
    LogRow,
    link_row,
    load_head,
    read_rows,
    row_digest,
)
from pipeline.store.event_log.verification import verify_chain
from pipeline.store.schema import paper
from pipeline.store.schema.accounts import event_head
from pipeline.store.schema.append_only import protect_tables, unprotect_tables
from pipeline.store.schema.clock import utc_now
from tests.support.store.ward import ASTA, CHIEF, EVA, Ward, person

pytest_plugins = ("tests.support.store.databases",)
pytestmark = pytest.mark.both_databases

_event = paper.event


@pytest.fixture
def logged(store: Store) -> Store:
    """A store with ten rows in its log."""
    for number in range(5):
        with store.begin() as conn:
            record(
                conn,
                "eva",
                "try",
                f"x{number}",
                unit="Norr",
                count=number,
                share=0.1,
                name="å",
                none=None,
            )
            record(conn, "nils", "try", f"y{number}", yes=True)
    return store


def rows(store: Store) -> list[LogRow]:
    with store.read() as conn:
        return list(read_rows(conn))


def wrong(store: Store, *anchors: ChainHead) -> set[tuple[ProblemKind, int, int]]:
    with store.read() as conn:
        return {
            (problem.wrong, problem.first, problem.last)
            for problem in verify_chain(conn, anchors).problems
        }


def tamper(store: Store, *acts: Callable[[Connection], object], leave: bool = True) -> None:
    """Do what a person does who owns the database: triggers off, then the acts, then triggers on
    again (`leave`: as if nothing had been).
    """
    with store.begin() as conn:
        unprotect_tables(conn)
        for act in acts:
            act(conn)
        if leave:
            protect_tables(conn)


def _set(conn: Connection, row: LogRow) -> None:
    conn.execute(
        update(_event)
        .where(_event.c.id == row.id)
        .values(by=row.by, previous=row.previous, sha256=row.sha256)
    )


def _renumber(conn: Connection, old: int, new: int) -> None:
    conn.execute(update(_event).where(_event.c.id == old).values(id=new))


def test_rows_are_chained_one_after_the_other_and_the_head_is_the_last(logged: Store) -> None:
    log = rows(logged)
    assert [row.id for row in log] == list(range(1, 11))
    assert [row.previous for row in log] == [GENESIS_DIGEST, *(row.sha256 for row in log[:-1])]
    assert all(row_digest(row) == row.sha256 for row in log)
    with logged.read() as conn:
        assert load_head(conn) == ChainHead(10, log[-1].sha256 or "")
        verdict = verify_chain(
            conn, [ChainHead(0, GENESIS_DIGEST), ChainHead(4, log[3].sha256 or "")]
        )
    assert (verdict.rows, verdict.problems, verdict.count) == (10, (), 0)


@pytest.mark.parametrize(
    "statement",
    [
        update(_event).where(_event.c.id == 3).values(by="ingen"),
        update(_event).where(_event.c.id == 3).values(sha256=None),
        delete(_event).where(_event.c.id == 3),
        delete(_event),
        update(event_head).values(number=4),
        delete(event_head),
    ],
    ids=str,
)
def test_the_database_refuses_to_change_or_remove(logged: Store, statement: object) -> None:
    before = rows(logged)
    with pytest.raises(StoreError), logged.begin() as conn:
        conn.execute(statement)  # type: ignore[call-overload]
    assert rows(logged) == before


def test_no_row_is_replaced_or_emptied_by_another_way(logged: Store) -> None:
    before = rows(logged)
    with logged.read() as conn:
        postgres = conn.dialect.name == "postgresql"
    ways = (
        ["TRUNCATE event", "TRUNCATE event_head"]
        if postgres
        else [
            (
                "INSERT OR REPLACE INTO event (id, at, by, action, subject, detail) VALUES "
                "(3, '2026-01-01 00:00:00.000000', 'x', 'x', 'x', '{}')"
            ),
            "INSERT OR REPLACE INTO event_head (id, number, sha256) VALUES (1, 3, 'x')",
        ]
    )
    for way in ways:
        with pytest.raises(StoreError), logged.begin() as conn:
            conn.exec_driver_sql(way)
    assert rows(logged) == before


def test_changed_removed_and_reordered_rows_are_found(logged: Store) -> None:
    at = _event.c.id
    tamper(logged, lambda conn: conn.execute(update(_event).where(at == 3).values(by="ingen")))
    assert wrong(logged) == {(ProblemKind.CHANGED, 3, 3)}
    tamper(logged, lambda conn: conn.execute(delete(_event).where(at.in_([5, 6]))))
    assert wrong(logged) == {(ProblemKind.CHANGED, 3, 3), (ProblemKind.REMOVED, 5, 6)}
    tamper(
        logged, *(partial(_renumber, old=old, new=new) for old, new in ((8, 99), (10, 8), (99, 10)))
    )
    assert wrong(logged) == {
        (ProblemKind.CHANGED, 3, 3),
        (ProblemKind.REMOVED, 5, 6),
        (ProblemKind.MOVED, 8, 8),
        (ProblemKind.MOVED, 10, 10),
    }


def test_the_last_rows_cannot_be_cut_off_unseen(logged: Store) -> None:
    tamper(logged, lambda conn: conn.execute(delete(_event).where(_event.c.id >= 9)))
    assert wrong(logged) == {(ProblemKind.REMOVED, 9, 10)}


def test_a_row_put_in_past_the_program_and_triggers_taken_away_are_found(logged: Store) -> None:
    with logged.begin() as conn:
        conn.execute(
            insert(_event).values(
                id=11, at=utc_now(), by="x", action="view_page", subject="x", detail={}
            )
        )
    assert wrong(logged) == {(ProblemKind.UNCHAINED, 11, 11)}
    tamper(logged, lambda conn: conn.execute(delete(_event).where(_event.c.id == 11)), leave=False)
    assert wrong(logged) == {(ProblemKind.UNPROTECTED, 0, 0)}


def test_a_chain_that_was_rewritten_as_a_whole_is_found_by_the_anchor(logged: Store) -> None:
    with logged.read() as conn:
        anchor = load_head(conn)
    assert anchor is not None
    forged, last = list[LogRow](), ChainHead(0, GENESIS_DIGEST)
    for row in rows(logged):
        row = link_row(replace(row, by="ingen" if row.id == 2 else row.by), last)
        forged.append(row)
        last = ChainHead(row.id, row.sha256 or "")
    tamper(
        logged,
        *(partial(_set, row=row) for row in forged),
        lambda conn: conn.execute(
            update(event_head).values(number=last.number, sha256=last.sha256)
        ),
    )
    assert wrong(logged) == set()
    assert wrong(logged, anchor) == {(ProblemKind.REWRITTEN, 10, 10)}


def test_many_who_write_at_once_make_one_chain(store: Store) -> None:
    people, turns = 8, 15
    barrier, errors = Barrier(people), list[Exception]()

    def work(who: int) -> None:
        barrier.wait()
        try:
            for turn in range(turns):
                with store.begin() as conn:
                    record(conn, f"p{who}", "try", f"{turn}")
                    if turn % 5 == 4:
                        record(conn, f"p{who}", "try", "second")
        except Exception as error:  # shown by the test
            errors.append(error)

    threads = [Thread(target=work, args=(who,)) for who in range(people)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(rows(store)) == people * (turns + turns // 5)
    assert wrong(store) == set()


def test_what_is_rolled_back_leaves_nothing_and_the_next_row_follows(logged: Store) -> None:
    def fail(conn: Connection) -> None:
        record(conn, "eva", "try", "never")
        raise KeyError

    with pytest.raises(KeyError), logged.begin() as conn:
        fail(conn)
    with logged.begin() as conn:
        assert list_events(conn, "never") == []
        record(conn, "eva", "try", "then")
        assert [event.action for event in list_events(conn, "then")] == ["try"]
    assert [row.subject for row in rows(logged)][-2:] == ["y4", "then"]
    assert wrong(logged) == set()


def test_a_long_transaction_that_has_recorded_holds_nobody_up(store: Store) -> None:
    """On SQLite any writer holds up the others; on PostgreSQL the chain must not make it so."""
    with store.read() as conn:
        if conn.dialect.name != "postgresql":
            pytest.skip("SQLite has one writer at a time anyway")
    with store.begin() as slow:
        record(slow, "eva", "try", "slow")
        with store.begin() as quick:
            record(quick, "nils", "try", "quick")
    assert [row.subject for row in rows(store)] == ["quick", "slow"]
    assert wrong(store) == set()


def test_a_denial_is_in_the_log_with_who_what_and_where(store: Store) -> None:
    ward = Ward(store).begin()
    page = ward.scan()
    with pytest.raises(NotAllowedError), store.begin() as conn:
        queue.record_page_view(conn, CHIEF, page)
    with pytest.raises(NotAllowedError), store.read() as conn:
        queue.count_waiting(conn, person("lo", Role.LOG_REVIEWER), utc_now())
    denied = [row for row in rows(store) if row.action == "denied"]
    assert [(row.by, row.subject, row.unit) for row in denied] == [
        ("chef", page, "Norra hemsjukvården"),
        ("lo", "review", None),
    ]


def test_no_personal_number_gets_into_the_log(store: Store) -> None:
    pid = ASTA.pid
    for text_ in (pid, f"{pid[:8]}-{pid[8:]}", pid[2:], f"sök {pid[2:8]}-{pid[8:]}."):
        with pytest.raises(ValueError, match="personal number"), store.begin() as conn:
            record(conn, EVA.login, "try", text_)
        with pytest.raises(ValueError, match="personal number"), store.begin() as conn:
            record(conn, EVA.login, "try", "x", why=text_)
    with store.begin() as conn:
        subject = client_log_subject(conn, pid)
        assert subject == client_log_subject(conn, pid) != client_log_subject(conn, pid[:-1] + "3")
        record(conn, EVA.login, "try", subject)
        record(
            conn, EVA.login, "try", "20261125-12345678-00001", sha256="a" * 20 + "18900101980212"
        )
    assert pid not in subject


def test_two_stores_name_a_person_differently(
    store: Store, tmp_path_factory: pytest.TempPathFactory
) -> None:
    second = open_store(
        Settings(workspace=tmp_path_factory.mktemp("w"), database_url=""), create=True
    )
    with store.read() as one, second.read() as two:
        assert client_log_subject(one, ASTA.pid) != client_log_subject(two, ASTA.pid)
    second.close()


def test_the_log_is_read_whole_however_long(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hash_chain, "_CHUNK_ROWS", 3)
    for number in range(10):
        with store.begin() as conn:
            record(conn, "eva", "try", str(number))
    assert [row.subject for row in rows(store)] == [str(number) for number in range(10)]
    with store.read() as conn:
        assert conn.execute(select(_event.c.id)).scalars().all() == list(range(1, 11))
    assert wrong(store) == set()


def test_a_row_that_comes_between_the_last_row_and_the_end_is_not_missed(
    logged: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def head_after_another_row(conn: Connection) -> ChainHead | None:
        monkeypatch.setattr(verification, "load_head", load_head)
        with logged.begin() as other:
            record(other, "eva", "try", "meanwhile")
        return load_head(conn)

    monkeypatch.setattr(verification, "load_head", head_after_another_row)
    # Not `logged.read()`: SQLite would show it the log as it was at the beginning. PostgreSQL never
    # does.
    engine = create_engine(logged.engine.url)
    with engine.connect() as conn:
        assert verify_chain(conn).problems == ()
    engine.dispose()
