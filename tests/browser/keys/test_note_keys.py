"""Free text at the keyboard: the word at the cursor is marked in the picture, and the words of
low confidence are found with a key.
"""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from pipeline.domain.model import Value
from pipeline.store.database.store import Store
from pipeline.store.entries.answers import decided_answers
from tests.browser.support.nurse import (
    expect_stored,
    field_input,
    fill_in,
    focused_field,
    log_in,
    save_last,
    wait_for_entry,
    wait_until,
)
from tests.support.screens import seeding
from tests.support.screens.seeding import NOTE, NURSE

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def note(store: Store) -> str:
    """One note of two lines."""
    return seeding.add_notes(store, 1)[0]


def text_field(page: Page) -> Locator:
    """Log in, and go to the first free text, whose words the machine is not sure of."""
    log_in(page, NURSE)
    wait_for_entry(page)
    while focused_field(page)[1] != "anteckning":
        page.keyboard.press("Tab")
    expect(page.get_by_text("Skriv av ordagrant, också felstavningar.").first).to_be_visible()
    return field_input(page, "anteckning")


def answered(store: Store, note: str) -> Value:
    """What the note's free text was decided to be, or nothing yet."""
    with store.read() as conn:
        found = decided_answers(conn, note).get("anteckning")
    return found.answer.value if found else None


def left_of(place: Locator) -> float:
    """Where a frame in the picture begins, as a share of the page's width."""
    return float(place.evaluate("(frame) => parseFloat(frame.style.left)"))


def top_of(place: Locator) -> float:
    """How far down it begins."""
    return float(place.evaluate("(frame) => parseFloat(frame.style.top)"))


@pytest.mark.usefixtures("note")
def test_the_word_under_the_cursor_is_marked_in_the_picture(page: Page) -> None:
    text_field(page)
    word = page.locator(".wb-at-word")
    page.keyboard.press("Control+Home")
    expect(word).to_be_visible()
    first = left_of(word), top_of(word)
    for _ in range(len("Hembesök. S")):
        page.keyboard.press("ArrowRight")
    wait_until(page, lambda: left_of(word) > first[0])
    assert top_of(word) == first[1]
    page.keyboard.press("Control+End")
    wait_until(page, lambda: top_of(word) > first[1])


@pytest.mark.usefixtures("note")
def test_a_changed_word_keeps_its_place_and_the_others_theirs(page: Page) -> None:
    area = text_field(page)
    word = page.locator(".wb-at-word")
    page.keyboard.press("Control+End")
    last = left_of(word), top_of(word)
    page.keyboard.press("Control+Home")
    page.keyboard.type("Nytt ord först. ")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(word).to_be_hidden()  # what was put in was never read
    page.keyboard.press("Control+End")
    page.keyboard.type("x")
    expect(word).to_be_visible()
    wait_until(page, lambda: (left_of(word), top_of(word)) == last)
    expect(area).to_have_value(re.compile("ordination[.]x$"))


@pytest.mark.usefixtures("note")
def test_doubtful_words_are_marked_and_found_with_a_key(page: Page) -> None:
    area = text_field(page)
    expect(page.locator(".wb-doubt-at")).to_have_count(1)
    page.keyboard.press("Control+Home")
    page.keyboard.press("F8")
    wait_until(
        page,
        lambda: (
            area.evaluate("(area) => area.value.slice(area.selectionStart, area.selectionEnd)")
            == "Såret"
        ),
    )
    expect(page.locator(".wb-at-word")).to_be_visible()
    # Its ink and what else it may be, as they were stored; a key puts it in.
    expect(page.locator(".wb-words .wb-crop")).to_be_visible()
    expect(page.locator(".wb-alternative")).to_have_count(2)
    page.keyboard.press("Alt+2")
    expect(area).to_have_value(re.compile(r"\bHåret\b"))
    page.keyboard.press("Control+z")
    expect(area).to_have_value(re.compile(r"\bSåret\b"))


def test_a_note_is_saved_as_it_was_copied(page: Page, store: Store, note: str) -> None:
    log_in(page, NURSE)
    entry_id = wait_for_entry(page)
    fill_in(page)
    field_input(page, "anteckning").focus()
    page.keyboard.press("Control+End")
    page.keyboard.type(" Åter imårgon.")
    save_last(page, entry_id)
    expect_stored(page, lambda: answered(store, note), f"{NOTE['anteckning']} Åter imårgon.")
