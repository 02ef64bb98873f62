"""A question to the one who wrote, and the answer that comes by telephone."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.support.nurse import press_until_gone, settle, wait_for_entry
from tests.browser.support.people import go


def begin_rejecting(page: Page, entry_id: str) -> None:
    """From the entry on the bench to the reasons for rejecting it."""
    assert wait_for_entry(page) == entry_id
    page.keyboard.press("Alt+a")
    expect(page.locator(".wb-rejecting .wb-option input").first).to_be_focused()


def send_rejection(page: Page) -> None:
    """Press until the rejection is heard: a press before the entry could be seen is ignored."""
    press_until_gone(page, "Control+Enter", page.locator(".wb-rejecting"))


def fill_in_question(page: Page, entry_id: str, question: str) -> None:
    """From the entry on the bench to a question to its author that only has to be sent."""
    begin_rejecting(page, entry_id)
    page.get_by_text("Den som skrev måste tillfrågas").click()
    page.locator("#wb-question-why").fill(question)


def write_answer(page: Page, question: str, answer: str) -> None:
    """Enter what the author said."""
    go(page, "Uppföljning")
    expect(page.get_by_text(question)).to_be_visible()
    page.get_by_text("Skriv in svaret").click()
    settle(page)  # it slides open
    page.locator("[class*='st-key-answer_text-'] textarea").fill(answer)
    page.get_by_role("button", name="Spara svaret").click()
    expect(page.get_by_text("Svaret är sparat.")).to_be_visible()
    settle(page)
