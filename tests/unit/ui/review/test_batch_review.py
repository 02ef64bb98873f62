"""The group way on the screen, without a browser: what is shown, left, taken back, switched off,
and folded on the sheet.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from pipeline.domain.model import EntryState, State
from pipeline.domain.review.rules import Answer
from pipeline.review.batch_candidates import MAX_BATCH_SIZE
from pipeline.review.batches import BatchReview, ReviewBatch
from pipeline.store.database.store import Store
from pipeline.store.entries import queue as entries_queue
from pipeline.store.entries.answers import AnswerOrigin, decided_answers
from pipeline.store.entries.entry import load_entry
from pipeline.store.event_log.events import list_events
from pipeline.store.review.batch_items import set_batch_review
from pipeline.store.schema.clock import utc_now
from pipeline.store.schema.review import group_cell, group_task
from tests.support.screens import seeding
from tests.support.screens.bench import Bench
from tests.support.screens.seeding import CLIENTS, COLLEAGUE, MANAGER, NURSE, OTHER_UNIT
from tests.support.store.work import work
from tests.unit.ui.conftest import OpenScreen

ODD = "rad02.dusch"


@pytest.fixture
def entries(store: Store) -> list[str]:
    """Three full visit lists; on the first one a box is read as a cross that is none."""
    return seeding.add_visit_lists(store, 3, ODD)


def open_group(store: Store) -> ReviewBatch:
    """The group that the nurse has on the screen."""
    with store.begin() as conn:
        found = work(BatchReview, conn, NURSE, utc_now(), seeding.forms()).claim(lambda *_: None)
    assert found is not None
    return found


def confirm_all(store: Store, odd: str = "") -> None:
    """Confirm every group there is; the shower of the entry `odd` is marked."""
    while True:
        with store.begin() as conn:
            group = work(BatchReview, conn, NURSE, utc_now(), seeding.forms()).claim(
                lambda *_: None, 1
            )
            if group is None:
                return
            marks = {
                cell.id: cell.spec.column == "dusch" and cell.entry == odd for cell in group.items
            }
            work(
                BatchReview, conn, NURSE, utc_now() + timedelta(seconds=2), seeding.forms()
            ).confirm(group.id, marks, utc_now())


def first_of(store: Store) -> str:
    """The entry that comes first, which is of a first row."""
    with store.read() as conn:
        return entries_queue.peek_queue(conn, NURSE, utc_now(), 1)[0].id


def type_row(bench: Bench) -> Bench:
    """Answer what is keyed blind in a row."""
    row = int(bench.entry[-2:])
    bench.type("datum", "2021-12-18").type(f"rad{row:02d}.personnummer", CLIENTS[1].pid)
    return bench.type(f"rad{row:02d}.start", f"0{row}:30").type(f"rad{row:02d}.slut", "-")


def test_alike_pieces_come_as_a_group_and_each_page_is_a_look(
    store: Store, open_screen: OpenScreen, entries: list[str]
) -> None:
    app = open_screen(NURSE, "review")
    assert not app.exception
    group = open_group(store)
    assert group.answer.state is State.EMPTY
    assert Bench(app).card["title"] == f"{group.spec.full_label}: alla rutor lästes som tomma"
    assert len(group.items) == min(len(entries), MAX_BATCH_SIZE)
    with store.read() as conn:
        looks = [
            event
            for page in {cell.page.id for cell in group.items}
            for event in list_events(conn, page)
            if event.action == "view_page"
        ]
    assert len(looks) == 3
    app.run()
    with store.read() as conn:
        again = [
            event
            for page in {cell.page.id for cell in group.items}
            for event in list_events(conn, page)
            if event.action == "view_page"
        ]
    assert len(again) == 3


def test_neither_the_client_nor_a_number_is_in_a_group(
    open_screen: OpenScreen, entries: list[str]
) -> None:
    assert entries
    bench = Bench(open_screen(NURSE, "review"))
    assert bench.entry.startswith("batch:")
    assert CLIENTS[1].pid not in bench.sent()


def test_a_group_that_is_skipped_goes_back_and_the_sheets_come(
    store: Store, open_screen: OpenScreen, entries: list[str]
) -> None:
    bench = Bench(open_screen(NURSE, "review"))
    first = bench.names[0]
    bench.tick(first, ticked=True).act("skip")
    assert "Besöks- och insatslista" in bench.card["title"]
    with store.read() as conn:
        query = select(group_cell.c.id).where(group_cell.c.marked)
        assert [str(item) for item in conn.execute(query).scalars()] == [first]
    with store.begin() as conn:
        other = work(BatchReview, conn, COLLEAGUE, utc_now(), seeding.forms()).claim(
            lambda *_: None
        )
    assert other is not None
    # The sheet that is open, and the one that comes next, are not offered.
    assert len(other.items) >= min(len(entries) - 2, MAX_BATCH_SIZE)


def test_a_mark_that_comes_after_its_group_was_skipped_is_no_fault(
    open_screen: OpenScreen, entries: list[str]
) -> None:
    bench = Bench(open_screen(NURSE, "review"))
    marks = {bench.names[0]: True}
    group = bench.entry
    bench.act("skip").act("draft", entry=group, values=marks)
    assert bench.entry in entries
    assert bench.card["warning"] == ""


def test_the_others_are_confirmed_and_what_another_window_marked_stays_odd(
    store: Store, open_screen: OpenScreen, entries: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.review.batches.MIN_BATCH_VIEW_TIME", timedelta(0))
    bench = Bench(open_screen(NURSE, "review"))
    group = open_group(store)
    assert len(bench.names) == min(len(entries), MAX_BATCH_SIZE)
    with store.begin() as conn:
        work(BatchReview, conn, NURSE, utc_now()).mark(group.id, {group.items[1].id: True})
    bench.tick(bench.names[0], ticked=True).save()
    with store.read() as conn:
        query = select(group_cell.c.outcome).where(group_cell.c.task == group.id)
        outcomes = list(conn.execute(query.order_by(group_cell.c.id)).scalars())
    assert outcomes == ["odd", "odd", *["kept"] * (len(outcomes) - 2)]
    assert bench.entry != f"batch:{group.id}"
    assert bench.data["undo"]


def test_a_group_is_not_confirmed_before_it_can_have_been_seen(
    open_screen: OpenScreen, entries: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.review.batches.MIN_BATCH_VIEW_TIME", timedelta(minutes=1))
    bench = Bench(open_screen(NURSE, "review"))
    assert entries
    shown = bench.entry
    assert bench.save().entry == shown


def test_a_group_is_taken_back_although_the_one_on_the_screen_was_left_too_long(
    store: Store, open_screen: OpenScreen, entries: list[str]
) -> None:
    assert entries
    first = open_group(store)
    with store.begin() as conn:
        work(BatchReview, conn, NURSE, utc_now() + timedelta(seconds=2), seeding.forms()).confirm(
            first.id, {}, utc_now()
        )
    app = open_screen(NURSE, "review")
    app.session_state["group_to_undo"] = True
    app.run()
    shown = open_group(store)
    assert shown.id != first.id
    with store.begin() as conn:
        conn.execute(
            update(group_task)
            .where(group_task.c.id == shown.id)
            .values(claimed_until=utc_now() - timedelta(minutes=1))
        )
    bench = Bench(app).act("undo")
    assert len(first.items) > 1
    assert f"{len(first.items)} " in bench.card["warning"]
    assert len(bench.names) == len(first.items)
    with store.begin() as conn:
        assert work(BatchReview, conn, NURSE, utc_now()).undo() == 0


def test_what_groups_have_confirmed_and_what_is_surely_read_stands_folded(
    store: Store, open_screen: OpenScreen, entries: list[str]
) -> None:
    confirm_all(store)
    first = first_of(store)
    assert first in entries
    bench = Bench(open_screen(NURSE, "review"))
    assert bench.entry == first
    assert "Bekräftat i grupp:" in [group["title"] for group in bench.card["folded"]]
    assert "rad01.dusch" not in bench.names
    bench.act("unfold")
    assert bench.chosen("rad01.dusch") == bench.options("rad01.dusch")[0]
    assert (bench.card["folded"], bench.card["unfold"]) == ([], "")


def test_a_folded_row_is_saved_with_what_the_group_said(
    store: Store, open_screen: OpenScreen, entries: list[str]
) -> None:
    confirm_all(store)
    first = first_of(store)
    assert first in entries
    type_row(Bench(open_screen(COLLEAGUE, "review"))).save()
    with store.read() as conn:
        assert load_entry(conn, first).state is EntryState.CONFIRMED
        said = decided_answers(conn, first)
    assert (said["rad01.dusch"].answer, said["rad01.dusch"].origin) == (
        Answer(True),
        AnswerOrigin.BATCH,
    )


def test_what_is_surely_read_is_folded_without_a_group_and_kept_by_saving(
    store: Store, open_screen: OpenScreen
) -> None:
    (first, *_) = seeding.add_visit_lists(store, 1)
    with store.begin() as conn:
        set_batch_review(conn, MANAGER, OTHER_UNIT, utc_now(), on=False)
    bench = Bench(open_screen(NURSE, "review"))
    assert [group["title"] for group in bench.card["folded"]] == ["Säkert läst. Jämför med bilden:"]
    type_row(bench).save()
    with store.read() as conn:
        said = decided_answers(conn, first)
    assert (said["rad01.dusch"].answer, said["rad01.dusch"].origin) == (
        Answer(True),
        AnswerOrigin.ACCEPTED,
    )
    assert (said["rad01.tvatt"].answer, said["rad01.tvatt"].origin) == (
        Answer(False, State.EMPTY),
        AnswerOrigin.ACCEPTED,
    )


def test_what_was_odd_is_asked_for_and_not_shown(
    store: Store, open_screen: OpenScreen, entries: list[str]
) -> None:
    first = first_of(store)
    assert first in entries
    confirm_all(store, first)
    bench = Bench(open_screen(NURSE, "review"))
    assert bench.chosen("rad01.dusch") is None
    type_row(bench).save()
    with store.read() as conn:
        assert load_entry(conn, first).state is EntryState.REVIEW
    bench.choose("rad01.dusch", bench.options("rad01.dusch")[-2]).save()
    with store.read() as conn:
        assert decided_answers(conn, first)["rad01.dusch"].answer == Answer(False, State.EMPTY)


def test_the_manager_of_the_unit_switches_groups_off(
    open_screen: OpenScreen, entries: list[str]
) -> None:
    queue = open_screen(MANAGER, "queue")
    queue.toggle(key=f"groups-{OTHER_UNIT}").set_value(False).run()
    assert not queue.exception
    bench = Bench(open_screen(NURSE, "review"))
    assert bench.entry in entries
    assert "Säkert läst. Jämför med bilden:" in [group["title"] for group in bench.card["folded"]]


def test_class_a_is_worked_sheet_by_sheet_though_pieces_are_alike(
    store: Store, open_screen: OpenScreen, entries: list[str]
) -> None:
    note = seeding.add_notes(store, 1)[0]
    assert Bench(open_screen(NURSE, "review")).entry == note
    assert entries
