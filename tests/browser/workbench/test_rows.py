"""The rows of a list: each line of their ink is large enough to be compared with its values."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.browser.workbench import cards
from tests.browser.workbench.cards import PAGE, Data
from tests.browser.workbench.stage import SIZES, staged

pytestmark = [pytest.mark.browser]

LEAST_LINE_PX = 22
"""Of a row of several lines, label and margins included; one line alone has 28."""


def rows(count: int, aspect: float) -> Data:
    """A list of so many rows with ink of this aspect (its width by its height)."""
    crop = {"image": PAGE, "x": 0.1, "y": 0.2, "w": 0.8, "h": 0.1, "aspect": aspect, "label": "A"}
    tick = {"kind": "tick", "value": True, "text": "Portion Normal", "crop": crop, "needs": False}
    none = {"kind": "none", "text": "", "number": "", "clear": True, "clients": []}
    fields = [cards.field(f"e{row}/", f"{row}. Klient", 0, **tick) for row in range(count)]
    given = {"mode": True, "layout": "rows", "fields": fields, "banner": none, "facts": []}
    return cards.card("rows:e1", **given)


@pytest.mark.parametrize("size", ["laptop", "small"])
@pytest.mark.parametrize(("count", "aspect", "lines"), [(5, 5.5, 3), (15, 14.0, 1), (25, 5.5, 3)])
def test_every_line_of_ink_can_be_compared(
    browser: Browser, size: str, count: int, aspect: float, lines: int
) -> None:
    with staged(browser, cards.data(rows(count, aspect)), size=SIZES[size]) as stage:
        heights = stage.page.locator(".wb-crop").evaluate_all(
            "crops => crops.map((crop) => crop.getBoundingClientRect().height)"
        )
        assert len(heights) == count
        assert min(heights) >= lines * (28 if lines == 1 else LEAST_LINE_PX), heights
