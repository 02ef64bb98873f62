"""The table of days and units by keyboard alone: one place in the Tab order, arrows between the
cells, Enter for the sheets of a day.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from pipeline.forms.fiducials import format_serial_or_id
from pipeline.store.database.store import Store
from tests.browser.support.nurse import log_in, settle
from tests.browser.support.people import go
from tests.support.screens import seeding
from tests.support.screens.seeding import MANAGER, UNIT

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_a_day_is_chosen_by_keyboard_and_keeps_the_focus(page: Page, store: Store) -> None:
    seeding.add_notes(store, 1, handelsedatum="2021-12-16")
    serial = seeding.add_notes(store, 1)[0].rpartition("-")[0]
    log_in(page, MANAGER)
    go(page, "Papper per dag")
    first = page.get_by_role("button", name=f"{UNIT}, 2021-12-16: 1 ark")
    gap = page.get_by_role("button", name=f"{UNIT}, 2021-12-17: ✕ inget papper")
    last = page.get_by_role("button", name=f"{UNIT}, 2021-12-18: 1 ark")
    expect(gap).to_have_attribute("tabindex", "-1")
    settle(page)
    first.focus()
    page.keyboard.press("ArrowDown")
    expect(gap).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Fråga enheten efter dagens bunt", exact=False)).to_be_visible()
    settle(page)
    expect(gap).to_be_focused()
    expect(gap).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=f"Ark från {UNIT} den 2021-12-18")).to_be_visible()
    expect(page.get_by_role("cell", name=format_serial_or_id(serial))).to_be_visible()
    expect(last).to_be_focused()
