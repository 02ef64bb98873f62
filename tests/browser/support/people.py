"""People at their windows: each logs in, goes from screen to screen and takes files home."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

from pipeline.domain.model import Person
from tests.browser.support.nurse import log_in, settle
from tests.browser.support.serving import PATIENCE_MS
from tests.support.screens import seeding

_MENU_MS = 8_000


@contextmanager
def window(browser: Browser, address: str) -> Iterator[Page]:
    """A browser of its own, with nobody logged in. After a failure the report closes it."""
    context = browser.new_context(
        viewport={"width": 1440, "height": 900}, locale="sv-SE", accept_downloads=True
    )
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(address)
    yield page
    context.close()


@contextmanager
def logged_in(
    browser: Browser, address: str, person: Person, password: str = seeding.PASSWORD
) -> Iterator[Page]:
    """A browser with the person's first screen."""
    with window(browser, address) as page:
        log_in(page, person, password)
        page.get_by_role("button", name=person.name).wait_for()
        settle(page)
        yield page


def press_menu(page: Page, title: str) -> None:
    """Press a screen in the menu, or under Fler where the menu has no room for it.

    The menu unfolds some time after the window has changed: the link is waited for. It may say how
    much there is to do, in brackets.
    """
    name = re.compile(rf"^{re.escape(title)}( \(|$)")
    try:
        page.get_by_role("link", name=name).click(timeout=_MENU_MS)
    except PlaywrightTimeoutError:
        page.get_by_role("button", name="Fler", exact=True).click()
        page.get_by_role("menuitem", name=name).click()


def go(page: Page, title: str) -> None:
    """Open a screen by the menu."""
    press_menu(page, title)
    expect(page.get_by_role("heading", level=1, name=title)).to_be_visible()
    settle(page)


def choose(page: Page, key: str, option: str) -> None:
    """Choose in a list by the key of its widget."""
    page.locator(f".st-key-{key}").get_by_role("combobox").first.click()
    page.get_by_role("option", name=option, exact=True).click()
    settle(page)


def fetched(page: Page, button: Locator, folder: Path) -> Path:
    """Press a button that hands out a file; answers with the file."""
    settle(page)
    with page.expect_download() as download:
        button.click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def hand_in(page: Page, key: str, *files: Path) -> None:
    """Put files into an uploader and wait until they are there."""
    uploader = page.locator(f"[class*='st-key-{key}']")
    uploader.locator("input[type=file]").set_input_files(list(files))
    for file in files:  # long names are shown shortened
        expect(uploader).to_contain_text(file.name[:6])
    settle(page)
