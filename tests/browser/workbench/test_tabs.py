"""Two tabs of one person: each says that there is another one."""

from __future__ import annotations

from base64 import b64encode

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.workbench import cards
from tests.browser.workbench.stage import staged

pytestmark = [pytest.mark.browser]

NINA = {"key": b64encode(b"n" * 32).decode(), "owner": "nina"}
OMAR = {"key": b64encode(b"o" * 32).decode(), "owner": "omar"}


def twice(page: Page, unsent: cards.Data) -> Page:
    """Another tab of the same browser, in which this person is at the same entry."""
    other = page.context.new_page()
    other.goto(page.url)
    other.wait_for_function("window.isReady")
    other.evaluate("(data) => window.give(data)", cards.data(cards.card("e1"), unsent=unsent))
    return other


def test_both_tabs_of_a_person_say_so_until_one_is_closed(browser: Browser) -> None:
    with staged(browser) as stage:
        stage.give(cards.data(cards.card("e1"), unsent=NINA))
        said = stage.page.locator(".wb-twice")
        expect(said).to_be_empty()
        other = twice(stage.page, NINA)
        expect(said).to_have_text(cards.LABELS_SV["tabs"])
        expect(other.locator(".wb-twice")).to_have_text(cards.LABELS_SV["tabs"])
        other.close(run_before_unload=True)
        expect(said).to_be_empty()


def test_another_persons_tab_is_not_said(browser: Browser) -> None:
    with staged(browser) as stage:
        stage.give(cards.data(cards.card("e1"), unsent=NINA))
        other = twice(stage.page, OMAR)
        third = twice(stage.page, OMAR)
        # The two of the other person have heard of each other, so this tab has heard them too.
        expect(other.locator(".wb-twice")).not_to_be_empty()
        expect(third.locator(".wb-twice")).not_to_be_empty()
        expect(stage.page.locator(".wb-twice")).to_be_empty()
