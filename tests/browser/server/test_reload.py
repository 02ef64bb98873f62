"""A screen loaded again, or opened by its address: the person is there, without logging in again
and without a word of Streamlit's about pages; logging out ends it in every window.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from pipeline.store.database.store import Store
from tests.browser.support.nurse import log_in, settle
from tests.browser.support.people import go, logged_in, window
from tests.support.screens.seeding import MANAGER, NURSE

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_who_loads_a_screen_anew_comes_back_to_it(
    browser: Browser, served: str, store: Store
) -> None:
    del store
    with logged_in(browser, served, NURSE) as page:
        go(page, "Mitt arbete")
        page.reload()
        expect(page.get_by_role("heading", level=1, name="Mitt arbete")).to_be_visible()
        expect(page.get_by_role("dialog")).to_have_count(0)
        go(page, "Signera")
        page.go_back()
        expect(page.get_by_role("heading", level=1, name="Mitt arbete")).to_be_visible()
        page.go_forward()
        expect(page.get_by_role("heading", level=1, name="Signera")).to_be_visible()


@pytest.mark.parametrize(
    "path", ["accounts", "progress"], ids=["of another role", "of the screen that is first"]
)
def test_an_address_that_is_not_the_persons_leads_to_the_first_screen(
    browser: Browser, served: str, path: str
) -> None:
    with window(browser, f"{served}/{path}") as page:
        log_in(page, MANAGER)
        expect(page.get_by_role("heading", level=1, name="Läge")).to_be_visible()
        settle(page)
        expect(page.get_by_role("dialog")).to_have_count(0)
        expect(page.get_by_role("link", name="Läge")).to_have_count(1)


def test_logging_out_in_one_window_ends_every_window_and_a_reload_brings_nobody_back(
    browser: Browser, served: str, store: Store
) -> None:
    del store
    with logged_in(browser, served, NURSE) as page:
        second = page.context.new_page()
        second.goto(served)
        menu = second.get_by_role("button", name=NURSE.name)
        menu.click()
        second.get_by_role("button", name="Logga ut").click()
        expect(second.get_by_label("Användarnamn")).to_be_visible()
        page.reload()
        expect(page.get_by_label("Användarnamn")).to_be_visible()


def test_the_cookie_is_out_of_reach_of_scripts(browser: Browser, served: str, store: Store) -> None:
    del store
    with logged_in(browser, served, NURSE) as page:
        (cookie,) = [one for one in page.context.cookies() if one["name"] == "efterskrift"]
        assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Strict", "/")
        assert cookie["value"] not in page.evaluate("document.cookie")
