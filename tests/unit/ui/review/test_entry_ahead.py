"""The entry that comes next is with the browser before it is shown: claimed, its view logged, and
nothing told of it that its turn would not tell.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from pipeline.domain.model import EntryState
from pipeline.domain.review.rules import Answer
from pipeline.store.database.store import Store
from pipeline.store.entries import queue
from pipeline.store.entries.answers import list_answer_drafts
from pipeline.store.entries.entry import load_entry
from pipeline.store.event_log.events import list_events
from pipeline.store.schema.clock import utc_now
from pipeline.store.schema.review import look
from tests.support.screens import seeding
from tests.support.screens.bench import Bench
from tests.support.screens.seeding import CLIENTS, COLLEAGUE, NURSE
from tests.unit.ui.conftest import OpenScreen
from tests.unit.ui.review.test_review_screen import state, type_all
from ui.screens.review.entry_actions import EntryAction, entry_actions
from ui.screens.review.workbench import cards


def looks(store: Store, entry_id: str) -> list[str]:
    """Who has looked at the page of an entry, by the log."""
    with store.read() as conn:
        return [
            event.by
            for event in list_events(conn, load_entry(conn, entry_id).page)
            if event.action == "view_page"
        ]


def give_to_colleague(store: Store, entry_id: str) -> None:
    """The claim has lapsed, and a colleague has opened the entry."""
    with store.begin() as conn:
        queue.release_claim(conn, NURSE, entry_id)
        queue.open_claimed_entry(
            conn, seeding.forms(), COLLEAGUE, entry_id, queue.ClaimTerms(utc_now())
        )


def test_one_entry_is_sent_ahead_and_comes_up_as_it_was(
    store: Store, open_screen: OpenScreen
) -> None:
    first, second, third = sorted(seeding.add_notes(store, 3))
    bench = Bench(open_screen(NURSE, "review"))
    ahead = bench.data["ahead"]
    assert (bench.entry, ahead["entry"], bench.card["canAdvance"]) == (first, second, True)
    with store.read() as conn:
        assert [load_entry(conn, entry_id).claimed_by for entry_id in (first, second, third)] == [
            NURSE.login,
            NURSE.login,
            None,
        ]
    type_all(bench).save(advanced=second)
    assert bench.entry == second
    assert [field["value"] for field in bench.card["fields"]] == [
        field["value"] for field in ahead["fields"]
    ]
    assert bench.data["ahead"]["entry"] == third


def test_only_what_is_on_the_screen_and_what_is_next_is_remembered(
    store: Store, open_screen: OpenScreen
) -> None:
    """What was sent ahead and never opened was kept until the logout."""
    first, second, third = sorted(seeding.add_notes(store, 3))
    app = open_screen(NURSE, "review")
    bench, state_of_bench = Bench(app), app.session_state["workbench_state"]
    assert set(state_of_bench.held) == {first, second}
    give_to_colleague(store, second)
    type_all(bench).save(advanced=second)
    assert set(state_of_bench.held) == {third}


def test_what_an_entry_allows_is_asked_once(
    store: Store, open_screen: OpenScreen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was asked of the store at each draft."""
    asked = list[str]()

    def ask(*given: Any) -> list[EntryAction]:  # noqa: ANN401
        asked.append(given[2].entry.id)
        return entry_actions(*given)

    monkeypatch.setattr(cards, "entry_actions", ask)
    first, second, third = sorted(seeding.add_notes(store, 3))
    bench = Bench(open_screen(NURSE, "review"))
    for text in ("0", "09", "09:4"):
        bench.type("handelsetid", text).act("draft")
    assert asked == [first, second]
    type_all(bench).save(advanced=second)
    assert (bench.entry, asked) == (second, [first, second, third])


def test_its_view_is_logged_when_it_is_sent_and_not_again_when_it_is_shown(
    store: Store, open_screen: OpenScreen
) -> None:
    first, second, third = sorted(seeding.add_notes(store, 3))
    bench = Bench(open_screen(NURSE, "review"))
    assert [looks(store, entry_id) for entry_id in (first, second, third)] == [
        [NURSE.login],
        [NURSE.login],
        [],
    ]
    type_all(bench).save()
    assert bench.entry == second
    assert looks(store, second) == [NURSE.login]


