"""Which entries are worked as notes, and what the picture gets of their words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pipeline.domain.model import WordBox
from pipeline.store.database.store import Store
from pipeline.store.entries import queue
from pipeline.store.entries.entry_view import EntryView
from pipeline.store.schema.clock import utc_now
from tests.support.screens import seeding
from tests.support.screens.seeding import NOTE, NURSE
from ui.screens.review.field_cards import PageImages, field_cards
from ui.screens.review.workbench_state import HeldEntry


@pytest.fixture
def view(store: Store) -> EntryView:
    """A note as the nurse sees it."""
    entry_id = seeding.add_notes(store, 1)[0]
    with store.begin() as conn:
        return queue.open_claimed_entry(
            conn, seeding.forms(), NURSE, entry_id, queue.ClaimTerms(utc_now())
        )


def changed(view: EntryView, **values: Any) -> EntryView:  # noqa: ANN401
    """The view with another reading of the note's text."""
    fields = [
        replace(f, reading=replace(f.reading, **values))
        if f.spec.name == "anteckning" and f.reading
        else f
        for f in view.fields
    ]
    return replace(view, fields=tuple(fields))


def told(view: EntryView, *, has_image: bool = True) -> dict[str, Any] | None:
    """What the browser gets of the words of the note's text."""
    images = PageImages({page.id: "image" for page in view.pages} if has_image else {})
    held = HeldEntry(view.entry.id, view.entry.revision, utc_now())
    (card,) = (one for one in field_cards(view, held, images) if one["name"] == "anteckning")
    words: dict[str, Any] | None = card["words"]
    return words


def test_the_words_of_a_note_go_with_their_places(view: EntryView) -> None:
    words = told(view)
    assert words is not None
    assert words["words"] == str(NOTE["anteckning"]).split()
    assert len(words["places"]) == len(words["words"]) == len(words["doubtful"])
    assert [
        word for word, doubt in zip(words["words"], words["doubtful"], strict=True) if doubt
    ] == ["Såret"]
    assert all(
        place[0] == 0 and 0 <= place[1] < 1 and 0 < place[4] < 0.1 for place in words["places"]
    )
    assert told(view, has_image=False) is None


def test_words_without_places_are_not_told(view: EntryView) -> None:
    for words in ((), (WordBox(0, 9, (1.0, 1.0, 1.0, 1.0)),)):
        assert told(changed(view, words=words)) is None


def test_only_words_in_doubt_have_alternatives_in_the_browser(view: EntryView) -> None:
    (note,) = (field for field in view.fields if field.spec.name == "anteckning")
    assert note.reading
    # As they were stored, only for the word that has any.
    stored = {word.alternatives for word in note.reading.words}
    assert stored == {(), ("spåret", "håret")}
    boxes = tuple(replace(word, alternatives=("säret", "skåret")) for word in note.reading.words)
    words = told(changed(view, words=boxes))
    assert words is not None
    for doubt, others in zip(words["doubtful"], words["alternatives"], strict=True):
        assert others == (["säret", "skåret"] if doubt else [])


def test_what_may_be_completed_is_no_name_drug_or_number(view: EntryView) -> None:
    text = "Ringde Modigs om furosemid 40 milligram, sedan omläggning enligt Berg."
    boxes = tuple(WordBox(0, 1, (1.0, 1.0, 1.0, 1.0)) for _ in text.split())
    words = told(changed(view, value=text, words=boxes, characters=()))
    assert words is not None
    assert words["known"] == ["om", "sedan", "omläggning", "enligt"]


def test_a_note_that_is_keyed_blind_has_no_words_in_the_browser(view: EntryView) -> None:
    fields = tuple(replace(field, is_blind=True) for field in view.fields)
    assert told(replace(view, fields=fields)) is None


def test_a_planted_word_has_the_place_of_the_true_one(view: EntryView) -> None:
    text = str(NOTE["anteckning"]).replace("vänster", "höger")
    words = told(changed(view, value=text, characters=()))
    assert words is not None
    assert words["words"][3] == "höger"
