"""An exported entry is found by the number on the paper, corrected, and exported again as a
correction.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select, update

from pipeline.export import runs
from pipeline.store.database.store import Store
from pipeline.store.entries.answers import decided_answers
from pipeline.store.entries.entry import load_entry
from pipeline.store.schema.accounts import browser_session
from pipeline.store.schema.clock import utc_now
from tests.browser.support.nurse import (
    client,
    field_input,
    focused_field,
    log_in,
    look,
    press_until,
    settle,
    wait_for_entry,
    wait_until,
)
from tests.browser.support.people import press_menu
from tests.support.screens import seeding
from tests.support.screens.seeding import CLIENTS, NOTE, NURSE
from tests.support.store.rivta_archives import rivta_text
from tests.support.store.route_steps import make_run

pytestmark = [pytest.mark.browser, pytest.mark.slow]

_WHY = ":why"
"""The field of the reason."""


def begin_correction(page: Page, entry_id: str) -> None:
    """Look the entry's sheet up by its serial, and open the correction."""
    press_until(page, "Alt+l", page.get_by_label("Löpnummer", exact=True))
    expect(page.get_by_label("Löpnummer", exact=True)).to_be_focused()
    page.keyboard.type(f"{entry_id[:4]}-{entry_id[4:8]}")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Visa", exact=True).click()
    page.get_by_role("button", name="Rätta").click()
    wait_for_entry(page)


def decided(store: Store, page: Page) -> str:
    """A signed note; the nurse is logged in, and corrects it."""
    entry_id = seeding.add_notes(store, 1)[0]
    seeding.confirm(store, NURSE, entry_id, sign=True)
    log_in(page, NURSE)
    settle(page)
    begin_correction(page, entry_id)
    return entry_id


@pytest.mark.parametrize(
    "size", [(1366, 768), (1024, 700)], ids=lambda size: "x".join(map(str, size))
)
def test_a_value_is_corrected_with_the_keyboard_alone(
    page: Page, store: Store, size: tuple[int, int]
) -> None:
    """From the first field to a later one, without a reason first: the focus goes there."""
    page.set_viewport_size({"width": size[0], "height": size[1]})
    entry_id = decided(store, page)
    assert focused_field(page)[1] == "personnummer"
    expect(field_input(page, "personnummer")).to_have_value(str(NOTE["personnummer"]))
    expect(client(page)).to_contain_text(CLIENTS[0].name)
    reached = [focused_field(page)[1]]
    while reached[-1] != "handelsetid":  # each field, one after the other
        page.keyboard.press("Enter")
        assert focused_field(page)[1] not in reached
        reached.append(focused_field(page)[1])
    ink = page.locator(".wb-now > .wb-crop").bounding_box()
    assert ink is not None
    assert ink["height"] >= 28
    expect(page.locator(".wb-at")).to_be_in_viewport()
    page.keyboard.type("10:15")
    row = page.locator('.wb-row[data-name="handelsetid"]')
    expect(row).to_contain_text(f"Förut: {NOTE['handelsetid']}")
    look(page)
    page.keyboard.press("Control+Enter")
    expect(field_input(page, _WHY)).to_be_focused()
    expect(page.locator(f'.wb-row[data-name="{_WHY}"]')).to_contain_text("Skriv varför")
    expect(field_input(page, _WHY)).to_be_in_viewport()
    expect(field_input(page, "handelsetid")).to_have_value("10:15")
    page.keyboard.type("Fel klockslag")
    look(page)
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("En annan person granskar den först")).to_be_visible()
    expect(page.locator(".wb")).to_have_count(0)
    expect(page.locator("[class*='st-key-lookup_back']")).to_be_visible()
    with store.read() as conn:
        assert decided_answers(conn, entry_id)["handelsetid"].answer.value == "10:15"


def test_whoever_leaves_a_correction_comes_back_to_the_entry(page: Page, store: Store) -> None:
    """Escape leaves at once what is as it was, and asks once where something is changed."""
    decided(store, page)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Rätta").click()
    wait_for_entry(page)
    expect(field_input(page, "personnummer")).to_be_focused()
    field_input(page, "plan").fill("Ny omläggning på tisdag.")
    page.keyboard.press("Escape")
    expect(page.locator(".wb-warning")).to_contain_text("inte sparat")
    expect(field_input(page, "plan")).to_have_value("Ny omläggning på tisdag.")
    expect(field_input(page, "plan")).to_be_focused()
    press_until(page, "Escape", page.get_by_role("button", name="Rätta"))
    expect(page.get_by_text("Vad som har hänt")).to_be_visible()


def test_an_entry_is_made_void_with_a_reason(page: Page, store: Store) -> None:
    entry_id = decided(store, page)
    press_until(page, "Escape", page.get_by_role("button", name="Makulera"))
    page.get_by_role("button", name="Makulera").click()
    wait_for_entry(page)
    expect(field_input(page, _WHY)).to_be_focused()
    expect(page.locator(".wb-row")).to_have_count(1)
    look(page)
    page.keyboard.press("Control+Enter")
    expect(page.locator(f'.wb-row[data-name="{_WHY}"]')).to_contain_text("Skriv varför")
    expect(field_input(page, _WHY)).to_be_focused()
    page.keyboard.type("Fel person")
    look(page)
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("Posten är makulerad.")).to_be_visible()
    with store.read() as conn:
        assert load_entry(conn, entry_id).voided == "Fel person"


def test_the_client_of_a_typed_number_stands_beside_the_paper(page: Page, store: Store) -> None:
    """Ctrl+Enter in the number's field saves what is there, not what was there before."""
    entry_id = decided(store, page)
    expect(client(page)).to_contain_text(CLIENTS[0].name)
    field_input(page, _WHY).fill("Fel person")
    field_input(page, "personnummer").fill(CLIENTS[1].pid)
    page.keyboard.press("Control+Enter")
    expect(client(page)).to_contain_text(CLIENTS[1].name)
    expect(client(page)).to_contain_text("namnet liknar inte")
    field_input(page, "plan").click()
    expect(client(page)).to_be_in_viewport()
    expect(page.locator(".wb-picture")).to_be_in_viewport(ratio=0.9)
    press_until(page, "Control+Enter", page.locator(".wb-question"))
    expect(page.locator(".wb-question")).to_contain_text("stämmer inte överens")
    with store.read() as conn:
        assert decided_answers(conn, entry_id)["personnummer"].answer.value == CLIENTS[0].pid


def test_whoever_writes_a_correction_is_active(page: Page, store: Store) -> None:
    """The correction is saved when it is done: until then the drafts are what the server hears."""
    decided(store, page)
    before = utc_now() - timedelta(minutes=seeding.settings(store).session_minutes - 1)
    with store.begin() as conn:
        conn.execute(update(browser_session).values(active_at=before))
    plan = field_input(page, "plan")
    plan.fill("")
    plan.press_sequentially("Ny omläggning på tisdag, ring", delay=20)
    wait_until(page, lambda: _active_at(store) > before)
    assert _active_at(store) > before
    expect(plan).to_have_value("Ny omläggning på tisdag, ring")


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
    field_input(page, "plan").fill("Ny omläggning på tisdag.")
    field_input(page, _WHY).fill("Fel dag")
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
