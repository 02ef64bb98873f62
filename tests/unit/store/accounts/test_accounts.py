"""Accounts: made, changed, closed and reopened by a system administrator; accounts for emergencies
shout.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.domain.errors import NotAllowedError, UsageError
from pipeline.domain.model import Person, Role
from pipeline.store.accounts import administration, emergency_access, people, sessions
from pipeline.store.accounts.people import PASSWORD_WORDS, SEALED_PASSWORD_WORDS, make_word_password
from pipeline.store.database.store import Store
from pipeline.store.event_log import events
from pipeline.store.registers import client_register
from tests.support.store.passwords import hashed
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


def saved(store: Store, account: Person) -> str:
    """Add an account; answers with its password."""
    with store.begin() as conn:
        password = administration.save_account(conn, BOSS, account)
    assert password is not None
    return password


def logged_in(store: Store, login: str, password: str, **how: object) -> Person | None:
    with store.begin() as conn:
        return people.authenticate(conn, login, password, NOW, **how)  # type: ignore[arg-type]


def test_a_new_account_has_a_password_of_words_that_is_changed_at_once(store: Store) -> None:
    password = saved(store, EVA)
    assert len(password.split()) == PASSWORD_WORDS
    assert logged_in(store, "eva", password) == EVA
    with store.begin() as conn:
        token = sessions.start_session(conn, "eva", NOW)
        held = sessions.find_session(conn, token)
        assert held is not None
        assert held.must_change
        for now, new, wrong in (
            (password + "x", PASSWORD, NotAllowedError),
            (password, "kort", UsageError),
            (password, password, UsageError),
        ):
            with pytest.raises(wrong):
                people.change_password(conn, "eva", now, new)
        people.change_password(conn, "eva", password, PASSWORD)
        held = sessions.find_session(conn, token)
        assert held is not None
        assert not held.must_change
        assert password not in whole_log(conn)
    assert logged_in(store, "eva", PASSWORD) == EVA
    assert logged_in(store, "eva", password) is None


def test_a_change_keeps_the_password_and_works_at_once(store: Store) -> None:
    password = saved(store, EVA)
    moved = replace(EVA, units=frozenset({SOUTH}), areas=frozenset({"SoL"}), title="planerare")
    with store.begin() as conn:
        assert administration.save_account(conn, BOSS, moved) is None
        found = next(
            one for one in administration.list_accounts(conn, BOSS) if one.person.login == "eva"
        )
    assert found.person == moved
    assert (found.active, found.must_change, found.sessions) == (True, True, 0)
    assert logged_in(store, "eva", password) == moved


def test_no_areas_stay_no_areas(store: Store) -> None:
    with store.begin() as conn:
        people.save_person(conn, replace(EVA, areas=frozenset()), hashed(PASSWORD))
        found = people.find_person(conn, "eva")
    assert found is not None
    assert found.areas == frozenset()


def test_a_new_password_and_closing_end_the_sessions(store: Store) -> None:
    old = saved(store, EVA)
    with store.begin() as conn:
        token = sessions.start_session(conn, "eva", NOW)
        password = administration.reset_password(conn, BOSS, "eva", NOW)
        assert sessions.find_session(conn, token) is None
    assert logged_in(store, "eva", old) is None
    assert logged_in(store, "eva", password) == EVA
    with store.begin() as conn:
        token = sessions.start_session(conn, "eva", NOW)
        administration.close_account(conn, BOSS, "eva")
        assert sessions.find_session(conn, token) is None
        assert [
            one.active
            for one in administration.list_accounts(conn, BOSS)
            if one.person.login == "eva"
        ] == [False]
        with pytest.raises(UsageError, match="closed"):
            administration.save_account(conn, BOSS, EVA)
        administration.reset_password(conn, BOSS, "eva", NOW)
        assert people.find_person(conn, "eva") is None
        administration.reopen_account(conn, BOSS, "eva")
        assert people.find_person(conn, "eva") == EVA


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
                administration.save_account(conn, BOSS, account)
        for login in ("sys", "ingen"):
            with pytest.raises(UsageError):
                administration.close_account(conn, BOSS, login)
            with pytest.raises(UsageError):
                administration.reset_password(conn, BOSS, login, NOW)


def test_words_are_drawn_from_many() -> None:
    drawn = {word for _ in range(200) for word in make_word_password().split()}
    assert len(drawn) > 300
    assert len(make_word_password(SEALED_PASSWORD_WORDS).split()) == SEALED_PASSWORD_WORDS


def test_an_account_for_emergencies_keeps_its_sealed_password_and_marks_all_that_it_does(
    store: Store,
) -> None:
    password = saved(store, SEALED)
    assert len(password.split()) == SEALED_PASSWORD_WORDS
    assert logged_in(store, "nod", password, emergencies_only=True) == SEALED
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
    assert logged_in(store, "eva", PASSWORD, emergencies_only=True) is None


def test_a_use_has_a_reason_and_is_told_until_somebody_has_seen_it(store: Store) -> None:
    saved(store, SEALED)
    with store.begin() as conn:
        with pytest.raises(UsageError):
            emergency_access.start_emergency_use(conn, "nod", " kort  ", NOW)
        use_id = emergency_access.start_emergency_use(conn, "nod", "Inloggningen ligger nere.", NOW)
        for who in (CHIEF, KEEPER):
            (use,) = emergency_access.list_unacknowledged(conn, who)
            assert (use.id, use.login, use.reason) == (use_id, "nod", "Inloggningen ligger nere.")
        emergency_access.acknowledge_use(conn, KEEPER, use_id, NOW)
        emergency_access.acknowledge_use(conn, CHIEF, use_id, NOW)
        assert emergency_access.list_unacknowledged(conn, CHIEF) == []
        assert [
            event.by
            for event in events.list_events(conn, use_id)
            if event.action == "break_glass_seen"
        ] == ["log"]
        assert "ligger nere" not in whole_log(conn)


def test_failures_are_counted_by_address_too(store: Store) -> None:
    with store.begin() as conn:
        people.save_person(conn, EVA, hashed(PASSWORD))
    for number in range(people.MAX_ADDRESS_FAILURES):
        assert logged_in(store, f"gissning{number}", "fel lösenord", address="192.0.2.7") is None
    with pytest.raises(NotAllowedError, match=r"Wait \d+ seconds"):
        logged_in(store, "eva", PASSWORD, address="192.0.2.7")
    assert logged_in(store, "eva", PASSWORD, address="192.0.2.8") == EVA
    assert logged_in(store, "eva", PASSWORD) == EVA
    with store.read() as conn:
        assert "192.0.2.7" not in str(conn.exec_driver_sql("SELECT * FROM address_failure").all())
