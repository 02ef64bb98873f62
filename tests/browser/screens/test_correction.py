"""An exported entry is found by the number on the paper, corrected, and exported again as a
correction.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select, update

from pipeline.export import runs
from pipeline.store.database.store import Store
from pipeline.store.entries.answers import decided_answers
from pipeline.store.schema.accounts import browser_session
from pipeline.store.schema.clock import utc_now
from tests.browser.support.nurse import log_in, press_until, settle, wait_until
from tests.browser.support.people import press_menu
from tests.support.screens import seeding
from tests.support.screens.seeding import CLIENTS, NURSE
from tests.support.store.rivta_archives import rivta_text
from tests.support.store.route_steps import make_run

pytestmark = [pytest.mark.browser, pytest.mark.slow]

_PLAN = "[class*='st-key-f-'][class*='-plan'] textarea"


def begin_correction(page: Page, entry_id: str) -> None:
    """Look the entry's sheet up by its serial, and open the correction."""
    press_until(page, "Alt+l", page.get_by_label("Löpnummer", exact=True))
    expect(page.get_by_label("Löpnummer", exact=True)).to_be_focused()
    page.keyboard.type(f"{entry_id[:4]}-{entry_id[4:8]}")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Visa", exact=True).click()
    page.get_by_role("button", name="Rätta").click()


def test_the_client_of_a_typed_number_stands_beside_the_paper(page: Page, store: Store) -> None:
    """Ctrl+Enter in the number's field saves what is there, not what was there before."""
    entry_id = seeding.add_notes(store, 1)[0]
    seeding.confirm(store, NURSE, entry_id, sign=True)
    log_in(page, NURSE)
    settle(page)
    begin_correction(page, entry_id)
    number = page.locator("[class*='st-key-f-'][class*='-personnummer'] input")
    expect(number).to_be_focused()
    assert number.evaluate("one => one.selectionStart === one.selectionEnd")
    box = page.locator(".ef-client")
    expect(box).to_contain_text(CLIENTS[0].name)
    page.locator("[class*='st-key-why-'] input").fill("Fel person")
    number.fill(CLIENTS[1].pid)
    page.keyboard.press("Control+Enter")
    expect(box).to_contain_text(CLIENTS[1].name)
    expect(box).to_contain_text("namnet liknar inte")
    settle(page)
    page.locator(_PLAN).click()
    expect(box).to_be_in_viewport()
    expect(page.locator(".st-key-picture")).to_be_in_viewport(ratio=0.3)
    press_until(page, "Control+Enter", page.get_by_text("stämmer inte överens"))
    with store.read() as conn:
        assert decided_answers(conn, entry_id)["personnummer"].answer.value == CLIENTS[0].pid


def test_whoever_writes_a_correction_is_active(page: Page, store: Store) -> None:
    """The form is sent when it is done: until then the server would hear nothing."""
    entry_id = seeding.add_notes(store, 1)[0]
    seeding.confirm(store, NURSE, entry_id, sign=True)
    log_in(page, NURSE)
    settle(page)
    begin_correction(page, entry_id)
    plan = page.locator(_PLAN)
    expect(plan).to_be_visible()
    settle(page)
    before = utc_now() - timedelta(minutes=seeding.settings(store).session_minutes - 1)
    with store.begin() as conn:
        conn.execute(update(browser_session).values(active_at=before))
    # What is typed in the first minute after the last report is not told of: it has passed.
    page.evaluate(
        "() => { const now = performance.now.bind(performance);"
        " performance.now = () => now() + 61_000; }"
    )
    plan.press_sequentially("Ny omläggning på tisdag, ring", delay=20)
    wait_until(page, lambda: _active_at(store) > before)
    assert _active_at(store) > before
    expect(plan).to_have_value(re.compile("Ny omläggning på tisdag, ring[.]*$"))


def _active_at(store: Store) -> datetime:
    with store.read() as conn:
        at: datetime = conn.execute(select(browser_session.c.active_at)).scalar_one()
    return at


def test_an_exported_entry_is_corrected_and_exported_again(
    page: Page, store: Store, tmp_path: Path
) -> None:
    entry_id = seeding.add_notes(store, 1)[0]
    seeding.confirm(store, NURSE, entry_id, sign=True)
    office = runs.ExportContext(store, seeding.settings(store), seeding.forms())
    first = make_run(office, NURSE, "rivta", utc_now())
    assert first is not None
    log_in(page, NURSE)
    expect(page.get_by_text("Inget väntar på dig just nu.")).to_be_visible()
    settle(page)
    begin_correction(page, entry_id)
    page.locator(_PLAN).fill("Ny omläggning på tisdag.")
    page.locator("[class*='st-key-why-'] input").fill("Fel dag")
    press_until(page, "Control+Enter", page.get_by_text("Rättelsen är sparad."))
    seeding.sign_note(store, entry_id)
    press_menu(page, "Export")
    expect(page.get_by_text("varav 1 rättelse")).to_be_visible()
    page.locator(".st-key-make-rivta button").click()
    expect(page.get_by_text("är gjord med 1 post")).to_be_visible()
    settle(page)  # the message comes before the list that the run is in
    newest = page.locator("[class*='st-key-download-'] button").first
    with page.expect_download() as fetched:
        newest.click()
    fetched.value.save_as(tmp_path / "again.zip")
    text = rivta_text((tmp_path / "again.zip").read_bytes())
    assert "tisdag" in text
    assert "rättelse" in text.lower()
