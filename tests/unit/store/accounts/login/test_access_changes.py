"""Nobody becomes another person by managing accounts: codes, approval, notices and findings."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pyotp
import pytest

from pipeline.domain.errors import NotAllowedError, UsageError
from pipeline.domain.model import Role
from pipeline.domain.settings import Settings
from pipeline.login import authentication
from pipeline.login.accounts import save_account
from pipeline.login.authentication import Credentials, redeem_code
from pipeline.store.accounts import access_notices, people, sessions
from pipeline.store.accounts.access_notices import LISTED_FOR, TOLD_FOR, ChangeKind
from pipeline.store.accounts.login import access_changes, second_factor
from pipeline.store.accounts.login.access_changes import (
    CODE_LIFETIME,
    ProviderIdentity,
    RequestedChange,
)
from pipeline.store.database.store import Store
from pipeline.store.event_log import events, queries
from pipeline.store.event_log.queries import Hint, LogFilter
from pipeline.store.registers.client_register import save_units
from pipeline.store.schema.clock import utc_now
from tests.support.store.passwords import hashed, logged_in, login_request
from tests.support.store.ward import EVA, NORTH, SOUTH, person, whole_log

pytest_plugins = ("tests.support.store.databases",)
pytestmark = pytest.mark.both_databases

BOSS = person("sys", Role.SYSTEM_ADMINISTRATOR, (), frozenset())
SECOND = replace(BOSS, login="sys2", name="Ulla Ek")
OLD, NEW = "fyra små blå hästar", "fem stora gröna getter"
NOW = utc_now()
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.fixture
def alone(store: Store) -> Store:
    """A store with one system administrator and a nurse."""
    with store.begin() as conn:
        save_units(conn, {NORTH: "HSL", SOUTH: "SoL"})
        for one in (BOSS, EVA):
            people.save_person(conn, one, hashed(OLD))
    return store


@pytest.fixture
def staffed(alone: Store) -> Store:
    """The same with a second system administrator, whom the first did not make."""
    with alone.begin() as conn:
        people.save_person(conn, SECOND, hashed(OLD))
    return alone


def ask(store: Store, kind: ChangeKind = ChangeKind.PASSWORD) -> RequestedChange:
    """The system administrator asks for a change of Eva's."""
    with store.begin() as conn:
        return access_changes.request_change(conn, BOSS, "eva", kind, NOW)


def redeem(store: Store, code: str, days: float = 0, password: str = NEW) -> bool:
    """Whether a code sets Eva's password."""
    request = login_request(store, NOW + timedelta(days=days))
    return redeem_code(request, "eva", code, password)


def hints(store: Store, hint: Hint) -> list[str]:
    """The actions of the rows of the log that are such a finding."""
    period = LogFilter(NOW - timedelta(days=2), NOW + timedelta(days=2), hint=hint)
    with store.read() as conn:
        return [row.action for row in queries.list_log_rows(conn, [NORTH], period)]


def test_asking_for_a_new_password_changes_nothing_yet(staffed: Store) -> None:
    with staffed.begin() as conn:
        token = sessions.start_session(conn, "eva", NOW)
    code = ask(staffed).code
    assert logged_in(staffed, "eva", code) is None
    assert logged_in(staffed, "eva", OLD) == EVA
    with staffed.read() as conn:
        assert sessions.find_session(conn, token)
        assert code not in whole_log(conn)
        assert code.replace("-", "") not in str(
            conn.exec_driver_sql("SELECT * FROM access_change").all()
        )


def test_one_administrator_does_not_get_in_while_there_is_another(staffed: Store) -> None:
    change = ask(staffed)
    assert change.needs_approval
    with pytest.raises(NotAllowedError, match="approve"):
        redeem(staffed, change.code)
    with staffed.begin() as conn, pytest.raises(NotAllowedError):
        access_changes.approve_change(conn, BOSS, change.id, NOW)
    assert logged_in(staffed, "eva", OLD) == EVA
    with staffed.begin() as conn:
        access_changes.approve_change(conn, SECOND, change.id, NOW)
    assert redeem(staffed, change.code)
    assert logged_in(staffed, "eva", NEW) == EVA
    assert hints(staffed, Hint.CHANGED_ALONE) == []


def test_an_account_that_an_administrator_made_does_not_approve_for_its_maker(
    alone: Store,
) -> None:
    """A puppet counts as nobody: the change is one administrator's, which is a finding."""
    with alone.begin() as conn:
        save_account(conn, BOSS, replace(SECOND, login="docka"), NOW)
    change = ask(alone)
    assert not change.needs_approval
    assert hints(alone, Hint.CHANGED_ALONE) == ["request_access_change"]


