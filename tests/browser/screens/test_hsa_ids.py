"""HSA-id are saved as they are in the table, also from a cell that is still being typed in."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from pipeline.store.database.store import Store
from pipeline.store.registers.hsa_ids import hsa_ids_by_unit
from tests.browser.support.nurse import log_in
from tests.browser.support.people import go
from tests.support.screens.seeding import SYSTEM_ADMINISTRATOR

pytestmark = [pytest.mark.browser, pytest.mark.slow]
HSA_ID = "SE5560000000-NORR"


def test_a_cell_that_is_still_typed_in_is_saved(page: Page, store: Store) -> None:
    log_in(page, SYSTEM_ADMINISTRATOR)
    go(page, "HSA-id")
    table = page.get_by_test_id("stDataFrame").first
    table.wait_for()
    box = table.bounding_box()
    assert box is not None
    # The first row, in its last column
    table.click(position={"x": box["width"] - 60, "y": 35 + 17})
    page.keyboard.type(HSA_ID[0])
    cell = page.locator(".gdg-input")
    expect(cell).to_have_value(HSA_ID[0])
    page.keyboard.type(HSA_ID[1:])
    expect(cell).to_have_value(HSA_ID)
    page.get_by_role("button", name="Spara").click()
    expect(page.get_by_text("1 uppgift sparad")).to_be_visible()
    with store.read() as conn:
        assert HSA_ID in hsa_ids_by_unit(conn).values()
