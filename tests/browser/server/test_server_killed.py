"""A server that is killed in the middle of an entry, and comes back."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from pipeline.domain.model import EntryState
from pipeline.domain.review.rules import Answer
from pipeline.store.database.store import Store
from pipeline.store.entries.answers import list_answer_drafts
from pipeline.store.entries.entry import load_entry
from tests.browser.support.nurse import (
    drafted,
    fill_in,
    log_in,
    press_until,
    wait_for_entry,
    wait_until,
)
from tests.browser.support.serving import PATIENCE_MS, answering, bare_server, free_port
from tests.support.screens import seeding
from tests.support.screens.seeding import NOTE, NURSE

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_a_killed_server_loses_at_most_the_field_being_typed(
    browser: Browser, store: Store, tmp_path: Path
) -> None:
    (entry_id,) = seeding.add_notes(store, 1)
    port = free_port()
    page = browser.new_context(viewport={"width": 1440, "height": 900}, locale="sv-SE").new_page()
    page.set_default_timeout(PATIENCE_MS)
    with bare_server(port, tmp_path) as server:
        page.goto(answering(server.poll, port))
        log_in(page, NURSE)
        wait_for_entry(page)
        page.keyboard.type(str(NOTE["personnummer"]))
        page.keyboard.press("Tab")
        expect(page.locator(".ef-client")).to_contain_text(
            "Elsa Fjällberg"
        )  # the field has reached the server
        page.keyboard.type("halv")
        server.kill()
        server.wait()
    with store.read() as conn:
        assert list_answer_drafts(conn, entry_id, NURSE.login)["personnummer"] == Answer(
            NOTE["personnummer"]
        )
    with bare_server(port, tmp_path) as server:
        page.goto(answering(server.poll, port))
        assert wait_for_entry(page) == entry_id
        expect(page.locator(f".st-key-f-{entry_id}-0-personnummer input")).to_have_value(
            str(NOTE["personnummer"])
        )
        page.keyboard.press("Tab")
        fill_in(page)
        press_until(page, "Control+Enter", page.get_by_text("Inget väntar på dig just nu"))
    with store.read() as conn:
        assert load_entry(conn, entry_id).state is EntryState.CONFIRMED
    page.context.close()


@pytest.mark.parametrize(
    "pressed", [pytest.param("Tab", marks=pytest.mark.nightly), "Control+Enter"]
)
def test_who_types_on_is_told_and_comes_back_to_the_entry_with_what_was_kept(
    browser: Browser, store: Store, tmp_path: Path, pressed: str
) -> None:
    entries = seeding.add_notes(store, 3)
    port = free_port()
    page = browser.new_context(viewport={"width": 1440, "height": 900}, locale="sv-SE").new_page()
    page.set_default_timeout(PATIENCE_MS)
    with bare_server(port, tmp_path) as server:
        page.goto(answering(server.poll, port))
        expect(page.get_by_text("Kontakten med servern bröts")).to_be_hidden()
        log_in(page, NURSE)
        first = wait_for_entry(page)
        fill_in(page)
        plan = page.locator(f".st-key-f-{first}-0-plan textarea")
        plan.fill("Ny omläggning")
        page.locator(f".st-key-f-{first}-0-skribent input").focus()
        wait_until(page, lambda: drafted(store, first).get("plan") == Answer("Ny omläggning"))
        server.kill()
        server.wait()
    page.keyboard.type("dubbelt")
    page.keyboard.press(pressed)
    expect(page.get_by_role("dialog")).to_contain_text("Ingen kontakt med servern")
    expect(page.get_by_role("dialog")).not_to_contain_text("Streamlit")
    with bare_server(port, tmp_path) as server:
        answering(server.poll, port)
        expect(page.get_by_text("Kontakten med servern bröts")).to_be_visible()
        assert wait_for_entry(page) == first
        expect(plan).to_have_value("Ny omläggning")
        expect(page.locator(f".st-key-f-{first}-0-handelsetid input")).to_have_value(
            str(NOTE["handelsetid"])
        )
    with store.read() as conn:
        assert [load_entry(conn, one).revision for one in entries] == [0] * 3
    assert drafted(store, first).get("plan") == Answer("Ny omläggning")
    page.context.close()
