"""What Streamlit says in English only is said in the user's language."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.support.nurse import log_in
from tests.browser.support.people import go
from tests.support.screens.seeding import ADMINISTRATOR, SYSTEM_ADMINISTRATOR

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_an_unknown_address_is_told_in_swedish(page: Page) -> None:
    log_in(page, ADMINISTRATOR)
    expect(page.get_by_role("link", name="Skanna")).to_be_visible()
    page.goto(re.sub(r"(https?://[^/]+).*", r"\1/finns-inte", page.url))
    expect(page.get_by_role("heading", name="Sidan finns inte")).to_be_visible()
    expect(page.get_by_text("Page not found")).to_have_count(0)


def test_a_file_that_is_refused_says_why(page: Page, tmp_path: Path) -> None:
    log_in(page, ADMINISTRATOR)
    go(page, "Skanna")
    program = tmp_path / "program.exe"
    program.write_bytes(b"MZ")
    page.locator("[class*='st-key-upload_files'] input[type=file]").set_input_files(program)
    chip = page.get_by_test_id("stFileChip")
    expect(chip).to_have_attribute("data-ef-reason", "Sådana filer går inte att ladda upp här.")
    shown = chip.evaluate("(one) => getComputedStyle(one, '::after').content")
    assert "Sådana filer" in shown
    # It has a line of its own: beside the name it was cut
    assert chip.evaluate("(one) => one.scrollWidth <= one.clientWidth && one.clientHeight > 50")
    expect(chip.get_by_role("button", name="Ta bort program.exe")).to_be_visible()
    expect(page.get_by_test_id("stSkipToContent")).to_have_text("Till innehållet")


def test_many_files_that_are_chosen_are_counted(page: Page, tmp_path: Path) -> None:
    log_in(page, ADMINISTRATOR)
    go(page, "Skanna")
    files = [tmp_path / f"bunt-{number}.png" for number in range(9)]
    for number, file in enumerate(files):
        file.write_bytes(b"\x89PNG" + bytes([number]))
    page.locator("[class*='st-key-upload_files'] input[type=file]").set_input_files(files)
    uploader = page.get_by_test_id("stFileUploader")
    expect(uploader).to_have_attribute("data-ef-chosen", "Valda filer: 9")
    shown = uploader.evaluate("(one) => getComputedStyle(one, '::after').content")
    assert "Valda filer: 9" in shown
    page.get_by_role("button", name="Ta bort bunt-0.png").click()
    expect(uploader).to_have_attribute("data-ef-chosen", "Valda filer: 8")


def test_rows_that_streamlit_adds_to_a_list_are_in_swedish(page: Page) -> None:
    log_in(page, SYSTEM_ADMINISTRATOR)
    go(page, "Vägar")
    system = page.locator("[class*='st-key-route_system'] input")
    system.click()
    page.keyboard.type("Eget system")
    expect(page.get_by_role("option", name="Lägg till: Eget system")).to_be_visible()
    # The row changes with each letter
    page.keyboard.type("et")
    expect(page.get_by_role("option", name="Lägg till: Eget systemet")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Add: ")).to_have_count(0)
