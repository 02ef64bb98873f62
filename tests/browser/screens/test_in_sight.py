"""The client, what speaks against the client, and the question about it are seen at every size.

The page is asked what is at a point, as an eye would: what is in the tree may be covered.
"""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from pipeline.store.database.store import Store
from tests.browser.support.nurse import fill_in, log_in, press_until, settle, wait_for_entry
from tests.support.screens import seeding
from tests.support.screens.seeding import CLIENTS, NURSE

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SIZES = {
    "laptop": (1366, 768),
    "small": (1024, 700),
    "laptop at 200 %": (683, 384),
    "tablet": (768, 1024),
}
CARD, WARNING = ".ef-client strong", ".ef-why.ef-against"
QUESTION = "[class*='st-key-guard-']"
SEEN = """(selector) => {
    const element = [...document.querySelectorAll(selector)].find((one) => one.checkVisibility());
    if (!element) return `${selector} is not drawn`;
    const box = element.getBoundingClientRect();
    // Its first line, and its middle where that is within a frame that scrolls.
    const [x, y] = [box.left + Math.min(box.width / 2, 60), box.top + Math.min(box.height / 2, 20)];
    const found = document.elementFromPoint(x, y);
    if (element.contains(found) || found?.contains(element) && found.closest(selector)) return "";
    return `at ${x}, ${y} there is ${found?.outerHTML.slice(0, 120)}`;
}"""
FOCUS_SEEN = """() => {
    const element = document.activeElement.closest("label") ?? document.activeElement;
    const box = element.getBoundingClientRect();
    const found = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
    return element.contains(found) ? "" : `covered by ${found?.outerHTML.slice(0, 120)}`;
}"""
SCROLL = "(top) => document.querySelector('[data-testid=\"stMain\"]').scrollTo({ top })"


def test_client_and_question_are_seen_wherever_the_page_is_scrolled(
    page: Page, store: Store
) -> None:
    _ask_question(page, store)
    hidden = {}
    for name, (width, height) in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        settle(page)
        for top in (0, 250, 10_000):
            page.evaluate(SCROLL, top)
            settle(page)
            page.wait_for_function("() => new Promise((go) => requestAnimationFrame(() => go(1)))")
            for selector in (CARD, WARNING, QUESTION):
                if found := page.evaluate(SEEN, selector):
                    hidden[name, top, selector] = found
    assert hidden == {}


@pytest.mark.parametrize("size", SIZES)
def test_the_focus_moves_into_the_question_and_is_seen(page: Page, store: Store, size: str) -> None:
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    _ask_question(page, store)
    expect(page.locator(f"{QUESTION} input:focus")).to_have_count(1)
    assert page.evaluate(FOCUS_SEEN) == ""
    assert page.evaluate(SEEN, CARD) == ""
    # With the keyboard alone to the last choice and to the words about why, all of them seen
    for key in ("ArrowDown", "ArrowDown", "Tab"):
        page.keyboard.press(key)
        settle(page)
        assert page.evaluate(FOCUS_SEEN) == ""


def test_every_field_can_be_seen_while_the_question_is(page: Page, store: Store) -> None:
    page.set_viewport_size({"width": 683, "height": 384})
    _ask_question(page, store)
    for _ in range(12):
        page.keyboard.press("Tab")
        settle(page)
        covered = page.evaluate(FOCUS_SEEN)
        assert covered == "", _focused(page)


def _focused(page: Page) -> Any:  # noqa: ANN401 - JSON
    return page.evaluate("document.activeElement.outerHTML.slice(0, 200)")


def _ask_question(page: Page, store: Store) -> None:
    """Save a client whom the paper contradicts, which raises the question."""
    wrong = CLIENTS[1]
    seeding.add_notes(store, 1, personnummer=wrong.pid)
    log_in(page, NURSE)
    wait_for_entry(page)
    fill_in(page, {**seeding.NOTE, "personnummer": wrong.pid})
    press_until(page, "Control+Enter", page.locator(QUESTION))
    settle(page)
