"""Tables as they are drawn: numbers to the right."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.browser.nurse import log_in
from tests.ui.seeding import ADMINISTRATOR

pytestmark = [pytest.mark.browser, pytest.mark.slow]

_TYPED = '[data-testid="stForm"] input[type="number"]'
_ALIGNED = "(fields) => [...new Set(fields.map((field) => getComputedStyle(field).textAlign))]"


def test_numbers_that_are_typed_in_a_table_stand_to_the_right(page: Page) -> None:
    _open(page, "Reservpaket", _TYPED)
    assert page.locator(_TYPED).evaluate_all(_ALIGNED) == ["right"]


def _open(page: Page, title: str, until: str) -> None:
    log_in(page, ADMINISTRATOR)
    page.get_by_role("link", name=title).click()
    page.locator(until).first.wait_for()
