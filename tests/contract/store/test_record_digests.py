"""The record is evidence on both databases: what is changed, removed or added in it past the
program is found and named, and what the program itself does is never accused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Integer,
    Table,
    bindparam,
    create_engine,
    delete,
    insert,
    select,
    update,
)

from pipeline.domain.errors import StoreError
from pipeline.store.database.migrations.run import migrate
from pipeline.store.database.store import Store
from pipeline.store.event_log import hash_chain, record_check
from pipeline.store.event_log.chain_check import FIRST_HEAD, ChainProblem, ProblemKind
from pipeline.store.event_log.events import client_log_subject
from pipeline.store.event_log.hash_chain import ChainHead, load_head, read_rows
from pipeline.store.event_log.records import (
    RECORD_KINDS,
    RecordKey,
    RecordKind,
    read_digests,
)
from pipeline.store.event_log.verification import verify_chain
from pipeline.store.schema import paper, review
from pipeline.store.schema.accounts import record_digest
from pipeline.store.schema.append_only import (
    APPEND_ONLY_TABLES,
    protect_tables,
    unprotect_tables,
    unprotected_tables,
)
from pipeline.store.schema.clock import UtcDateTime

pytest_plugins = ("tests.support.store.databases",)
AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
KINDS = tuple(RECORD_KINDS.values())
both = pytest.mark.both_databases
each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
_IDS = {
    "batch": "B1",
    "page": "P1",
    "entry": "E1",
    "question": 1,
    "export_run": "R1",
    "archive_package": "A1",
    "duplicate_mark": 1,
    "issued_sheet": "S1",
    "staff": "a.b",
    "unit": "Norr",
    "client": "191212121212",
}
"""The id of the one row of each table that others refer to."""
CHANGED_TABLES = {
    "tally",  # sums of the tables, rebuilt from them by `check`
    "outstanding_sheet",
    "form_publication",  # what it says is in the log
    "scanned_pack",
    "access_change",
    "assignment",
    "assignment_unit",
    "attachment",
    "batch",
    "break_glass_use",
    "browser_session",
    "care_list",
    "care_row",
    "clash_decision",
    "client",
    "client_block",
    "closed_guide",
    "control",
    "draft",
    "duplicate_mark",
    "entry",
    "event_head",
    "group_cell",
    "group_task",
    "image_store",
    "import_attempt",
    "key_in_claim",
    "key_in_signature",
    "known_device",
    "login_failure",
    "outage",
    "pack_number",
    "pack_opening",
    "page",
    "page_area",
    "page_closure",
    "page_text",
    "paper_decision",
    "payment_approval",
    "planned_day",
    "plant",
    "provider_link",
    "pull",
    "queue_choice",
    "reading",
    "watched_folder",
    "recovery_code",
    "schema_info",
    "second_factor",
    "staff",
    "staff_signature",
    "staff_unit",
    "store_check",
    "temporary_identity",
    "triage_order",
    "triage_table",
    "unit",
    "unit_provider",
    "unused_sheet",
    "worker",
}
"""Tables whose rows the program changes or removes: each new table is here or append-only."""


def _value(column: Column[Any], number: int = 1) -> object:
    """A value for a column, another one for another number."""
    for key in column.foreign_keys:
        return _value(key.column)
    if column.primary_key and column.table.name in _IDS and number == 1:
        return _IDS[column.table.name]
    if isinstance(column.type, Integer):
        return number
    if isinstance(column.type, Boolean):
        return number > 1
    if isinstance(column.type, UtcDateTime):
        return AT + timedelta(seconds=number)
    if column.name.endswith("sha256"):
        return f"{number:064x}"
    return str(number)


def _row(table: Table, number: int = 1) -> dict[str, object]:
    return {column.name: _value(column, number) for column in table.columns}


def _fill(store: Store, tables: Iterable[Table]) -> None:
    """Put a row into each of these, with a value in every column, as the program does."""
    wanted = {"batch", "page", "unit", *(table.name for table in tables)}
    with store.begin() as conn:
        for table in (one for one in paper.metadata.sorted_tables if one.name in wanted):
            conn.execute(insert(table).values(_row(table)))


@pytest.fixture
def recorded(store: Store) -> Store:
    """A store with one row in each table of the record."""
    _fill(store, (kind.table for kind in KINDS))
    return store


@contextmanager
def tampering(store: Store) -> Iterator[Connection]:
    """A transaction of a person who controls the database: no triggers, no foreign keys, nothing
    that the program would notice; and in the end everything as it was, for the next one.
    """
    with store.engine.connect() as conn, conn.begin() as transaction:
        unprotect_tables(conn)
        if conn.dialect.name == "postgresql":
            conn.exec_driver_sql("SET LOCAL session_replication_role = replica")
        else:
            conn.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        yield conn
        transaction.rollback()


def name_of(conn: Connection, kind: RecordKind, owner: object) -> str:
    """How people are told whose rows they are: a client by the log's name and no number."""
    return client_log_subject(conn, str(owner)) if kind.name == "client" else str(owner)


