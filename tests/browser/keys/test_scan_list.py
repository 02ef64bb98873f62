"""On Skanna the pages of a stack that need a person come into sight when they are asked for."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from pipeline.store.database.store import Store
from pipeline.store.paper import pages
from tests.browser.support.nurse import log_in, settle
from tests.browser.support.people import go
from tests.support.screens import unusual_paper
from tests.support.screens.seeding import ADMINISTRATOR

pytestmark = [pytest.mark.browser, pytest.mark.slow]

_LIST = ".st-key-problem_list"


def test_the_pages_of_a_stack_come_into_sight_with_the_focus_once_each_press(
    page: Page, store: Store
) -> None:
    failed = [unusual_paper.add_failed_page(store) for _ in range(8)]
    with store.read() as conn:
        batch = pages.load_page(conn, failed[-1]).batch
    page.set_viewport_size({"width": 1366, "height": 768})
    log_in(page, ADMINISTRATOR)
    go(page, "Skanna")
    heading = page.get_by_role("heading", name="Att åtgärda")
    expect(heading).not_to_be_in_viewport()
    fix = page.locator(f".st-key-stack_problems-{batch} button")
    for _ in range(2):
        fix.click()
        expect(heading).to_be_in_viewport()
        expect(page.locator(f".st-key-look-{failed[-1]} button")).to_be_focused()
        expect(page.locator(f"{_LIST} [class*='st-key-look-'] button")).to_have_count(1)
        settle(page)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="trasig.pdf")).to_be_in_viewport()
    # Who comes back later has not asked again
    go(page, "Läge")
    go(page, "Skanna")
    expect(page.locator(_LIST)).to_be_attached()
    expect(page.get_by_role("heading", level=1, name="Skanna")).to_be_in_viewport()
