"""Konton: a system administrator adds, changes, closes and reopens accounts, and sees each new
password once.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import delete
from streamlit.testing.v1 import AppTest

from pipeline.domain.law.permissions import ALL_AREAS, ROLE_ACTIONS, Action
from pipeline.domain.model import Assignment, Role
from pipeline.login.authentication import redeem_code
from pipeline.store.accounts import people
from pipeline.store.accounts.login import access_changes
from pipeline.store.database.store import Store
from pipeline.store.schema import registers
from pipeline.store.schema.accounts import closed_guide
from pipeline.store.schema.clock import utc_now
from tests.support.screens import seeding
from tests.support.screens.seeding import NURSE, SYSTEM_ADMINISTRATOR, UNIT
from tests.support.store.passwords import hashed, logged_in, login_request
from tests.unit.ui.conftest import APP, OpenScreen
from ui.i18n import t
from ui.screens.admin import accounts

CHOSEN = "fem stora gröna getter"
HERE = replace(NURSE, units=frozenset({UNIT}))


def choose(code: str, login: str) -> None:
    """The person chooses a password with a code on the login screen."""
    app = AppTest.from_file(str(APP), default_timeout=30).run()
    app.button(key="redeem_begin").click().run()
    app.text_input(key="redeem_login").input(login)
    app.text_input(key="redeem_code").input(code)
    for key in ("redeem_new", "redeem_again"):
        app.text_input(key=key).input(CHOSEN)
    app.button(key="redeem_submit").click().run()
    assert not app.exception
    assert "Logga in med det" in app.success[0].value


def test_an_account_is_added_and_its_person_chooses_the_password_with_a_code_shown_once(
    store: Store, open_screen: OpenScreen
) -> None:
    app = open_screen(SYSTEM_ADMINISTRATOR, "accounts")
    app.button(key="account_add").click().run()
    app.text_input(key="account_new-login").input("petra")
    app.text_input(key="account_new-name").input("Petra Holm")
    app.text_input(key="account_new-profession").input("planerare")
    app.multiselect(key="account_new-units").set_value([UNIT])
    app.button(key="account_new-save").click().run()
    assert not app.exception
    assert "petra" in app.success[0].value
    code = app.text[0].value
    assert not app.run().text
    assert logged_in(store, "petra", code) is None
    choose(code, "petra")
    found = logged_in(store, "petra", CHOSEN)
    assert found is not None
    assert (found.role, found.units, found.areas) == (
        Role.REVIEWER,
        frozenset({UNIT}),
        frozenset({"SoL", "LSS"}),
    )


def test_an_emergency_account_gets_a_sealed_password_shown_once(
    store: Store, open_screen: OpenScreen
) -> None:
    app = open_screen(SYSTEM_ADMINISTRATOR, "accounts")
    app.button(key="account_add").click().run()
    app.text_input(key="account_new-login").input("nod")
    app.text_input(key="account_new-name").input("Nödkonto 1")
    app.text_input(key="account_new-profession").input("planerare")
    app.checkbox(key="account_new-emergency").check()
    app.button(key="account_new-save").click().run()
    first = app.text[0].value
    assert logged_in(store, "nod", first)
    app.button(key="account_change-nod").click().run()
    app.button(key="account_seal-nod").click().run()
    assert logged_in(store, "nod", first) is None
    assert logged_in(store, "nod", app.text[0].value)


def test_what_is_missing_is_said_and_nothing_is_saved(
    store: Store, open_screen: OpenScreen
) -> None:
    app = open_screen(SYSTEM_ADMINISTRATOR, "accounts")
    app.button(key="account_add").click().run()
    app.text_input(key="account_new-login").input("trolle")
    app.text_input(key="account_new-name").input("Trolle Ek")
    app.text_input(key="account_new-profession").input("trollkarl")
    app.button(key="account_new-save").click().run()
    assert app.error
    with store.read() as conn:
        assert people.find_person(conn, "trolle") is None


def test_units_and_areas_are_changed(store: Store, open_screen: OpenScreen) -> None:
    app = open_screen(SYSTEM_ADMINISTRATOR, "accounts")
    app.button(key="account_change-nina").click().run()
    app.multiselect(key="account-nina-units").set_value([UNIT])
    app.multiselect(key="account-nina-areas").set_value(["HSL"])
    app.button(key="account-nina-save").click().run()
    with store.read() as conn:
        found = people.find_person(conn, NURSE.login)
    assert found is not None
    assert (found.units, found.areas) == (frozenset({UNIT}), frozenset({"HSL"}))


def test_a_login_that_differs_by_capitals_alone_is_taken(open_screen: OpenScreen) -> None:
    app = open_screen(SYSTEM_ADMINISTRATOR, "accounts")
    app.button(key="account_add").click().run()
    app.text_input(key="account_new-login").input("Nina")
    app.text_input(key="account_new-name").input("Nina Ny")
    app.text_input(key="account_new-profession").input("sjuksköterska")
    app.button(key="account_new-save").click().run()
    assert "Kontot nina finns redan" in app.error[0].value


def test_who_reviews_without_a_unit_is_told_when_saved_and_on_the_screen(
    store: Store, open_screen: OpenScreen
) -> None:
    app = open_screen(SYSTEM_ADMINISTRATOR, "accounts")
    app.button(key="account_add").click().run()
    app.text_input(key="account_new-login").input("petra")
    app.text_input(key="account_new-name").input("Petra Holm")
    app.text_input(key="account_new-profession").input("sjuksköterska")
    app.button(key="account_new-save").click().run()
    assert "har ingen enhet" in app.success[0].value
    assert any("**Petra Holm** (petra)" in one.value for one in app.markdown)
    with store.read() as conn:
        petra = people.find_person(conn, "petra")
    assert petra is not None
    seen = " ".join(one.value for one in open_screen(petra, "review").markdown)
    assert "Du har ingen enhet" in seen
    assert "Inget väntar" not in seen


def test_accounts_are_sought(open_screen: OpenScreen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts, "_MANY_ACCOUNTS", 2)
    app = open_screen(SYSTEM_ADMINISTRATOR, "accounts")
    app.text_input(key="account_seek").input("nina").run()
    rows = [one.key for one in app.button if (one.key or "").startswith("account_change-")]
    assert rows == ["account_change-nina"]


def test_the_code_of_a_closed_account_is_no_longer_open(
    store: Store, open_screen: OpenScreen
) -> None:
    app = open_screen(SYSTEM_ADMINISTRATOR, "accounts")
    app.button(key="account_change-nina").click().run()
    app.button(key="account_ask.password-nina").click().run()
    app.button(key="account_close-nina").click().run()
    with store.read() as conn:
        assert access_changes.list_open_changes(conn, SYSTEM_ADMINISTRATOR, utc_now()) == []


def test_closing_and_opening(store: Store, open_screen: OpenScreen) -> None:
    app = open_screen(SYSTEM_ADMINISTRATOR, "accounts")
    app.button(key="account_change-nina").click().run()
    app.button(key="account_close-nina").click().run()
    with store.read() as conn:
        assert people.find_person(conn, "nina") is None
    app.button(key="account_open-nina").click().run()
    with store.read() as conn:
        assert people.find_person(conn, "nina") == NURSE


def test_a_code_alone_is_told_to_the_person(store: Store, open_screen: OpenScreen) -> None:
    app = open_screen(SYSTEM_ADMINISTRATOR, "accounts")
    app.button(key="account_change-nina").click().run()
    app.button(key="account_ask.password-nina").click().run()
    code = app.text[0].value
    assert any("märks ut i loggen" in one.value for one in app.caption)
    assert logged_in(store, "nina", seeding.PASSWORD) == NURSE
    choose(code, "nina")
    told = AppTest.from_file(str(APP), default_timeout=30).run()
    told.text_input(key="login_name").input("nina")
    told.text_input(key="login_password").input(CHOSEN)
    told.button(key="login_submit").click().run()
    assert "återställdes av Sven" in told.warning[0].value
    told.button(key="access_read").click().run()
    assert not told.warning


def test_a_second_administrator_approves_and_the_person_can_say_no(
    store: Store, open_screen: OpenScreen
) -> None:
    other = replace(SYSTEM_ADMINISTRATOR, login="ulla", name="Ulla Ek")
    with store.begin() as conn:
        people.save_person(conn, other, hashed(seeding.PASSWORD))
    app = open_screen(SYSTEM_ADMINISTRATOR, "accounts")
    app.button(key="account_change-nina").click().run()
    app.button(key="account_ask.password-nina").click().run()
    code = app.text[0].value
    assert not [one for one in app.button if (one.key or "").startswith("change_approve-")]
    approving = open_screen(other, "accounts")
    assert code not in str([one.value for one in [*approving.text, *approving.markdown]])
    next(
        one for one in approving.button if (one.key or "").startswith("change_approve-")
    ).click().run()
    assert "godkänt" in approving.success[0].value
    nurse = AppTest.from_file(str(APP), default_timeout=30).run()
    nurse.text_input(key="login_name").input("nina")
    nurse.text_input(key="login_password").input(seeding.PASSWORD)
    nurse.button(key="login_submit").click().run()
    next(one for one in nurse.button if (one.key or "").startswith("access_refuse-")).click().run()
    assert not nurse.warning
    request = login_request(store)
    assert not redeem_code(request, "nina", code, CHOSEN)


def test_the_own_account_cannot_be_changed(open_screen: OpenScreen) -> None:
    app = open_screen(SYSTEM_ADMINISTRATOR, "accounts")
    assert app.button(key="account_change-sven").disabled


def test_without_others_it_says_what_to_do(store: Store, open_screen: OpenScreen) -> None:
    with store.begin() as conn:
        for table in (closed_guide, registers.staff_unit, registers.staff):
            conn.execute(delete(table).where(table.c.login != SYSTEM_ADMINISTRATOR.login))
        conn.execute(delete(registers.unit))
    app = open_screen(SYSTEM_ADMINISTRATOR, "accounts")
    app.button(key="account_add").click().run()
    said = [info.value for info in app.info]
    assert [text[:13] for text in said] == ["Det finns ing", "Det finns ing"]


def test_a_new_account_with_the_name_of_another_changes_nothing(
    store: Store, open_screen: OpenScreen
) -> None:
    app = open_screen(SYSTEM_ADMINISTRATOR, "accounts")
    app.button(key="account_add").click().run()
    app.text_input(key="account_new-login").input("nina")
    app.text_input(key="account_new-name").input("Nina Åberg")
    app.text_input(key="account_new-profession").input("enhetschef")
    app.selectbox(key="account_new-role").set_value(Role.MANAGER)
    app.button(key="account_new-save").click().run()
    assert app.error
    with store.read() as conn:
        assert people.find_person(conn, "nina") == NURSE


def test_a_right_withdrawn_meanwhile_is_not_given_back(
    store: Store, open_screen: OpenScreen
) -> None:
    app = open_screen(SYSTEM_ADMINISTRATOR, "accounts")
    app.button(key="account_change-nina").click().run()
    with store.begin() as conn:
        people.save_person(conn, HERE, None)
    app.text_input(key="account-nina-name").input("Nina Bergström")
    app.button(key="account-nina-save").click().run()
    with store.read() as conn:
        left = people.find_person(conn, "nina")
    assert left is not None
    assert left.units == HERE.units


def test_an_assignment_is_added_and_removed(store: Store, open_screen: OpenScreen) -> None:
    app = open_screen(SYSTEM_ADMINISTRATOR, "accounts")
    app.button(key="account_change-nina").click().run()
    app.button(key="account-nina-add").click().run()
    app.selectbox(key="account-nina-2-role").set_value(Role.ADMINISTRATOR)
    app.text_input(key="account-nina-2-profession").input("sjuksköterska")
    app.multiselect(key="account-nina-2-units").set_value([UNIT])
    app.text_input(key="account-nina-key").input("E-117")
    app.button(key="account-nina-save").click().run()
    with store.read() as conn:
        found = people.find_person(conn, "nina")
    new = Assignment(Role.ADMINISTRATOR, "sjuksköterska", frozenset({UNIT}), ALL_AREAS)
    assert found == replace(NURSE, further=(new,), key="E-117")
    app.button(key="account_change-nina").click().run()
    app.selectbox(key="account-nina-2-role").set_value("")
    app.button(key="account-nina-save").click().run()
    with store.read() as conn:
        assert people.find_person(conn, "nina") == replace(NURSE, key="E-117")


def test_the_menu_shows_the_screens_of_all_roles(store: Store, open_screen: OpenScreen) -> None:
    scanning = Assignment(Role.ADMINISTRATOR, "sjuksköterska", frozenset({UNIT}), ALL_AREAS)
    with store.begin() as conn:
        people.save_person(conn, replace(NURSE, further=(scanning,)), None)
    app = open_screen(replace(NURSE, further=(scanning,)), "scan")
    assert not app.exception
    assert app.selectbox(key="upload_unit").options == [UNIT]


def test_what_the_chosen_role_may_do_is_said_at_once(open_screen: OpenScreen) -> None:
    """A manager was added to export."""
    app = open_screen(SYSTEM_ADMINISTRATOR, "accounts")
    app.button(key="account_add").click().run()
    for role in Role:
        app.selectbox(key="account_new-role").set_value(role).run()
        assert not app.exception
        said = t(f"accounts.may.{role.name.lower()}")
        assert said in [caption.value for caption in app.caption]


@pytest.mark.parametrize("role", list(Role))
def test_what_is_said_of_a_role_is_what_it_may_do(role: Role) -> None:
    *may, last = t(f"accounts.may.{role.name.lower()}").casefold().rstrip(".").split(". ")
    may_not = last if last.endswith(" inte") else ""
    may += [] if may_not else [last]
    verbs = {
        "exporterar": Action.EXPORT,
        "skannar": Action.SCAN,
        "signerar": Action.SIGN,
        "skriver in": Action.RECEIPT,
        "arkiverar": Action.ARCHIVE,
        "prioriterar": Action.PULL,
        "konton": Action.ACCOUNTS,
        "loggen": Action.LOG,
    }
    for verb, action in verbs.items():
        assert action in ROLE_ACTIONS[role] or verb not in " ".join(may), verb
        assert action not in ROLE_ACTIONS[role] or verb not in may_not, verb
    assert (Action.EXPORT in ROLE_ACTIONS[role]) == ("exporterar" in " ".join(may))
    assert (Action.EXPORT in ROLE_ACTIONS[role]) != ("exporterar" in may_not)
