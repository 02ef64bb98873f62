"""Each screen of each role against WCAG 2.2 AA, in light and dark: axe-core's rules, one heading, the language, and no sideways scrolling at 200 %."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from pipeline.model import Person
from tests.browser.nurse import log_in, settle
from tests.browser.serving import PATIENCE_MS, serving
from tests.ui import seeding
from tests.ui.seeding import ADMINISTRATOR, LOG_REVIEWER, MANAGER, NURSE, REGISTRAR, SYSTEM_ADMINISTRATOR

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ROLES = (ADMINISTRATOR, NURSE, MANAGER, REGISTRAR, SYSTEM_ADMINISTRATOR, LOG_REVIEWER)
OPTIONS = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}
NARROW = 640
"""A window of 1280 px at 200 % has this many px of its own."""


@dataclass(frozen=True, slots=True)
class Known:
    """What Streamlit draws wrongly and nothing of ours can mend."""

    rule: str
    selector: str
    reason: str


KNOWN: tuple[Known, ...] = ()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A workspace in which every screen has something to show."""
    workspace: Path = tmp_path_factory.mktemp("screens")
    store = seeding.make_store(workspace)
    entries = seeding.add_notes(store, 4)
    seeding.add_failed_page(store)
    seeding.add_blank_page(store)
    seeding.add_duplicate(store, entries[0])
    seeding.confirm(store, NURSE, entries[0])
    seeding.confirm(store, NURSE, entries[1], sign=True)
    with serving(workspace) as served:
        yield served


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("person", ROLES, ids=lambda person: person.role.value)
def test_no_screen_breaks_a_rule(browser: Browser, address: str, person: Person, scheme: str) -> None:
    with _window(browser, scheme) as context:
        page = _opened(context, address, person)
        found = [problem for screen in _screens(page) for problem in _problems(page, screen)]
    assert found == []


def test_the_first_screen_breaks_no_rule(browser: Browser, address: str) -> None:
    with _window(browser) as context:
        page = context.new_page()
        page.goto(address)
        page.get_by_label("Användarnamn").wait_for()
        assert _problems(page, "Logga in") == []


@pytest.mark.parametrize("person", ROLES, ids=lambda person: person.role.value)
def test_at_200_per_cent_nothing_lies_beside_the_window(browser: Browser, address: str, person: Person) -> None:
    with _window(browser, width=NARROW) as context:
        page = _opened(context, address, person)
        beside = []
        for path in _paths(page):
            page.goto(path)
    assert beside == []


def _window(browser: Browser, scheme: str = "light", width: int = 1440) -> BrowserContext:
    context = browser.new_context(viewport={"width": width, "height": 900}, locale="sv-SE", color_scheme="dark" if scheme == "dark" else "light")
    context.set_default_timeout(PATIENCE_MS)
    return context


def _opened(context: BrowserContext, address: str, person: Person) -> Page:
    page = context.new_page()
    page.goto(address)
    log_in(page, person)
    page.get_by_role("button", name=person.name).wait_for()
    settle(page)
    return page


def _links(page: Page) -> Locator:
    return page.get_by_test_id("stTopNavLink")


def _screens(page: Page) -> Iterator[str]:
    """Go through the screens of the role; each is drawn to its end when its name is given."""
    for link in _links(page).all():
        title = link.inner_text().strip()
        link.click()
        settle(page)
        expect(page.get_by_test_id("stSkeleton")).to_have_count(0)
        yield title


def _problems(page: Page, screen: str) -> Sequence[str]:
    found = []
    for violation in Axe().run(page, options=OPTIONS).response["violations"]:
        for node in violation["nodes"]:
            target = " ".join(map(str, node["target"]))
            found.append(f"{screen}: {violation['id']}: {target}: {node['html'][:160]} {node.get('failureSummary', '')[:200]}")
    return found