def found(conn: Connection, start: ChainHead = FIRST_HEAD) -> list[ChainProblem]:
    """What verifying finds, but for the triggers that are off."""
    problems = verify_chain(conn, [start] if start.number else [], start).problems
    return [one for one in problems if one.wrong is not ProblemKind.UNPROTECTED]


@both
def test_what_the_program_wrote_is_not_accused(recorded: Store) -> None:
    with recorded.read() as conn:
        verdict = verify_chain(conn)
    assert (verdict.problems, verdict.records) == ((), len(KINDS))


@each_kind
def test_each_column_that_is_changed_past_the_program_is_found(
    recorded: Store, kind: RecordKind
) -> None:
    unseen = list[str]()
    with tampering(recorded) as conn:
        owner = name_of(conn, kind, _value(kind.owner))
        for column in kind.columns:
            other = None if column.nullable else _value(column, 2)
            if column.foreign_keys:
                other = 2 if other == 1 else "Z"
            with conn.begin_nested() as change:
                conn.execute(update(kind.table).values({column.name: other}))
                if (kind.name, owner) not in {(one.table, one.owner) for one in found(conn)}:
                    unseen.append(column.name)
                change.rollback()
    assert unseen == []


@each_kind
@both
def test_a_row_that_is_removed_or_added_past_the_program_is_found(
    recorded: Store, kind: RecordKind
) -> None:
    with tampering(recorded) as conn:
        owner = name_of(conn, kind, _value(kind.owner))
        conn.execute(delete(kind.table))
        (problem,) = found(conn)
    assert (problem.wrong.value, problem.table, problem.owner) == (
        "record_removed",
        kind.name,
        owner,
    )
    # Of an owner that the log does not know, then beside the owner's other rows
    wrong: dict[object, str] = {"Z" if owner != "1" else 77: "record_added"}
    if len(kind.table.primary_key) > 1 or not kind.owner.primary_key:
        wrong[_value(kind.owner)] = "record_changed"
    for other, expected in wrong.items():
        row = _row(kind.table, 2) | {kind.owner.name: other}
        # Of keys of two columns, the other one differs too
        row |= {
            c.name: 2 if isinstance(c.type, Integer) else "Z"
            for c in kind.table.primary_key
            if c.foreign_keys and c != kind.owner
        }
        with tampering(recorded) as conn:
            conn.execute(insert(kind.table).values(row))
            (problem,) = found(conn)
            named = name_of(conn, kind, other)
        assert (problem.wrong.value, problem.table, problem.owner) == (expected, kind.name, named)


