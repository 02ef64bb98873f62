"""Slå upp: the own last decisions with undo and correct, and the search for entries."""

from __future__ import annotations

import pytest
from sqlalchemy import update
from streamlit.testing.v1 import AppTest

from pipeline.domain.model import EntryState
from pipeline.domain.review.rules import Answer
from pipeline.review.corrections import Corrections
from pipeline.store.accounts.own_choices import QueueGrouping, queue_choice
from pipeline.store.database.store import Store
from pipeline.store.entries.entry import load_entry
from pipeline.store.event_log.events import list_events
from pipeline.store.schema import paper
from pipeline.store.schema.clock import utc_now
from tests.support.screens import seeding
from tests.support.screens.bench import Bench
from tests.support.screens.seeding import CLIENTS, COLLEAGUE, NURSE
from tests.support.store.work import work
from tests.unit.ui.conftest import OpenScreen
from ui.screens.review.workbench.correction_mode import REASON


def opened(app: AppTest, view: str) -> AppTest:
    """A part of the lookup, opened from Granska."""
    app.button(key="lookup_open").click().run()
    app.segmented_control(key="lookup_view").set_value(view).run()
    assert not app.exception
    return app


def lines(app: AppTest) -> list[str]:
    """What the lines of a list say."""
    return [html.proto.body for html in app.get("html") if "ef-muted" in html.proto.body]


def test_the_own_last_decision_is_undone_and_open_again(
    store: Store, open_screen: OpenScreen
) -> None:
    first, second = seeding.add_notes(store, 2)
    for entry_id in (first, second):
        seeding.confirm(store, NURSE, entry_id)
    app = opened(open_screen(NURSE, "review"), "own")
    shown = lines(app)
    assert len(shown) == 2
    assert all("Bekräftad" in line and "Elsa Fjällberg 19300101-6595" in line for line in shown)
    app.button(key=f"undo-1-{first}").click().run()
    assert not app.exception
    with store.read() as conn:
        assert load_entry(conn, first).state is EntryState.REVIEW
        assert load_entry(conn, second).state is EntryState.CONFIRMED
        assert [event.action for event in list_events(conn, "entries")] == ["list_own_actions"]
    assert app.session_state["entry_id"] == first
    assert Bench(app).entry == first


def test_the_own_decision_is_corrected(store: Store, open_screen: OpenScreen) -> None:
    (entry_id,) = seeding.add_notes(store, 1)
    seeding.confirm(store, NURSE, entry_id)
    app = opened(open_screen(NURSE, "review"), "own")
    app.button(key=f"correct-0-{entry_id}").click().run()
    Bench(app).type("plan", "Ny omläggning på tisdag.").type(REASON, "Fel dag").save()
    assert "Rättelsen är sparad" in app.success[0].value
    app.button(key="listed_back").click().run()
    assert "Rättad" in lines(app)[0]
    assert "Bekräftad" in lines(app)[1]


def test_nobody_sees_the_decisions_of_others(store: Store, open_screen: OpenScreen) -> None:
    (entry_id,) = seeding.add_notes(store, 1)
    seeding.confirm(store, NURSE, entry_id)
    app = opened(open_screen(COLLEAGUE, "review"), "own")
    assert lines(app) == []
    assert "inte granskat något" in app.info[0].value


def test_a_way_of_working_is_chosen(store: Store, open_screen: OpenScreen) -> None:
    seeding.add_notes(store, 1)
    app = open_screen(NURSE, "review")
    app.segmented_control(key="queue_grouping").set_value(QueueGrouping.CLIENT).run()
    assert not app.exception
    with store.read() as conn:
        assert queue_choice(conn, NURSE) is QueueGrouping.CLIENT