def test_an_administrators_second_account_is_no_second_administrator(staffed: Store) -> None:
    """Nobody would be left to approve, so the change is one administrator's, which is a finding."""
    with staffed.begin() as conn:
        for one in (BOSS, SECOND):
            people.save_person(conn, replace(one, key="B1"), None)
    assert not ask(staffed).needs_approval
    assert hints(staffed, Hint.CHANGED_ALONE) == ["request_access_change"]


def test_a_puppet_does_not_approve_where_there_is_another(staffed: Store) -> None:
    puppet = replace(SECOND, login="docka")
    with staffed.begin() as conn:
        save_account(conn, BOSS, puppet, NOW)
    change = ask(staffed)
    assert change.needs_approval
    with staffed.begin() as conn, pytest.raises(NotAllowedError, match="independent"):
        access_changes.approve_change(conn, puppet, change.id, NOW)


def test_a_single_administrator_may_and_it_is_a_finding(alone: Store) -> None:
    change = ask(alone)
    assert not change.needs_approval
    assert redeem(alone, change.code)
    assert hints(alone, Hint.CHANGED_ALONE) == ["request_access_change"]


def test_a_code_sets_a_password_once_and_ends_all_sessions(alone: Store) -> None:
    with alone.begin() as conn:
        token = sessions.start_session(conn, "eva", NOW)
    code = ask(alone).code
    assert not redeem(alone, "2222-2222-2222")
    assert redeem(alone, code.upper().replace("-", " "))
    assert not redeem(alone, code, password="sju små röda grisar")
    assert logged_in(alone, "eva", NEW) == EVA
    assert logged_in(alone, "eva", OLD) is None
    with alone.read() as conn:
        assert sessions.find_session(conn, token) is None


def test_a_code_runs_out_and_is_replaced_by_a_later_one(alone: Store) -> None:
    first, second = ask(alone).code, ask(alone).code
    assert not redeem(alone, first)
    assert not redeem(alone, second, CODE_LIFETIME.days + 0.1)
    with alone.read() as conn:
        after = NOW + CODE_LIFETIME + timedelta(hours=1)
        assert access_notices.list_notices(conn, "eva", after) == []
    assert redeem(alone, second, CODE_LIFETIME.days - 0.1)


def test_a_source_guesses_few_codes_a_minute(alone: Store) -> None:
    code = ask(alone).code
    for _ in range(Settings().login_failures_address):
        assert not redeem(alone, "2222-2222-2222")
    with pytest.raises(NotAllowedError, match="Wait"):
        redeem(alone, code)


def test_a_weak_password_does_not_use_up_the_code(alone: Store) -> None:
    code = ask(alone).code
    with pytest.raises(UsageError, match="guess"):
        redeem(alone, code, password="Sommaren2026!")
    assert redeem(alone, code)


def test_the_person_refuses_a_change_that_nobody_asked_for(alone: Store) -> None:
    change = ask(alone)
    with alone.begin() as conn:
        (notice,) = access_notices.list_notices(conn, "eva", NOW)
        assert (notice.id, notice.by, notice.is_done) == (change.id, "Sys Ek", False)
        with pytest.raises(UsageError):
            access_changes.refuse_own_change(conn, "sys", change.id, NOW)
        access_changes.refuse_own_change(conn, "eva", change.id, NOW)
        assert access_notices.list_notices(conn, "eva", NOW) == []
    assert not redeem(alone, change.code)
    assert logged_in(alone, "eva", OLD) == EVA


def test_the_person_is_told_at_every_login_not_only_to_who_used_the_code(alone: Store) -> None:
    """The person who used the code in the person's stead cannot make the notice disappear."""
    redeem(alone, ask(alone).code)
    with alone.begin() as conn:
        for _ in range(2):
            (notice,) = access_notices.list_notices(conn, "eva", NOW)
            assert (notice.kind, notice.by, notice.is_done) == (ChangeKind.PASSWORD, "Sys Ek", True)
        late = NOW + TOLD_FOR + timedelta(hours=1)
        assert access_notices.list_notices(conn, "eva", late) == []
        # The person, locked out, needs a new code: then both changes are told
        access_changes.request_change(conn, BOSS, "eva", ChangeKind.PASSWORD, late)
        assert len(access_notices.list_notices(conn, "eva", late)) == 2
        assert access_notices.list_notices(conn, "eva", late + LISTED_FOR) == []


