"""Min inloggning: the own password, the second factor, and roles that must have it."""

from __future__ import annotations

import json

import pyotp
import pytest
from streamlit.testing.v1 import AppTest

from pipeline.domain.model import Person
from pipeline.store.accounts import sessions
from pipeline.store.accounts.login import second_factor
from pipeline.store.database.store import Store
from pipeline.store.schema.clock import utc_now
from tests.support.screens import seeding
from tests.support.screens.seeding import NURSE, SYSTEM_ADMINISTRATOR
from tests.support.store.passwords import logged_in, login_request
from tests.unit.ui.conftest import APP

CHOSEN = "fem stora gröna getter"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def enter(person: Person) -> AppTest:
    """The app after the right password was sent."""
    app = AppTest.from_file(str(APP), default_timeout=30).run()
    app.text_input(key="login_name").input(person.login)
    app.text_input(key="login_password").input(seeding.PASSWORD)
    return app.button(key="login_submit").click().run()


def own_login(person: Person) -> AppTest:
    """The screen Min inloggning."""
    return enter(person).button(key="own_login_open").click().run()


def send_code(app: AppTest, code: str) -> AppTest:
    """Send the form of a step with a code."""
    app.text_input(key="own_login_code").input(code)
    return app.button(key="own_login_submit").click().run()


def enrol(store: Store, person: Person) -> tuple[str, ...]:
    """Give an account a second factor; answers with its recovery codes."""
    now = utc_now()
    code = pyotp.TOTP(SECRET).at(now)
    return second_factor.add_second_factor(
        login_request(store, now), person.login, SECRET, code, None
    )


def test_the_own_password_is_changed_and_the_other_windows_are_logged_out(store: Store) -> None:
    with store.begin() as conn:
        other = sessions.start_session(conn, NURSE.login, utc_now())
    app = own_login(NURSE)
    app.button(key="own_login_password").click().run()
    app.text_input(key="password_now").input(seeding.PASSWORD)
    for key in ("password_new", "password_again"):
        app.text_input(key=key).input("Sommaren2026!")
    app.button(key="password_submit").click().run()
    assert "lätt att gissa" in app.error[0].value
    for key in ("password_new", "password_again"):
        app.text_input(key=key).input(CHOSEN)
    app.text_input(key="password_now").input(seeding.PASSWORD)
    app.button(key="password_submit").click().run()
    assert "utloggad i alla andra" in app.success[0].value
    with store.read() as conn:
        assert sessions.find_session(conn, other) is None
    assert logged_in(store, NURSE.login, CHOSEN) == NURSE
    app.button(key="own_login_close").click().run()
    assert app.title[0].value == "Granska"


def test_a_second_factor_is_set_up_and_then_asked_for(store: Store) -> None:
    app = own_login(NURSE)
    app.button(key="own_login_add").click().run()
    secret = app.code[0].value.replace(" ", "")
    assert "kod" in send_code(app, "000000").error[0].value.casefold()
    send_code(app, pyotp.TOTP(secret).at(utc_now()))
    codes = [one.value for one in app.text]
    assert len(codes) == second_factor.RECOVERY_CODES
    app.button(key="own_login_kept").click().run()
    assert not app.text
    assert (
        "återställningskoder kvar på papper: 10"
        in str([one.value for one in app.markdown]).casefold()
    )
    asked = enter(NURSE)
    assert "session_token" not in asked.session_state
    asked.text_input(key="login_code").input("000000")
    asked.button(key="code_submit").click().run()
    assert "stämmer inte" in asked.error[0].value
    asked.text_input(key="login_code").input(codes[0])
    asked.button(key="code_submit").click().run()
    assert asked.title[0].value == "Granska"
    assert logged_in(store, NURSE.login, seeding.PASSWORD) == NURSE


def test_the_login_can_be_begun_anew_instead_of_giving_a_code(store: Store) -> None:
    enrol(store, NURSE)
    app = enter(NURSE)
    app.button(key="code_back").click().run()
    assert app.text_input(key="login_name")


def test_codes_are_renewed_and_the_second_factor_is_removed_with_a_code(store: Store) -> None:
    codes = enrol(store, NURSE)
    app = enter(NURSE)
    app.text_input(key="login_code").input(codes[0])
    app.button(key="code_submit").click().run()
    app.button(key="own_login_open").click().run()
    app.button(key="own_login_renew").click().run()
    send_code(app, codes[1])
    new = [one.value for one in app.text]
    assert not set(new) & set(codes)
    app.button(key="own_login_kept").click().run()
    app.button(key="own_login_remove").click().run()
    assert "stämmer inte" in send_code(app, codes[2]).error[0].value
    send_code(app, new[0])
    assert "borttagen" in app.success[0].value
    with store.read() as conn:
        assert not second_factor.has_second_factor(conn, NURSE.login)


def test_a_role_that_must_have_one_sets_it_up_before_anything_else(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    roles = json.dumps([SYSTEM_ADMINISTRATOR.role.value])
    monkeypatch.setenv("EFTERSKRIFT_SECOND_FACTOR_ROLES", roles)
    app = enter(SYSTEM_ADMINISTRATOR)
    assert app.title[0].value == "Sätt upp tvåstegsinloggning"
    secret = app.code[0].value.replace(" ", "")
    send_code(app, pyotp.TOTP(secret).at(utc_now()))
    app.button(key="own_login_kept").click().run()
    assert app.title[0].value == "Konton"
    assert enter(NURSE).title[0].value == "Granska"
    with store.read() as conn:
        assert second_factor.has_second_factor(conn, SYSTEM_ADMINISTRATOR.login)
