"""Greyscale conversion of coloured ink: red and pink stay dark, pale print and yellow highlighter
stay pale.
"""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.domain.model import Image
from pipeline.reading.imaging.geometry import to_grayscale
from pipeline.reading.imaging.pixels import shrink_to_ink_grayscale, to_ink_grayscale

PAPER = (250, 250, 250)
TEAL_PRINT = (202, 200, 143)


def _page(
    colour: tuple[int, int, int], light: tuple[float, float, float] = (1.0, 1.0, 1.0)
) -> Image:
    """BGR: paper with a coloured square, under coloured light."""
    page = np.full((200, 200, 3), PAPER, np.float64)
    page[80:120, 80:120] = colour
    return np.clip(page * light, 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    "colour",
    [(190, 180, 255), (150, 120, 250), (60, 60, 215), (90, 150, 250)],
    ids=["pink", "salmon", "red", "orange"],
)
def test_red_and_pale_ink_is_as_dark_as_in_green_channel(colour: tuple[int, int, int]) -> None:
    page = _page(colour)
    assert to_ink_grayscale(page)[100, 100] <= page[100, 100, 1] + 8
    assert to_ink_grayscale(page)[100, 100] <= to_grayscale(page)[100, 100]


def test_pink_ink_is_darker_than_in_standard_grey() -> None:
    page = _page((190, 180, 255))
    assert int(to_ink_grayscale(page)[100, 100]) < int(to_grayscale(page)[100, 100]) - 10


@pytest.mark.parametrize(
    "colour",
    [TEAL_PRINT, (110, 50, 20), (120, 255, 255), (95, 95, 95)],
    ids=["pale print", "blue", "yellow marker", "pencil"],
)
def test_other_colours_are_as_in_standard_grey(colour: tuple[int, int, int]) -> None:
    page = _page(colour)
    assert abs(int(to_ink_grayscale(page)[100, 100]) - int(to_grayscale(page)[100, 100])) <= 1


def test_light_that_tints_the_paper_does_not_darken_it() -> None:
    page = _page((60, 60, 215), light=(0.75, 0.85, 1.0))
    assert (
        np.abs(to_ink_grayscale(page)[:60].astype(int) - to_grayscale(page)[:60].astype(int)).max()
        <= 1
    )


def test_grey_images_are_unchanged_and_large_ones_shrink() -> None:
    page = to_grayscale(_page((60, 60, 215)))
    assert (to_ink_grayscale(page) == page).all()
    assert shrink_to_ink_grayscale(_page((60, 60, 215)), 0.5).shape == (100, 100)
