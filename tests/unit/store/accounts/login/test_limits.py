"""Failed logins make the next one of their source wait, and all those of strangers together."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pipeline.domain.errors import NotAllowedError
from pipeline.domain.model import Person
from pipeline.domain.settings import Settings
from pipeline.login.authentication import Credentials, check_password
from pipeline.store.accounts import people
from pipeline.store.accounts.login.limits import LoginSource
from pipeline.store.database.store import Store
from pipeline.store.registers.client_register import save_units
from tests.support.store.passwords import hashed, login_request
from tests.support.store.ward import EVA, NILS, NORTH, NOW, SOUTH, whole_log

pytest_plugins = ("tests.support.store.databases",)
pytestmark = pytest.mark.both_databases

PASSWORD = "fyra små blå hästar"
LIMITS = Settings()
WARD, ATTACKER = "192.0.2.7", "198.51.100.9"
OWN_BROWSER = LoginSource(WARD, "kaka som Evas webbläsare har")


@pytest.fixture
def staffed(store: Store) -> Store:
    """A store with two nurses."""
    with store.begin() as conn:
        save_units(conn, {NORTH: "HSL", SOUTH: "HSL"})
        for one in (EVA, NILS):
            people.save_person(conn, one, hashed(PASSWORD))
    return store


def attempt(
    store: Store,
    login: str,
    password: str,
    seconds: float = 0,
    source: LoginSource = LoginSource(),  # noqa: B008 - it never changes
    **limits: object,
) -> Person | None:
    """Try to log in so many seconds after `NOW`."""
    request = login_request(store, NOW + timedelta(seconds=seconds), source, limits)
    found = check_password(request, Credentials(login, password))
    return found.person if found else None


def fail(store: Store, login: str, count: int, source: LoginSource) -> None:
    """Fail so often, each time as soon as it is allowed."""
    seconds = 0.0
    for _ in range(count):
        while True:
            try:
                assert attempt(store, login, "fel", seconds, source) is None
            except NotAllowedError as error:
                seconds += float(str(error.values["seconds"])) + 1
            else:
                break


@pytest.mark.parametrize("login", ["eva", "finns-inte"])
def test_the_wait_grows_with_each_failure_and_ends(staffed: Store, login: str) -> None:
    for _ in range(LIMITS.login_failures_account):
        assert attempt(staffed, login, "fel") is None
    waits = []
    seconds = 0.0
    for _ in range(8):
        with pytest.raises(NotAllowedError, match=r"Wait \d+ s ") as error:
            attempt(staffed, login, "fel", seconds)
        waits.append(int(str(error.value.values["seconds"])))
        seconds += waits[-1]
        assert attempt(staffed, login, "fel", seconds) is None
    assert waits == [2, 4, 8, 16, 32, 60, 60, 60]


def test_after_the_wait_the_right_password_opens_and_forgets_the_failures(staffed: Store) -> None:
    fail(staffed, "eva", 20, LoginSource())
    hour = 3600
    assert attempt(staffed, "eva", PASSWORD, hour) == EVA
    assert attempt(staffed, "eva", "fel", hour) is None
    assert attempt(staffed, "eva", PASSWORD, hour) == EVA


def test_an_attacker_does_not_make_a_person_wait_in_a_known_browser(staffed: Store) -> None:
    assert attempt(staffed, "eva", PASSWORD, source=OWN_BROWSER) == EVA
    for _ in range(LIMITS.login_failures_account):
        assert attempt(staffed, "eva", "fel", source=LoginSource(WARD)) is None
    with pytest.raises(NotAllowedError):
        attempt(staffed, "eva", PASSWORD, source=LoginSource(WARD))
    assert attempt(staffed, "eva", PASSWORD, source=OWN_BROWSER) == EVA
    with staffed.read() as conn:
        rows = str(conn.exec_driver_sql("SELECT * FROM known_device").all())
    assert OWN_BROWSER.device not in rows


def test_a_browser_is_known_of_its_own_person_only_and_has_a_count_of_its_own(
    staffed: Store,
) -> None:
    assert attempt(staffed, "eva", PASSWORD, source=OWN_BROWSER) == EVA
    for login in ("eva", "nils"):
        for _ in range(LIMITS.login_failures_account):
            assert attempt(staffed, login, "fel", source=OWN_BROWSER) is None
        with pytest.raises(NotAllowedError):
            attempt(staffed, login, PASSWORD, source=OWN_BROWSER)


def test_failures_are_counted_by_address_too(staffed: Store) -> None:
    here = LoginSource(ATTACKER)
    for number in range(2 * LIMITS.login_failures_address):
        assert attempt(staffed, f"gissning{number}", "fel lösenord", source=here) is None
    with pytest.raises(NotAllowedError, match="Wait 60 s"):
        attempt(staffed, "eva", PASSWORD, source=here)
    assert attempt(staffed, "eva", PASSWORD, source=LoginSource(WARD)) == EVA
    assert attempt(staffed, "eva", PASSWORD, 60, source=here) == EVA
    with staffed.read() as conn:
        assert ATTACKER not in str(conn.exec_driver_sql("SELECT * FROM login_failure").all())


def test_an_own_account_does_not_clear_the_failures_of_an_address(staffed: Store) -> None:
    here = LoginSource(ATTACKER)
    for number in range(2 * LIMITS.login_failures_address - 1):
        attempt(staffed, f"gissning{number}", "fel", source=here)
    assert attempt(staffed, "nils", PASSWORD, source=here) == NILS
    attempt(staffed, "gissning", "fel", source=here)
    with pytest.raises(NotAllowedError):
        attempt(staffed, "gissning-igen", "fel", source=here)


def test_who_has_failed_on_an_account_yields_to_who_has_not_at_the_same_address(
    staffed: Store,
) -> None:
    here = LoginSource(WARD)
    for number in range(3):
        attempt(staffed, f"gissning{number}", "fel", source=here, login_failures_address=3)
    with pytest.raises(NotAllowedError):
        attempt(staffed, "gissning0", "fel", source=here, login_failures_address=3)
    assert attempt(staffed, "eva", PASSWORD, source=here, login_failures_address=3) == EVA


def test_failures_are_counted_in_total_and_spare_known_browsers(staffed: Store) -> None:
    assert attempt(staffed, "eva", PASSWORD, source=OWN_BROWSER) == EVA
    for number in range(4):
        source = LoginSource(f"203.0.113.{number // 2}")
        attempt(staffed, f"gissning{number}", "fel", source=source, login_failures_total=4)
    # Two sources have used their half, and a third may use its part until twice as many failed
    with pytest.raises(NotAllowedError):
        attempt(staffed, "nils", PASSWORD, source=source, login_failures_total=4)
    assert attempt(staffed, "nils", PASSWORD, login_failures_total=4) == NILS
    for number in range(4):
        source = LoginSource(f"203.0.113.1{number}")
        attempt(staffed, f"gissning{number}", "fel", source=source, login_failures_total=4)
    with pytest.raises(NotAllowedError):
        attempt(staffed, "nils", PASSWORD, login_failures_total=4)
    assert attempt(staffed, "eva", PASSWORD, source=OWN_BROWSER, login_failures_total=4) == EVA
    assert attempt(staffed, "nils", PASSWORD, 60, login_failures_total=4) == NILS


def test_an_attempt_counts_before_its_password_is_checked(
    staffed: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The person who sends many at once gets no more guesses than one after the other."""

    class KilledError(Exception):
        pass

    def killed(*_: object) -> bool:
        raise KilledError

    monkeypatch.setattr("pipeline.login.authentication.matches_password", killed)
    for _ in range(LIMITS.login_failures_account):
        with pytest.raises(KilledError):
            attempt(staffed, "eva", "fel")
    with pytest.raises(NotAllowedError):
        attempt(staffed, "eva", "fel")


def test_refused_attempts_do_not_fill_the_log(staffed: Store) -> None:
    for _ in range(LIMITS.login_failures_account):
        attempt(staffed, "eva", "fel")
    with staffed.read() as conn:
        before = whole_log(conn)
    for _ in range(3):
        with pytest.raises(NotAllowedError):
            attempt(staffed, "eva", "fel")
    with staffed.read() as conn:
        assert whole_log(conn) == before
        assert before.count("login_failed") == LIMITS.login_failures_account
