"""Signing: each note begins at the top, the button is in sight, and nothing is signed that was not
in view.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from pipeline.domain.model import EntryState, Person
from pipeline.store.database.store import Store
from pipeline.store.entries.entry import load_entry
from tests.browser.support.nurse import expect_stored, log_in, look, settle
from tests.browser.support.people import go
from tests.support.screens import seeding
from tests.support.screens.seeding import COLLEAGUE, NURSE

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def notes(store: Store) -> list[str]:
    """Two notes of Nina's that wait for her signature."""
    found = seeding.add_notes(store, 2)
    for entry_id in found:
        seeding.confirm(store, NURSE, entry_id)
    return found


def signed(store: Store, notes: list[str]) -> int:
    """How many of the notes are signed."""
    with store.read() as conn:
        return [load_entry(conn, one).state for one in notes].count(EntryState.SIGNED)


def open_signing(page: Page, person: Person, height: int) -> None:
    page.set_viewport_size({"width": 1366, "height": height})
    log_in(page, person)
    settle(page)
    go(page, "Signera")


def signing_button(page: Page) -> Locator:
    return page.get_by_role("button", name="Signera och nästa")


def test_the_next_note_begins_at_its_top_and_the_reasons_wait_below(
    page: Page, store: Store, notes: list[str]
) -> None:
    open_signing(page, COLLEAGUE, 620)
    page.get_by_text("Andras (2)").click()
    title = page.get_by_role("heading", level=2).first
    expect(title).to_be_in_viewport()
    page.get_by_text("Har slutat").click()
    look(page)
    signing_button(page).click()
    expect_stored(page, lambda: signed(store, notes), 1)
    expect(page.get_by_text("Signerad.")).to_be_in_viewport()
    expect(title).to_be_in_viewport()
    expect(page.get_by_role("radio", name="Har slutat")).to_be_focused()
    expect(title).to_be_in_viewport()
    # The keys alone do: a reason is chosen, and what is below is scrolled to
    page.keyboard.press("2")
    second = page.locator("input[type=radio]").nth(1)
    expect(second).to_be_focused()
    expect(second).to_be_checked()
    page.keyboard.press("1")
    expect(page.get_by_role("radio", name="Har slutat")).to_be_checked()
    for _ in range(20):
        look(page)
        page.keyboard.press("Control+Enter")
        if signed(store, notes) == 2:
            break
    expect_stored(page, lambda: signed(store, notes), 2)


def test_the_button_is_in_sight_and_the_key_scrolls_to_what_was_not_in_view(
    page: Page, store: Store, notes: list[str]
) -> None:
    open_signing(page, NURSE, 460)
    button = signing_button(page)
    expect(button).to_be_in_viewport(ratio=1)
    look(page)
    look(page)
    page.keyboard.press("Control+Enter")
    look(page)
    assert signed(store, notes) == 0
    for _ in range(20):
        if signed(store, notes):
            break
        look(page)
        page.keyboard.press("Control+Enter")
        if not signed(store, notes):
            expect(button).to_be_in_viewport(ratio=1)
    expect_stored(page, lambda: signed(store, notes), 1)
