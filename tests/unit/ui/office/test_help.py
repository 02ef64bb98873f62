"""Help on each screen, the guide that stays closed, and the practice that leaves nothing behind."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select
from streamlit.testing.v1 import AppTest

from pipeline.domain.model import Person, Role
from pipeline.store.accounts import own_choices, sessions
from pipeline.store.database.store import Store
from pipeline.store.schema import paper
from pipeline.store.schema.clock import utc_now
from pipeline.texts import catalogue
from tests.support.screens import seeding
from tests.support.screens.seeding import MANAGER, NURSE, STAFF
from tests.unit.ui.conftest import APP

ANSWERS = ("2021-12-18", "9.40", "-", "?")


def test_every_screen_has_help_and_every_role_a_guide() -> None:
    from ui.screens.menu import SCREENS

    wanted = {f"help.{screen.name}" for screen in SCREENS} | {
        f"guide.{role.name.lower()}" for role in Role
    }
    assert wanted <= set(catalogue("sv"))


@pytest.mark.parametrize("person", STAFF, ids=lambda person: person.login)
def test_the_guide_stays_until_it_is_closed_and_comes_back_when_asked_for(
    store: Store, person: Person
) -> None:
    with store.begin() as conn:
        own_choices.reopen_guide(conn, person.login)
    app = _entered(store, person)
    assert any("Så här arbetar du" in one.value for one in app.markdown)
    app.button(key="guide_close").click().run()
    assert "guide_close" not in {button.key for button in app.button}
    later = _entered(store, person)
    assert "guide_close" not in {button.key for button in later.button}
    later.button(key="guide_open").click().run()
    assert later.button(key="guide_close")


def test_practice_is_marked_and_writes_nothing(store: Store) -> None:
    seeding.add_notes(store, 1)
    app = _entered(store, NURSE)
    before = _rows(store)
    app.button(key="practice_open").click().run()
    assert "övning" in app.warning[0].value
    for step, right in enumerate(ANSWERS):
        app.text_input(key=f"practice_answer-{step}").set_value("1999")
        app.button(key="practice_check").click().run()
        assert len(app.error) == 1
        app.text_input(key=f"practice_answer-{step}").set_value(right)
        app.button(key="practice_check").click().run()
        assert not app.exception
    assert app.success
    assert _rows(store) == before
    app.button(key="practice_leave").click().run()
    assert "practice_leave" not in {button.key for button in app.button}


def test_who_does_not_review_is_not_offered_practice(store: Store) -> None:
    app = _entered(store, MANAGER)
    assert "practice_open" not in {button.key for button in app.button}


def _entered(store: Store, person: Person) -> AppTest:
    app = AppTest.from_file(str(APP), default_timeout=30)
    with store.begin() as conn:
        app.session_state["session_token"] = sessions.start_session(conn, person.login, utc_now())
    app.session_state["login"], app.session_state["active_at"] = person.login, utc_now()
    return app.run()


def _rows(store: Store) -> dict[str, int]:
    with store.read() as conn:
        return {
            table.name: conn.execute(select(func.count()).select_from(table)).scalar_one()
            for table in paper.metadata.sorted_tables
        }
