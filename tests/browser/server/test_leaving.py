"""Who leaves the form in the middle of a field by the browser itself, and not by the screen: back,
or loaded again.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Dialog, Page, expect

from pipeline.domain.review.rules import Answer
from pipeline.store.database.store import Store
from tests.browser.server.test_slow_server import be_quick, be_slow
from tests.browser.support.nurse import (
    client,
    drafted,
    expect_stored,
    field_input,
    log_in,
    settle,
    wait_for_entry,
    wait_until,
)
from tests.browser.support.people import go
from tests.support.screens import seeding
from tests.support.screens.seeding import CLIENTS, NOTE, NURSE

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def entries(store: Store) -> list[str]:
    """Notes that wait."""
    return seeding.add_notes(store, 3)


@pytest.mark.parametrize(
    "seconds",
    [pytest.param(0.0, id="quick", marks=pytest.mark.nightly), pytest.param(0.2, id="slow")],
)
@pytest.mark.usefixtures("entries")
def test_who_goes_back_in_the_middle_of_a_field_keeps_what_was_typed(
    page: Page, store: Store, tmp_path: Path, seconds: float
) -> None:
    log_in(page, NURSE)
    wait_for_entry(page)
    go(page, "Signera")
    page.get_by_role("link", name="Granska", exact=True).click()
    first = wait_for_entry(page)
    be_slow(tmp_path, seconds)
    page.keyboard.type("1930")
    page.go_back()
    expect(page.get_by_role("heading", level=1, name="Signera")).to_be_visible()
    be_quick(tmp_path)
    settle(page)
    expect_stored(page, lambda: drafted(store, first).get("personnummer"), Answer("1930"))


@pytest.mark.usefixtures("entries")
def test_who_loads_anew_in_the_middle_of_a_field_is_asked_first(
    page: Page, store: Store, tmp_path: Path
) -> None:
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    log_in(page, NURSE)
    first = wait_for_entry(page)
    be_slow(tmp_path, 0.2)
    page.keyboard.type("1930")
    page.evaluate("location.reload()")
    wait_until(page, lambda: bool(asked) and "personnummer" in drafted(store, first))
    be_quick(tmp_path)
    assert asked == ["beforeunload"]


@pytest.mark.usefixtures("entries")
def test_what_comes_in_without_a_key_is_kept_when_the_field_loses_the_focus(
    page: Page, store: Store
) -> None:
    """As by dictation."""
    log_in(page, NURSE)
    first = wait_for_entry(page)
    page.evaluate(
        """(text) => {
            document.execCommand("insertText", false, text);
            document.activeElement.blur();
        }""",
        "1930",
    )
    expect(field_input(page, "personnummer")).to_be_focused()
    expect_stored(page, lambda: drafted(store, first).get("personnummer"), Answer("1930"))
    page.keyboard.press("End")
    page.keyboard.type("-")
    expect(field_input(page, "personnummer")).to_have_value("1930-")


LEFT_OVER = """(words) => {
    const all = [document.documentElement.outerHTML,
        ...[...document.querySelectorAll("input, textarea")].map((one) => one.value)].join(" ");
    return [...words.filter((word) => all.includes(word)),
        ...[...document.querySelectorAll(".wb, .wb-row, .wb-client")].map((one) => one.className),
        ...(window.efShelf?.keys() ?? []),
        ...(document.documentElement.style.cssText.match(/--ef-pic-\\w+/g) ?? [])];
}"""
"""The words that are still in the window, and what is left of the entry and its images."""


@pytest.mark.usefixtures("entries")
def test_who_logs_out_leaves_no_entry_no_text_and_no_picture_in_the_window(page: Page) -> None:
    log_in(page, NURSE)
    wait_for_entry(page)
    page.keyboard.type(CLIENTS[0].pid)
    expect(client(page)).to_contain_text(CLIENTS[0].name)
    field_input(page, "plan").fill("Skrivet av Nina")
    words = [CLIENTS[0].pid, CLIENTS[0].name, "Skrivet av Nina", str(NOTE["anteckning"])[:20]]
    assert set(words) <= set(page.evaluate(LEFT_OVER, words))
    page.locator(".st-key-person_menu button").first.click()
    page.get_by_role("button", name="Logga ut").click()
    expect(page.get_by_label("Användarnamn")).to_be_visible()
    wait_until(page, lambda: page.evaluate(LEFT_OVER, words) == [])