@both
def test_digests_that_are_made_to_fit_contradict_the_chain(recorded: Store) -> None:
    stored = record_digest.c
    with recorded.read() as conn:
        number = conn.execute(select(stored.event).where(stored.kind == "entry")).scalar_one()
    ways = (
        update(record_digest).where(stored.kind == "entry").values(sha256="0" * 64),
        delete(record_digest).where(stored.kind == "entry"),
        insert(record_digest).values(kind="entry", owner="E1", event=number + 1, sha256="0" * 64),
        insert(record_digest).values(kind="entry", owner="E1", event=999, sha256="0" * 64),
    )
    for way in ways:
        with tampering(recorded) as conn:
            conn.execute(way)
            problems = {(one.wrong.value, one.table) for one in found(conn)}
        assert ("record_digests", "record_digest") in problems


@both
def test_a_row_that_no_program_writes_is_found_and_not_stumbled_over(recorded: Store) -> None:
    with tampering(recorded) as conn:
        if conn.dialect.name == "postgresql":
            pytest.skip("PostgreSQL refuses such values")
        conn.exec_driver_sql("UPDATE decision SET at = 'soon', value = '{'")
        (problem,) = found(conn)
    assert (problem.wrong.value, problem.owner) == ("record_changed", "E1")


@both
def test_from_an_anchor_only_what_came_after_it_is_compared(recorded: Store) -> None:
    with recorded.read() as conn:
        start = load_head(conn)
    assert start is not None
    with recorded.begin() as conn:
        conn.execute(update(paper.entry).values(state="granskas"))
    with tampering(recorded) as conn:
        conn.execute(update(paper.entry).values(state="exporterad"))
        conn.execute(update(paper.decision).values(state="empty"))
        assert {one.table for one in found(conn)} == {"decision", "entry"}
        assert {one.table for one in found(conn, start)} == {"entry"}
        verdict = verify_chain(conn, [start], start)
        assert (verdict.rows, verdict.start, verdict.records) == (1, start.number, 1)
        conn.execute(update(paper.event).where(paper.event.c.id == 1).values(by="nobody"))
        assert {one.table for one in found(conn, start)} == {"entry"}
        # The anchor itself is looked up
        (problem,) = [
            one
            for one in found(conn, ChainHead(start.number, "f" * 64))
            if one.wrong is ProblemKind.REWRITTEN
        ]
        assert problem.first == start.number


@both
def test_a_change_of_the_queue_alone_is_no_event(recorded: Store) -> None:
    with recorded.read() as conn:
        before = load_head(conn)
    with recorded.begin() as conn:
        conn.execute(update(paper.entry).values(claimed_by="eva", rank=0))
    with recorded.read() as conn:
        assert load_head(conn) == before


@both
def test_what_a_transaction_that_failed_changed_is_forgotten(recorded: Store) -> None:
    def fail(conn: Connection) -> None:
        conn.execute(update(paper.entry).values(state="granskas"))
        raise KeyError

    with recorded.read() as conn:
        before = load_head(conn)
    with pytest.raises(KeyError), recorded.begin() as conn:
        fail(conn)
    with recorded.begin() as conn:
        conn.execute(select(paper.entry))
    with recorded.read() as conn:
        assert load_head(conn) == before


@pytest.mark.parametrize(
    "owners", [{"accepted": "E1"}, [{"accepted": "E1"}, {"accepted": "Z"}]], ids=["one", "many"]
)
@both
def test_the_owner_is_found_whatever_names_it(
    recorded: Store, owners: dict[str, str] | list[dict[str, str]]
) -> None:
    named = update(paper.entry).where(paper.entry.c.id == bindparam("accepted"))
    with recorded.begin() as conn:
        conn.execute(named.values(state="granskas"), owners)
    with recorded.begin() as conn:
        conn.execute(insert(review.client_choice), [_row(review.client_choice, n) for n in (2, 3)])
    with recorded.read() as conn:
        assert verify_chain(conn).problems == ()
        assert {row.action for row in read_rows(conn) if row.records} == {"update_record"}