def test_an_entry_is_sought_by_client_and_shown(store: Store, open_screen: OpenScreen) -> None:
    decided, waiting = seeding.add_notes(store, 2)
    seeding.confirm(store, NURSE, decided)
    app = opened(open_screen(NURSE, "review"), "search")
    app.text_input(key="search_name").input("fjällberg")
    app.button(key="search_do").click().run()
    assert not app.exception
    (line,) = lines(app)
    assert "Elsa Fjällberg 19300101-6595" in line
    app.button(key=f"show-{decided}").click().run()
    assert not app.exception
    with store.read() as conn:
        page = load_entry(conn, decided).page
        assert "view_page" in [event.action for event in list_events(conn, page)]
    app.button(key="listed_back").click().run()
    assert app.text_input(key="search_name").value == "fjällberg"
    app.text_input(key="search_name").input("")
    app.text_input(key="search_serial").input(waiting[:8])
    app.button(key="search_do").click().run()
    (line,) = lines(app)
    assert "Elsa" not in line
    app.button(key=f"review-{waiting}").click().run()
    assert app.session_state["entry_id"] == waiting


def test_a_search_that_says_the_unit_only_is_asked_for_more(
    store: Store, open_screen: OpenScreen
) -> None:
    seeding.add_notes(store, 1)
    app = opened(open_screen(NURSE, "review"), "search")
    app.selectbox(key="search_unit").set_value(seeding.UNIT)
    app.button(key="search_do").click().run()
    assert "Fyll i något mer" in app.warning[0].value


@pytest.mark.parametrize(
    ("number", "said"),
    [
        ("300101", "inte helt"),
        ("19300101-6596", "kontrollsiffran"),
        (CLIENTS[1].pid, "Ingen post stämmer"),
    ],
)
def test_a_number_in_which_nothing_is_found_is_doubted_in_words(
    open_screen: OpenScreen, number: str, said: str
) -> None:
    app = opened(open_screen(NURSE, "review"), "search")
    app.text_input(key="search_number").input(number)
    app.button(key="search_do").click().run()
    assert not app.exception
    assert any(said in one.value for one in [*app.warning, *app.info])


def test_two_notes_of_a_day_are_told_apart_by_their_time(
    store: Store, open_screen: OpenScreen
) -> None:
    (entry_id,) = seeding.add_notes(store, 1)
    seeding.confirm(store, NURSE, entry_id)
    app = opened(open_screen(NURSE, "review"), "search")
    app.text_input(key="search_name").input("fjallberg")
    app.button(key="search_do").click().run()
    (line,) = lines(app)
    assert f"{seeding.NOTE['handelsedatum']} {seeding.NOTE['handelsetid']}" in line


def test_what_waits_for_another_person_has_no_button(store: Store, open_screen: OpenScreen) -> None:
    (entry_id,) = seeding.add_notes(store, 1)
    seeding.confirm(store, NURSE, entry_id)
    with store.begin() as conn:
        second = update(paper.entry).where(paper.entry.c.id == entry_id)
        conn.execute(second.values(state=EntryState.SECOND.value))
    app = opened(open_screen(NURSE, "review"), "search")
    app.text_input(key="search_serial").input(entry_id[:8])
    app.button(key="search_do").click().run()
    assert any("Någon annan måste granska" in one.value for one in app.caption)
    assert not [one for one in app.button if (one.key or "").startswith("review-")]


def test_a_corrected_entry_says_which_paper_it_is_and_why_it_was_corrected(
    store: Store, open_screen: OpenScreen
) -> None:
    (entry_id,) = seeding.add_notes(store, 1)
    seeding.confirm(store, NURSE, entry_id)
    with store.begin() as conn:
        revision = load_entry(conn, entry_id).revision
        changed = {"plan": Answer("Ny omläggning på tisdag.")}
        work(Corrections, conn, NURSE, utc_now(), forms=seeding.forms()).correct(
            entry_id, revision, changed, "Fel dag"
        )
    app = opened(open_screen(NURSE, "review"), "search")
    app.text_input(key="search_serial").input(entry_id[:8])
    app.button(key="search_do").click().run()
    app.button(key=f"show-{entry_id}").click().run()
    assert not app.exception
    assert "Rättad. Varför: Fel dag" in app.info[0].value
    heading = app.markdown[0].value
    assert f"{entry_id[:4]}-{entry_id[4:8]}" in heading.replace("\\", "")
