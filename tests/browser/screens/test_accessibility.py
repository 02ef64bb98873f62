"""Each screen of each role against WCAG 2.2 AA, light and dark: axe-core's rules, one heading, the
language, and no sideways scrolling at 200 %.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

from pipeline.domain.model import Person
from pipeline.preparation.form_editor.drafts import Draft
from pipeline.texts import text
from tests.browser.support.covered import covered
from tests.browser.support.nurse import log_in, press_until, settle
from tests.browser.support.people import press_menu
from tests.browser.support.serving import PATIENCE_MS, serving
from tests.support.screens import seeding, unusual_paper
from tests.support.screens.seeding import (
    ADMINISTRATOR,
    LOG_REVIEWER,
    MANAGER,
    NOTE,
    NURSE,
    REGISTRAR,
    SYSTEM_ADMINISTRATOR,
)
from ui.screens.menu import allowed_screens

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ROLES = (ADMINISTRATOR, NURSE, MANAGER, REGISTRAR, SYSTEM_ADMINISTRATOR, LOG_REVIEWER)
RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "rules": {"label-content-name-mismatch": {"enabled": True}},
    "resultTypes": ["violations"],
}
WIDE, LAPTOP, AT_200_PER_CENT = 1440, 1280, 640
"""A window of 1280 px at 200 % has 640 px of its own."""


@dataclass(frozen=True, slots=True)
class Known:
    """What Streamlit draws against a rule and nothing here can repair."""

    rule: str
    selector: str
    reason: str


KNOWN: tuple[Known, ...] = ()
IN_BOTH_SCHEMES = pytest.mark.parametrize(
    "scheme", ["light", pytest.param("dark", marks=pytest.mark.nightly)]
)
_LOOKS_AGAIN = 2


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A workspace in which every screen has something to show."""
    workspace: Path = tmp_path_factory.mktemp("screens")
    fill_workspace(workspace)
    with serving(workspace) as served:
        yield served


def fill_workspace(workspace: Path) -> None:
    """Pages that were read and that failed, entries to review, to sign and to export."""
    store = seeding.make_store(workspace)
    entries = seeding.add_notes(store, 4)
    unusual_paper.add_failed_page(store)
    unusual_paper.add_blank_page(store)
    unusual_paper.add_duplicate(store, entries[0])
    seeding.confirm(store, NURSE, entries[0])
    seeding.confirm(store, NURSE, entries[1], sign=True)


@pytest.mark.parametrize("person", ROLES, ids=lambda person: person.role.value)
def test_no_screen_breaks_a_rule(browser: Browser, address: str, person: Person) -> None:
    with window(browser) as context:
        page = _opened(context, address, person)
        found = []
        for screen in _screens(page, person):
            found += [*_problems(page, screen), *_headings(page, screen), *_beside(page, screen)]
            found += covered(page, screen)
        assert page.locator("html").get_attribute("lang") == "sv"
    assert found == []


@pytest.mark.nightly
@pytest.mark.parametrize("person", ROLES, ids=lambda person: person.role.value)
def test_no_dark_screen_breaks_a_rule(browser: Browser, address: str, person: Person) -> None:
    with window(browser, "dark") as context:
        page = _opened(context, address, person)
        found = [
            problem for screen in _screens(page, person) for problem in _problems(page, screen)
        ]
    assert found == []


@IN_BOTH_SCHEMES
def test_the_first_screen_breaks_no_rule(
    browser: Browser, address: str, scheme: Literal["light", "dark"]
) -> None:
    with window(browser, scheme) as context:
        page = context.new_page()
        page.goto(address)
        expect(page.get_by_label("Användarnamn")).to_be_focused()
        assert [*_problems(page, "Logga in"), *_headings(page, "Logga in")] == []


@pytest.fixture
def alike(tmp_path: Path) -> Iterator[str]:
    """A workspace in which the queue has a group first, until it is skipped."""
    seeding.add_visit_lists(seeding.make_store(tmp_path), 2)
    with serving(tmp_path) as served:
        yield served


