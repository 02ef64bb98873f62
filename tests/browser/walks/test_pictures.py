"""Every screen as a picture in four sizes, in both themes and both languages; nothing is cut off.

The pictures are kept in the folder that `EFTERSKRIFT_PICTURES` names, to be looked at.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

import pytest
from playwright.sync_api import Browser, Page, expect

from pipeline.domain.model import Person
from pipeline.texts import text
from tests.browser.support import make_screenshots
from tests.browser.support.nurse import log_in, settle
from tests.browser.support.people import press_menu
from tests.browser.support.serving import PATIENCE_MS, serving
from tests.support.screens.seeding import (
    ADMINISTRATOR,
    LOG_REVIEWER,
    MANAGER,
    NURSE,
    SYSTEM_ADMINISTRATOR,
)

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.nightly]

SCREENS: tuple[tuple[Person, tuple[str, ...]], ...] = (
    (
        NURSE,
        ("review", "signing", "follow_up", "own_work", "backlog", "export", "key_in"),
    ),
    (ADMINISTRATOR, ("scan", "pack", "routes", "archive", "forms", "office", "hsa_ids")),
    (MANAGER, ("progress", "paper_days", "quality", "queue", "payments")),
    (SYSTEM_ADMINISTRATOR, ("accounts",)),
    (LOG_REVIEWER, ("log",)),
)
"""Each screen once, as a role that works there sees it."""

Size = tuple[int, int]
DESK, OLD_DESK, TABLET, DOUBLED = (1366, 768), (1024, 700), (820, 1180), (683, 384)
"""Windows in pixels; the last one is the first at 200 %."""
_WIDE = (2600, 900)
"""The menu unfolds in it."""
_HIGHEST = 5_000
_CUT_OFF_AT = 820
"""From this width on (px) no table has to be scrolled sideways."""


class Look(NamedTuple):
    """How the screens are looked at."""

    scheme: Literal["light", "dark"]
    language: Literal["sv", "en"]
    sizes: tuple[Size, ...]

    def __str__(self) -> str:
        """Name the pictures."""
        return f"{self.scheme}-{self.language}"


LOOKS = (
    Look("light", "sv", (DESK, OLD_DESK, TABLET, DOUBLED)),
    Look("dark", "sv", (DESK,)),
    Look("light", "en", (DESK,)),
)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The workspace of the pictures in the documents, served."""
    workspace: Path = tmp_path_factory.mktemp("pictures")
    make_screenshots.fill_workspace(workspace)
    with serving(workspace) as served:
        yield served


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_nothing_is_cut_off_on_any_screen(
    browser: Browser, address: str, look: Look, tmp_path: Path
) -> None:
    folder = Path(os.environ.get("EFTERSKRIFT_PICTURES", tmp_path))
    folder.mkdir(exist_ok=True)
    found = []
    for person, screens in SCREENS:
        page = _window(browser, look)
        page.goto(address)
        if person is NURSE:
            expect(page.get_by_label("Användarnamn")).to_be_focused()
            found += _look_at(page, "login", look, folder)
            page.set_viewport_size({"width": _WIDE[0], "height": _WIDE[1]})
        log_in(page, person)
        page.get_by_role("button", name=person.name).wait_for()
        settle(page)
        if look.language == "en":
            page.get_by_role("button", name=person.name).click()
            page.get_by_text("English", exact=True).click()
            expect(page.locator("html")).to_have_attribute("lang", "en")
            page.keyboard.press("Escape")
        for screen in screens:
            title = text(f"{screen}.title", look.language)
            if len(screens) > 1:
                press_menu(page, title)
            page.get_by_role("heading", level=1).first.wait_for()
            if screen != "review":
                expect(page.get_by_role("heading", level=1)).to_have_text([title])
            found += _look_at(page, screen, look, folder)
            page.set_viewport_size({"width": _WIDE[0], "height": _WIDE[1]})
        page.context.close()
    assert not found, "\n".join(found)


def _window(browser: Browser, look: Look) -> Page:
    context = browser.new_context(
        viewport={"width": _WIDE[0], "height": _WIDE[1]},
        locale="sv-SE",
        color_scheme=look.scheme,
    )
    context.set_default_timeout(PATIENCE_MS)
    return context.new_page()


def _look_at(page: Page, screen: str, look: Look, folder: Path) -> list[str]:
    """Take the pictures of a screen in all sizes; return what is cut off."""
    found = []
    for width, height in look.sizes:
        page.set_viewport_size({"width": width, "height": height})
        settle(page)
        expect(page.get_by_test_id("stSkeleton")).to_have_count(0)
        page.wait_for_load_state("networkidle")
        name = f"{look}-{width}x{height}-{screen}"
        _picture(page, folder / f"{name}.png")
        cut = page.evaluate(_CUT_OFF, [width >= _CUT_OFF_AT])
        found += [f"{screen} at {width}: {one}" for one in cut]
        whole = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
        if whole > height + 40:
            page.set_viewport_size({"width": width, "height": min(whole + 80, _HIGHEST)})
            settle(page)
            _picture(page, folder / f"{name}-whole.png")
    return found


def _picture(page: Page, file: Path) -> None:
    page.screenshot(path=file, animations="disabled")


_CUT_OFF = """([tablesFit]) => {
    const found = [];
    const main = document.querySelector("[data-testid=stMain]");
    const say = (what, element) => found.push(
        `${what}: ${(element.innerText || element.ariaLabel || element.className || "")
            .toString().trim().slice(0, 50)}`);
    if (main.scrollWidth > main.clientWidth + 1) say("the page is wider than the window", main);
    const drawn = (element) => element.checkVisibility({ opacityProperty: true,
        visibilityProperty: true }) && element.getClientRects().length > 0;
    const cuts = (style) => ["hidden", "clip"].includes(style.overflowX);
    const scrolls = (style) => ["auto", "scroll"].includes(style.overflowX);
    const tiny = (rect) => rect.width <= 2 || rect.height <= 2;
    if (tablesFit) for (const one of document.querySelectorAll(".ef-wide"))
        if (one.scrollWidth > one.clientWidth + 1) say("a table is cut off", one);
    const walker = document.createTreeWalker(document.querySelector(".stApp"),
        NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        const own = node.parentElement;
        if (!node.data.trim() || !drawn(own)) continue;
        if (own.closest("style, script, [data-testid=stDataFrame], svg")) continue;
        const range = document.createRange();
        range.selectNodeContents(node);
        const rect = range.getBoundingClientRect();
        if (tiny(rect)) continue;
        if (rect.right > innerWidth + 1) {
            let within = own;
            while (within && !scrolls(getComputedStyle(within)) && within !== main)
                within = within.parentElement;
            if (!within || within === main) say("beyond the window", own);
        }
        for (let around = own; around && around !== main; around = around.parentElement) {
            const style = getComputedStyle(around), box = around.getBoundingClientRect();
            if (tiny(box) || scrolls(style) || style.textOverflow === "ellipsis") break;
            if (cuts(style) && (rect.right > box.right + 2 || rect.left < box.left - 2)) {
                say("text is cut off", own);
                break;
            }
        }
    }
    for (const one of main.querySelectorAll("button, input, textarea, img, canvas, summary")) {
        const rect = one.getBoundingClientRect();
        if (!drawn(one) || tiny(rect) || rect.right <= innerWidth + 1) continue;
        if (!one.closest(".ef-wide, [data-testid=stDataFrame]")) say("beyond the window", one);
    }
    return [...new Set(found)];
}"""
