"""Granska when something else happens meanwhile: where another person has acted, the entry on the
screen gives way to the next with a warning; an act that another run interrupts is done later.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from streamlit.runtime.scriptrunner import StopException

from pipeline.domain.model import EntryState
from pipeline.review.transfers import Transfers
from pipeline.store.accounts import people
from pipeline.store.database.store import Store
from pipeline.store.entries import queue
from pipeline.store.entries.answers import list_answer_drafts
from pipeline.store.entries.entry import Entry, load_entry
from pipeline.store.schema.clock import utc_now
from tests.support.screens import seeding
from tests.support.screens.bench import Bench
from tests.support.screens.seeding import ADMINISTRATOR, COLLEAGUE, NURSE, OTHER_UNIT, UNIT
from tests.support.store.work import work
from tests.unit.ui.conftest import OpenScreen
from tests.unit.ui.review.test_review_screen import type_all
from ui.screens.review.workbench import acts

HERE = replace(NURSE, units=frozenset({UNIT}))


def found(store: Store, entry_id: str) -> Entry:
    with store.read() as conn:
        return load_entry(conn, entry_id)


def give_to_colleague(store: Store, entry_id: str) -> None:
    """The claim has lapsed, and a colleague has opened the entry."""
    with store.begin() as conn:
        queue.release_claim(conn, NURSE, entry_id)
        queue.open_claimed_entry(
            conn, seeding.forms(), COLLEAGUE, entry_id, queue.ClaimTerms(utc_now())
        )


def test_an_entry_that_a_colleague_has_taken_meanwhile_gives_way_to_the_next(
    store: Store, open_screen: OpenScreen
) -> None:
    seeding.add_notes(store, 2)
    app = open_screen(NURSE, "review")
    taken = str(app.session_state["entry_id"])
    give_to_colleague(store, taken)
    app.run()
    assert app.session_state["entry_id"] not in (None, taken)
    assert Bench(app).is_up
    assert "Här är nästa" in Bench(app).card["warning"]


def test_what_was_saved_in_another_window_is_not_shown_to_the_same_person_for_the_second_look(
    store: Store, open_screen: OpenScreen
) -> None:
    entry_id = seeding.add_notes(store, 1, handelsetid="09:46")[0]
    app = open_screen(NURSE, "review")
    seeding.confirm(store, NURSE, entry_id)
    assert found(store, entry_id).state is EntryState.SECOND
    app.run()
    assert app.session_state["entry_id"] is None


def test_looking_up_what_a_colleague_has_open_leaves_the_screen_usable(
    store: Store, open_screen: OpenScreen
) -> None:
    first, second = seeding.add_notes(store, 2)
    app = open_screen(NURSE, "review")
    other = first if app.session_state["entry_id"] == second else second
    give_to_colleague(store, other)
    app.button(key="lookup_open").click().run()
    app.text_input(key="lookup_typed").input(other.partition("-")[0])
    app.button(key="lookup_search").click().run()
    app.button(key=f"lookup_review-{other}").click().run()
    assert Bench(app).is_up


def test_an_entry_that_was_sent_to_another_unit_meanwhile_gives_way_to_the_next(
    store: Store, open_screen: OpenScreen
) -> None:
    seeding.add_notes(store, 2)
    with store.begin() as conn:
        people.save_person(conn, HERE, None)
    app = open_screen(HERE, "review")
    sent = str(app.session_state["entry_id"])
    with store.begin() as conn:  # the claim has lapsed
        queue.release_claim(conn, HERE, sent)
        work(Transfers, conn, ADMINISTRATOR, utc_now(), forms=seeding.forms()).send(
            sent, found(store, sent).revision, OTHER_UNIT, ""
        )
    app.run()
    assert app.session_state["entry_id"] not in (None, sent)
    assert Bench(app).is_up


@pytest.mark.parametrize("goes_on", [True, False], ids=["has gone on", "is on the screen"])
def test_a_draft_of_a_decided_entry_is_told_of_unless_the_person_has_gone_on(
    store: Store, open_screen: OpenScreen, goes_on: bool
) -> None:
    """It may arrive late from a busy server; nothing is lost then."""
    seeding.add_notes(store, 2)
    bench = Bench(open_screen(NURSE, "review"))
    decided = bench.entry
    if goes_on:
        bench.act("skip")
    seeding.confirm(store, NURSE, decided)
    bench.act("draft", entry=decided, values={"handelsetid": "09:4"})
    assert (bench.card["warning"] == "") is goes_on
    assert bench.entry != decided


def break_off(monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """Let the first act be broken off at this step, as by a press on a button elsewhere."""
    real, times = getattr(acts, step), iter([True])

    def broken(*given: object) -> object:
        if next(times, False):
            raise StopException
        return real(*given)

    monkeypatch.setattr(acts, step, broken)


def test_a_draft_that_another_run_breaks_off_is_kept_when_it_is_sent_again(
    store: Store, open_screen: OpenScreen, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry_id = seeding.add_notes(store, 1)[0]
    bench = Bench(open_screen(NURSE, "review"))
    break_off(monkeypatch, "_open_view")
    bench.type("handelsetid", "09:46").act("draft").app.run()
    assert (drafted(store, entry_id), bench.data["heard"]) == ([], 0)
    bench.act("draft", again=True)
    assert (drafted(store, entry_id), bench.data["heard"]) == (["handelsetid"], 1)


def drafted(store: Store, entry_id: str) -> list[str]:
    """The fields whose draft is stored."""
    with store.read() as conn:
        return list(list_answer_drafts(conn, entry_id, NURSE.login))


@pytest.mark.parametrize(
    ("step", "decided"), [("_open_view", EntryState.REVIEW), ("_after_save", EntryState.CONFIRMED)]
)
def test_a_save_that_another_run_breaks_off_is_done_once(
    step: str,
    decided: EntryState,
    store: Store,
    open_screen: OpenScreen,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seeding.add_notes(store, 2)
    bench = Bench(open_screen(NURSE, "review"))
    entry_id = bench.entry
    break_off(monkeypatch, step)
    type_all(bench).save().app.run()
    assert found(store, entry_id).state is decided
    assert bench.data["heard"] == (1 if decided is EntryState.CONFIRMED else 0)
