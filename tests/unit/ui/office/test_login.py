"""Who gets in, what each role is shown, and how a session ends."""

from __future__ import annotations

from datetime import timedelta

import pytest
import streamlit as st
from sqlalchemy import update
from streamlit.testing.v1 import AppTest

from pipeline.domain.law.permissions import ALL_AREAS
from pipeline.domain.model import Person, Role
from pipeline.store.accounts import people
from pipeline.store.database.history import alembic_version
from pipeline.store.database.store import Store
from pipeline.store.schema.accounts import browser_session
from pipeline.store.schema.clock import utc_now
from tests.support.screens import seeding
from tests.support.screens.seeding import (
    ADMINISTRATOR,
    LOG_REVIEWER,
    MANAGER,
    NURSE,
    REGISTRAR,
    SYSTEM_ADMINISTRATOR,
    UNITS,
)
from tests.support.store.databases import revert_to_baseline
from tests.support.store.passwords import hashed
from tests.unit.ui.conftest import APP


def opened() -> AppTest:
    """The app before anybody has logged in."""
    return AppTest.from_file(str(APP), default_timeout=30).run()


def logged_in(person: Person, password: str = seeding.PASSWORD) -> AppTest:
    """The app after the login form was sent."""
    app = opened()
    app.text_input(key="login_name").input(person.login)
    app.text_input(key="login_password").input(password)
    app.button(key="login_submit").click()
    return app.run()


@pytest.mark.usefixtures("store")
def test_login_is_asked_for_first() -> None:
    app = opened()
    assert not app.exception
    assert app.text_input(key="login_name").label == "Användarnamn"


def test_an_old_store_is_named_with_what_to_do(store: Store) -> None:
    with store.begin() as conn:
        revert_to_baseline(conn)
    app = opened()
    assert not app.exception
    assert "Kör `efterskrift upgrade`, som först gör en säkerhetskopia." in app.error[0].value
    assert "tidigare version" in app.error[0].value


def test_a_store_that_is_upgraded_under_the_screens_is_named(store: Store) -> None:
    app = opened()
    with store.begin() as conn:
        conn.execute(update(alembic_version).values(version_num="9999"))
    st.cache_data.clear()
    app.run()
    assert not app.exception
    assert "senare version" in app.error[0].value


@pytest.mark.usefixtures("store")
def test_wrong_password_says_so_and_nothing_more() -> None:
    app = logged_in(NURSE, "fel lösenord")
    assert [error.value for error in app.error] == [
        "Användarnamn och lösenord stämmer inte överens. Försök igen."
    ]


@pytest.mark.usefixtures("store")
def test_too_many_attempts_have_to_wait() -> None:
    for _ in range(5):
        logged_in(NURSE, "fel lösenord")
    told = logged_in(NURSE).error[0].value
    assert "För många misslyckade inloggningar. Vänta" in told


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(
    ("person", "title"),
    [
        (NURSE, "Granska"),
        (MANAGER, "Läge"),
        (ADMINISTRATOR, "Skanna"),
        (REGISTRAR, "Skanna"),
        (SYSTEM_ADMINISTRATOR, "Konton"),
        (LOG_REVIEWER, "Logg"),
    ],
    ids=lambda value: getattr(value, "login", ""),
)
def test_each_role_begins_at_its_work(person: Person, title: str) -> None:
    app = logged_in(person)
    assert not app.exception
    assert title in [one.value for one in app.title]


@pytest.mark.usefixtures("store")
def test_log_out_forgets_everything() -> None:
    app = logged_in(NURSE)
    app.button(key="log_out").click()
    app.run()
    assert app.text_input(key="login_name").value == ""
    assert "login" not in app.session_state


def test_session_ends_without_activity_and_says_why(store: Store) -> None:
    app = logged_in(NURSE)
    before = utc_now() - timedelta(minutes=61)
    with store.begin() as conn:
        conn.execute(update(browser_session).values(active_at=before))
    app.session_state["active_at"] = before
    app.run()
    assert "60 minuter" in app.info[0].value
    assert "login" not in app.session_state


@pytest.mark.usefixtures("store")
def test_logging_out_logs_out_in_the_other_window_too() -> None:
    here, there, other = logged_in(NURSE), logged_in(NURSE), logged_in(MANAGER)
    here.button(key="log_out").click().run()
    there.run()
    assert there.text_input(key="login_name").label == "Användarnamn"
    assert "session_token" not in there.session_state
    # whatever is run again meanwhile
    there.segmented_control(key="language_choice").set_value("sv").run()
    assert "ett annat fönster" in there.info[0].value
    assert other.run().button(key="log_out")


