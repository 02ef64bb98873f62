"""Who gets in, what each role is shown, and how a session ends."""

from __future__ import annotations

from datetime import timedelta

import pytest
from streamlit.testing.v1 import AppTest

from pipeline.access import allowed
from pipeline.model import Person
from pipeline.store import people
from pipeline.store.clock import utc_now
from pipeline.store.database import Store
from tests.ui import seeding
from tests.ui.conftest import APP
from tests.ui.seeding import ADMINISTRATOR, MANAGER, NURSE


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


@pytest.mark.usefixtures("store")
def test_wrong_password_says_so_and_nothing_more() -> None:
    app = logged_in(NURSE, "fel lösenord")
    assert [error.value for error in app.error] == ["Användarnamn och lösenord stämmer inte överens. Försök igen."]


@pytest.mark.usefixtures("store")
def test_too_many_attempts_are_stopped() -> None:
    for _ in range(5):
        logged_in(NURSE, "fel lösenord")
    assert "för många gånger" in logged_in(NURSE).error[0].value


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(
    ("person", "title"), [(NURSE, "Granska"), (MANAGER, "Läge"), (ADMINISTRATOR, "Läge")], ids=["nurse", "manager", "administrator"]
)
def test_each_role_begins_at_its_work(person: Person, title: str) -> None:
    app = logged_in(person)
    assert not app.exception
    assert title in [*(header.value for header in app.header), *(header.value for header in app.subheader)]


@pytest.mark.usefixtures("store")
def test_navigation_shows_what_the_role_may() -> None:
    from ui.app import SCREENS  # runs the script once, outside a session

    shown = {person.login: {name for name, action, _, _ in SCREENS if allowed(person, action)} for person in (ADMINISTRATOR, NURSE, MANAGER)}
    assert shown == {"anna": {"scan", "progress", "export"}, "nina": {"review", "export"}, "carl": {"progress"}}


@pytest.mark.usefixtures("store")
def test_log_out_forgets_everything() -> None:
    app = logged_in(NURSE)
    app.button(key="log_out").click()
    app.run()
    assert app.text_input(key="login_name").value == ""
    assert "login" not in app.session_state


@pytest.mark.usefixtures("store")
def test_session_ends_without_activity_and_says_why() -> None:
    app = logged_in(NURSE)
    app.session_state["active_at"] = utc_now() - timedelta(minutes=61)
    app.run()
    assert "60 minuter" in app.info[0].value
    assert "login" not in app.session_state


def test_closed_account_is_out_at_once(store: Store) -> None:
    app = logged_in(NURSE)
    with store.begin() as conn:
        people.deactivate(conn, NURSE.login)
    app.run()
    assert app.text_input(key="login_name").label == "Användarnamn"


@pytest.mark.usefixtures("store")
def test_english_can_be_chosen_before_and_after_login() -> None:
    app = opened()
    app.radio(key="language_choice").set_value("en")
    app.run()
    assert app.text_input(key="login_name").label == "User name"
    app.text_input(key="login_name").input("nina")
    app.text_input(key="login_password").input(seeding.PASSWORD)
    app.button(key="login_submit").click()
    app.run()
    assert app.button(key="log_out").label == "Log out"


def test_missing_workspace_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setenv("EFTERSKRIFT_WORKSPACE", f"{tmp_path}/nothing")
    app = opened()
    assert not app.exception
    assert app.error[0].value.startswith("Databasen")
