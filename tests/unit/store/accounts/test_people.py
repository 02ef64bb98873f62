"""Accounts and logging in."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import insert, select

from pipeline.domain.errors import UsageError
from pipeline.domain.model import Role
from pipeline.store.accounts import people
from pipeline.store.database.store import Store
from pipeline.store.registers.client_register import save_units
from pipeline.store.schema import registers
from tests.support.store.passwords import hashed, logged_in
from tests.support.store.ward import ASTA, EVA, NORTH, SOUTH

pytest_plugins = ("tests.support.store.databases",)
pytestmark = pytest.mark.both_databases

PASSWORD = "fyra små blå hästar"


@pytest.fixture
def with_eva(store: Store) -> Store:
    """A store in which Eva has an account."""
    with store.begin() as conn:
        save_units(conn, {NORTH: "HSL", SOUTH: "HSL"})
        people.save_person(conn, EVA, hashed(PASSWORD))
    return store


def test_only_the_right_password_opens(with_eva: Store) -> None:
    assert logged_in(with_eva, "eva", PASSWORD) == EVA
    assert logged_in(with_eva, " eva ", PASSWORD) == EVA
    assert logged_in(with_eva, "eva", PASSWORD + ".") is None
    assert logged_in(with_eva, "nils", PASSWORD) is None


def test_capitals_in_a_login_do_not_matter(with_eva: Store) -> None:
    assert logged_in(with_eva, "Eva", PASSWORD) == EVA
    for login in ("EVA", "Åsa"):
        with with_eva.begin() as conn:
            if login == "Åsa":
                people.save_person(conn, replace(EVA, login=login), hashed(PASSWORD))
                continue
            with pytest.raises(UsageError, match="eva"):
                people.save_person(conn, replace(EVA, login=login), hashed(PASSWORD))
    assert logged_in(with_eva, "åsa", PASSWORD) == replace(EVA, login="Åsa")


def test_accounts_that_differed_by_capitals_before_keep_their_own_passwords(
    with_eva: Store,
) -> None:
    with with_eva.begin() as conn:
        row = (
            conn.execute(select(registers.staff).where(registers.staff.c.login == "eva"))
            .mappings()
            .one()
        )
        conn.execute(insert(registers.staff).values({**row, "login": "EVA"}))
        people.set_password(conn, "EVA", hashed("x" * 14), must_change=False)
        assert [people.find_login(conn, typed) for typed in ("eva", "EVA", "Eva")] == [
            "eva",
            "EVA",
            "Eva",
        ]
    assert logged_in(with_eva, "eva", PASSWORD) == EVA
    assert logged_in(with_eva, "EVA", PASSWORD) is None
    assert logged_in(with_eva, "Eva", PASSWORD) is None  # which of the two is not guessed


def test_a_login_is_no_personal_number_and_guessing_with_one_tells_nobody(store: Store) -> None:
    pid = ASTA.pid
    with (
        store.begin() as conn,
        pytest.raises(UsageError, match="must not be a personal number") as refused,
    ):
        people.save_person(conn, replace(EVA, login=pid), hashed(PASSWORD))
    assert pid not in str(refused.value)
    assert logged_in(store, pid, PASSWORD) is None


def test_rights_change_and_accounts_close(with_eva: Store) -> None:
    chief = replace(EVA, role=Role.MANAGER, units=frozenset({SOUTH}))
    with with_eva.begin() as conn:
        people.save_person(conn, chief, None)
        assert people.find_person(conn, "eva") == chief
    assert logged_in(with_eva, "eva", PASSWORD) == chief
    with with_eva.begin() as conn:
        people.deactivate_person(conn, "eva")
        assert people.find_person(conn, "eva") is None
        assert people.list_people(conn) == []
    assert logged_in(with_eva, "eva", PASSWORD) is None


def test_a_new_account_needs_a_password(with_eva: Store) -> None:
    nils = replace(EVA, login="nils")
    with pytest.raises(UsageError), with_eva.begin() as conn:
        people.save_person(conn, nils, None)
    with with_eva.read() as conn:
        assert [one.login for one in people.list_people(conn)] == ["eva"]


def test_neither_passwords_nor_what_was_typed_as_login_are_kept(with_eva: Store) -> None:
    logged_in(with_eva, PASSWORD, "fel")
    with with_eva.read() as conn:
        rows = [
            str(row)
            for table in ("staff", "login_failure", "event")
            for row in conn.exec_driver_sql(f"SELECT * FROM {table}")
        ]
    assert rows
    assert not any(PASSWORD in row for row in rows)
