"""Tables as they are drawn: numbers to the right, and no name cut off."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from pipeline.store.database.store import Store
from tests.browser.support.nurse import log_in, settle
from tests.browser.support.people import press_menu
from tests.support.screens import seeding, unusual_paper
from tests.support.screens.seeding import ADMINISTRATOR, LOG_REVIEWER

pytestmark = [pytest.mark.browser, pytest.mark.slow]

_CUT_OFF = """() => [...document.querySelectorAll(".st-key-batches .ef-stack small")]
    .filter((line) => {
    const around = line.closest(".st-key-batches").getBoundingClientRect();
    return line.scrollWidth > line.clientWidth
        || line.getBoundingClientRect().right > around.right + 1;
}).map((line) => line.textContent)"""
_TYPED = '[data-testid="stForm"] input[type="number"]'
_ALIGNED = "(fields) => [...new Set(fields.map((field) => getComputedStyle(field).textAlign))]"


def test_a_stack_is_named_whole(page: Page, store: Store) -> None:
    seeding.add_notes(store, 2)
    unusual_paper.add_failed_page(store)
    _open(page, "Skanna", ".ef-stack")
    assert page.locator(".ef-stack").count() > 1
    assert page.evaluate(_CUT_OFF) == []


def test_numbers_that_are_typed_in_a_table_stand_to_the_right(page: Page) -> None:
    _open(page, "Reservpaket", _TYPED)
    assert page.locator(_TYPED).evaluate_all(_ALIGNED) == ["right"]


def test_a_press_of_a_title_sorts_the_rows_and_another_turns_them(page: Page) -> None:
    log_in(page, LOG_REVIEWER)
    rows = page.locator(".st-key-log_rows tbody tr td:first-child")
    rows.first.wait_for()
    settle(page)
    title = page.get_by_role("columnheader", name="Nr")
    newest = int(rows.first.inner_text())
    title.get_by_role("button").press("Enter")
    expect(title).to_have_attribute("aria-sort", "ascending")
    oldest_first = [int(number) for number in rows.all_inner_texts()]
    assert oldest_first == sorted(oldest_first)
    title.get_by_role("button").click()
    expect(title).to_have_attribute("aria-sort", "descending")
    expect(rows.first).to_have_text(str(newest))


def _open(page: Page, title: str, until: str) -> None:
    log_in(page, ADMINISTRATOR)
    press_menu(page, title)
    page.locator(until).first.wait_for()
