"""The browser asks nobody but this server, and an unforeseen error shows and logs nothing that
a person wrote.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect
from sqlalchemy import update

from pipeline.store.database.store import Store
from pipeline.store.schema import paper
from tests.browser.support.nurse import log_in, wait_for_entry
from tests.browser.support.people import press_menu
from tests.browser.support.serving import PATIENCE_MS, serving
from tests.support.screens import seeding
from tests.support.screens.seeding import ADMINISTRATOR, NURSE

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_no_request_leaves_this_machine(browser: Browser, tmp_path: Path) -> None:
    store = seeding.make_store(tmp_path)
    seeding.add_notes(store, 1)
    asked: list[str] = []
    said: list[str] = []

    def ask(request: Request) -> None:
        asked.append(request.url)

    def say(message: ConsoleMessage) -> None:
        if message.type == "error":
            said.append(message.text)

    with serving(tmp_path) as address:
        for person, titles in ((NURSE, ("Export",)), (ADMINISTRATOR, ("Skanna", "Läge"))):
            page = browser.new_page(locale="sv-SE")
            page.set_default_timeout(PATIENCE_MS)
            page.on("request", ask)
            page.on("console", say)
            page.goto(address)
            log_in(page, person)
            if person is NURSE:
                wait_for_entry(page)
            for title in titles:
                press_menu(page, title)
                page.get_by_role("heading", name=title, exact=True).wait_for()
            page.wait_for_load_state("networkidle")
            page.close()
        assert len(asked) > 10
        assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == []
        assert said == []


def test_an_unforeseen_error_says_what_to_do_and_tells_no_values(
    page: Page, store: Store, tmp_path: Path
) -> None:
    seeding.add_notes(store, 1)
    with store.begin() as conn:
        conn.execute(update(paper.page).values(outcome=seeding.CLIENTS[0].name))
    log_in(page, NURSE)
    expect(page.get_by_text("Något gick fel som inte borde kunna hända.")).to_be_visible()
    logged = (tmp_path / "server.log").read_text("utf-8")
    assert "ValueError at" in logged
    assert [
        words
        for words in (seeding.CLIENTS[0].name, "Traceback")
        if words in logged or words in page.content()
    ] == []
