"""A nurse takes a sheet from login to an exported file that the national schema accepts, with the
keyboard alone.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from lxml import etree
from playwright.sync_api import Page, expect

from pipeline.store.database.store import Store
from tests.browser.support.nurse import (
    fill_in,
    log_in,
    press_until,
    save_last,
    settle,
    wait_for_entry,
)
from tests.support.screens import seeding
from tests.support.screens.seeding import NURSE
from tests.support.shared_data import shared
from tests.support.store.rivta_archives import rivta_document

pytestmark = [pytest.mark.browser, pytest.mark.slow]

_MOST_TABS = 60


def tab_to(page: Page, name: str) -> None:
    """Press Tab until a link or button whose name ends so has the focus, once the screen is
    still.
    """
    settle(page)
    for _ in range(_MOST_TABS):
        page.keyboard.press("Tab")
        focused = str(page.evaluate("document.activeElement?.innerText ?? ''")).strip()
        # A link of the menu may say how much there is to do, in brackets.
        if re.sub(r"\s*\(\d+\)$", "", focused).endswith(name):
            return
    raise AssertionError(f"{name} cannot be reached with Tab")


def exported_by_keyboard(page: Page, folder: Path) -> Path:
    """Everything between the first screen and the file on the nurse's disk."""
    log_in(page, NURSE)
    entry_id = wait_for_entry(page)
    fill_in(page)
    save_last(page, entry_id)
    tab_to(page, "Skicka")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Du skrev det här på papper.")).to_be_visible()
    settle(page)
    press_until(page, "Control+Enter", page.get_by_text("Du har inget att signera."))
    tab_to(page, "Export")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Gör exportfil").first).to_be_enabled()
    tab_to(page, "Gör exportfil")
    page.keyboard.press("Enter")
    expect(page.get_by_text("är gjord med 1 post")).to_be_visible()
    tab_to(page, "Hämta")
    with page.expect_download() as fetched:
        page.keyboard.press("Enter")
    path = folder / fetched.value.suggested_filename
    fetched.value.save_as(path)
    return path


@pytest.mark.shared
def test_nurse_exports_a_schema_valid_file_with_the_keyboard_alone(
    page: Page, store: Store, tmp_path: Path
) -> None:
    schema = shared("schemas", "rivta")
    seeding.add_notes(store, 1)
    path = exported_by_keyboard(page, tmp_path)
    xsd = next(schema.rglob("GetCareDocumentationResponder_2.1.xsd"))
    etree.XMLSchema(etree.parse(xsd)).assertValid(rivta_document(path.read_bytes()))