@pytest.mark.parametrize("how", ["code", "command line", "second factor"])
def test_a_signature_within_a_day_of_a_change_is_a_finding(alone: Store, how: str) -> None:
    with alone.begin() as conn:
        events.record(conn, "eva", "sign", "before", unit=NORTH)
    if how == "code":
        redeem(alone, ask(alone).code)
    elif how == "command line":
        with alone.begin() as conn:
            people.save_person(conn, EVA, hashed(NEW), by="root")
    else:
        ask(alone, ChangeKind.SECOND_FACTOR)
    with alone.begin() as conn:
        events.record(conn, "eva", "sign", "after", unit=NORTH)
        events.record(conn, "sys", "sign", "other", unit=NORTH)
    period = LogFilter(NOW, NOW + timedelta(days=1), hint=Hint.CHANGED_THEN_SIGNED)
    with alone.read() as conn:
        assert [row.subject for row in queries.list_log_rows(conn, [NORTH], period)] == ["after"]
        next_days = replace(period, start=NOW + timedelta(days=2), end=NOW + timedelta(days=3))
        assert queries.count_log_rows(conn, [NORTH], next_days) == 0


def test_the_first_password_of_a_new_account_is_no_change(alone: Store) -> None:
    new = person("ny")
    with alone.begin() as conn:
        code = save_account(conn, BOSS, new, NOW)
    assert code
    redeem_code(login_request(alone, NOW), "ny", code, NEW)
    with alone.begin() as conn:
        events.record(conn, "ny", "sign", "after", unit=NORTH)
    assert hints(alone, Hint.CHANGED_THEN_SIGNED) == []
    assert hints(alone, Hint.CHANGED_ALONE) == []


def test_a_code_does_not_remove_the_second_factor(alone: Store) -> None:
    second_factor.add_second_factor(
        login_request(alone, NOW), "eva", SECRET, pyotp.TOTP(SECRET).at(NOW), None
    )
    redeem(alone, ask(alone).code)
    found = authentication.check_password(login_request(alone, NOW), Credentials("eva", NEW))
    assert found is not None
    assert found.needs_code


@pytest.mark.parametrize("kind", [ChangeKind.SECOND_FACTOR, ChangeKind.PROVIDER])
def test_removing_what_a_person_gets_in_with_needs_the_other_administrator(
    staffed: Store, kind: ChangeKind
) -> None:
    identity = ProviderIdentity("https://login.example", "7f3a", "eva")
    second_factor.add_second_factor(
        login_request(staffed, NOW), "eva", SECRET, pyotp.TOTP(SECRET).at(NOW), None
    )
    with staffed.begin() as conn:
        access_changes.link_by_name(conn, identity, NOW)

    def is_there() -> bool:
        with staffed.read() as conn:
            if kind is ChangeKind.SECOND_FACTOR:
                return second_factor.has_second_factor(conn, "eva")
            return access_changes.find_linked_login(conn, identity) is not None

    change = ask(staffed, kind)
    assert (change.needs_approval, change.code, is_there()) == (True, "", True)
    with staffed.begin() as conn:
        assert [
            (one.login, one.waits_for_approval)
            for one in access_changes.list_open_changes(conn, SECOND, NOW)
        ] == [("eva", True)]
        access_changes.approve_change(conn, SECOND, change.id, NOW)
        assert access_changes.list_open_changes(conn, SECOND, NOW) == []
        assert [one.kind for one in access_notices.list_notices(conn, "eva", NOW)] == [kind]
    assert not is_there()


def test_what_is_cancelled_is_not_approved(staffed: Store) -> None:
    change = ask(staffed)
    with staffed.begin() as conn:
        access_changes.cancel_change(conn, SECOND, change.id, NOW)
        with pytest.raises(UsageError):
            access_changes.approve_change(conn, SECOND, change.id, NOW)
    assert not redeem(staffed, change.code)


def test_changing_the_own_password_ends_the_other_sessions_and_forgets_codes(
    alone: Store,
) -> None:
    change = ask(alone)
    with alone.begin() as conn:
        here, there = (sessions.start_session(conn, "eva", NOW) for _ in range(2))
    for current, new, wrong in (
        (OLD + "x", NEW, NotAllowedError),
        (OLD, "kort", UsageError),
        (OLD, OLD, UsageError),
    ):
        with pytest.raises(wrong):
            authentication.change_password(
                login_request(alone, NOW), Credentials("eva", current), new, here
            )
    authentication.change_password(login_request(alone, NOW), Credentials("eva", OLD), NEW, here)
    with alone.read() as conn:
        assert sessions.find_session(conn, here)
        assert sessions.find_session(conn, there) is None
        assert NEW not in whole_log(conn)
    assert not redeem(alone, change.code, password="sju små röda grisar")
    assert logged_in(alone, "eva", NEW) == EVA