def test_what_is_not_saved_lets_the_entry_stay(store: Store, open_screen: OpenScreen) -> None:
    """Also when the browser has shown the next one already."""
    first, second = sorted(seeding.add_notes(store, 2))
    bench = Bench(open_screen(NURSE, "review")).save(advanced=second)
    assert (bench.entry, bench.card["attempt"]) == (first, 1)
    assert bench.data["ahead"]["entry"] == second


def test_an_entry_that_another_has_meanwhile_is_not_shown_after_a_save(
    store: Store, open_screen: OpenScreen
) -> None:
    _, second, third = sorted(seeding.add_notes(store, 3))
    bench = Bench(open_screen(NURSE, "review"))
    give_to_colleague(store, second)
    type_all(bench).save(advanced=second)
    assert bench.entry == third


def test_what_is_typed_of_an_entry_that_another_has_is_refused(
    store: Store, open_screen: OpenScreen
) -> None:
    _, second, _ = sorted(seeding.add_notes(store, 3))
    bench = Bench(open_screen(NURSE, "review"))
    give_to_colleague(store, second)
    bench.act("draft", entry=second, values={"handelsetid": "09:4"})
    bench.act("save", entry=second, values={"handelsetid": "09:40"})
    with store.read() as conn:
        assert list_answer_drafts(conn, second, NURSE.login) == {}
        assert load_entry(conn, second).claimed_by == COLLEAGUE.login
    assert state(store, second) is EntryState.REVIEW


def test_what_is_typed_in_it_before_its_turn_is_kept(store: Store, open_screen: OpenScreen) -> None:
    """The browser shows it while the save of the one before is under way."""
    _, second = sorted(seeding.add_notes(store, 2))
    bench = Bench(open_screen(NURSE, "review"))
    bench.act("draft", entry=second, values={"handelsetid": "09:4"})
    with store.read() as conn:
        assert list_answer_drafts(conn, second, NURSE.login) == {"handelsetid": Answer("09:4")}
    type_all(bench).save(advanced=second)
    assert (bench.entry, bench.value("handelsetid")) == (second, "09:4")


def test_only_the_time_that_it_was_on_the_screen_counts(
    store: Store, open_screen: OpenScreen
) -> None:
    """Not the time since it was sent."""
    _, second = sorted(seeding.add_notes(store, 2))
    bench = Bench(open_screen(NURSE, "review"))
    type_all(bench).save()
    bench.app.session_state["workbench_state"].held[second].shown_at -= timedelta(minutes=2)
    type_all(bench).save(seen=2000)
    with store.read() as conn:
        row = look.c
        seconds = conn.execute(select(row.seconds).where(row.entry == second)).scalar_one()
    assert 2 <= seconds < 60


def test_blind_fields_of_it_are_not_sent(store: Store, open_screen: OpenScreen) -> None:
    seeding.add_notes(store, 1)
    read = {"personnummer": "193001017072", "handelsedatum": "2021-12-19", "handelsetid": "17:53"}
    seeding.add_notes(store, 1, **read)
    bench = Bench(open_screen(NURSE, "review"))
    assert bench.data["ahead"] is not None
    assert [value for value in (*read.values(), "19300101-7072") if value in bench.sent()] == []


def test_a_row_is_not_sent_ahead_while_the_head_of_its_sheet_is_asked(
    store: Store, open_screen: OpenScreen
) -> None:
    """What is typed of the head will be in it."""
    serial = seeding.add_visits(store, (1, 2, 3))
    bench = Bench(open_screen(NURSE, "review")).act("open", what="open:single")
    assert (bench.entry, bench.data["ahead"]) == (f"{serial}-01", None)
    assert bench.card["canAdvance"] is False
    bench.type("datum", "2021-12-18").type("rad01.personnummer", CLIENTS[1].pid)
    bench.type("rad01.start", "01:30").type("rad01.slut", "-").save()
    assert bench.entry == f"{serial}-02"
    assert (bench.value("datum"), "datum" in bench.card["head"]) == ("2021-12-18", True)
    assert bench.data["ahead"]["entry"] == f"{serial}-03"


def test_what_is_ahead_of_one_is_not_given_to_another(
    store: Store, open_screen: OpenScreen
) -> None:
    third = sorted(seeding.add_notes(store, 3))[2]
    open_screen(NURSE, "review")
    assert Bench(open_screen(COLLEAGUE, "review")).entry == third
