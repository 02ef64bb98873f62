"""An empty date says in the person's language how it is written; Streamlit says it in English
only.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from pipeline.store.database.store import Store
from tests.browser.support.nurse import settle
from tests.browser.support.people import go, logged_in
from tests.support.screens.seeding import MANAGER

pytestmark = [pytest.mark.browser, pytest.mark.slow]

_SHOWN = """year => [year, null]
    .map((_, n) => getComputedStyle(year, n ? "::after" : null))
    .map((style, n) => n ? style.content : style.fontSize)"""


def test_an_empty_year_is_swedish_in_swedish(browser: Browser, served: str, store: Store) -> None:
    del store
    with logged_in(browser, served, MANAGER) as page:
        go(page, "Reservpaket")
        year = page.locator(".st-key-pack_first_day [data-type='year'][data-placeholder='true']")
        year.wait_for(state="attached")
        settle(page)
        assert year.evaluate(_SHOWN) == ["0px", '"åååå"']
        year.press_sequentially("2026")
        assert page.locator(".st-key-pack_first_day [data-type='year']").inner_text() == "2026"
