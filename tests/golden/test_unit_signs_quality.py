"""Units in held-out handwriting typefaces: micrograms are never confidently milligrams, nor 1 g 19;
other text is unchanged.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import ImageFont

from pipeline.domain.form.field import Format
from pipeline.reading.fields.handwriting.line_image import LineImage
from pipeline.reading.fields.handwriting.reader import read_line_images
from research.training.handwriting.lines import find_fonts, render_line
from tests.support.shared_data import shared

pytestmark = pytest.mark.nightly

NUMBERS = ("50", "100", "25", "0,5", "2,5")
FEWEST_FOUND = 0.75
CONFIDENCE_CEILING = 0.5
"""Greatest confidence of units that were read wrongly."""
LOW_CONFIDENCE_CEILING = 0.1
"""Greatest share, among numbers that end in 9 or 1, with low confidence."""
LETTER_SHARE_FLOOR = {"g": 0.85, "l": 0.65}
"""Least share, among separate letters read as a digit, with a letter as first alternative."""


def has_micro(font: Path) -> bool:
    """Whether a typeface has the character, not only the glyph for missing characters."""
    face = ImageFont.truetype(str(font), 40)
    return bytes(face.getmask("µ")) != bytes(face.getmask("\ue123"))


@pytest.mark.shared
@pytest.mark.parametrize("form", [Format.DOSE, None], ids=["dose", "text"])
def test_micrograms_are_never_confidently_milligrams(form: Format | None) -> None:
    fonts = [
        font
        for font in find_fonts(shared("handwriting", "fonts_train"), held=True)
        if has_micro(font)
    ]
    rng = np.random.default_rng(20261127)
    written = [f"{number} {unit}" for number in NUMBERS for unit in ("µg", "mg") for _ in fonts]
    lines = [
        LineImage(render_line(font, rng, text).picture, 0.0)
        for text, font in zip(written, fonts * (2 * len(NUMBERS)), strict=True)
    ]
    read = read_line_images(lines, formats=[form] * len(lines))
    assert len(fonts) >= 5
    micro = [one for one, text in zip(read, written, strict=True) if text.endswith("µg")]
    assert np.mean([str(one.value).endswith("µg") for one in micro]) >= FEWEST_FOUND
    assert (
        max((one.p for one in micro if str(one.value).endswith("mg")), default=0.0)
        <= CONFIDENCE_CEILING
    )
    assert not any(
        "µ" in str(one.value)
        for one, text in zip(read, written, strict=True)
        if text.endswith("mg")
    )


@pytest.mark.shared
def test_one_letter_unit_is_never_confidently_a_digit() -> None:
    units, figures = (
        ("1 g", "2 g", "5 g", "1 l", "2 l"),
        ("19", "29", "59", "11", "21", "119", "2021"),
    )
    fonts = find_fonts(shared("handwriting", "fonts_train"), held=True)
    rng = np.random.default_rng(20261127)
    written = [
        (text, render_line(font, rng, text).picture)
        for text in (*units, *figures)
        for font in fonts
    ]
    doses = read_line_images(
        [LineImage(picture) for text, picture in written if text in units],
        formats=[Format.DOSE] * (len(units) * len(fonts)),
    )
    wrong = [
        one.p
        for one, (text, _) in zip(doses, written, strict=False)
        if str(one.value).replace(" ", "") != text.replace(" ", "")
    ]
    assert max(wrong, default=0.0) <= CONFIDENCE_CEILING
    numbers = read_line_images([LineImage(picture) for text, picture in written if text in figures])
    doubted = [
        any(str(value)[-1:] in ("g", "l") for value, _ in one.alternatives[:1]) for one in numbers
    ]
    assert np.mean(doubted) <= LOW_CONFIDENCE_CEILING


@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.parametrize(
    ("letter", "written"),
    [
        ("g", ("1 g", "2 g", "5 g", "11 g")),
        ("l", ("1 l", "2 l")),
        ("", ("19", "29", "59", "11", "21", "119")),
    ],
)
def test_letter_read_as_digit_in_note_has_low_confidence(
    letter: str, written: tuple[str, ...], record_property: Callable[[str, object], None]
) -> None:
    """In all typefaces; the limits were chosen on them."""
    fonts = [
        font
        for held in (False, True)
        for font in find_fonts(shared("handwriting", "fonts_train"), held=held)
    ]
    rng = np.random.default_rng(20261127)
    read = read_line_images(
        [LineImage(render_line(font, rng, text).picture) for text in written for font in fonts]
    )
    figures = [one for one in read if str(one.value).isdigit() and str(one.value)[-1] in "19"]
    with_letter = sum(
        str(value)[-1:] in ("g", "l") for one in figures for value, _ in one.alternatives[:1]
    )
    record_property(
        "measured",
        (
            f"units in notes: {', '.join(written)}: {len(figures)} read as figures, {with_letter} "
            "of them with a letter as alternative"
        ),
    )
    assert (
        with_letter >= LETTER_SHARE_FLOOR[letter] * len(figures)
        if letter
        else with_letter <= LOW_CONFIDENCE_CEILING * len(figures)
    )
