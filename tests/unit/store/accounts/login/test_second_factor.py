"""The second factor: codes of an app and recovery codes, each used once, never readable."""

from __future__ import annotations

import stat
from datetime import timedelta
from pathlib import Path

import pyotp
import pytest
from cryptography.fernet import Fernet

from pipeline.domain.errors import NotAllowedError, StoreError, UsageError
from pipeline.login.accounts import renew_recovery_codes
from pipeline.login.authentication import (
    Credentials,
    check_code,
    check_password,
)
from pipeline.store.accounts import people, sessions
from pipeline.store.accounts.login import second_factor
from pipeline.store.database.store import Store
from pipeline.store.registers.client_register import save_units
from tests.support.image_folder import folder_of
from tests.support.store.passwords import hashed, login_request
from tests.support.store.ward import EVA, NILS, NORTH, NOW, SOUTH, whole_log

pytest_plugins = ("tests.support.store.databases",)
pytestmark = pytest.mark.both_databases

PASSWORD = "fyra små blå hästar"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
LATER = NOW + timedelta(minutes=5)


@pytest.fixture
def staffed(store: Store) -> Store:
    """A store with two nurses."""
    with store.begin() as conn:
        save_units(conn, {NORTH: "HSL", SOUTH: "HSL"})
        for one in (EVA, NILS):
            people.save_person(conn, one, hashed(PASSWORD))
    return store


def app_code(seconds: float = 0) -> str:
    """What Eva's app shows so many seconds after `LATER`."""
    return pyotp.TOTP(SECRET).at(LATER + timedelta(seconds=seconds))


def enrol(store: Store, login: str = "eva") -> tuple[str, ...]:
    """Add a second factor five minutes before `LATER`; answers with the recovery codes."""
    return second_factor.add_second_factor(
        login_request(store, NOW), login, SECRET, pyotp.TOTP(SECRET).at(NOW), None
    )


def enters(store: Store, code: str, seconds: float = 0) -> bool:
    """Whether a code opens so many seconds after `LATER`."""
    return check_code(login_request(store, LATER + timedelta(seconds=seconds)), "eva", code)


def test_the_password_alone_opens_no_longer(staffed: Store) -> None:
    enrol(staffed)
    found = check_password(login_request(staffed, LATER), Credentials("eva", PASSWORD))
    assert found is not None
    assert found.needs_code
    with staffed.read() as conn:
        log = whole_log(conn)
    assert "add_second_factor" in log
    assert "'login'" not in log
    assert enters(staffed, app_code())


@pytest.mark.parametrize(
    ("shift", "opens"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)]
)
def test_a_code_holds_for_its_time_and_the_one_before_and_after(
    staffed: Store, shift: int, opens: bool
) -> None:
    enrol(staffed)
    assert enters(staffed, app_code(shift)) is opens


def test_a_code_opens_once_and_no_earlier_one_after_it(staffed: Store) -> None:
    enrol(staffed)
    assert enters(staffed, f" {app_code()[:3]} {app_code()[3:]}")
    assert not enters(staffed, app_code())
    assert not enters(staffed, app_code(-30))
    assert enters(staffed, app_code(30))


def test_a_recovery_code_opens_once_however_it_is_written(staffed: Store) -> None:
    codes = enrol(staffed)
    assert len(set(codes)) == second_factor.RECOVERY_CODES
    assert enters(staffed, f" {codes[0].upper().replace('-', ' ')} ")
    assert not enters(staffed, codes[0])
    assert enters(staffed, codes[1])
    with staffed.read() as conn:
        assert second_factor.count_recovery_codes(conn, "eva") == len(codes) - 2
        assert "use_recovery_code" in whole_log(conn)


def test_codes_are_renewed_with_a_right_code_only(staffed: Store) -> None:
    old = enrol(staffed)
    request = login_request(staffed, LATER)
    assert renew_recovery_codes(request, "eva", "000000") is None
    new = renew_recovery_codes(request, "eva", app_code())
    assert new is not None
    assert not set(new) & set(old)
    assert not enters(staffed, old[0])
    assert enters(staffed, new[0])


def test_codes_are_guessed_as_slowly_as_passwords(staffed: Store) -> None:
    enrol(staffed)
    for _ in range(5):
        assert not enters(staffed, "000000")
    with pytest.raises(NotAllowedError):
        enters(staffed, app_code())
    # The password alone does not clear the count
    request = login_request(staffed, LATER + timedelta(seconds=3))
    assert check_password(request, Credentials("eva", PASSWORD)) is not None
    assert not enters(staffed, "000000", 3)
    with pytest.raises(NotAllowedError):
        enters(staffed, app_code(), 3)


def test_neither_secrets_nor_codes_are_readable_in_the_database(staffed: Store) -> None:
    codes = enrol(staffed)
    with staffed.read() as conn:
        rows = [
            str(row)
            for table in ("second_factor", "recovery_code", "event")
            for row in conn.exec_driver_sql(f"SELECT * FROM {table}")
        ]
    assert len(rows) > len(codes)
    for text in (SECRET, *codes):
        assert not any(text in row or text.replace("-", "") in row for row in rows)
    key = folder_of(staffed).folder.parent / "second-factor.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_a_secret_copied_to_another_account_opens_nothing(staffed: Store) -> None:
    """The person who can write in the database does not get in with an app of their own."""
    enrol(staffed, "nils")
    with staffed.begin() as conn:
        conn.exec_driver_sql("UPDATE second_factor SET login = 'eva'")
    with pytest.raises(StoreError, match="key"):
        enters(staffed, app_code())


def test_without_the_key_the_recovery_codes_open_and_no_other_key_is_made(
    staffed: Store, tmp_path: Path
) -> None:
    codes = enrol(staffed)
    away = login_request(staffed, LATER, settings={"second_factor_key": tmp_path / "borta.key"})
    with pytest.raises(StoreError, match=r"borta\.key") as error:
        check_code(away, "eva", app_code())
    assert error.value.remedy
    with pytest.raises(StoreError, match=r"borta\.key"):
        second_factor.add_second_factor(away, "nils", SECRET, app_code(), None)
    assert check_code(away, "eva", codes[0])


def test_another_key_is_named(staffed: Store, tmp_path: Path) -> None:
    enrol(staffed)
    other = tmp_path / "annan.key"
    other.write_bytes(Fernet.generate_key())
    with pytest.raises(StoreError, match="another key") as error:
        check_code(
            login_request(staffed, LATER, settings={"second_factor_key": other}), "eva", app_code()
        )
    assert error.value.remedy


def test_a_wrong_code_adds_nothing_and_a_second_one_is_refused(staffed: Store) -> None:
    with pytest.raises(UsageError, match="code"):
        second_factor.add_second_factor(login_request(staffed, NOW), "eva", SECRET, "000000", None)
    with staffed.read() as conn:
        assert not second_factor.has_second_factor(conn, "eva")
    enrol(staffed)
    with pytest.raises(UsageError, match="already"):
        enrol(staffed)


def test_adding_one_ends_the_other_sessions(staffed: Store) -> None:
    with staffed.begin() as conn:
        here, there = (sessions.start_session(conn, "eva", NOW) for _ in range(2))
    code = pyotp.TOTP(SECRET).at(NOW)
    second_factor.add_second_factor(login_request(staffed, NOW), "eva", SECRET, code, here)
    with staffed.read() as conn:
        assert sessions.find_session(conn, here)
        assert sessions.find_session(conn, there) is None
