"""A month list at the bench: its lines as on paper, each value below its ink."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.browser.workbench import cards
from tests.browser.workbench.cards import PAGE, Data
from tests.browser.workbench.stage import SIZES, Stage, staged

pytestmark = [pytest.mark.browser]

LEAST_INK_PX = 28
ASKED = ("rad1_dag3", "rad1_dag7", "rad2_dag7", "rad2_dag9")


def crop(column: float, line: int, width: float = 1) -> Data:
    """A box of a grid with its margin: 16 days, each 7.3 mm of which the box is 5.8 × 6."""
    left, wide = 0.2 + 0.035 * column, 0.037 * width
    place = {"x": left, "y": 0.2 + 0.03 * line, "w": wide, "h": 0.027}
    return {"image": PAGE, **place, "aspect": wide * 210 / (0.027 * 297), "label": "Ruta"}


def month_list(lines: int = 2) -> Data:
    """A signing list of which four boxes of two lines are asked for, one time, and its head."""
    strips = []
    fields = [cards.field("personnummer", "Personnummer", 0, needs=True)]
    for line in range(1, lines + 1):
        cells = [{"name": f"rad{line}_tid", "day": "", "crop": crop(-3, line, 2)}]
        cells += [
            {"name": f"rad{line}_dag{day}", "day": str(day), "crop": crop(day - 1, line)}
            for day in range(1, 17)
        ]
        strips.append(
            {"key": f"3/Rad {line}", "label": f"Rad {line}", "codes": "1 ej given", "cells": cells}
        )
        fields += [
            cards.field(cell["name"], cell["name"], 1, crop=cell["crop"], needs=True, value="")
            for cell in cells
            if cell["name"] in ASKED
        ]
    return cards.card("e1", fields=fields, strips=strips)


def middle(stage: Stage, selector: str) -> float:
    """The middle of an element, from the left."""
    box = stage.page.locator(selector).bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2


@pytest.mark.parametrize("size", ["laptop", "small"])
def test_a_value_stands_below_its_ink_and_every_day_has_its_column(
    browser: Browser, size: str
) -> None:
    with staged(browser, cards.data(month_list()), size=SIZES[size]) as stage:
        boxes = stage.page.locator(".wb-strip").first.locator("> *")
        tops = boxes.evaluate_all("all => all.map((one) => one.getBoundingClientRect().top)")
        assert len(tops) == 17
        assert max(tops) - min(tops) < 2, "a line of the paper is one line on the screen"
        heights = stage.page.locator(".wb-strip .wb-crop").evaluate_all(
            "all => all.map((one) => one.getBoundingClientRect().height)"
        )
        assert min(heights) >= LEAST_INK_PX
        row = '.wb-row[data-name="rad1_dag7"]'
        assert abs(middle(stage, f"{row} input") - middle(stage, f"{row} .wb-crop")) < 2
        below = '.wb-row[data-name="rad2_dag7"]'
        assert abs(middle(stage, f"{row} input") - middle(stage, f"{below} input")) < 2


def test_enter_goes_between_the_days_that_ask_and_the_arrow_keys_from_box_to_box(
    browser: Browser,
) -> None:
    with staged(browser, cards.data(month_list())) as stage:
        visited = []
        for text in ("19300101-6595", "1", "2", "3"):
            stage.type(text)
            stage.press("Enter")
            visited.append(stage.focus())
        assert visited == list(ASKED)
        stage.press("ArrowLeft")
        assert focused_box(stage) == (2, "8")
        stage.press("ArrowUp")
        assert focused_box(stage) == (1, "8")
        stage.press("ArrowLeft")
        assert stage.focus() == "rad1_dag7"
        assert stage.value("rad1_dag3") == "1"


def focused_box(stage: Stage) -> tuple[int, str]:
    """The line and the day of the box that has the focus."""
    line, day = stage.page.evaluate(
        """() => { const box = document.activeElement.closest(".wb-strip > *");
        const strips = [...document.querySelectorAll(".wb-strip")];
        return [strips.indexOf(box.parentElement) + 1, box.dataset.day]; }"""
    )
    return line, day


def test_a_box_that_is_not_asked_for_is_opened_with_the_keyboard(browser: Browser) -> None:
    with staged(browser, cards.data(month_list())) as stage:
        stage.press("Control+ArrowDown", "ArrowRight")
        assert focused_box(stage) == (1, "4")
        stage.press("Enter")
        assert (stage.acts()[-1]["kind"], stage.acts()[-1]["name"]) == ("add", "rad1_dag4")


def test_a_box_that_is_not_asked_for_is_pressed_when_it_deviates_too(browser: Browser) -> None:
    with staged(browser, cards.data(month_list())) as stage:
        stage.page.locator(".wb-strip .wb-box[data-day='5']").first.click()
        assert stage.acts()[-1]["kind"] == "add"
        assert stage.acts()[-1]["name"] == "rad1_dag5"


@pytest.mark.parametrize("size", ["laptop", "small"])
def test_a_line_of_many_fits_the_view(browser: Browser, size: str) -> None:
    with staged(browser, cards.data(month_list(6)), size=SIZES[size]) as stage:
        view = stage.page.locator(".wb-fields")
        assert view.evaluate("one => one.scrollWidth <= one.clientWidth")
