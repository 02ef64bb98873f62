"""Sessions end by themselves, and from outside; a provider login that has ended lets nobody in
again.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from pipeline.store.accounts import people, sessions
from pipeline.store.database.store import Store
from tests.support.store.ward import NOW, Ward, later

pytest_plugins = ("tests.support.store.databases",)
pytestmark = pytest.mark.both_databases

IDLE, LONGEST = timedelta(minutes=60), timedelta(hours=12)


@pytest.fixture
def staffed(store: Store) -> Store:
    """A store with staff."""
    return Ward(store).begin().store


def is_open(store: Store, token: str) -> bool:
    with store.read() as conn:
        return sessions.find_session(conn, token) is not None


def begun(store: Store, login: str = "eva", minutes_ago: float | None = None) -> str:
    """A session; of a provider login so many minutes before `NOW`."""
    with store.begin() as conn:
        return sessions.start_session(
            conn, login, NOW, None if minutes_ago is None else later(-minutes_ago)
        )


def test_a_token_opens_only_its_own_session_and_is_not_kept(staffed: Store) -> None:
    token = begun(staffed)
    assert is_open(staffed, token)
    assert not is_open(staffed, token + "x")
    with staffed.read() as conn:
        assert token not in str(conn.exec_driver_sql("SELECT * FROM browser_session").all())


def test_logging_out_ends_all_sessions_of_the_person_and_of_nobody_else(staffed: Store) -> None:
    here, there, other = begun(staffed), begun(staffed), begun(staffed, "nils")
    with staffed.begin() as conn:
        assert sessions.end_all_sessions(conn, "eva", NOW, "logged out") == 2
        assert sessions.end_all_sessions(conn, "eva", NOW, "logged out") == 0
    assert [is_open(staffed, token) for token in (here, there, other)] == [False, False, True]


def test_a_closed_account_has_no_session(staffed: Store) -> None:
    token = begun(staffed)
    with staffed.begin() as conn:
        people.deactivate_person(conn, "eva")
    assert not is_open(staffed, token)


@pytest.mark.parametrize(("minutes", "over"), [(0, False), (60, False), (62, True)])
def test_a_session_runs_out_without_activity(staffed: Store, minutes: float, over: bool) -> None:
    token = begun(staffed)
    with staffed.begin() as conn:
        sessions.touch_session(conn, token, later(5))
        held = sessions.find_session(conn, token)
    assert held is not None
    assert held.has_expired(later(5 + minutes), IDLE, LONGEST) is over


def test_a_session_ends_after_the_longest_time_however_active_it_is(staffed: Store) -> None:
    token = begun(staffed, minutes_ago=30)
    with staffed.begin() as conn:
        sessions.touch_session(conn, token, NOW + LONGEST)
        held = sessions.find_session(conn, token)
    assert held is not None
    assert held.has_expired(later(-29) + LONGEST, IDLE, LONGEST)
    assert not held.has_expired(later(-31) + LONGEST, IDLE, LONGEST)


def test_a_provider_login_that_was_logged_out_is_used_up_and_a_later_one_is_not(
    staffed: Store,
) -> None:
    begun(staffed, minutes_ago=10)
    with staffed.begin() as conn:
        assert not sessions.is_login_consumed(conn, "eva", later(-10))
        sessions.end_all_sessions(conn, "eva", NOW, "logged out")
        assert sessions.is_login_consumed(conn, "eva", later(-10))
        assert sessions.is_login_consumed(conn, "eva", later(-1))
        assert not sessions.is_login_consumed(conn, "eva", NOW)
        assert not sessions.is_login_consumed(conn, "nils", later(-10))


def test_a_provider_whose_clock_is_ahead_cannot_keep_a_login_alive(staffed: Store) -> None:
    begun(staffed, minutes_ago=-3)
    with staffed.begin() as conn:
        sessions.end_all_sessions(conn, "eva", NOW, "logged out")
        assert sessions.is_login_consumed(conn, "eva", later(3))


def test_running_out_ends_one_session_and_uses_up_only_its_own_login(staffed: Store) -> None:
    old, new = begun(staffed, minutes_ago=20), begun(staffed, minutes_ago=10)
    with staffed.begin() as conn:
        sessions.expire_session(conn, old, NOW)
        sessions.expire_session(conn, "no token", NOW)
        assert sessions.is_login_consumed(conn, "eva", later(-20))
        assert not sessions.is_login_consumed(conn, "eva", later(-10))
    assert [is_open(staffed, token) for token in (old, new)] == [False, True]


def test_the_key_of_what_is_unsaved_is_the_accounts_own_until_it_is_logged_out(
    staffed: Store,
) -> None:
    token = begun(staffed)
    with staffed.begin() as conn:
        key = sessions.unsent_key(conn, "eva")
        assert len(key) == 32
        assert sessions.unsent_key(conn, "nils") != key
        sessions.expire_session(conn, token, NOW)
        assert sessions.unsent_key(conn, "eva") == key
        sessions.start_session(conn, "eva", NOW)
        sessions.end_all_sessions(conn, "eva", later(1), sessions.LOGGED_OUT)
        assert sessions.unsent_key(conn, "eva") != key