@IN_BOTH_SCHEMES
def test_neither_a_group_nor_a_folded_sheet_breaks_a_rule(
    browser: Browser, alike: str, scheme: Literal["light", "dark"]
) -> None:
    with window(browser, scheme) as context:
        page = _opened(context, alike, NURSE)
        page.get_by_role("link", name="Granska").click()
        pieces = page.locator(".wb-tiled .wb-tick")
        pieces.first.click()
        expect(pieces.first).to_be_checked()
        settle(page)
        found = [*_problems(page, "Grupp"), *_headings(page, "Grupp")]
        with at_200_per_cent(page):
            page.wait_for_function(_FITS)
        press_until(page, "Alt+s", page.locator(".wb-folded").first)
        settle(page)
        found += _problems(page, "Blad")
        expect(page.get_by_role("heading", level=1)).to_have_count(
            1
        )  # the sheet comes into sight before the screen around it is drawn again
    assert found == []


def test_no_table_of_the_overview_is_cut_off_on_a_laptop(browser: Browser, tmp_path: Path) -> None:
    """The last column of the deadlines, or that of what was not read, lay outside."""
    store = seeding.make_store(tmp_path)
    seeding.add_notes(store, 2)
    seeding.add_sheet_of(store, seeding.forms().latest("orosanmalan"), NOTE, seeding.OTHER_UNIT)
    store.close()
    with serving(tmp_path) as address, window(browser, width=LAPTOP) as context:
        page = _opened(context, address, MANAGER)
        page.get_by_role("link", name="Läge").click()
        expect(page.get_by_role("columnheader", name="Utan kvittens")).to_be_visible()
        settle(page)
        assert page.evaluate(_CUT_OFF) == []


@pytest.fixture(scope="module")
def making(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Draft, Draft]]:
    """A workspace with a draft of sections and one that is drawn."""
    workspace: Path = tmp_path_factory.mktemp("making")
    drafts = seeding.add_drafts(seeding.make_store(workspace))
    with serving(workspace) as served:
        yield served, *drafts


@IN_BOTH_SCHEMES
def test_making_a_form_breaks_no_rule(
    browser: Browser, making: tuple[str, Draft, Draft], scheme: Literal["light", "dark"]
) -> None:
    address, outline, drawn = making
    with window(browser, scheme) as context:
        page = _opened(context, address, ADMINISTRATOR)
        press_menu(page, "Blanketter")
        page.locator(".st-key-forms_show-larmatgard button").click()
        page.get_by_text("Måste fyllas i").wait_for()
        found = seen(page, "En blankett")
        _again(page, ".st-key-forms_new button").wait_for()
        page.locator(".st-key-forms_new button").click()
        page.get_by_role("button", name="Börja").wait_for()
        found += seen(page, "Ny blankett")
        _again(page, f".st-key-forms_draft-{outline.id} button").click()
        page.get_by_text("Så blir den på papper").wait_for()
        page.get_by_text("3. Anteckning").click()
        page.get_by_text("Mer", exact=True).first.wait_for()
        found += seen(page, "Utkast")
        page.get_by_text("2. Prova på papper och publicera").click()
        page.get_by_role("button", name="Hämta provbladet").wait_for()
        found += seen(page, "Prov")
        _again(page, f".st-key-forms_draft-{drawn.id} button").click()
        page.locator(".st-key-box_drawing .box").first.wait_for()
        found += seen(page, "Ritad")
    assert found == []


def _again(page: Page, place: str) -> Locator:
    """Back to the list of forms, where something is."""
    page.locator(".st-key-forms_back button").click()
    found = page.locator(place)
    found.wait_for()
    settle(page)
    return found


def seen(page: Page, screen: str) -> list[str]:
    """What breaks a rule of what is on the screen now, which also has to fit at 200 %."""
    settle(page)
    found = [*_problems(page, screen), *_headings(page, screen)]
    with at_200_per_cent(page):
        page.wait_for_function(_FITS)
    return found


