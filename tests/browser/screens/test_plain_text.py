"""Whatever a person writes is on the screen as it was written."""

from __future__ import annotations

from dataclasses import replace

import pytest
from playwright.sync_api import Browser, expect

from pipeline.store.accounts import people
from pipeline.store.database.store import Store
from tests.browser.support.people import logged_in
from tests.support.screens import seeding
from tests.support.screens.seeding import NURSE
from tests.support.store.passwords import hashed

pytestmark = [pytest.mark.browser, pytest.mark.slow]

HOSTILE = (
    "# <b>N</b> ![x](http://a.se/i.png) :red[r] :smile: :material/home: $x$ [l](javascript:1) "
    "**f** _k_ `c` www.a.se a@b.se"
)


def test_a_name_full_of_markdown_is_shown_letter_by_letter(
    browser: Browser, served: str, store: Store
) -> None:
    with store.begin() as conn:
        people.save_person(conn, replace(NURSE, name=HOSTILE), hashed(seeding.PASSWORD))
    with logged_in(browser, served, replace(NURSE, name="smile")) as page:
        menu = page.locator(".st-key-person_menu")
        expect(menu).to_be_visible()
        assert HOSTILE in menu.inner_text().replace("\u2060", "")
        assert menu.locator("img, a, strong, em, code, .katex, span[style*=color]").count() == 0
