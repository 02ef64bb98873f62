"""Accounts and logging in."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Literal

import pytest
from argon2 import PasswordHasher, Type

from pipeline.domain.errors import NotAllowedError, UsageError
from pipeline.domain.model import Person, Role
from pipeline.store.accounts import people
from pipeline.store.database.store import Store
from pipeline.store.registers.client_register import save_units
from tests.support.store.passwords import hashed
from tests.support.store.ward import ASTA, EVA, NORTH, NOW, SOUTH

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


def log_in(store: Store, login: str, password: str, minutes: float = 0) -> Person | None:
    """Try to log in at a certain time."""
    with store.begin() as conn:
        return people.authenticate(conn, login, password, NOW + timedelta(minutes=minutes))


def test_only_the_right_password_opens(with_eva: Store) -> None:
    assert log_in(with_eva, "eva", PASSWORD) == EVA
    assert log_in(with_eva, " eva ", PASSWORD) == EVA
    assert log_in(with_eva, "eva", PASSWORD + ".") is None
    assert log_in(with_eva, "nils", PASSWORD) is None


def test_a_login_is_no_personal_number_and_guessing_with_one_tells_nobody(store: Store) -> None:
    pid = ASTA.pid
    with (
        store.begin() as conn,
        pytest.raises(UsageError, match="must not be a personal number") as refused,
    ):
        people.save_person(conn, replace(EVA, login=pid), hashed(PASSWORD))
    assert pid not in str(refused.value)
    assert log_in(store, pid, PASSWORD) is None


def test_guessing_is_slowed_down_for_known_and_unknown_logins(with_eva: Store) -> None:
    for login in ("eva", "finns-inte"):
        for second in range(people.MAX_FAILURES):
            assert log_in(with_eva, login, "fel", second / 60) is None
        with pytest.raises(NotAllowedError, match=r"Wait \d+ seconds"):
            log_in(with_eva, login, PASSWORD, 1)
    assert log_in(with_eva, "eva", PASSWORD, 5.5) == EVA
    for _ in range(people.MAX_FAILURES - 1):
        assert log_in(with_eva, "eva", "fel", 6) is None
    assert log_in(with_eva, "eva", PASSWORD, 6) == EVA
    assert log_in(with_eva, "eva", "fel", 6) is None


def test_an_unknown_login_costs_as_much_as_a_known_one(
    with_eva: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    verified: list[str] = []

    class Counting(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:
            verified.append(str(hash)[:9])
            return super().verify(hash, password)

    monkeypatch.setattr(people, "_hasher", Counting(time_cost=1, memory_cost=8, parallelism=1))
    log_in(with_eva, "eva", "fel")
    log_in(with_eva, "finns-inte", "fel")
    assert verified == ["$argon2id", "$argon2id"]


def test_a_stolen_hash_is_slow_to_guess_from(real_hasher: PasswordHasher) -> None:
    """At least as slow as RFC 9106 recommends where memory is short; the tests themselves hash with
    less.
    """
    assert (real_hasher.type, real_hasher.salt_len) == (Type.ID, 16)
    assert real_hasher.time_cost >= 3
    assert real_hasher.memory_cost >= 64 * 1024
    assert real_hasher.verify(real_hasher.hash(PASSWORD), PASSWORD)


def test_rights_change_and_accounts_close(with_eva: Store) -> None:
    chief = replace(EVA, role=Role.MANAGER, units=frozenset({SOUTH}))
    with with_eva.begin() as conn:
        people.save_person(conn, chief, None)
        assert people.find_person(conn, "eva") == chief
    assert log_in(with_eva, "eva", PASSWORD) == chief
    with with_eva.begin() as conn:
        people.deactivate_person(conn, "eva")
        assert people.find_person(conn, "eva") is None
        assert people.list_people(conn) == []
    assert log_in(with_eva, "eva", PASSWORD) is None


def test_a_new_account_needs_a_long_password(with_eva: Store) -> None:
    nils = replace(EVA, login="nils")
    for password in (None, "kort"):
        with pytest.raises(UsageError), with_eva.begin() as conn:
            people.save_person(conn, nils, password)
    with with_eva.read() as conn:
        assert [one.login for one in people.list_people(conn)] == ["eva"]


def test_neither_passwords_nor_what_was_typed_as_login_are_kept(with_eva: Store) -> None:
    log_in(with_eva, PASSWORD, "fel")
    with with_eva.read() as conn:
        rows = [
            str(row)
            for table in ("staff", "login_failure", "event")
            for row in conn.exec_driver_sql(f"SELECT * FROM {table}")
        ]
    assert rows
    assert not any(PASSWORD in row for row in rows)
