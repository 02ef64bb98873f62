"""Bilagor: loose pages after a sheet come first, and are attached, undone, moved, or left."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from pipeline.domain.review.rules import Answer
from pipeline.review.session import save_draft
from pipeline.store.database.store import Store
from pipeline.store.entries import queue
from pipeline.store.entries.attached_pages import list_attached_pages
from pipeline.store.entries.entry import load_entry
from pipeline.store.entries.queue import ClaimTerms
from pipeline.store.schema.clock import utc_now
from pipeline.store.schema.paper import event
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
        queue.open_claimed_entry(conn, seeding.forms(), NURSE, entry_id, ClaimTerms(utc_now()))
    return [entry_id, *found]


def attached(store: Store, entry_id: str) -> list[tuple[str, str]]:
    with store.read() as conn:
        found = list_attached_pages(conn, load_entry(conn, entry_id).sheet)
    return [(one.title, one.day) for one in found]


def test_attachments_come_first_and_one_key_attaches_them_and_shows_their_entry(
    store: Store, paper: list[str], open_screen: OpenScreen
) -> None:
    entry_id, *pages = paper
    bench = Bench(open_screen(NURSE, "review"))
    assert bench.entry == f"attachments:{entry_id}"
    assert [bench.value(f"title-{page}") for page in pages] == ["Hyresavi", "", "Kvitto"]
    assert [bench.value(f"keep-{page}") for page in pages] == [True] * 3
    # The title that nobody has proposed has the focus, and its page is shown large
    assert bench.card["focus"] == f"title-{pages[1]}"
    assert bench.field(f"title-{pages[1]}")["area"][0] == 1
    assert bench.data["ahead"]["entry"] == entry_id
    bench.save()
    assert bench.entry == entry_id
    assert attached(store, entry_id) == [
        ("Hyresavi", "2021-12-03"),
        ("Hyresavi", "2021-12-03"),
        ("Kvitto", "2021-12-05"),
    ]
    bench.act("undo")
    assert bench.entry == f"attachments:{entry_id}"
    assert attached(store, entry_id) == []


def test_each_page_that_is_shown_is_a_view_in_the_log(
    store: Store, paper: list[str], open_screen: OpenScreen
) -> None:
    bench = Bench(open_screen(NURSE, "review"))
    bench.act("draft")
    with store.read() as conn:
        query = select(event.c.subject).where(event.c.action == "view_page")
        viewed = list(conn.execute(query).scalars())
    assert [viewed.count(page) for page in paper[1:]] == [1, 1, 1]


def test_who_wants_no_attachments_sees_the_entry_and_is_not_asked_again(
    paper: list[str], open_screen: OpenScreen
) -> None:
    entry_id = paper[0]
    bench = Bench(open_screen(NURSE, "review"))
    bench.act("skip")
    assert bench.entry == entry_id
    bench.act("draft")
    assert bench.entry == entry_id
    bench.act("open", what="open:attachments")
    assert bench.entry == f"attachments:{entry_id}"
    bench.act("skip")
    assert bench.entry == entry_id


@pytest.mark.parametrize("texts", [("Mamma ramlade", ""), ("", "")])
def test_pages_of_no_known_kind_wait_until_they_are_opened(
    store: Store, open_screen: OpenScreen, texts: tuple[str, str]
) -> None:
    (entry_id,) = seeding.add_notes(store, 1)
    add_loose_pages(store, entry_id, texts)
    with store.begin() as conn:
        queue.open_claimed_entry(conn, seeding.forms(), NURSE, entry_id, ClaimTerms(utc_now()))
    assert Bench(open_screen(NURSE, "review")).entry == entry_id


def test_a_loose_page_that_comes_first_opens_the_attachments_of_the_sheet_before(
    store: Store, open_screen: OpenScreen
) -> None:
    (entry_id,) = seeding.add_notes(store, 1)
    pages = add_loose_pages(store, entry_id, TEXTS)
    with store.begin() as conn:
        queue.open_claimed_entry(
            conn, seeding.forms(), NURSE, f"{pages[1]}-00", ClaimTerms(utc_now())
        )
    bench = Bench(open_screen(NURSE, "review"))
    assert bench.entry == f"attachments:{entry_id}"
    assert bench.data["ahead"] is None
    bench.save()
    assert len(attached(store, entry_id)) == 3
    assert bench.entry == entry_id


def test_a_page_in_which_something_is_typed_stays_a_page_of_its_own(
    store: Store, paper: list[str], open_screen: OpenScreen
) -> None:
    _, *pages = paper
    with store.begin() as conn:
        save_draft(
            conn, NURSE, f"{pages[1]}-00", {"anteckning": Answer("Elsa")}, ClaimTerms(utc_now())
        )
    bench = Bench(open_screen(NURSE, "review"))
    assert [bench.value(f"keep-{page}") for page in pages] == [True, False, True]


def test_what_is_unticked_stays_loose_and_an_attachment_is_taken_off(
    store: Store, paper: list[str], open_screen: OpenScreen
) -> None:
    entry_id, *pages = paper
    bench = Bench(open_screen(NURSE, "review"))
    bench.tick(f"keep-{pages[1]}", ticked=False).save()
    assert [title for title, _ in attached(store, entry_id)] == ["Hyresavi", "Kvitto"]
    assert bench.entry == entry_id  # what was unticked is not asked about again
    bench.act("open", what="open:attachments")
    bench.tick(f"on-{pages[0]}", ticked=False).tick(f"keep-{pages[1]}", ticked=False).save()
    assert [title for title, _ in attached(store, entry_id)] == ["Kvitto"]


@pytest.mark.parametrize(
    ("name", "typed", "said"),
    [("day", "31 feb", "datum är inget datum"), ("day", "2021-12-09", "annat datum")],
)
def test_a_wrong_day_attaches_nothing_and_is_told_at_its_field(
    store: Store, paper: list[str], open_screen: OpenScreen, name: str, typed: str, said: str
) -> None:
    entry_id, *pages = paper
    bench = Bench(open_screen(NURSE, "review"))
    bench.type(f"{name}-{pages[1]}", typed).save()
    assert attached(store, entry_id) == []
    ((field, text),) = bench.errors().items()
    assert said in text
    assert bench.card["focus"] == field


def test_a_page_moves_to_the_entry_of_a_serial(
    store: Store, paper: list[str], open_screen: OpenScreen
) -> None:
    entry_id, *pages = paper
    (other_id,) = seeding.add_notes(store, 1)
    with store.read() as conn:
        serial = str(load_entry(conn, other_id).serial)
    bench = Bench(open_screen(NURSE, "review"))
    bench.save()
    bench.act("open", what="open:attachments")
    bench.act("open", what="open:elsewhere")
    bench.save(question={"name": "0000-0000"})
    assert "hittades" in bench.card["warning"]
    bench.save(question={"name": serial})
    assert [choice["value"] for choice in bench.card["question"]["choices"]] == [other_id]
    bench.save(question={"choice": other_id})
    assert bench.card["question"] is None
    bench.tick(f"move-{pages[2]}").save()
    assert [title for title, _ in attached(store, other_id)] == ["Kvitto"]
    assert [title for title, _ in attached(store, entry_id)] == ["Hyresavi", "Hyresavi"]


def test_escape_leaves_the_search_before_the_pages(
    paper: list[str], open_screen: OpenScreen
) -> None:
    bench = Bench(open_screen(NURSE, "review"))
    bench.act("open", what="open:elsewhere")
    assert bench.card["question"]
    bench.act("skip")
    assert bench.card["question"] is None
    bench.act("skip")
    assert bench.entry == paper[0]
