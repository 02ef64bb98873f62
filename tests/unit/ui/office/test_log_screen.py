"""Logg as those see it who follow it up: rows, filters, pages, hints, the check of the chain, and
the extract for a client.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text
from streamlit.testing.v1 import AppTest

from pipeline.domain.law.permissions import ALL_AREAS
from pipeline.domain.model import Person, Role
from pipeline.store.accounts.people import save_person
from pipeline.store.database.store import Store
from pipeline.store.entries import queue
from pipeline.store.event_log.events import list_events, record
from pipeline.store.schema.clock import utc_now
from tests.support.screens import seeding
from tests.support.screens.seeding import CLIENTS, NURSE, PASSWORD, UNIT, UNITS
from tests.support.store.passwords import hashed
from tests.unit.ui.conftest import OpenScreen, tables

LOGGER = Person("lotta", "Lotta Granath", "loggranskare", Role.LOG_REVIEWER, UNITS, ALL_AREAS)


@pytest.fixture
def logged(store: Store) -> Store:
    """A note that a nurse has looked at and confirmed, and a person who follows up the log."""
    entry_id = seeding.add_notes(store, 1)[0]
    with store.begin() as conn:
        save_person(conn, LOGGER, hashed(PASSWORD))
        view = queue.open_claimed_entry(
            conn, seeding.forms(), NURSE, entry_id, queue.ClaimTerms(utc_now())
        )
        queue.record_page_view(conn, NURSE, view.pages[0].id)
    seeding.confirm(store, NURSE, entry_id)
    return store


def shown(app: AppTest, number: str = "Nr") -> list[list[str]]:
    """The rows on the screen; `number` is the title of their first column."""
    (table,) = (rows for rows in tables(app) if rows and number in rows[0])
    return [list(row.values()) for row in table]


def test_rows_in_plain_words_and_the_look_is_logged_once(
    logged: Store, open_screen: OpenScreen
) -> None:
    app = open_screen(LOGGER, "log")
    assert not app.exception
    rows = shown(app)
    assert [row[3] for row in rows if row[2] == "Nina Berglund (nina)"] == [
        "Beslutade en post",
        "Såg en sida",
    ]
    assert (
        next(row[6] for row in rows if row[3] == "Började ett arbetspass i en webbläsare")
        == "via organisationens inloggning: nej"
    )
    assert not any(
        CLIENTS[0].pid in cell or CLIENTS[0].name in cell for row in rows for cell in row
    )
    app.run()
    with logged.read() as conn:
        assert len([event for event in list_events(conn, "log") if event.action == "view_log"]) == 1


@pytest.mark.usefixtures("logged")
def test_roles_and_states_are_said_in_the_language_of_the_screen(open_screen: OpenScreen) -> None:
    app = open_screen(LOGGER, "log")
    assert any("bekräftad" in row[6] for row in shown(app))
    app.session_state["language"] = "en"
    app.run()
    details = ", ".join(row[6] for row in shown(app, "No."))
    assert "confirmed" in details
    assert "role: log reviewer" in details
    assert "bekräftad" not in details


def test_no_digest_is_shown(logged: Store, open_screen: OpenScreen) -> None:
    with logged.begin() as conn:
        record(conn, "anna", "fetch_export", "körning", unit=UNIT, sha256="ab" * 32, entries=3)
    details = ", ".join(row[6] for row in shown(open_screen(LOGGER, "log")))
    assert "poster: 3" in details
    assert "abab" not in details


@pytest.mark.usefixtures("logged")
def test_filters_and_an_empty_answer(open_screen: OpenScreen) -> None:
    app = open_screen(LOGGER, "log")
    app.selectbox(key="log_who").set_value(NURSE.login).run()
    assert {row[2] for row in shown(app)} == {"Nina Berglund (nina)"}
    app.selectbox(key="log_what").set_value("decide").run()
    assert [row[3] for row in shown(app)] == ["Beslutade en post"]
    app.selectbox(key="log_who").set_value(None).run()
    app.selectbox(key="log_what").set_value(None).run()
    app.text_input(key="log_client").set_value(CLIENTS[0].pid).run()
    assert {row[4] for row in shown(app)} == {UNIT}
    app.text_input(key="log_client").set_value(CLIENTS[1].pid).run()
    assert any("Inget i loggen passar" in info.value for info in app.info)
    app.text_input(key="log_client").set_value("Elsa").run()
    assert any("tolv tecken" in warning.value for warning in app.warning)
    app.text_input(key="log_client").set_value("").run()
    app.date_input(key="log_from").set_value(utc_now().date() + timedelta(days=9)).run()
    assert any("ligger efter" in warning.value for warning in app.warning)
    assert not app.exception


def test_pages_of_rows(logged: Store, open_screen: OpenScreen) -> None:
    with logged.begin() as conn:
        for number in range(120):
            record(conn, "anna", "requeue", f"x{number:03d}", unit=UNIT)
    app = open_screen(LOGGER, "log")
    assert len(shown(app)) == 50
    assert app.button(key="log_newer").disabled
    app.button(key="log_older").click().run()
    app.button(key="log_older").click().run()
    assert app.button(key="log_older").disabled
    assert [row[3] for row in shown(app)][-1] != "Lät läsa en sida igen"
    app.selectbox(key="log_who").set_value("anna").run()
    assert shown(app)[0][5] == "x119"


def test_hints_are_counted_and_lead_to_their_rows(logged: Store, open_screen: OpenScreen) -> None:
    with logged.begin() as conn:
        record(conn, "carl", "denied", "sidan", unit=UNIT, right="view_page")
    app = open_screen(LOGGER, "log")
    assert {metric.label: metric.value for metric in app.metric}["Nekade försök"] == "1"
    app.selectbox(key="log_hint").set_value("denied").run()
    (row,) = shown(app)
    assert (row[2], row[3], row[5]) == ("Carl Wiklund (carl)", "Nekades", "sidan")
    assert row[6].startswith("rätt: Se ")


def test_the_chain_is_checked_here_too(logged: Store, open_screen: OpenScreen) -> None:
    app = open_screen(LOGGER, "log")
    app.button(key="log_check").click().run()
    assert "Loggen är hel" in app.success[0].value
    with logged.begin() as conn:
        conn.execute(text("DROP TRIGGER event_no_update"))
        conn.execute(text("UPDATE event SET by = 'ingen' WHERE id = 5"))
    app.button(key="log_check").click().run()
    assert any("fel i loggen" in error.value for error in app.error)
    assert {"Rad 5 har ändrats.", "Databasens skydd mot ändringar är borttaget."} <= {
        caption.value for caption in app.caption
    }


@pytest.mark.usefixtures("logged")
def test_an_extract_is_made_shown_and_logged(open_screen: OpenScreen) -> None:
    app = open_screen(LOGGER, "log")
    app.text_input(key="log_extract_typed").set_value(CLIENTS[0].pid)
    app.button(key="log_extract_make").click().run()
    assert not app.exception
    (table,) = (rows for rows in tables(app) if rows and "Vad" in rows[0])
    assert "Personal såg på papperet" in [row["Vad"] for row in table]
    assert any(CLIENTS[0].name in markdown.value for markdown in app.markdown)
    app.text_input(key="log_extract_typed").set_value("Elsa")
    app.button(key="log_extract_make").click().run()
    assert any("tolv tecken" in warning.value for warning in app.warning)


@pytest.mark.parametrize(
    "person", [NURSE, seeding.ADMINISTRATOR, seeding.MANAGER], ids=lambda person: person.login
)
@pytest.mark.usefixtures("logged")
def test_nobody_else_gets_in(open_screen: OpenScreen, person: Person) -> None:
    app = open_screen(person, "log")
    assert not app.exception
    assert any("inte rätt" in error.value for error in app.error)
    assert not tables(app)


@pytest.mark.usefixtures("logged")
def test_an_extract_of_other_days_than_those_chosen_is_not_handed_out(
    open_screen: OpenScreen,
) -> None:
    app = open_screen(LOGGER, "log")
    app.text_input(key="log_extract_typed").input(CLIENTS[0].pid)
    app.button(key="log_extract_make").click().run()
    assert "log_extract_made" in app.session_state
    app.date_input(key="log_from").set_value((utc_now() - timedelta(days=60)).date()).run()
    assert "log_extract_made" not in app.session_state
