"""A question to the one who wrote, and the answer that comes by telephone."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from tests.browser.support.nurse import press_until, settle
from tests.browser.support.people import go


def ask_author(page: Page, entry_id: str, question: str) -> Locator:
    """Put the entry on the screen aside with a question, all but the press of the last button,
    which is the answer.
    """
    press_until(page, "Alt+a", page.locator(f"[class*='st-key-reason-{entry_id}-']").first)
    page.get_by_text("Den som skrev måste tillfrågas").click()
    asked = page.locator(f"[class*='st-key-return_question-{entry_id}'] textarea")
    press_until(page, "Control+Enter", asked)
    asked.fill(question)
    return page.get_by_role("button", name="Fråga och nästa")


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
