"""Pictures and rights are evidence: what is changed in them past the program is named by `check`
and `audit verify`, what the program changes itself is not, and an upgrade covers what there was.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import Connection, delete, insert, select, update

from pipeline.domain.model import Client, Role
from pipeline.login.accounts import close_account, save_account
from pipeline.operations.upkeep.store_check import check_store
from pipeline.store.accounts import people
from pipeline.store.accounts.login.access_changes import reopen_account
from pipeline.store.accounts.people import PasswordHash
from pipeline.store.database.history import alembic_version, revisions
from pipeline.store.database.migrations.run import migrate
from pipeline.store.database.store import Store
from pipeline.store.entries.sheet_entries import settle_duplicate
from pipeline.store.event_log.events import client_log_subject
from pipeline.store.event_log.hash_chain import read_rows
from pipeline.store.event_log.records import RECORD_KINDS
from pipeline.store.event_log.verification import verify_chain
from pipeline.store.registers.blocks import lift_block, set_block
from pipeline.store.registers.client_register import save_clients
from pipeline.store.schema import accounts, paper, registers
from pipeline.store.schema.accounts import record_digest
from tests.support.store.ward import (
    ASTA,
    BROR,
    FORMS,
    NORTH,
    NOTE,
    NOW,
    SAID,
    SOUTH,
    Ward,
    page_reading,
    person,
)

pytest_plugins = ("tests.support.store.databases",)
both = pytest.mark.both_databases
ADMIN = person("sven", Role.SYSTEM_ADMINISTRATOR, ())
MANAGER = person("lova", Role.ADMINISTRATOR)
EVA = person("eva.ny")


@pytest.fixture
def ward(store: Store) -> Ward:
    """A ward with two read pages, accounts and a block."""
    return make_ward(store)


def make_ward(store: Store) -> Ward:
    """Return a new ward."""
    ward = Ward(store).begin()
    for serial in ("AAA1", "AAA2"):
        ward.read(ward.scan(), page_reading(NOTE, serial, SAID))
    with store.begin() as conn:
        for one in (ADMIN, MANAGER, EVA):
            people.save_person(conn, one, PasswordHash("x"))
        set_block(conn, MANAGER, NORTH, BROR.pid, "önskemål", NOW)
    return ward


def problems(store: Store) -> set[tuple[str, str | None, str | None]]:
    """What verifying names."""
    with store.read() as conn:
        return {(one.wrong.value, one.table, one.owner) for one in verify_chain(conn).problems}


def first_page(conn: Connection) -> str:
    """The id of the page that is changed."""
    return str(conn.execute(select(paper.page.c.id).order_by(paper.page.c.id)).scalars().first())


def exchange_picture(conn: Connection) -> str:
    page = paper.page.c
    one = first_page(conn)
    conn.execute(update(paper.page).where(page.id == one).values(image_sha256="f" * 64))
    return one


def move_page(conn: Connection) -> str:
    one = first_page(conn)
    conn.execute(update(paper.page).where(paper.page.c.id == one).values(unit=SOUTH))
    return one


def unprotect(conn: Connection) -> str:
    of_asta = registers.client.c.pid == ASTA.pid
    conn.execute(update(registers.client).where(of_asta).values(protected=True))
    return client_log_subject(conn, ASTA.pid)


def lift(conn: Connection) -> str:
    block = accounts.client_block
    one = conn.execute(select(block.c.id)).scalar_one()
    conn.execute(delete(block))
    return str(one)


def add_block(conn: Connection) -> str:
    row = {"id": "b2", "client_pid": ASTA.pid, "unit": SOUTH, "set_at": NOW, "reason": "x"}
    conn.execute(insert(accounts.client_block).values(row | {"set_by": "lova"}))
    return "b2"


def promote(conn: Connection) -> str:
    of_eva = registers.staff.c.login == EVA.login
    conn.execute(update(registers.staff).where(of_eva).values(role="admin", title="läkare"))
    return EVA.login


def take_over(conn: Connection) -> str:
    of_eva = registers.staff.c.login == EVA.login
    conn.execute(update(registers.staff).where(of_eva).values(password_hash="another's"))
    return EVA.login


def enter_unit(conn: Connection) -> str:
    conn.execute(insert(registers.staff_unit).values(login=EVA.login, unit=SOUTH))
    return EVA.login


def move_duty(conn: Connection) -> str:
    """Läge would not name it, or name it too late."""
    one = conn.execute(select(paper.entry.c.id).order_by(paper.entry.c.id)).scalars().first()
    values = {"deadlines": {"lvu-ansokan": "2099-01-01T23:59:00+01:00"}, "due_at": NOW}
    conn.execute(update(paper.entry).where(paper.entry.c.id == one).values(values))
    return str(one)


TAMPERED: dict[Callable[[Connection], str], tuple[str, str]] = {
    exchange_picture: ("record_changed", "page"),
    move_page: ("record_changed", "page"),
    unprotect: ("record_changed", "client"),
    lift: ("record_removed", "client_block"),
    add_block: ("record_added", "client_block"),
    promote: ("record_changed", "staff"),
    take_over: ("record_changed", "staff"),
    enter_unit: ("record_changed", "staff_unit"),
    move_duty: ("record_changed", "entry"),
}


@pytest.mark.parametrize("tamper", TAMPERED, ids=lambda one: one.__name__)
@both
def test_what_is_changed_past_the_program_is_named_by_verify_and_check(
    ward: Ward, tamper: Callable[[Connection], str]
) -> None:
    assert problems(ward.store) == set()
    # Past the program: no statement of this connection is noted
    with ward.store.engine.connect() as conn, conn.begin():
        owner = tamper(conn)
    kind, table = TAMPERED[tamper]
    assert problems(ward.store) == {(kind, table, owner)}
    report = check_store(ward.store, "a.b")
    assert [(one.table, one.owner) for one in report.changed] == [(table, owner)]
    assert not report.check.is_whole
    assert report.check.changed == 1


def change_password(conn: Connection) -> None:
    people.set_password(conn, EVA.login, PasswordHash("new"), must_change=False)


WAYS: dict[str, Callable[[Connection], object]] = {
    "register": lambda conn: save_clients(conn, [replace(ASTA, protected=True), BROR]),
    "new client": lambda conn: save_clients(conn, [Client("189001059816", "Dag Ek", NORTH)]),
    "block": lambda conn: set_block(conn, MANAGER, NORTH, ASTA.pid, "önskemål", NOW),
    "lift block": lambda conn: lift_block(conn, MANAGER, NORTH, BROR.pid, "önskemål", NOW),
    "account": lambda conn: save_account(
        conn, ADMIN, replace(EVA, title="Undersköterska", units=frozenset({SOUTH})), NOW
    ),
    "password": change_password,
    "close": lambda conn: close_account(conn, ADMIN, EVA.login),
}


@pytest.mark.parametrize("way", WAYS)
@both
def test_what_the_program_changes_is_not_accused(ward: Ward, way: str) -> None:
    with ward.store.begin() as conn:
        WAYS[way](conn)
    assert problems(ward.store) == set()


@both
def test_a_closed_account_that_is_opened_again_is_not_accused(ward: Ward) -> None:
    with ward.store.begin() as conn:
        close_account(conn, ADMIN, EVA.login)
    with ward.store.begin() as conn:
        reopen_account(conn, ADMIN, EVA.login)
    assert problems(ward.store) == set()


@both
def test_another_scan_of_the_same_paper_is_not_accused(ward: Ward) -> None:
    later = ward.scan()
    ward.read(later, page_reading(NOTE, "AAA1", SAID))
    with ward.store.begin() as conn:
        settle_duplicate(conn, MANAGER, later, FORMS, same=False)
    assert problems(ward.store) == set()


@both
def test_a_register_that_is_imported_again_adds_no_digest(ward: Ward) -> None:
    count = select(record_digest).where(record_digest.c.kind == "client")
    with ward.store.read() as conn:
        clients, before = (
            conn.execute(select(registers.client)).all(),
            len(conn.execute(count).all()),
        )
    with ward.store.begin() as conn:
        save_clients(conn, [Client(**row._mapping) for row in clients])
    with ward.store.read() as conn:
        assert (len(conn.execute(count).all()), before) == (before, len(clients))


@both
def test_reading_a_page_is_no_row_of_its_own(ward: Ward) -> None:
    """Each change of a picture has an event that says what was done."""
    with ward.store.read() as conn:
        assert {row.action for row in read_rows(conn)}.isdisjoint({"update_record"})


@both
def test_an_upgrade_covers_the_duties_that_were_there(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = RECORD_KINDS["entry"]
    with monkeypatch.context() as earlier:
        # A log of the revision before knew nothing of these
        columns = tuple(c for c in kind.columns if c.name not in kind.later)
        earlier.setitem(RECORD_KINDS, "entry", replace(kind, columns=columns, later={}))
        make_ward(store)
        with store.engine.connect() as conn, conn.begin():
            owner = move_duty(conn)
        assert problems(store) == set()
        with store.engine.connect() as conn, conn.begin():
            other = paper.entry.c.id != owner
            conn.execute(update(paper.entry).where(other).values(state="exporterad"))
    with store.begin() as conn:
        before = revisions()[revisions().index("0024") - 1]
        conn.execute(update(alembic_version).values(version_num=before))
    with store.begin() as conn:
        migrate(conn, "0024")
        adopted = [*read_rows(conn)][-1]
    assert (adopted.action, adopted.detail) == ("adopt_records", {"rows": 1})
    # What was wrong stays wrong; the duties hold as they are, and are covered
    assert {found for _, _, found in problems(store)} == {"AAA2-00"}
    with store.engine.connect() as conn, conn.begin():
        conn.execute(update(paper.entry).where(~other).values(deadlines={}, due_at=None))
    assert ("record_changed", "entry", owner) in problems(store)
