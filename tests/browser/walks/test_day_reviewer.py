"""A reviewer's day with a colleague: a decision taken back, a rejection, a question to the author,
a second person, and the signatures.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from pipeline.domain.model import EntryState
from pipeline.store.database.store import Store
from pipeline.store.entries.entry import load_entry
from tests.browser.support.asking import (
    begin_rejecting,
    fill_in_question,
    send_rejection,
    write_answer,
)
from tests.browser.support.nurse import (
    expect_stored,
    fill_in,
    press_until,
    save,
    save_last,
    settle,
    wait_for_entry,
)
from tests.browser.support.people import go, logged_in
from tests.browser.support.serving import serving
from tests.support.screens import seeding
from tests.support.screens.seeding import COLLEAGUE, NURSE

pytestmark = [pytest.mark.browser, pytest.mark.slow]

_QUESTION, _ANSWER = "Vilket preparat gavs?", "Alvedon, en tablett."


@pytest.fixture
def address(store: Store, tmp_path: Path) -> Iterator[str]:
    """Three notes that machine and paper agree on, and one with a wrongly read time, which happened
    last.
    """
    seeding.add_notes(store, 3)
    seeding.add_notes(store, 1, handelsetid="09:46")
    with serving(tmp_path) as served:
        yield served


def test_reviewer(browser: Browser, address: str, store: Store) -> None:
    with logged_in(browser, address, NURSE) as page:
        confirmed = _confirms_twice(page)
        rejected = _rejects(page, after=confirmed)
        asked = _asks_the_author(page, after=rejected)
        differs = wait_for_entry(page, other_than=asked)
        fill_in(page)
        save_last(page, differs)
        expect_stored(
            page,
            lambda: _states(store, confirmed, rejected, differs),
            [EntryState.CONFIRMED, EntryState.REJECTED, EntryState.SECOND],
        )
        with logged_in(browser, address, COLLEAGUE) as other:
            _decides_as_second(other, differs)
        write_answer(page, _QUESTION, _ANSWER)
        page.get_by_role("link", name="Granska").click()
        assert wait_for_entry(page) == asked
        expect(page.get_by_text(_ANSWER)).to_be_visible()
        fill_in(page)
        save_last(page, asked)
        go(page, "Signera")
        expect(page.get_by_text("3 att signera")).to_be_visible()
        settle(page)
        press_until(page, "Control+Enter", page.get_by_text("Du har inget att signera."))
        expect_stored(
            page,
            lambda: _states(store, confirmed, asked, differs, rejected),
            [EntryState.SIGNED] * 3 + [EntryState.REJECTED],
        )


def _states(store: Store, *entry_ids: str) -> list[EntryState]:
    with store.read() as conn:
        return [load_entry(conn, entry_id).state for entry_id in entry_ids]


def _confirms_twice(page: Page) -> str:
    """Confirm an entry, take that back, and confirm it again."""
    first = wait_for_entry(page)
    fill_in(page)
    save(page, first)
    wait_for_entry(page, other_than=first)
    page.keyboard.press("Alt+z")
    expect(page.locator(f'.wb[data-turn^="{first}-2"]')).to_be_visible()
    assert wait_for_entry(page) == first
    fill_in(page)
    save(page, first)
    wait_for_entry(page, other_than=first)
    return first


def _rejects(page: Page, *, after: str) -> str:
    second = wait_for_entry(page, other_than=after)
    begin_rejecting(page, second)
    page.locator(".wb-options").get_by_text("Oläsligt").click()
    send_rejection(page)
    wait_for_entry(page, other_than=second)
    return second


def _asks_the_author(page: Page, *, after: str) -> str:
    third = wait_for_entry(page, other_than=after)
    fill_in_question(page, third, _QUESTION)
    send_rejection(page)
    return third


def _decides_as_second(page: Page, entry_id: str) -> None:
    """See both values and choose the one that is on the paper."""
    assert wait_for_entry(page) == entry_id
    page.locator('.wb-row[data-name="handelsetid"]').get_by_text("09:40").click()
    save_last(page, entry_id)
