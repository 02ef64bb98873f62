"""The picture of the sheet: its colours, what is marked on it, and where it is."""

from __future__ import annotations

import io
from typing import Literal

import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, expect

from tests.browser.workbench import cards
from tests.browser.workbench.stage import staged

pytestmark = [pytest.mark.browser]

_MARK_SEEN = """() => {
    const mark = document.querySelector(".wb-at").getBoundingClientRect();
    const pane = document.querySelector(".wb-pane").getBoundingClientRect();
    const [x, y] = [mark.left + mark.width / 2, mark.top + mark.height / 2];
    return x > pane.left && x < pane.right && y > pane.top && y < pane.bottom;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_paper_keeps_its_colours(browser: Browser, scheme: Literal["light", "dark"]) -> None:
    with staged(browser, cards.data(cards.ready(focus="dos")), scheme=scheme) as stage:
        crop, sheet = stage.row("dos").locator(".wb-crop"), stage.page.locator(".wb-pane")
        for picture in (crop, sheet):
            red, white = _colours(picture)
            assert red > 50
            assert white > 1_000
        stage.press("Alt+k")
        assert _colours(crop)[0] == 0
        stage.press("Alt+k")
        assert _colours(crop)[0] > 50


def test_more_contrast_leaves_faint_ink_to_be_seen(browser: Browser) -> None:
    with staged(browser, cards.data(cards.ready(focus="dos"))) as stage:
        stage.press("Alt+k")
        # What two thin lines become in a picture that is drawn small
        stage.page.evaluate(
            """() => {
                const ink = document.createElement("div");
                ink.id = "ink";
                ink.style.cssText = "position: fixed; inset: 0 auto auto 0; width: 40px; "
                    + "height: 20px; z-index: 99999; filter: var(--ef-light); "
                    + "background: linear-gradient(90deg, #d2d2d2 50%, #fff 50%)";
                document.body.append(ink);
            }"""
        )
        picture = Image.open(io.BytesIO(stage.page.locator("#ink").screenshot())).convert("L")
        assert picture.getpixel((10, 10)) in range(150, 230)
        assert picture.getpixel((30, 10)) in range(240, 256)


def _colours(picture: Locator) -> tuple[int, int]:
    """How many pixels are as red as the ink and as bright as the paper."""
    pixels = Image.open(io.BytesIO(picture.screenshot())).convert("RGB").tobytes()
    found = list(zip(pixels[::3], pixels[1::3], pixels[2::3], strict=True))
    red = sum(r > 170 and g < 70 and b < 80 for r, g, b in found)
    return red, sum(min(pixel) > 240 for pixel in found)


def test_the_sheet_follows_the_focus_at_every_zoom(browser: Browser) -> None:
    with staged(browser, cards.data(cards.ready(focus="puls"))) as stage:
        places = set()
        for zoom in ("Alt+0", "Alt+0", "Alt++", "Alt++"):
            stage.press(zoom)
            for _ in range(7):
                stage.press("Control+ArrowDown")
                stage.page.wait_for_function(_MARK_SEEN)
                places.add(stage.page.locator(".wb-at").get_attribute("style"))
            stage.press(*["Control+ArrowUp"] * 7)
        assert len(places) == 7


def test_the_next_page_comes_with_a_field_on_it_and_by_key(browser: Browser) -> None:
    now = cards.ready(focus="puls")
    now["pages"].append({**now["pages"][0], "caption": "Sida 2 av 2"})
    now["fields"][6]["area"] = [1, 0.1, 0.1, 0.2, 0.05]
    with staged(browser, cards.data(now)) as stage:
        caption = stage.page.locator(".wb-caption")
        expect(caption).to_have_text("Sida 1 av 1")
        stage.press("Control+ArrowDown")
        expect(caption).to_have_text("Sida 2 av 2")
        stage.press("Alt+b")
        expect(caption).to_have_text("Sida 1 av 1")
        expect(stage.page.locator(".wb-at")).to_be_hidden()


def test_the_sheet_is_dragged_and_rows_and_deviations_are_marked(browser: Browser) -> None:
    now = cards.ready(row=[0, 0.05, 0.2, 0.9, 0.05], marked=[[0, 0.4, 0.3, 0.1, 0.02]])
    with staged(browser, cards.data(now)) as stage:
        expect(stage.page.locator(".wb-at-row")).to_be_visible()
        expect(stage.page.locator(".wb-deviates")).to_have_count(1)
        pane = stage.page.locator(".wb-pane")
        box = pane.bounding_box()
        assert box is not None
        before = pane.evaluate("(pane) => pane.scrollTop")
        stage.page.mouse.move(box["x"] + 200, box["y"] + 400)
        stage.page.mouse.down()
        stage.page.mouse.move(box["x"] + 200, box["y"] + 300)
        stage.page.mouse.up()
        assert pane.evaluate("(pane) => pane.scrollTop") == pytest.approx(before + 100, abs=2)
        assert stage.focus() == "personnummer"


_LINES_OF_A_NOTE = """() => {
    const area = document.querySelector(".wb-now textarea");
    const sheet = document.querySelector(".wb-sheet").getBoundingClientRect();
    const pitch = parseFloat(getComputedStyle(area).lineHeight);
    const ink = sheet.top + (%f + 0.14 / 12) * sheet.height;
    const text = area.getBoundingClientRect().top + pitch / 2;
    const pane = document.querySelector(".wb-pane").getBoundingClientRect();
    return { pitch, apart: text - ink, ink: 0.14 / 6 * sheet.height,
        isSeen: ink > pane.top && ink < pane.bottom };
}"""


@pytest.mark.parametrize("width", [1366, 1920])
def test_each_line_of_a_note_stands_beside_its_ink(browser: Browser, width: int) -> None:
    top = cards.TOP + cards.STEP * 15
    with staged(browser, cards.data(cards.note(focus="anteckning")), size=(width, 768)) as stage:
        for _ in range(2):
            lines = stage.page.evaluate(_LINES_OF_A_NOTE % top)
            assert lines["isSeen"]
            assert lines["pitch"] == pytest.approx(lines["ink"], abs=0.5)
            assert abs(lines["apart"]) < lines["pitch"] / 2
            # Also where its beginning was scrolled away by a long text.
            stage.page.keyboard.press("End")


def test_a_note_marks_the_word_at_the_cursor_and_finds_doubtful_words(browser: Browser) -> None:
    with staged(browser, cards.data(cards.note(focus="anteckning"))) as stage:
        expect(stage.page.locator(".wb-doubt-at")).to_have_count(2)
        word = stage.page.locator(".wb-at-word")
        selected = "document.activeElement.value.slice(...['Start', 'End'].map((at) => "
        selected += "document.activeElement['selection' + at]))"
        seen = []
        for _ in range(2):
            stage.press("F8")
            seen.append((stage.page.evaluate(selected), _left(word)))
        assert seen == [("men", "14%"), ("Ber", "34%")]
        stage.press("Shift+F8")
        assert stage.page.evaluate(selected) == "men"
        stage.press("Home", "ArrowUp")
        stage.page.wait_for_function("document.querySelector('.wb-at-word').style.left === '9%'")


def _left(frame: Locator) -> str:
    left: str = frame.evaluate("(frame) => frame.style.left")
    return left
