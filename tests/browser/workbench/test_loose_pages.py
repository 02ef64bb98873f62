"""Attachments and a page that is split, at each size of the window: what is seen, keys, pointer."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from tests.browser.workbench import cards
from tests.browser.workbench.cards import HEIGHT, PAGE, WIDTH, Data
from tests.browser.workbench.stage import SIZES, staged
from tests.browser.workbench.test_in_window import _RULES

pytestmark = [pytest.mark.browser]

_TITLES = ("Hyresavi", "", "", "Kontoutdrag", "", "", "Kvitto", "")
_LINES = """() => [...document.querySelectorAll(".wb-row[data-kind='tick']")].map((tick) => {
    const line = [tick, tick.nextElementSibling, tick.nextElementSibling.nextElementSibling];
    const boxes = line.map((row) => row.getBoundingClientRect());
    const crop = tick.querySelector(".wb-crop").getBoundingClientRect();
    return [boxes[0].right <= boxes[1].left + 1 && boxes[1].right <= boxes[2].left + 1,
        boxes.every((box) => Math.abs(box.top - boxes[0].top) < 2), crop.width, crop.height];
})"""


def attachments(**more: object) -> Data:
    """Eight loose pages, three of them proposed with a title."""
    whole = {"image": PAGE, "x": 0, "y": 0, "w": 1, "h": 1, "aspect": WIDTH / HEIGHT, "label": "A"}
    plain = {"crop": None, "area": [0, 0, 0, 1, 1]}
    fields = []
    for place, title in enumerate(_TITLES):
        tick = {"kind": "tick", "value": True, "text": f"Sida {place + 1}", "crop": whole}
        fields += [
            cards.field(f"keep-{place}", f"Sida {place + 1}", 0, **{**plain, **tick}),
            cards.field(
                f"title-{place}", f"Titel {place + 1}", 0, value=title, needs=not title, **plain
            ),
            cards.field(f"day-{place}", f"Dag {place + 1}", 0, value="2021-12-03", **plain),
        ]
    none = {"kind": "none", "text": "", "number": "", "clear": True, "clients": []}
    given = {"mode": True, "layout": "lines", "fields": fields, "banner": none, "facts": []}
    given |= {"words": {"skip": "Inte bilagor"}}
    return cards.card("attachments:e1", **{**given, "focus": "title-1", **more})


def split(**more: object) -> Data:
    """A page whose parts are drawn."""
    none = {"kind": "none", "text": "", "number": "", "clear": True, "clients": []}
    given = {"mode": True, "draws": True, "fields": [], "banner": none, "facts": [], "parts": []}
    tick = {"look": {"text": "Resten skrivs inte in"}, "focus": ":sheet"}
    return cards.card("split:p1", **{**given, **tick, **more})


@pytest.mark.parametrize("size", ["laptop", "small"])
def test_a_page_is_a_line_and_eight_are_in_sight(browser: Browser, size: str) -> None:
    with staged(browser, cards.data(attachments()), size=SIZES[size]) as stage:
        assert stage.focus() == "title-1"
        lines = stage.page.evaluate(_LINES)
        assert len(lines) == len(_TITLES)
        for is_in_order, is_level, width, height in lines:
            assert is_in_order
            assert is_level
            assert width >= 28
            assert height >= 28
        for name in ("keep-0", "day-7"):
            expect(stage.row(name)).to_be_in_viewport(ratio=1)
        found = Axe().run(stage.page, options=_RULES)
        assert found.response["violations"] == []


def test_enter_goes_to_the_titles_that_nobody_proposed_and_escape_leaves(browser: Browser) -> None:
    with staged(browser, cards.data(attachments())) as stage:
        stage.press("Enter", "Enter")
        assert stage.focus() == "title-4"
        stage.press("Control+ArrowUp", "Space")
        assert stage.page.locator(".wb-tick").nth(4).is_checked() is False
        stage.press("Escape", "Escape")
        assert stage.kinds().count("skip") == 1


@pytest.mark.parametrize("size", ["laptop", "small", "tablet"])
def test_a_part_is_drawn_with_keys_or_the_pointer(browser: Browser, size: str) -> None:
    with staged(browser, cards.data(split()), size=SIZES[size]) as stage:
        pane, sheet = stage.page.locator(".wb-pane"), stage.page.locator(".wb-sheet")
        expect(pane).to_be_focused()
        expect(stage.page.locator(".wb-drawn")).to_be_visible()
        expect(sheet).to_be_in_viewport(ratio=0.99)
        stage.press("ArrowDown", "Shift+ArrowUp", "Enter")
        (drawn,) = [act for act in stage.acts() if act["kind"] == "draw"]
        assert drawn["box"] == pytest.approx([0.05, 0.07, 0.9, 0.18])
        stage.answer(split(parts=[{"area": [0, *drawn["box"]], "text": "1"}]))
        expect(stage.page.locator(".wb-part-at")).to_have_text("1")
        expect(pane).to_be_focused()
        area = sheet.bounding_box()
        assert area is not None
        corners = ((0.9, 0.9), (0.1, 0.6))
        (x0, y0), (x1, y1) = (
            (area["x"] + area["width"] * x, area["y"] + area["height"] * y) for x, y in corners
        )
        stage.page.mouse.move(x0, y0)
        stage.page.mouse.down()
        stage.page.mouse.move(x1, y1)
        stage.page.mouse.up()
        box = stage.acts()[-1]["box"]
        assert box == pytest.approx([0.1, 0.6, 0.8, 0.3], abs=0.01)
        # A click draws nothing
        stage.page.mouse.click(x0, y0)
        assert len([act for act in stage.acts() if act["kind"] == "draw"]) == 2


def test_what_the_page_is_dragged_for_elsewhere_draws_nothing(browser: Browser) -> None:
    with staged(browser, cards.data(cards.ready())) as stage:
        box = stage.page.locator(".wb-pane").bounding_box()
        assert box is not None
        stage.page.mouse.move(box["x"] + 100, box["y"] + 100)
        stage.page.mouse.down()
        stage.page.mouse.move(box["x"] + 200, box["y"] + 300)
        stage.page.mouse.up()
        assert "draw" not in stage.kinds()
