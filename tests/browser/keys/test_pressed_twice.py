"""What takes a while and is pressed twice happens once, and the person sees it and gets what
was made.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, TimeoutError, expect

from pipeline.registers.pack_quantities import SheetQuantity
from pipeline.store.database.store import Store
from pipeline.store.entries.entry import load_entry
from pipeline.store.registers.planning import save_pack_quantities
from pipeline.store.reports.sheet_accounting import count_sheets
from tests.browser.support.nurse import expect_stored, log_in, settle, wait_for_entry, wait_until
from tests.browser.support.people import go
from tests.browser.support.serving import PATIENCE_MS
from tests.support.screens import seeding
from tests.support.screens.seeding import ADMINISTRATOR, NURSE, OTHER_UNIT, UNIT

pytestmark = pytest.mark.browser


def _issued(store: Store) -> int:
    with store.read() as conn:
        return sum(one.issued for one in count_sheets(conn, [UNIT, OTHER_UNIT]))


def _states(store: Store, *entries: str) -> list[str]:
    with store.read() as conn:
        return [load_entry(conn, one).state.value for one in entries]


def test_paper_is_made_once(page: Page, store: Store) -> None:
    # Two sheets of one form: a whole pack takes longer than anybody waits here
    counts = {form_id: 0 for form_id, _ in seeding.forms()} | {"hsl-anteckning": 2}
    with store.begin() as conn:
        quantities = [SheetQuantity(form_id, count) for form_id, count in counts.items()]
        save_pack_quantities(conn, ADMINISTRATOR, UNIT, quantities)
    log_in(page, ADMINISTRATOR)
    go(page, "Reservpaket")
    page.locator(".st-key-pack_do button").wait_for()
    settle(page)
    page.locator(".st-key-pack_do button").dblclick(delay=30)
    made_file = page.locator(".st-key-pack_zip")
    try:
        made_file.wait_for(timeout=PATIENCE_MS / 2)
    except TimeoutError:
        # A screen that is still being drawn takes no press
        page.locator(".st-key-pack_do button").dblclick(delay=30)
        made_file.wait_for()
    settle(page)
    made = _issued(store)
    expect(page.get_by_text("Paketet är klart")).to_contain_text(f" {made} ark")
    go(page, "Blanketter")
    page.get_by_role("button", name="Tillfällig journalanteckning HSL").click()
    page.locator(".st-key-forms_print button").dblclick(delay=30)
    page.locator(".st-key-forms_fetch").wait_for()
    settle(page)
    expect_stored(page, lambda: _issued(store), made + 1)


def test_one_decision_is_taken_back(page: Page, store: Store) -> None:
    first, second, _ = seeding.add_notes(store, 3)
    for each in (first, second):
        seeding.confirm(store, NURSE, each)
    log_in(page, NURSE)
    wait_for_entry(page)
    page.locator(".wb-undo").dblclick(delay=30)
    page.locator(f'.wb[data-entry="{second}"]').wait_for()
    settle(page)
    expect_stored(page, lambda: _states(store, first, second), ["bekräftad", "granskas"])


def test_a_file_that_was_made_is_told_of(page: Page, store: Store) -> None:
    (entry_id,) = seeding.add_notes(store, 1)
    seeding.confirm(store, NURSE, entry_id)
    log_in(page, NURSE)
    go(page, "Signera")
    signed = page.locator(".ef-settled", has_text="Hembesök")
    wait_until(
        page, lambda: "läker fint.\nLägger om" in signed.inner_text()
    )  # what one signs keeps its lines
    seeding.sign_note(store, entry_id)
    go(page, "Export")
    page.locator(".st-key-make-rivta button").dblclick(delay=30)
    expect(page.get_by_text("är gjord med 1 post")).to_be_visible()


def test_a_login_entered_twice_is_one_login(page: Page) -> None:
    """The second Enter ended what the first had begun, and the log told of two logins, one time in
    three.
    """
    sent: list[str | bytes] = []
    page.on(
        "websocket", lambda socket: socket.on("framesent", lambda message: sent.append(message))
    )
    page.reload()
    log_in(page, NURSE)
    page.keyboard.press("Enter")
    page.get_by_text("Inget väntar på dig just nu.").wait_for()
    settle(page)
    assert sum(b"login_submit" in message for message in sent if isinstance(message, bytes)) == 1