@contextmanager
def at_200_per_cent(page: Page) -> Iterator[None]:
    """The window as wide as at 200 %."""
    page.set_viewport_size({"width": AT_200_PER_CENT, "height": 450})
    yield
    page.set_viewport_size({"width": WIDE, "height": 900})


_FITS = (
    "(({ scrollWidth, clientWidth }) => scrollWidth <= "
    "clientWidth)(document.querySelector('[data-testid=stMain]'))"
)
_CUT_OFF = (
    "() => [...document.querySelectorAll('.ef-wide')].filter((one) => one.scrollWidth > "
    "one.clientWidth).map((one) => one.innerText)"
)
_OUTSIDE = """() => [...document.querySelectorAll(
        '[data-testid=stMain] :is(button, input, textarea, h1, h2)')]
    .filter((one) => one.checkVisibility() && one.getBoundingClientRect().width > 2)
    .filter((one) => !one.closest('.ef-wide, [data-testid=stDataFrame]'))
    .filter((one) => one.getBoundingClientRect().right > innerWidth + 1)
    .map((one) => (one.textContent || one.ariaLabel || one.tagName).slice(0, 40))"""


def test_the_document_follows_the_language_of_the_person(browser: Browser, address: str) -> None:
    with window(browser) as context:
        page = _opened(context, address, LOG_REVIEWER)
        page.get_by_role("button", name=LOG_REVIEWER.name).click()
        page.get_by_text("English", exact=True).click()
        expect(page.locator("html")).to_have_attribute("lang", "en")


def window(
    browser: Browser, scheme: Literal["light", "dark"] = "light", width: int = WIDE
) -> BrowserContext:
    """A window of its own, logged in as nobody."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, locale="sv-SE", color_scheme=scheme
    )
    context.set_default_timeout(PATIENCE_MS)
    return context


def _opened(context: BrowserContext, address: str, person: Person) -> Page:
    page = context.new_page()
    page.goto(address)
    log_in(page, person)
    page.get_by_role("button", name=person.name).wait_for()
    settle(page)
    return page


def _screens(page: Page, person: Person) -> Iterator[str]:
    """Go through the screens of the role; each is drawn to its end when its name is given."""
    for screen in allowed_screens(person):
        title = text(f"{screen.name}.title", "sv")
        if page.locator(".st-key-places").count():
            press_menu(page, title)
        # A draft of the screen before goes first, and takes a moment.
        if screen.name != "review":
            expect(page.get_by_role("heading", level=1)).to_have_text(title)
        settle(page)
        expect(page.get_by_test_id("stSkeleton")).to_have_count(0)
        expect(page.get_by_role("heading", level=1)).to_have_count(1)
        page.get_by_role("button", name="Hjälp").wait_for()
        yield title


def _headings(page: Page, screen: str) -> list[str]:
    count = page.get_by_role("heading", level=1).count()
    return [] if count == 1 else [f"{screen}: {count} headings of the first level"]


def _beside(page: Page, screen: str) -> list[str]:
    """What lies outside the window at 200 %."""
    with at_200_per_cent(page):
        try:  # the screen is laid out again some time after the window has changed
            page.wait_for_function(_FITS, timeout=PATIENCE_MS)
        except PlaywrightTimeoutError:
            return [f"{screen} is wider than the window"]
        return [f"{screen}: {name}" for name in page.evaluate(_OUTSIDE)]


def _problems(page: Page, screen: str) -> list[str]:
    """What breaks a rule and goes on doing so: for some moments after its run a screen may still be
    put together, and a button have no name yet.
    """
    found = _broken(page, screen)
    for _ in range(_LOOKS_AGAIN if found else 0):
        found = [one for one in _broken(page, screen) if one in found]
    return found


def _broken(page: Page, screen: str) -> list[str]:
    found = []
    for violation in Axe().run(page, options=RULES).response["violations"]:
        for node in violation["nodes"]:
            target = " ".join(map(str, node["target"]))
            if not any(one.rule == violation["id"] and one.selector in target for one in KNOWN):
                found.append(
                    f"{screen}: {violation['id']}: {target}: {node['failureSummary'][:160]}"
                )
    return found