@pytest.mark.usefixtures("store")
def test_session_ends_after_the_longest_time(monkeypatch: pytest.MonkeyPatch) -> None:
    app = logged_in(NURSE)
    tomorrow = utc_now() + timedelta(hours=12, minutes=1)
    app.session_state["active_at"] = tomorrow
    monkeypatch.setattr("ui.session.utc_now", lambda: tomorrow)
    app.run()
    assert app.text_input(key="login_name").label == "Användarnamn"


def test_a_password_that_somebody_else_made_is_changed_before_anything_else(store: Store) -> None:
    with store.begin() as conn:
        people.set_password(conn, NURSE.login, hashed(seeding.PASSWORD), must_change=True)
    app = logged_in(NURSE)
    assert app.title[0].value == "Välj ett eget lösenord"
    for now, new, again, said in (
        (seeding.PASSWORD, "helt nya ord här", "helt andra ord", "inte lika"),
        ("fel lösenord", "helt nya ord här", "helt nya ord här", "Lösenordet är fel"),
        (seeding.PASSWORD, "kort", "kort", "kortare än 10 tecken"),
    ):
        for key, text in (("now", now), ("new", new), ("again", again)):
            app.text_input(key=f"password_{key}").input(text)
        app.button(key="password_submit").click().run()
        assert said in app.error[0].value
    for key in ("new", "again"):
        app.text_input(key=f"password_{key}").input("helt nya ord här")
    app.text_input(key="password_now").input(seeding.PASSWORD)
    app.button(key="password_submit").click().run()
    assert app.title[0].value == "Granska"


def in_emergency(store: Store) -> AppTest:
    """The app after name and password of an account for emergencies."""
    sealed = Person(
        "nod", "Nödkonto 1", "nödkonto", Role.ADMINISTRATOR, UNITS, ALL_AREAS, break_glass=True
    )
    with store.begin() as conn:
        people.save_person(conn, sealed, hashed(seeding.PASSWORD))
    return logged_in(sealed)


def test_an_account_for_emergencies_asks_for_a_reason_and_shouts(store: Store) -> None:
    app = in_emergency(store)
    assert "nödkonto" in app.error[0].value
    assert "session_token" not in app.session_state
    app.text_area(key="emergency_reason").input("kort")
    app.button(key="emergency_submit").click().run()
    assert "minst 10 tecken" in app.error[1].value
    app.text_area(key="emergency_reason").input("Inloggningen ligger nere.")
    app.button(key="emergency_submit").click().run()
    assert app.error[0].value.startswith("NÖDKONTO")
    for person in (MANAGER, LOG_REVIEWER):
        told = logged_in(person)
        assert "Inloggningen ligger nere." in told.error[0].value
    seen = next(button for button in told.button if (button.key or "").startswith("seen-"))
    seen.click().run()
    assert not told.error
    assert not logged_in(MANAGER).error
    assert not logged_in(NURSE).error


def test_the_reason_is_asked_within_a_few_minutes(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = in_emergency(store)
    soon = utc_now() + timedelta(minutes=6)
    monkeypatch.setattr("ui.screens.admin.login.utc_now", lambda: soon)
    app.run()
    assert app.text_input(key="login_name").label == "Användarnamn"


def test_closed_account_is_out_at_once(store: Store) -> None:
    app = logged_in(NURSE)
    with store.begin() as conn:
        people.deactivate_person(conn, NURSE.login)
    app.run()
    assert app.text_input(key="login_name").label == "Användarnamn"


@pytest.mark.usefixtures("store")
def test_english_can_be_chosen_before_and_after_login() -> None:
    app = opened()
    app.segmented_control(key="language_choice").set_value("en")
    app.run()
    assert app.text_input(key="login_name").label == "User name"
    app.text_input(key="login_name").input("nina")
    app.text_input(key="login_password").input(seeding.PASSWORD)
    app.button(key="login_submit").click()
    app.run()
    assert app.button(key="log_out").label == "Log out"


@pytest.mark.usefixtures("store")
def test_the_screens_begin_in_the_language_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EFTERSKRIFT_LANGUAGE", "en")
    app = opened()
    assert app.text_input(key="login_name").label == "User name"
    app.segmented_control(key="language_choice").set_value("sv").run()
    assert app.run().text_input(key="login_name").label == "Användarnamn"


def test_missing_workspace_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setenv("EFTERSKRIFT_WORKSPACE", f"{tmp_path}/nothing")
    app = opened()
    assert not app.exception
    assert app.error[0].value.startswith("Databasen")
