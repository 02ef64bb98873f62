"""The wrong-person guard in a real browser: a number that the paper contradicts cannot be confirmed
before a person has said how it is.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from pipeline.domain.model import EntryState
from pipeline.store.database.store import Store
from pipeline.store.entries.entry import load_entry
from tests.browser.support.nurse import (
    client,
    expect_stored,
    fill_in,
    focused_field,
    log_in,
    look,
    save,
    save_last,
    wait_for_entry,
)
from tests.support.screens import seeding
from tests.support.screens.seeding import CLIENTS, NURSE

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_the_guard_shows_the_client_and_blocks_until_a_choice_is_stated(
    page: Page, store: Store
) -> None:
    """The machine read the same wrong number, so that only the name on the paper can tell."""
    wrong = CLIENTS[1]
    entry_id = seeding.add_notes(store, 1, personnummer=wrong.pid)[0]
    log_in(page, NURSE)
    wait_for_entry(page)
    fill_in(page, {**seeding.NOTE, "personnummer": wrong.pid})
    card = client(page)
    expect(card).to_contain_text(wrong.name)
    expect(card).to_contain_text(wrong.unit)
    expect(card).to_contain_text("år")
    expect(page.locator(".wb-against")).to_contain_text("namnet liknar inte")
    save(page, entry_id)
    question = page.locator(".wb-question")
    expect(question).to_contain_text("Papperet och patienten stämmer inte överens")
    # Who has chosen nothing is led back to the number: nothing is sent.
    look(page)
    page.keyboard.press("Control+Enter")
    assert focused_field(page)[1] == "personnummer"
    expect(question).to_be_visible()
    assert state(store, entry_id) is EntryState.REVIEW
    question.get_by_text("Jag är inte säker. En annan person får titta.").click()
    save_last(page, entry_id)
    expect_stored(page, lambda: state(store, entry_id), EntryState.SECOND)


def state(store: Store, entry_id: str) -> EntryState:
    with store.read() as conn:
        return load_entry(conn, entry_id).state
