"""People at their windows: each logs in, goes from screen to screen and takes files home."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page, expect

from pipeline.domain.model import Person
from pipeline.texts import text
from tests.browser.support.nurse import log_in, settle
from tests.browser.support.serving import PATIENCE_MS
from tests.support.screens import seeding
from ui.screens.menu import SCREENS

PRESSED_MS = 120
"""A link is held down as long as people do: a draft is sent before the screen changes."""


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
    """Press a screen in the menu: its place and, where it is not the first there, its tab, or the
    line under Mer. A link may say how much there is to do, in brackets.
    """
    screen = next(one for one in SCREENS if text(f"{one.name}.title", "sv") == title)
    places = page.locator(".st-key-places")
    places.get_by_role("link").first.wait_for()
    entry = places.get_by_role("link", name=_named(screen.entry))
    if entry.count():
        entry.click(delay=PRESSED_MS)
    else:
        places.get_by_role("button", name=re.compile("^Mer")).click()
        lines = page.get_by_test_id("stPopoverBody")
        lines.get_by_role("link", name=_named(screen.name)).click(delay=PRESSED_MS)
    heading, tabs = page.get_by_role("heading", level=1), page.locator(".st-key-tabs")
    if screen.entry == screen.name or heading.get_by_text(title, exact=True).count():
        return
    expect(heading.get_by_text(title, exact=True).or_(tabs).first).to_be_visible()
    settle(page)
    if not heading.get_by_text(title, exact=True).count():
        tabs.get_by_role("link", name=_named(screen.name)).click(delay=PRESSED_MS)


def _named(name: str) -> re.Pattern[str]:
    title = text(f"{name}.title", "sv")
    return re.compile(rf"^{re.escape(title)}( \(|$)")


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
