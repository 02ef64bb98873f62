"""Whose the rows of a list are: a typed client is in sight in its row, by the rules of an entry."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from pipeline.domain.identity_numbers import format_pid
from pipeline.domain.model import EntryState
from pipeline.domain.review.seeded_errors import SeededError
from pipeline.review import rows as review_rows
from pipeline.store.database.store import Store
from pipeline.store.entries.entry import load_entry
from pipeline.store.quality.checked_work import add_seeded_error
from pipeline.store.schema import paper
from pipeline.store.schema.clock import utc_now
from tests.support.screens import seeding
from tests.support.screens.bench import Bench
from tests.support.screens.seeding import CLIENTS, NURSE
from tests.unit.ui.conftest import OpenScreen
from tests.unit.ui.review.depth.test_split_and_rows import type_rows

CLIENT = CLIENTS[1]


@pytest.fixture(autouse=True)
def seen_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.review.session.MIN_VIEW_TIME", timedelta(0))
    monkeypatch.setattr("ui.screens.review.workbench.row_clients.MIN_VIEW_TIME", timedelta(0))
    monkeypatch.setattr(review_rows, "MIN_SHEET_VIEW_TIME", timedelta(0))


def named_rows(store: Store) -> list[str]:
    """A list of two visits with the client's name, whose numbers have to be typed."""
    names = {f"rad{row:02d}.namn": CLIENT.name for row in (1, 2)}
    serial = seeding.add_visits(store, (1, 2), names)
    numbers = [f"rad{row:02d}.personnummer" for row in (1, 2)]
    with store.begin() as conn:
        unsure = update(paper.reading).where(paper.reading.c.field.in_(numbers))
        conn.execute(unsure.values(p=0.99))
    return [f"{serial}-{row:02d}" for row in (1, 2)]


def test_the_client_of_a_typed_number_is_in_its_row(store: Store, open_screen: OpenScreen) -> None:
    first, second = named_rows(store)
    bench = Bench(open_screen(NURSE, "review"))
    assert bench.field(f"{first}/")["label"] == "Rad 1"
    bench.type(f"{first}/rad01.personnummer", CLIENT.pid).act("draft")
    row = bench.field(f"{first}/")
    assert row["label"] == f"1. {CLIENT.name}"
    assert row["hint"].startswith(format_pid(CLIENT.pid))
    assert bench.field(f"{second}/")["label"] == "Rad 2"
    # A number that no client has is shown as such, and its row has no client.
    bench.type(f"{first}/rad01.personnummer", "191212121212").act("draft")
    row = bench.field(f"{first}/")
    assert row["label"] == "Rad 1"
    assert row["reason"]


def test_the_last_four_digits_are_enough_where_they_are_in_an_entry(
    store: Store, open_screen: OpenScreen
) -> None:
    first, _ = named_rows(store)
    number = f"{first}/rad01.personnummer"
    bench = Bench(open_screen(NURSE, "review"))
    bench.type(number, CLIENT.pid[-4:]).act("draft", left=number)
    assert bench.card["completed"] == {number: [CLIENT.pid[-4:], format_pid(CLIENT.pid)]}
    assert bench.field(f"{first}/")["label"] == f"1. {CLIENT.name}"


def test_other_four_digits_are_asked_about_at_their_field(
    store: Store, open_screen: OpenScreen
) -> None:
    first, _ = named_rows(store)
    number = f"{first}/rad01.personnummer"
    bench = Bench(open_screen(NURSE, "review"))
    bench.type(number, "0000").act("draft", left=number)
    assert list(bench.errors()) == [number]
    assert bench.card["completed"] == {}


def test_nothing_is_saved_for_a_client_who_has_not_been_in_sight(
    store: Store, open_screen: OpenScreen, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = named_rows(store)
    seen_after = "ui.screens.review.workbench.row_clients.MIN_VIEW_TIME"
    monkeypatch.setattr(seen_after, timedelta(hours=1))
    bench = type_rows(Bench(open_screen(NURSE, "review"))).save()
    assert bench.entry == f"rows:{ids[0]}"
    assert "klient" in bench.card["warning"]
    with store.read() as conn:
        assert {load_entry(conn, one).state for one in ids} == {EntryState.REVIEW}
    monkeypatch.setattr(seen_after, timedelta(0))
    bench.save()
    with store.read() as conn:
        assert EntryState.REVIEW not in {load_entry(conn, one).state for one in ids}


def test_a_row_confirmed_with_a_seeded_error_comes_alone_and_its_person_is_told(
    store: Store, open_screen: OpenScreen
) -> None:
    serial = seeding.add_visits(store, (1, 2), p=0.9995)
    ids = [f"{serial}-{row:02d}" for row in (1, 2)]
    with store.begin() as conn:
        wrong = ("rad02.tvatt", SeededError(True))
        add_seeded_error(conn, NURSE.login, ids[1], wrong, utc_now())
    bench = type_rows(Bench(open_screen(NURSE, "review")))
    assert "Tvätt" in bench.field(f"{ids[1]}/")["text"]
    assert "Tvätt" not in bench.field(f"{ids[0]}/")["text"]
    bench.save()
    assert bench.entry == ids[1]
    assert "på prov" in bench.card["warning"]
    with store.read() as conn:
        states = [load_entry(conn, one).state for one in ids]
    assert states[0] is not EntryState.REVIEW
    assert states[1] is EntryState.REVIEW
