"""Accounts: made, changed, closed and reopened by a system administrator; accounts for emergencies
shout.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.domain.errors import UsageError
from pipeline.domain.model import Person, Role
from pipeline.login.accounts import close_account, save_account, seal_password
from pipeline.login.authentication import redeem_code
from pipeline.login.passwords import (
    SEALED_PASSWORD_WORDS,
    make_sealed_password,
)
from pipeline.store.accounts import access_notices, people, sessions
from pipeline.store.accounts.access_notices import ChangeKind
from pipeline.store.accounts.login import access_changes
from pipeline.store.database.store import Store
from pipeline.store.event_log import events
from pipeline.store.registers import client_register
from tests.support.store.passwords import hashed, logged_in, login_request
from tests.support.store.ward import CHIEF, EVA, NORTH, NOW, SOUTH, person, whole_log

pytest_plugins = ("tests.support.store.databases",)

BOSS = person("sys", Role.SYSTEM_ADMINISTRATOR, (), frozenset())
KEEPER = person("log", Role.LOG_REVIEWER, (), frozenset())
SEALED = replace(person("nod", Role.ADMINISTRATOR, (NORTH, SOUTH)), break_glass=True)
PASSWORD = "fyra små blå hästar"


@pytest.fixture
def store(store: Store) -> Store:
    """A store with units, a system administrator, a manager and a log reviewer."""
    with store.begin() as conn:
        client_register.save_units(conn, {NORTH: "HSL", SOUTH: "SoL"})
        for one in (BOSS, CHIEF, KEEPER):
            people.save_person(conn, one, hashed(PASSWORD))
    return store


def saved(store: Store, account: Person) -> None:
    """Add an account whose person has chosen a password."""
    with store.begin() as conn:
        save_account(conn, BOSS, account, NOW)
        people.set_password(conn, account.login, hashed(PASSWORD), must_change=False)


def test_the_person_of_a_new_account_alone_chooses_its_password(store: Store) -> None:
    with store.begin() as conn:
        code = save_account(conn, BOSS, EVA, NOW)
    assert code is not None
    assert logged_in(store, "eva", code) is None
    with store.read() as conn:
        (eva,) = (
            one for one in access_changes.list_accounts(conn, BOSS) if one.person.login == "eva"
        )
        assert eva.must_change
    assert redeem_code(login_request(store, NOW), "eva", code, PASSWORD)
    assert logged_in(store, "eva", PASSWORD) == EVA
    with store.read() as conn:
        assert code not in whole_log(conn)
        assert access_notices.list_notices(conn, "eva", NOW) == []


def test_a_change_keeps_the_password_and_works_at_once(store: Store) -> None:
    saved(store, EVA)
    moved = replace(EVA, units=frozenset({SOUTH}), areas=frozenset({"SoL"}), title="planerare")
    with store.begin() as conn:
        assert save_account(conn, BOSS, moved, NOW) is None
        found = next(
            one for one in access_changes.list_accounts(conn, BOSS) if one.person.login == "eva"
        )
    assert found.person == moved
    assert (found.active, found.must_change, found.sessions) == (True, False, 0)
    assert logged_in(store, "eva", PASSWORD) == moved


def test_no_areas_stay_no_areas(store: Store) -> None:
    with store.begin() as conn:
        people.save_person(conn, replace(EVA, areas=frozenset()), hashed(PASSWORD))
        found = people.find_person(conn, "eva")
    assert found is not None
    assert found.areas == frozenset()


def test_closing_ends_the_sessions_and_opening_gives_the_account_back(store: Store) -> None:
    saved(store, EVA)
    with store.begin() as conn:
        token = sessions.start_session(conn, "eva", NOW)
        close_account(conn, BOSS, "eva")
        assert sessions.find_session(conn, token) is None
        assert [
            one.active
            for one in access_changes.list_accounts(conn, BOSS)
            if one.person.login == "eva"
        ] == [False]
        with pytest.raises(UsageError, match="closed"):
            save_account(conn, BOSS, EVA, NOW)
        access_changes.reopen_account(conn, BOSS, "eva")
        assert people.find_person(conn, "eva") == EVA


@pytest.mark.parametrize("known", [EVA, SEALED])
def test_an_account_never_becomes_one_for_emergencies_nor_an_ordinary_one(
    store: Store, known: Person
) -> None:
    """Either would show an administrator a password or a code that nobody approved."""
    saved(store, known)
    changed = replace(known, break_glass=not known.break_glass)
    with store.begin() as conn, pytest.raises(UsageError, match="emergencies"):
        save_account(conn, BOSS, changed, NOW)
    assert logged_in(store, known.login, PASSWORD) == known


def test_what_makes_no_sense_is_refused_and_nobody_changes_the_own_account(store: Store) -> None:
    wrong = [
        replace(EVA, login=" "),
        replace(EVA, name=""),
        replace(EVA, title=""),
        replace(EVA, units=frozenset({"Väst"})),
        BOSS,
    ]
    with store.begin() as conn:
        for account in [*wrong, replace(EVA, areas=frozenset())]:
            with pytest.raises(UsageError):
                save_account(conn, BOSS, account, NOW)
        for login in ("sys", "ingen"):
            with pytest.raises(UsageError):
                close_account(conn, BOSS, login)
            with pytest.raises(UsageError):
                access_changes.request_change(conn, BOSS, login, ChangeKind.PASSWORD, NOW)
    for login in ("sys", "ingen", "chef"):
        with pytest.raises(UsageError):
            seal_password(store, BOSS, login, NOW)


def test_words_are_drawn_from_many() -> None:
    drawn = {word for _ in range(200) for word in make_sealed_password().split()}
    assert len(drawn) > 300


def test_an_account_for_emergencies_keeps_its_sealed_password_and_marks_all_that_it_does(
    store: Store,
) -> None:
    with store.begin() as conn:
        assert save_account(conn, BOSS, SEALED, NOW) is None
    password = seal_password(store, BOSS, "nod", NOW)
    assert len(password.split()) == SEALED_PASSWORD_WORDS
    assert logged_in(store, "nod", password, oidc=True) == SEALED
    with store.begin() as conn:
        held = sessions.find_session(conn, sessions.start_session(conn, "nod", NOW))
        assert held is not None
        assert not held.must_change
        events.record(conn, "nod", "view_page", "p1")
        events.record(conn, "sys", "view_page", "p1")
    with store.read() as conn:
        assert [event.detail for event in events.list_events(conn, "p1")] == [
            {"break_glass": True},
            {},
        ]


def test_where_people_log_in_at_a_provider_only_accounts_for_emergencies_have_a_password(
    store: Store,
) -> None:
    with store.begin() as conn:
        people.save_person(conn, EVA, hashed(PASSWORD))
    assert logged_in(store, "eva", PASSWORD) == EVA
    assert logged_in(store, "eva", PASSWORD, oidc=True) is None


def test_a_use_has_a_reason_and_is_told_until_somebody_has_seen_it(store: Store) -> None:
    saved(store, SEALED)
    with store.begin() as conn:
        with pytest.raises(UsageError):
            access_notices.start_emergency_use(conn, "nod", " kort  ", NOW)
        use_id = access_notices.start_emergency_use(conn, "nod", "Inloggningen ligger nere.", NOW)
        for who in (CHIEF, KEEPER):
            (use,) = access_notices.list_unacknowledged(conn, who)
            assert (use.id, use.login, use.reason) == (use_id, "nod", "Inloggningen ligger nere.")
        access_notices.acknowledge_use(conn, KEEPER, use_id, NOW)
        access_notices.acknowledge_use(conn, CHIEF, use_id, NOW)
        assert access_notices.list_unacknowledged(conn, CHIEF) == []
        assert [
            event.by
            for event in events.list_events(conn, use_id)
            if event.action == "break_glass_seen"
        ] == ["log"]
        assert "ligger nere" not in whole_log(conn)
