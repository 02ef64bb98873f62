"""Tables as they are drawn: numbers to the right, and no name cut off."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from pipeline.store.database.store import Store
from tests.browser.support.nurse import log_in
from tests.support.screens import seeding, unusual_paper
from tests.support.screens.seeding import ADMINISTRATOR

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


def _open(page: Page, title: str, until: str) -> None:
    log_in(page, ADMINISTRATOR)
    page.get_by_role("link", name=title).click()
    page.locator(until).first.wait_for()
