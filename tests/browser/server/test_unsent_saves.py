"""Saves that the server has not answered when the window goes: none is lost, and nobody else sees
them.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Dialog, Page, expect

from pipeline.store.database.store import Store
from pipeline.store.entries import queue
from pipeline.store.entries.entry import load_entry
from pipeline.store.schema.clock import utc_now
from tests.browser.support.nurse import (
    field_input,
    fill_in,
    log_in,
    look,
    wait_for_entry,
    wait_until,
)
from tests.browser.support.serving import PATIENCE_MS, answering, bare_server, free_port
from tests.browser.workbench.test_unsent import RECORDS
from tests.support.screens import seeding
from tests.support.screens.seeding import COLLEAGUE, NURSE

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser that outlives its windows and its server."""
    context = browser.new_context(viewport={"width": 1366, "height": 768}, locale="sv-SE")
    context.set_default_timeout(PATIENCE_MS)
    yield context
    context.close()


def saved_to_nobody(context: BrowserContext, address: str, pid: int) -> tuple[Page, str]:
    """Save an entry while the server stands still, until the browser has kept it."""
    page = context.new_page()
    page.goto(address)
    log_in(page, NURSE)
    entry_id = wait_for_entry(page)
    fill_in(page)
    look(page)
    expect(page.locator(".wb[data-ahead]:not([data-ahead=''])")).to_be_visible()
    os.kill(pid, signal.SIGSTOP)
    page.keyboard.press("Control+Enter")
    expect(page.locator(".wb-saving")).to_have_text("Inte sparat än …")
    expect(page.locator(".wb")).to_have_attribute("data-kept", "1")
    return page, entry_id


def revision(store: Store, entry_id: str) -> int:
    with store.read() as conn:
        return load_entry(conn, entry_id).revision


@pytest.mark.parametrize("way", ["server killed", "tab closed", "loaded anew"])
def test_a_save_under_way_is_saved_once_when_the_person_comes_back(
    context: BrowserContext, store: Store, tmp_path: Path, way: str
) -> None:
    entries = seeding.add_notes(store, 3)
    port = free_port()
    with bare_server(port, tmp_path) as server:
        page, entry_id = saved_to_nobody(context, answering(server.poll, port), server.pid)
        if way == "loaded anew":
            asked: list[str] = []

            def go(dialog: Dialog) -> None:
                asked.append(dialog.type)
                dialog.accept()

            page.on("dialog", go)
            page.evaluate("void setTimeout(() => location.reload())")
            wait_until(page, lambda: asked == ["beforeunload"])
        else:
            page.close(run_before_unload=False)
            page = context.new_page()
        if way == "server killed":
            server.kill()
            server.wait()
            with bare_server(port, tmp_path) as server:
                answering(server.poll, port)
                is_saved_once(page, port, store, entry_id)
        else:
            os.kill(server.pid, signal.SIGCONT)
            is_saved_once(page, port, store, entry_id)
    assert sorted(revision(store, one) for one in entries) == [0, 0, 1]


def is_saved_once(page: Page, port: int, store: Store, entry_id: str) -> None:
    """Come back, and see the next entry with nothing unsaved."""
    page.goto(f"http://127.0.0.1:{port}")
    assert wait_for_entry(page, other_than=entry_id)
    wait_until(page, lambda: revision(store, entry_id) == 1)
    expect(page.locator(".wb-saving")).to_be_empty()
    wait_until(page, lambda: page.evaluate(RECORDS) == [])


def test_another_person_of_the_same_browser_sees_nothing_and_logging_out_forgets_it(
    context: BrowserContext, store: Store, tmp_path: Path
) -> None:
    seeding.add_notes(store, 4)
    port = free_port()
    with bare_server(port, tmp_path) as server:
        page, entry_id = saved_to_nobody(context, answering(server.poll, port), server.pid)
        page.close(run_before_unload=False)
        server.kill()
        server.wait()
    with store.begin() as conn:
        queue.release_claim(conn, NURSE, entry_id)
        queue.open_claimed_entry(
            conn, seeding.forms(), COLLEAGUE, entry_id, queue.ClaimTerms(utc_now())
        )
    with bare_server(port, tmp_path) as server:
        address = answering(server.poll, port)
        cookies = context.cookies()
        context.clear_cookies(name="efterskrift")
        page = context.new_page()
        page.goto(address)
        log_in(page, COLLEAGUE)
        assert wait_for_entry(page) == entry_id
        assert len(page.evaluate(RECORDS)) == 1
        assert revision(store, entry_id) == 0
        expect(field_input(page, "personnummer")).to_have_value("")
        context.clear_cookies(name="efterskrift")
        (mine,) = (one["value"] for one in cookies if one["name"] == "efterskrift")
        context.add_cookies([{"name": "efterskrift", "value": mine, "url": address}])
        page.goto(address)
        expect(page.locator(".wb-says")).to_contain_text("hos någon annan")
        wait_for_entry(page, other_than=entry_id)
        assert len(page.evaluate(RECORDS)) == 1
        page.get_by_role("button", name=NURSE.name).click()
        page.get_by_role("button", name="Logga ut").click()
        expect(page.get_by_label("Användarnamn")).to_be_visible()
        wait_until(page, lambda: page.evaluate(RECORDS) == [])
