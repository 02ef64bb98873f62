"""Ink in a line without a character of its reading lowers the confidence."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.domain.model import Image, Reading, State
from pipeline.reading.fields.handwriting.corrections import flag_unread_symbols
from tests.support.pages.written_steps import steps_of

HEIGHT, WIDE = 48, 16
"""A sign of these answers is as wide as two steps."""


def line(text: str, more: tuple[int, int, int] | None = None) -> Image:
    """One stroke for each character of a text except spaces, and one more at a column, of a given
    width and height in px.
    """
    picture = np.full((HEIGHT, WIDE * len(text)), 255, np.uint8)
    for i, sign in enumerate(text):
        if sign != " ":
            picture[8:40, WIDE * i + 2 : WIDE * i + 10] = 0
    if more:
        column, width, height = more
        picture[10 : 10 + height, column : column + width] = 0
    return picture


def read(text: str, picture: Image) -> Reading:
    """The line, read with high confidence."""
    return flag_unread_symbols(
        Reading(text, 0.98, State.READ, (), (0.99,) * len(text)), picture, steps_of(text)
    )


@pytest.mark.parametrize("text", ["temp 38", "a", "38"])
def test_line_with_all_ink_read_keeps_confidence(text: str) -> None:
    assert read(text, line(text)).p == 0.98


@pytest.mark.parametrize(
    ("text", "column", "uncertain"),
    [("temp   38", 6 * WIDE - 8, 7), ("38    ok", 3 * WIDE, 6), ("ok    ", 4 * WIDE, 1)],
)
def test_skipped_ink_lowers_confidence_of_line_and_next_character(
    text: str, column: int, uncertain: int
) -> None:
    found = read(text, line(text, (column, 12, 20)))
    assert found.p == 0.49
    assert [i for i, p in enumerate(found.characters) if p < 0.5] == [uncertain]


@pytest.mark.parametrize("size", [(3, 5), (12, 3), (2, 20)], ids=["dot", "dash", "thin"])
def test_dirt_is_not_a_character(size: tuple[int, int]) -> None:
    assert read("temp   38", line("temp   38", (6 * WIDE - 8, *size))).p == 0.98


def test_normalized_value_counts_as_all_ink_read() -> None:
    """The time steps are those of `kl 8.30`; its value has no character for k and l."""
    text = "kl   8.30"
    found = Reading("08:30", 0.98, State.READ)
    assert flag_unread_symbols(found, line(text), steps_of(text)).p == 0.98
    assert flag_unread_symbols(found, line(text, (3 * WIDE, 12, 20)), steps_of(text)).p == 0.49