@both
def test_two_who_add_to_one_entry_at_once_are_both_covered(
    recorded: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one ends after the first has read its rows, and before it holds the chain."""
    with recorded.read() as conn:
        if conn.dialect.name != "postgresql":
            pytest.skip("SQLite has one writer at a time anyway")

    def read_then_let_the_other_end(conn: Connection, keys: set[RecordKey]) -> dict[RecordKey, str]:
        monkeypatch.setattr(hash_chain, "read_digests", read_digests)
        digests = read_digests(conn, keys)
        with recorded.begin() as other:
            other.execute(insert(review.client_choice).values(_row(review.client_choice, 3)))
        return digests

    with recorded.begin() as conn:
        conn.execute(insert(review.client_choice).values(_row(review.client_choice, 2)))
        monkeypatch.setattr(hash_chain, "read_digests", read_then_let_the_other_end)
    with recorded.read() as conn:
        assert verify_chain(conn).problems == ()


@both
def test_what_is_written_while_verifying_is_not_accused(
    recorded: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_after_a_change(
        conn: Connection, keys: set[RecordKey], columns: Mapping[str, set[str]] | None = None
    ) -> dict[RecordKey, str]:
        if any(key.kind == "entry" for key in keys):
            monkeypatch.setattr(record_check, "read_digests", read_digests)
            with recorded.begin() as other:
                other.execute(update(paper.entry).values(state="granskas"))
        return read_digests(conn, keys, columns)

    monkeypatch.setattr(record_check, "read_digests", read_after_a_change)
    # Not `read()`: SQLite would show it the record as it was at the beginning
    engine = create_engine(recorded.engine.url)
    with engine.connect() as conn:
        assert verify_chain(conn).problems == ()
    engine.dispose()


@both
def test_what_was_wrong_before_an_upgrade_is_wrong_after_it(recorded: Store) -> None:
    with recorded.begin() as conn:
        unprotect_tables(conn)
        conn.exec_driver_sql("UPDATE decision SET state = 'empty'")
    with recorded.begin() as conn:
        migrate(conn)
    with recorded.read() as conn:
        (problem,) = verify_chain(conn).problems
    assert (problem.wrong.value, problem.table) == ("record_changed", "decision")


def test_each_table_is_append_only_or_known_to_change() -> None:
    only_added = {table.name for table in APPEND_ONLY_TABLES}
    assert set(paper.metadata.tables) - only_added == CHANGED_TABLES
    assert not only_added & CHANGED_TABLES


@both
def test_the_database_refuses_to_change_rows_that_are_only_added(store: Store) -> None:
    made = {"log_key", "event", "record_digest"}
    _fill(store, [one for one in APPEND_ONLY_TABLES if one.name not in made] + [paper.entry])
    for table in APPEND_ONLY_TABLES:
        with store.read() as conn:
            before = conn.execute(select(table)).all()
            on_postgres = conn.dialect.name == "postgresql"
        column = next(iter(table.c)).name
        ways = [f'UPDATE {table.name} SET "{column}" = "{column}"', f"DELETE FROM {table.name}"]
        if on_postgres:
            ways.append(f"TRUNCATE {table.name} CASCADE")
        elif table.name not in {"look", "control_key"}:
            ways.append(f"INSERT OR REPLACE INTO {table.name} SELECT * FROM {table.name}")
        for way in ways:
            with pytest.raises(StoreError), store.begin() as conn:
                conn.exec_driver_sql(way)
        with store.read() as conn:
            assert before, table.name
            assert conn.execute(select(table)).all() == before


@both
def test_triggers_that_were_taken_away_are_named_by_their_table(store: Store) -> None:
    with store.begin() as conn:
        place = " ON receipt" if conn.dialect.name == "postgresql" else ""
        conn.exec_driver_sql(f"DROP TRIGGER receipt_no_delete{place}")
    with store.begin() as conn:
        (problem,) = verify_chain(conn).problems
        assert (problem.wrong, problem.table) == (ProblemKind.UNPROTECTED, "receipt")
        protect_tables(conn)
        assert unprotected_tables(conn) == []
