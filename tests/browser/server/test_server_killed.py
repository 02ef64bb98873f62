"""A server that is killed in the middle of an entry, and comes back."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from pipeline.domain.model import EntryState
from pipeline.domain.review.rules import Answer
from pipeline.store.database.store import Store
from pipeline.store.entries.entry import load_entry
from tests.browser.support.nurse import (
    client,
    drafted,
    field_input,
    fill_in,
    log_in,
    look,
    save,
    save_last,
    skip,
    wait_for_entry,
    wait_until,
)
from tests.browser.support.serving import PATIENCE_MS, answering, bare_server, free_port
from tests.support.screens import seeding
from tests.support.screens.seeding import NOTE, NURSE

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A window that outlives its server."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="sv-SE")
    context.set_default_timeout(PATIENCE_MS)
    yield context.new_page()
    context.close()


def test_a_killed_server_loses_at_most_the_field_being_typed(
    page: Page, store: Store, tmp_path: Path
) -> None:
    (entry_id,) = seeding.add_notes(store, 1)
    port = free_port()
    with bare_server(port, tmp_path) as server:
        page.goto(answering(server.poll, port))
        log_in(page, NURSE)
        wait_for_entry(page)
        page.keyboard.type(str(NOTE["personnummer"]))
        page.keyboard.press("Tab")
        expect(client(page)).to_contain_text("Elsa Fjällberg")  # the field has reached the server
        page.keyboard.type("halv")
        server.kill()
        server.wait()
    assert drafted(store, entry_id)["personnummer"] == Answer(NOTE["personnummer"])
    page.goto("about:blank")
    with bare_server(port, tmp_path) as server:
        page.goto(answering(server.poll, port))
        assert wait_for_entry(page) == entry_id
        expect(field_input(page, "personnummer")).to_have_value(str(NOTE["personnummer"]))
        fill_in(page)
        save_last(page, entry_id)
    with store.read() as conn:
        assert load_entry(conn, entry_id).state is EntryState.CONFIRMED


@pytest.mark.parametrize(
    "pressed", [pytest.param("Tab", marks=pytest.mark.nightly), "Control+Enter"]
)
def test_who_works_on_is_told_and_loses_nothing_when_the_server_is_back(
    page: Page, store: Store, tmp_path: Path, pressed: str
) -> None:
    """Also what is typed, and a save that is pressed, while there is no server."""
    entries = seeding.add_notes(store, 3)
    port = free_port()
    with bare_server(port, tmp_path) as server:
        page.goto(answering(server.poll, port))
        expect(page.get_by_text("Kontakten med servern bröts")).to_be_hidden()
        log_in(page, NURSE)
        first = wait_for_entry(page)
        fill_in(page)
        field_input(page, "plan").fill("Ny omläggning")
        field_input(page, "skribent").focus()
        wait_until(page, lambda: drafted(store, first).get("plan") == Answer("Ny omläggning"))
        look(page)
        server.kill()
        server.wait()
    page.keyboard.type("dubbelt")
    page.keyboard.press(pressed)
    expect(page.get_by_role("dialog")).to_contain_text("Ingen kontakt med servern")
    expect(page.get_by_role("dialog")).not_to_contain_text("Streamlit")
    with bare_server(port, tmp_path) as server:
        answering(server.poll, port)
        expect(page.get_by_text("Kontakten med servern bröts")).to_be_visible()
        expect(page.get_by_role("dialog")).to_have_count(0)
        page.keyboard.press("End")  # the first key brings the focus back to its field
        wait_for_entry(page)
        for _ in range(len(entries)):
            if page.locator(".wb").get_attribute("data-entry") == first:
                break
            skip(page, str(page.locator(".wb").get_attribute("data-entry")))
        (once,) = revisions(store, first)
        assert once in (0, 1)
        assert sum(revisions(store, *entries)) == once
        if not once:
            assert drafted(store, first).get("plan") == Answer("Ny omläggning")
            expect(field_input(page, "plan")).to_have_value("Ny omläggning")
            expect(field_input(page, "handelsetid")).to_have_value(str(NOTE["handelsetid"]))


def test_a_server_that_is_killed_in_the_middle_of_a_save_decides_it_once_or_not_at_all(
    page: Page, store: Store, tmp_path: Path
) -> None:
    """What is typed in the next entry meanwhile is not lost either."""
    entries = seeding.add_notes(store, 3)
    port = free_port()
    with bare_server(port, tmp_path) as server:
        page.goto(answering(server.poll, port))
        log_in(page, NURSE)
        first = wait_for_entry(page)
        fill_in(page)
        look(page)
        expect(page.locator(".wb[data-ahead]:not([data-ahead=''])")).to_be_visible()
        os.kill(server.pid, signal.SIGSTOP)
        page.keyboard.press("Control+Enter")
        second = wait_for_next(page, first)
        page.keyboard.type("1930")
        server.kill()
        server.wait()
    with bare_server(port, tmp_path) as server:
        answering(server.poll, port)
        expect(page.get_by_text("Kontakten med servern bröts")).to_be_visible()
        expect(page.get_by_role("dialog")).to_have_count(0)
        page.keyboard.press("End")  # the first key brings the focus back to its field
        shown = wait_for_entry(page)
        (once,) = revisions(store, first)
        assert shown == (second if once else first)
        if not once:
            expect(field_input(page, "handelsetid")).to_have_value(str(NOTE["handelsetid"]))
            fill_in(page)
            save(page, first)
        assert wait_for_entry(page, other_than=first) == second
        expect(field_input(page, "personnummer")).to_have_value("1930")
        assert sorted(revisions(store, *entries)) == [0, 0, 1]
        assert revisions(store, first) == [1]


def wait_for_next(page: Page, entry_id: str) -> str:
    """Wait until another entry is shown, which need not be saved."""
    page.wait_for_function(
        "(last) => document.querySelector('.wb').dataset.entry !== last", arg=entry_id
    )
    return str(page.locator(".wb").get_attribute("data-entry"))


def revisions(store: Store, *entries: str) -> list[int]:
    """How often each entry was decided."""
    with store.read() as conn:
        return [load_entry(conn, one).revision for one in entries]
