"""Dela sidan and Rader utan avvikelse on the screen: what is saved, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from pipeline.domain.form.form import Depth
from pipeline.domain.model import EntryState
from pipeline.domain.review.rules import Answer
from pipeline.review import rows as review_rows
from pipeline.review.decisions import Decision, decide_entry
from pipeline.review.rows import SeenRow, SheetRow, confirm_rows, list_rows
from pipeline.review.session import save_draft
from pipeline.store.database.store import Store
from pipeline.store.entries.entry import list_sheet_entries, load_entry
from pipeline.store.entries.entry_depth import set_unit_depth
from pipeline.store.entries.entry_view import load_entry_view
from pipeline.store.entries.queue import ClaimTerms
from pipeline.store.schema.clock import utc_now
from pipeline.store.schema.review import page_area
from tests.support.screens import seeding
from tests.support.screens.bench import Bench
from tests.support.screens.seeding import MANAGER, NURSE, OTHER_UNIT
from tests.support.screens.unusual_paper import add_free_page
from tests.unit.ui.conftest import OpenScreen


@pytest.fixture(autouse=True)
def seen_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.review.session.MIN_VIEW_TIME", timedelta(0))
    monkeypatch.setattr(review_rows, "MIN_SHEET_VIEW_TIME", timedelta(0))


BOARD = "Mån 20/12\nElsa F: läkare kl 10\nGunnar Å: ring apoteket"
PARTS = ([0.1, 0.1, 0.8, 0.3], [0.1, 0.5, 0.8, 0.3])


def test_a_page_is_split_once_the_rest_of_it_is_said_to_be_nothing(
    store: Store, open_screen: OpenScreen
) -> None:
    entry_id = add_free_page(store, "Elsa sov. Gunnar föll.")
    page = entry_id.rpartition("-")[0]
    bench = Bench(open_screen(NURSE, "review"))
    assert bench.entry == entry_id  # nothing says that it is about several clients
    bench.act("open", what="open:split")
    bench.save()
    assert "Ingen del" in bench.card["warning"]
    for part in (PARTS[0], [0.0, 0.0, 0.5, 0.5], PARTS[1], [0.9, 0.9, 0.005, 0.4]):
        bench.act("draw", box=part)
    assert [field["label"] for field in bench.card["fields"]] == ["Del 1", "Del 2", "Del 3"]
    first, second, third = bench.names
    bench.tick(second, ticked=False).act("draft")
    assert bench.names == [first, third]
    bench.save()
    assert "Bocka i" in bench.card["warning"]
    assert bench.card["focus"] == ":look"
    bench.save(looked=True)
    with store.read() as conn:
        query = select(page_area.c.y, page_area.c.image_sha256).order_by(page_area.c.row)
        parts = conn.execute(query).all()
        rows = [entry.row for entry in list_sheet_entries(conn, page)]
    assert rows == [1, 2]
    assert [part.y for part in parts] == [0.1, 0.5]
    assert len({part.image_sha256 for part in parts} - {""}) == 1  # the page is plain grey
    assert bench.entry == f"{page}-01"
    bench.act("open", what="open:join")
    with store.read() as conn:
        assert [entry.row for entry in list_sheet_entries(conn, page)] == [None]


def test_a_whiteboard_comes_up_to_be_split_unless_it_is_left(
    store: Store, open_screen: OpenScreen
) -> None:
    entry_id = add_free_page(store, BOARD)
    bench = Bench(open_screen(NURSE, "review"))
    assert bench.entry == f"split:{entry_id.rpartition('-')[0]}"
    assert bench.card["draws"]
    assert bench.card["focus"] == ":sheet"
    bench.act("skip")
    assert bench.entry == entry_id
    bench.act("draft")
    assert bench.entry == entry_id


def test_a_row_is_confirmed_once_what_is_not_sure_is_typed_in_it(
    store: Store, open_screen: OpenScreen
) -> None:
    entry_id = f"{seeding.add_visits(store, (1, 2))}-01"
    with store.begin() as conn:
        form = load_entry(conn, entry_id).form
        set_unit_depth(
            conn, seeding.forms(), MANAGER, OTHER_UNIT, form, Depth.DEVIATIONS, utc_now()
        )
    app = open_screen(NURSE, "review")
    bench = Bench(app)
    assert bench.entry == entry_id
    bench.act("open", what="open:rows")
    assert app.checkbox(key=f"row_keep-{entry_id}").value
    # The head is asked once, a field of the row in it.
    asked = [one.key for one in app.text_input if one.key and one.key.startswith("f-")]
    assert sum(key.endswith("-datum") for key in asked) <= 1
    assert any("rad01" in key for key in asked)
    app.button(key="rows_save").click().run()
    assert not app.exception
    with store.read() as conn:
        assert load_entry(conn, entry_id).state is EntryState.REVIEW


def test_rows_confirmed_together_are_taken_back_together_and_can_be_saved_again(
    store: Store, open_screen: OpenScreen
) -> None:
    names = {f"rad{row:02d}.namn": "Gunnar" for row in (1, 2)}
    serial = seeding.add_visits(store, (1, 2), names, p=0.9995)
    ids = [f"{serial}-{row:02d}" for row in (1, 2)]
    with store.begin() as conn:
        rows = list_rows(conn, seeding.forms(), NURSE, serial, utc_now())
        seen = [
            SeenRow(row.entry.id, 0, {name: Answer("0830") for name in row.deviations})
            for row in rows
            if row.entry.id in ids
        ]
        assert confirm_rows(conn, seeding.forms(), NURSE, seen, utc_now()) == ids
    app = open_screen(NURSE, "review")
    app.button(key="undo-").click().run()
    assert "tillbaka: 2" in Bench(app).card["warning"]
    with store.begin() as conn:
        assert {load_entry(conn, one).state for one in ids} == {EntryState.REVIEW}
        view = load_entry_view(conn, seeding.forms(), NURSE, ids[0])
        asked = {field.spec.name: field.draft for field in view.fields if field.is_open}
        assert "rad01.namn" not in asked
        given = {name: draft for name, draft in asked.items() if draft is not None}
        decide_entry(conn, seeding.forms(), NURSE, Decision(ids[0], 2, given), utc_now())


def test_a_row_that_is_blank_is_not_offered_and_is_closed_in_one_step(
    store: Store, open_screen: OpenScreen, monkeypatch: pytest.MonkeyPatch
) -> None:
    serial = seeding.add_visits(store, (1, 2))
    sheet_rows = list_rows

    def with_blank(*given: object) -> list[SheetRow]:
        first, second, *others = sheet_rows(*given)  # type: ignore[arg-type]
        return [first, replace(second, looks_blank=True), *others]

    monkeypatch.setattr(review_rows, "list_rows", with_blank)
    with store.begin() as conn:
        first = load_entry(conn, f"{serial}-01")
        save_draft(conn, NURSE, first.id, {"datum": Answer("2021-12-18")}, ClaimTerms(utc_now()))
    app = open_screen(NURSE, "review")
    Bench(app).act("open", what="open:rows")
    # What was typed of the head in the first row is there
    days = [one.value for one in app.text_input if (one.key or "").endswith("-datum")]
    assert days == ["2021-12-18"]
    assert f"row_keep-{serial}-02" not in {one.key for one in app.checkbox}
    monkeypatch.setattr(review_rows, "list_rows", sheet_rows)
    app.button(key="rows_close_blank").click().run()
    assert not app.exception
    with store.read() as conn:
        assert load_entry(conn, f"{serial}-02").state is EntryState.REJECTED
    app.button(key="rows_back").click().run()
    Bench(app).act("undo")
    with store.read() as conn:
        assert load_entry(conn, f"{serial}-02").state is EntryState.REVIEW
