"""Which entries are worked as notes, and what the picture is told of their words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.model import WordPlace
from pipeline.store import claims
from pipeline.store.clock import utc_now
from pipeline.store.database import Store
from pipeline.store.entry_views import EntryView
from pipeline.ways import Way
from tests.ui import seeding
from tests.ui.conftest import OpenScreen
from tests.ui.seeding import NOTE, NURSE
from ui.components.note_way import way, words_on


@pytest.fixture
def view(store: Store) -> EntryView:
    """A note as the nurse sees it."""
    entry_id = seeding.add_notes(store, 1)[0]
    with store.begin() as conn:
        return claims.open_entry(conn, seeding.forms(), NURSE, entry_id, utc_now())


def changed(view: EntryView, **values: object) -> EntryView:
    """The view with another reading of the note's text."""
    fields = [replace(f, reading=replace(f.reading, **values)) if f.spec.name == "anteckning" and f.reading else f for f in view.fields]  # type: ignore[arg-type]
    return replace(view, fields=tuple(fields))


def test_the_words_of_a_note_go_with_their_places(view: EntryView) -> None:
    pages = [page.id for page in view.pages]
    told = words_on(view, pages)
    words = next(words for key, words in told.items() if key.endswith("anteckning"))
    assert words["words"] == str(NOTE["anteckning"]).split()
    assert len(words["places"]) == len(words["words"]) == len(words["doubtful"])
    assert [word for word, doubt in zip(words["words"], words["doubtful"], strict=True) if doubt] == ["Såret"]
    assert all(place[0] == 0 and 0 <= place[1] < 1 and 0 < place[4] < 0.1 for place in words["places"])
    assert words_on(view, []) == {}


def test_words_without_places_are_not_told(view: EntryView) -> None:
    pages = [page.id for page in view.pages]
    for words in ((), (WordPlace(0, 9, (1.0, 1.0, 1.0, 1.0)),)):
        assert not any(key.endswith("anteckning") for key in words_on(changed(view, words=words), pages))


def test_a_planted_word_has_the_place_of_the_true_one(view: EntryView) -> None:
    pages = [page.id for page in view.pages]
    text = str(NOTE["anteckning"]).replace("vänster", "höger")
    told = words_on(changed(view, value=text, characters=()), pages)
    assert next(words for key, words in told.items() if key.endswith("anteckning"))["words"][3] == "höger"


def test_an_entry_with_free_text_is_a_note_and_a_row_of_a_list_is_not(store: Store, view: EntryView) -> None:
    assert way(view) is Way.NOTE
    serial = seeding.add_visits(store, (1,))
    with store.begin() as conn:
        assert way(claims.open_entry(conn, seeding.forms(), NURSE, f"{serial}-01", utc_now())) is Way.SHEET


@pytest.mark.usefixtures("view")
def test_the_rule_of_copying_and_the_way_are_said(open_screen: OpenScreen) -> None:
    app = open_screen(NURSE, "review")
    assert "Skriv av ordagrant, också felstavningar." in "\n".join(element.proto.body for element in app.get("html"))
    assert any("Fritext, en anteckning i taget." in caption.value for caption in app.caption)
