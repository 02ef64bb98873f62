"""Dela sidan, and the rows of a list at the workbench: what is saved, and what is refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from pipeline.domain.model import EntryState
from pipeline.domain.review.rules import Answer
from pipeline.review import rows as review_rows
from pipeline.review.decisions import Decision, decide_entry
from pipeline.review.rows import RowReview, SeenRow, SheetRow, confirm_rows, list_rows
from pipeline.review.session import save_draft
from pipeline.store.database.store import Store
from pipeline.store.entries.entry import list_sheet_entries, load_entry
from pipeline.store.entries.entry_view import load_entry_view
from pipeline.store.entries.queue import ClaimTerms
from pipeline.store.schema.clock import utc_now
from pipeline.store.schema.review import page_area
from tests.support.screens import seeding
from tests.support.screens.bench import Bench
from tests.support.screens.seeding import CLIENTS, NURSE
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


def test_rows_are_confirmed_once_what_is_not_sure_is_typed_in_them(
    store: Store, open_screen: OpenScreen
) -> None:
    serial = seeding.add_visits(store, (1, 2))
    ids = [f"{serial}-{row:02d}" for row in (1, 2)]
    bench = Bench(open_screen(NURSE, "review"))
    assert bench.entry == f"rows:{ids[0]}"
    assert [bench.value(f"{one}/") for one in ids] == [True, True]
    # The head is asked once, what was surely read there is shown, a field of the row is in it.
    head = [name for name in bench.names if name.endswith(("datum", "skribent"))]
    assert head == ["head/datum", "head/skribent", "head/skrivet_datum"]
    assert bench.value("head/datum") == ""
    assert bench.value("head/skribent") == "Nina Berglund"
    start = f"{ids[0]}/rad01.start"
    assert start in bench.names
    bench.save()
    assert bench.errors().keys() >= {"head/datum", start}
    with store.read() as conn:
        assert load_entry(conn, ids[0]).state is EntryState.REVIEW
    type_rows(bench)
    assert bench.save().is_up is False
    with store.read() as conn:
        assert {load_entry(conn, one).state for one in ids} <= {
            EntryState.CONFIRMED,
            EntryState.SECOND,
        }


def type_rows(bench: Bench) -> Bench:
    """Type what is asked in two rows and above them."""
    said = {
        "datum": "2021-12-18",
        "personnummer": CLIENTS[1].pid,
        "namn": CLIENTS[1].name,
        "start": "08:30",
        "slut": "-",
    }
    for field in bench.card["fields"]:
        name = field["name"].rpartition("/")[2].rpartition(".")[2]
        if field["kind"] == "text" and field["needs"]:
            bench.type(field["name"], said.get(name, "-"))
        elif field["kind"] == "choice":
            bench.choose(field["name"], bench.options(field["name"])[-2])
    return bench


def test_an_unticked_row_is_left_and_comes_alone(store: Store, open_screen: OpenScreen) -> None:
    serial = seeding.add_visits(store, (1, 2, 3))
    ids = [f"{serial}-{row:02d}" for row in (1, 2, 3)]
    bench = type_rows(Bench(open_screen(NURSE, "review")))
    bench.tick(f"{ids[0]}/", ticked=False).tick(f"{ids[1]}/", ticked=False).save()
    with store.read() as conn:
        assert [load_entry(conn, one).state is EntryState.REVIEW for one in ids] == [
            True,
            True,
            False,
        ]
    # One at a time, with what was typed in it, though two are left
    assert bench.entry == ids[0]
    assert bench.value("rad01.start") == "08:30"
    bench.act("open", what="open:rows")
    assert bench.entry == f"rows:{ids[0]}"
    bench.act("open", what="open:single")
    assert bench.entry == ids[0]


def test_what_is_no_time_is_refused_at_its_field(store: Store, open_screen: OpenScreen) -> None:
    serial = seeding.add_visits(store, (1, 2))
    bench = type_rows(Bench(open_screen(NURSE, "review")))
    bench.type(f"{serial}-01/rad01.start", "29:70").save()
    assert list(bench.errors()) == [f"{serial}-01/rad01.start"]
    with store.read() as conn:
        assert load_entry(conn, f"{serial}-02").state is EntryState.REVIEW


def test_a_row_of_somebody_unknown_is_named_and_comes_alone(
    store: Store, open_screen: OpenScreen
) -> None:
    serial = seeding.add_visits(store, (1, 2, 3), {"rad01.personnummer": "191212121212"}, p=0.9995)
    bench = type_rows(Bench(open_screen(NURSE, "review")))
    assert [row["label"] for group in bench.card["folded"] for row in group["items"]] == ["Rad 1"]
    assert f"{serial}-01/" not in bench.names
    bench.save()
    assert bench.entry == f"{serial}-01"


def test_a_row_that_turns_out_to_be_questioned_is_to_be_unticked(
    store: Store, open_screen: OpenScreen, monkeypatch: pytest.MonkeyPatch
) -> None:
    serial = seeding.add_visits(store, (1, 2))
    check = RowReview.check

    def questioned(review: RowReview, seen: Sequence[SeenRow]) -> list[SheetRow]:
        return [
            replace(row, is_client_open=row.is_client_open or row.entry.row == 1)
            for row in check(review, seen)
        ]

    monkeypatch.setattr(RowReview, "check", questioned)
    bench = type_rows(Bench(open_screen(NURSE, "review")))
    refused = bench.save().errors()
    assert list(refused) == [f"{serial}-01/"]
    assert "Bocka ur raden" in refused[f"{serial}-01/"]
    bench.tick(f"{serial}-01/", ticked=False).save()
    with store.read() as conn:
        assert load_entry(conn, f"{serial}-01").state is EntryState.REVIEW
        assert load_entry(conn, f"{serial}-02").state is not EntryState.REVIEW
    assert bench.entry == f"{serial}-01"


def test_rows_are_not_confirmed_before_the_sheet_can_have_been_seen(
    store: Store, open_screen: OpenScreen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(review_rows, "MIN_SHEET_VIEW_TIME", timedelta(minutes=1))
    serial = seeding.add_visits(store, (1, 2))
    bench = type_rows(Bench(open_screen(NURSE, "review"))).save()
    assert "Titta på arket" in bench.card["warning"]
    with store.read() as conn:
        assert load_entry(conn, f"{serial}-01").state is EntryState.REVIEW


def test_rows_that_are_skipped_come_after_the_others(store: Store, open_screen: OpenScreen) -> None:
    first, second = seeding.add_visits(store, (1, 2)), seeding.add_visits(store, (1, 2))
    bench = Bench(open_screen(NURSE, "review"))
    shown = bench.entry
    assert shown in {f"rows:{first}-01", f"rows:{second}-01"}
    bench.act("skip")
    assert bench.entry in {f"rows:{first}-01", f"rows:{second}-01"} - {shown}


def test_one_row_alone_is_no_list(store: Store, open_screen: OpenScreen) -> None:
    serial = seeding.add_visits(store, (1,))
    assert Bench(open_screen(NURSE, "review")).entry == f"{serial}-01"


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
        assert confirm_rows(conn, seeding.forms(), NURSE, seen, utc_now()).confirmed == ids
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


def test_a_row_that_is_blank_is_not_ticked_and_is_closed_in_one_step(
    store: Store, open_screen: OpenScreen, monkeypatch: pytest.MonkeyPatch
) -> None:
    serial = seeding.add_visits(store, (1, 2))
    sheet_rows = list_rows

    def with_blank(*given: object) -> list[SheetRow]:
        rows = sheet_rows(*given)  # type: ignore[arg-type]
        return [replace(row, looks_blank=row.entry.row == 2) for row in rows]

    monkeypatch.setattr(review_rows, "list_rows", with_blank)
    with store.begin() as conn:
        first = load_entry(conn, f"{serial}-01")
        save_draft(conn, NURSE, first.id, {"datum": Answer("2021-12-18")}, ClaimTerms(utc_now()))
    bench = Bench(open_screen(NURSE, "review"))
    # What was typed of the head in the first row is there
    assert bench.value("head/datum") == "2021-12-18"
    assert f"{serial}-02/" not in bench.names
    assert [row["label"] for group in bench.card["folded"] for row in group["items"]] == ["Rad 2"]
    bench.act("open", what="open:blank")
    with store.read() as conn:
        assert load_entry(conn, f"{serial}-02").state is EntryState.REJECTED
    monkeypatch.setattr(review_rows, "list_rows", sheet_rows)
    bench.act("undo")
    with store.read() as conn:
        assert load_entry(conn, f"{serial}-02").state is EntryState.REVIEW
