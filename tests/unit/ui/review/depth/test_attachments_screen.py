"""Bilagor: loose pages after a sheet are attached at once, undone, moved, or typed after all."""

from __future__ import annotations

from datetime import timedelta

import pytest
from streamlit.testing.v1 import AppTest

from pipeline.store.database.store import Store
from pipeline.store.entries import queue
from pipeline.store.entries.attached_pages import list_attached_pages
from pipeline.store.entries.entry import load_entry
from pipeline.store.schema.clock import utc_now
from tests.support.screens import seeding
from tests.support.screens.bench import Bench
from tests.support.screens.seeding import NURSE
from tests.support.screens.unusual_paper import add_loose_pages
from tests.unit.ui.conftest import OpenScreen

TEXTS = ("Bostaden HYRESAVI 2021-12-03", "fortsättning", "KVITTO 2021-12-05")


@pytest.fixture(autouse=True)
def seen_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.review.session.MIN_VIEW_TIME", timedelta(0))


@pytest.fixture
def paper(store: Store) -> list[str]:
    """A note's entry and the loose pages after it; the nurse has the note open."""
    (entry_id,) = seeding.add_notes(store, 1)
    found = add_loose_pages(store, entry_id, TEXTS)
    with store.begin() as conn:
        queue.open_claimed_entry(
            conn, seeding.forms(), NURSE, entry_id, queue.ClaimTerms(utc_now())
        )
    return [entry_id, *found]


def opened(open_screen: OpenScreen, entry_id: str) -> AppTest:
    app = open_screen(NURSE, "review")
    bench = Bench(app)
    assert bench.entry == entry_id
    bench.act("open", what="open:attachments")
    return app


def attached(store: Store, entry_id: str) -> list[tuple[str, str]]:
    with store.read() as conn:
        found = list_attached_pages(conn, load_entry(conn, entry_id).sheet)
    return [(one.title, one.day) for one in found]


def test_titles_and_days_are_proposed_and_an_empty_title_repeats_the_one_above(
    store: Store, paper: list[str], open_screen: OpenScreen
) -> None:
    entry_id, *pages = paper
    app = opened(open_screen, entry_id)
    typed = [app.text_input(key=f"att_title-{page}").value for page in pages]
    assert typed == ["Hyresavi", "", "Kvitto"]
    app.button(key="attachments_save").click().run()
    assert attached(store, entry_id) == [
        ("Hyresavi", "2021-12-03"),
        ("Hyresavi", "2021-12-03"),
        ("Kvitto", "2021-12-05"),
    ]


def test_what_is_unticked_stays_loose_and_what_was_attached_can_be_undone(
    store: Store, paper: list[str], open_screen: OpenScreen
) -> None:
    entry_id, *pages = paper
    app = opened(open_screen, entry_id)
    app.checkbox(key=f"att_keep-{pages[1]}").uncheck()
    app.button(key="attachments_save").click().run()
    assert [title for title, _ in attached(store, entry_id)] == ["Hyresavi", "Kvitto"]
    app.button(key="attachments_undo").click().run()
    assert attached(store, entry_id) == []
    assert not app.exception


def test_a_wrong_day_attaches_nothing_and_is_told(
    store: Store, paper: list[str], open_screen: OpenScreen
) -> None:
    entry_id, *pages = paper
    app = opened(open_screen, entry_id)
    app.text_input(key=f"att_day-{pages[2]}").input("31 feb")
    app.button(key="attachments_save").click().run()
    assert attached(store, entry_id) == []
    assert "Bilaga 3: datumet" in app.error[0].value
    assert app.session_state["attachments_wrong_days"] == (1, f"att_day-{pages[2]}")


def test_a_page_moves_to_the_entry_of_a_serial(
    store: Store, paper: list[str], open_screen: OpenScreen
) -> None:
    entry_id, *pages = paper
    (other_id,) = seeding.add_notes(store, 1)
    app = opened(open_screen, entry_id)
    app.button(key="attachments_save").click().run()
    with store.read() as conn:
        serial = str(load_entry(conn, other_id).serial)
    app.text_input(key="attachments_typed").input(serial)
    app.button(key="attachments_search").click().run()
    app.button(key=f"attachments_to-{other_id}").click().run()
    app.button(key=f"att_move-{pages[2]}").click().run()
    assert not app.exception
    assert [title for title, _ in attached(store, other_id)] == ["Kvitto"]
    assert [title for title, _ in attached(store, entry_id)] == ["Hyresavi", "Hyresavi"]
