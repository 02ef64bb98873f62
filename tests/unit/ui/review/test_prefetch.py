"""The entry that comes next: claimed, its form drawn unseen without keys, and nothing told of it
that its turn would not tell.
"""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from pipeline.domain.form.field import Kind
from pipeline.domain.model import Person
from pipeline.store.database.clock import utc_now
from pipeline.store.database.store import Store
from pipeline.store.entries import queue
from pipeline.store.entries.entry import load_entry
from pipeline.store.entries.entry_view import EntryView
from pipeline.store.event_log.events import list_events
from tests.support.screens import seeding
from tests.support.screens.seeding import COLLEAGUE, NURSE, UNIT
from tests.unit.ui.conftest import OpenScreen
from tests.unit.ui.review.test_review_screen import everything_sent, key, save, type_all
from ui.browser.image_cache import crop_html
from ui.screens.review import prefetch, screen
from ui.workspace import AppContext


def shortcut(app: AppTest, entry_id: str) -> str:
    """The key of an entry's button "Spara och nästa"."""
    return str(app.button(key=f"save-{entry_id}-0").proto.shortcut)


def test_the_next_form_is_drawn_without_keys_and_comes_into_sight_as_it_is(
    store: Store, open_screen: OpenScreen
) -> None:
    first, second, third = sorted(seeding.add_notes(store, 3))
    app = open_screen(NURSE, "review")
    assert app.session_state["entry_id"] == first
    assert (shortcut(app, first), shortcut(app, second)) == ("ctrl+enter", "")
    with store.read() as conn:
        assert [load_entry(conn, entry_id).claimed_by for entry_id in (first, second, third)] == [
            NURSE.login,
            NURSE.login,
            None,
        ]
    type_all(app, first)
    save(app, first)
    assert app.session_state["entry_id"] == second
    assert (shortcut(app, second), shortcut(app, third)) == ("ctrl+enter", "")
    assert app.text_input(key=key(second, "personnummer")).value == ""


def test_a_look_is_recorded_when_the_entry_is_seen_and_not_before(
    store: Store, open_screen: OpenScreen
) -> None:
    first, second = sorted(seeding.add_notes(store, 2))
    open_screen(NURSE, "review")
    assert [looks(store, entry_id) for entry_id in (first, second)] == [[NURSE.login], []]


def looks(store: Store, entry_id: str) -> list[str]:
    """Who has looked at the page of an entry, by the log."""
    with store.read() as conn:
        return [
            event.by
            for event in list_events(conn, load_entry(conn, entry_id).page)
            if event.action == "view_page"
        ]


def test_the_next_entry_comes_into_sight_before_anything_is_drawn_and_its_look_is_in_the_log_once(
    store: Store, open_screen: OpenScreen
) -> None:
    first, second = sorted(seeding.add_notes(store, 2))
    app = open_screen(NURSE, "review")
    seen = app.session_state["form_slot_seen"]
    order: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        sent, asked = prefetch.reveal_slot, screen._current_view

        def bring(slot: str) -> None:
            order.append(f"sight {looks(store, second)}")
            sent(slot)

        def current(here: AppContext, person: Person) -> EntryView | None:
            order.append("drawn")
            return asked(here, person)

        patch.setattr(prefetch, "reveal_slot", bring)
        patch.setattr(screen, "_current_view", current)
        type_all(app, first)
        save(app, first)
    assert order[-2:] == [f"sight {[NURSE.login]}", "drawn"]
    assert app.session_state["form_slot_seen"] != seen
    assert app.session_state["entry_id"] == second
    assert looks(store, second) == [NURSE.login]


def test_what_is_not_saved_brings_nothing_into_sight(store: Store, open_screen: OpenScreen) -> None:
    first, second = sorted(seeding.add_notes(store, 2))
    app = open_screen(NURSE, "review")
    seen = app.session_state["form_slot_seen"]
    save(app, first)
    assert app.session_state["entry_id"] == first
    assert app.session_state["form_slot_seen"] == seen
    assert looks(store, second) == []


def test_an_entry_that_another_has_meanwhile_does_not_come_into_sight(
    store: Store, open_screen: OpenScreen
) -> None:
    first, second, third = sorted(seeding.add_notes(store, 3))
    app = open_screen(NURSE, "review")
    with store.begin() as conn:
        queue.release_claim(conn, NURSE, second)
        queue.open_claimed_entry(conn, seeding.forms(), COLLEAGUE, second, utc_now())
    type_all(app, first)
    save(app, first)
    assert app.session_state["entry_id"] == third
    assert looks(store, second) == []


def test_blind_fields_of_the_next_entry_are_not_sent_either(
    store: Store, open_screen: OpenScreen
) -> None:
    seeding.add_notes(store, 1)
    seeding.add_notes(
        store, 1, personnummer="193001017072", handelsedatum="2021-12-19", handelsetid="17:53"
    )
    app = open_screen(NURSE, "review")
    assert [
        value
        for value in ("193001017072", "19300101-7072", "2021-12-19", "17:53")
        if value in everything_sent(app)
    ] == []


def test_another_row_of_the_same_sheet_is_not_drawn_ahead_since_its_head_will_be_known(
    store: Store, open_screen: OpenScreen
) -> None:
    serial = seeding.add_visits(store, (1, 2))
    app = open_screen(NURSE, "review")
    assert app.session_state["entry_id"] == f"{serial}-01"
    assert [
        button.key for button in app.button if str(button.key).startswith(f"save-{serial}-02")
    ] == []


def test_what_is_ahead_of_one_is_not_given_to_another(
    store: Store, open_screen: OpenScreen
) -> None:
    third = sorted(seeding.add_notes(store, 3))[2]
    open_screen(NURSE, "review")
    assert open_screen(COLLEAGUE, "review").session_state["entry_id"] == third


def test_a_cut_out_shows_its_place_of_the_page() -> None:
    form = seeding.forms()["hsl-anteckning", 1]
    spec = next(spec for spec in form.fields if spec.kind is Kind.DIGITS)
    html = crop_html("abc", spec.box, (210, 297), "Bild <1>")
    assert "var(--ef-pic-abc)" in html
    assert "Bild &lt;1&gt;" in html
    assert UNIT not in html
    # 66 × 8 mm at 15, 46 with a millimetre around: 210 / 68 and 297 / 10 as large, 14 / (210 − 68)
    # and 45 / (297 − 10) of the way.
    assert "background-size:308.82% 2970.00%;background-position:9.859% 15.679%" in html
