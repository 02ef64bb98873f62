"""What another person has keyed in already: a list is handed in, compared by keyboard, one decision
is undone, and the export holds the rest.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from pipeline.domain.model import EntryState
from pipeline.store.database.store import Store
from pipeline.store.entries.entry import load_entry
from tests.browser.screens.test_accessibility import RULES
from tests.browser.support.nurse import expect_stored, press_until, settle
from tests.browser.support.people import go, hand_in, logged_in
from tests.browser.support.serving import serving
from tests.support.screens import seeding
from tests.support.screens.seeding import CLIENTS, NURSE

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ROWS = (("09:52", "Såret vänster fot läker fint, lägger om"), ("10:35", "Ringt anhörig"))


@pytest.fixture
def care_list(tmp_path: Path) -> Path:
    """What the care system has: a row that is our note, and one that is not."""
    path = tmp_path / "ur-vardsystemet.csv"
    rows = [f"{CLIENTS[0].pid};2021-12-18 {clock};Besök;{text}" for clock, text in ROWS]
    path.write_text("\n".join(["Personnummer;Händelsetid;Typ;Anteckning", *rows]), "utf-8")
    return path


def test_a_nurse_compares_and_decides(
    browser: Browser, store: Store, tmp_path: Path, care_list: Path
) -> None:
    entry_id = seeding.add_notes(store, 1)[0]
    seeding.confirm(store, NURSE, entry_id, sign=True)
    with serving(tmp_path) as address, logged_in(browser, address, NURSE) as page:
        _hands_in(page, care_list)
        expect(page.get_by_text("samma dag, 12 minuter ifrån")).to_be_visible()
        assert [
            found["id"] for found in Axe().run(page, options=RULES).response["violations"]
        ] == []
        other_pair = page.get_by_text("samma dag, 55 minuter ifrån")
        press_until(page, "Alt+i", other_pair, patience_ms=15_000)
        page.get_by_role("button", name="Ångra senaste beslutet").click()
        expect(page.get_by_text("samma dag, 12 minuter ifrån")).to_be_visible()
        settle(page)
        go(page, "Export")
        expect(page.get_by_text("1 post hålls kvar: den kan redan vara inmatad")).to_be_visible()
        _opens(page)
        press_until(page, "Control+Enter", page.get_by_text("Inget väntar på att jämföras"))
        expect_stored(page, lambda: _state(store, entry_id), EntryState.REJECTED)
        page.get_by_text("Dubbletter (1)").click()
        page.get_by_role("button", name="Ta tillbaka: ingen dubblett").click()
        expect(page.get_by_text("Posten är åter vad den var innan den markerades.")).to_be_visible()
        settle(page)
        expect_stored(page, lambda: _state(store, entry_id), EntryState.SIGNED)


def _opens(page: Page) -> None:
    go(page, "Uppföljning")
    page.get_by_text("Redan inmatade?").click()
    settle(page)


def _hands_in(page: Page, care_list: Path) -> None:
    _opens(page)
    page.get_by_text("Ladda upp en lista ur vårdsystemet", exact=True).click()
    hand_in(page, "care_list_0", care_list)
    page.get_by_role("button", name="Jämför").click()
    expect(page.get_by_text("2 rader jämförs. 2 par väntar på att avgöras.")).to_be_visible()
    settle(page)


def _state(store: Store, entry_id: str) -> EntryState:
    with store.read() as conn:
        return load_entry(conn, entry_id).state
