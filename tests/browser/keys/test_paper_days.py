"""Papper per dag by keyboard alone: the table of days and units, and the sheets of a chosen day."""

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


def test_a_day_is_chosen_by_keyboard(page: Page, store: Store) -> None:
    seeding.add_notes(store, 1, handelsedatum="2021-12-16")
    serial = seeding.add_notes(store, 1)[0].rpartition("-")[0]
    log_in(page, MANAGER)
    go(page, "Papper per dag")
    expect(page.get_by_role("cell", name="✕ inget papper").first).to_be_visible()
    settle(page)
    choice = page.get_by_role("combobox", name="Visa arken från")
    choice.focus()
    page.keyboard.type(f"{UNIT}, 2021-12-17")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Fråga enheten efter dagens bunt", exact=False)).to_be_visible()
    settle(page)
    choice.focus()
    page.keyboard.type(f"{UNIT}, 2021-12-18")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=f"Ark från {UNIT} den 2021-12-18")).to_be_visible()
    expect(page.get_by_role("cell", name=format_serial_or_id(serial))).to_be_visible()
