"""Units are not confidently read as other characters: µ as m, g as 9 or 8, l as 1; nor are commas
lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from pipeline.domain.form.field import Format
from pipeline.domain.model import Image, Reading, State
from pipeline.reading.fields.handwriting import corrections
from pipeline.reading.fields.handwriting.corrections import (
    COMMA_DOUBT_P,
    MICRO_DOUBT_P,
    MICRO_MIN_P,
    correct_unit_signs,
)
from pipeline.reading.fields.handwriting.network import Steps
from pipeline.reading.language.formats import UNITS
from tests.support.pages.written_steps import steps_of, with_doubt

KNOWN = "gmuµμ"


@dataclass
class Shipped:
    """Stub of the shipped network: a µ with this p in the columns from `start` on, if they are in
    its input.
    """

    p: float
    start: int = 0
    shown: list[Image] = field(default_factory=list)

    def __call__(self, images: Sequence[Image], file: Path) -> list[tuple[Steps, str]]:
        assert file.name.startswith("PP-OCR")
        self.shown += images
        steps = np.zeros((4, 1 + len(KNOWN)), np.float32)
        steps[2, 1 + KNOWN.index("µ")] = steps[2, 1 + KNOWN.index("μ")] = self.p / 2
        return [(steps, KNOWN)]


def read(text: str, shipped: Shipped, monkeypatch: pytest.MonkeyPatch) -> Reading:
    """The text after resolving unit signs."""
    monkeypatch.setattr(corrections, "read_all_characters", shipped)
    characters = (0.9,) * len(text)
    picture = np.full((48, 16 * len(text)), 255, np.uint8)
    return correct_unit_signs(
        Reading(text, 0.88, State.READ, (("else", 0.1),), characters), picture, steps_of(text), None
    )


@pytest.mark.parametrize(
    ("text", "micro"),
    [
        ("50 mg", "50 µg"),
        ("2,5 ug", "2,5 µg"),
        ("0.5mg x 2", "0.5µg x 2"),
        ("½ Mg", "½ µg"),
        ("Fick 50 mg Levaxin kl 7", "Fick 50 µg Levaxin kl 7"),
    ],
)
def test_micro_sign_is_proposed_with_low_confidence(
    text: str, micro: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = read(text, Shipped(MICRO_MIN_P), monkeypatch)
    assert found.value == micro
    assert found.alternatives[0] == (text, found.p)
    assert found.p + sum(p for _, p in found.alternatives) <= 1
    assert found.p <= 0.5
    assert [i for i, p in enumerate(found.characters) if p <= 0.5] == [micro.index("µ")]


@pytest.mark.parametrize("text", ["50 mg", "2,5 ug"])
def test_reading_without_micro_sign_is_unchanged(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = read(text, Shipped(MICRO_DOUBT_P / 2), monkeypatch)
    assert (found.value, found.p) == (text, 0.88)


def test_faint_micro_sign_is_an_alternative(monkeypatch: pytest.MonkeyPatch) -> None:
    found = read("50 mg", Shipped(MICRO_MIN_P / 2), monkeypatch)
    assert (found.value, found.p, found.alternatives[0]) == ("50 mg", 0.44, ("50 µg", 0.44))


@pytest.mark.parametrize(
    "text", ["75 kg", "2 hg", "1 g", "50 mgr", "mg", "I mg", "17.30", "Ringde"]
)
def test_other_text_is_not_reread(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = Shipped(1.0)
    assert read(text, shipped, monkeypatch).value == text
    assert shipped.shown == []


def test_only_number_and_unit_are_reread(monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = Shipped(0.0)
    read("Fick 50 mg Levaxin kl 7", shipped, monkeypatch)
    (part,) = shipped.shown
    assert 5 * 16 < part.shape[1] < 8 * 16


def unit_of_mass(low: str = "") -> Image:
    """`50 mg` in blocks, with a stroke below the line at the start of the `sign`, or a `loop` of
    the g below the sign.
    """
    picture = np.full((48, 16 * 5), 255, np.uint8)
    picture[10:34, 2:14] = picture[10:34, 18:30] = 0
    picture[20:34, 50:62] = picture[20:42, 66:78] = 0
    if low == "sign":
        picture[20:40, 50:53] = 0
    if low == "loop":
        picture[38:42, 48:78] = 0
    return picture


@pytest.mark.parametrize(
    ("text", "low", "p", "value", "other"),
    [
        ("50 mg", "sign", 0.0, "50 mg", "50 µg"),
        ("50 mg", "sign", MICRO_DOUBT_P, "50 µg", "50 mg"),
        ("50 ng", "sign", 0.0, "50 µg", "50 ng"),
        ("50 ½g", "sign", 0.0, "50 ½g", None),
        ("50 mg", "loop", 0.0, "50 mg", None),
        ("50 ng", "loop", 0.0, "50 ng", None),
        ("50 mg", "", 0.0, "50 mg", None),
    ],
)
def test_sign_with_stroke_below_line_may_be_micro_sign(
    text: str, low: str, p: float, value: str, other: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corrections, "read_all_characters", Shipped(p))
    read = Reading(text, 0.88, State.READ, (), (0.9,) * len(text))
    found = correct_unit_signs(read, unit_of_mass(low), steps_of(text), None)
    assert found.value == value
    assert found.alternatives == (() if other is None else ((other, 0.44),))
    assert found.p == (0.88 if other is None else 0.44)


def test_unit_without_steps_or_ink_is_unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corrections, "read_all_characters", Shipped(0.0))
    read = Reading("50 mg", 0.88, State.READ, (), (0.9,) * 5)
    for picture, steps in (
        (np.full((48, 80), 255, np.uint8), steps_of("50 mg")),
        (unit_of_mass("sign"), steps_of("50 mg")[:3]),
    ):
        assert correct_unit_signs(read, picture, steps, None) == read


def two_signs(high: tuple[int, int], apart: int) -> Image:
    """A digit, and a character between two rows at a given horizontal distance, px."""
    picture = np.full((48, 32), 255, np.uint8)
    picture[6:34, 3 : 16 - apart // 2] = 0
    picture[high[0] : high[1], 16 + (apart + 1) // 2 : 29] = 0
    return picture


@pytest.mark.parametrize(
    ("text", "high", "apart", "other"),
    [
        ("19", (6, 34), 2, None),
        ("19", (6, 34), 12, None),
        ("19", (14, 46), 2, "1 g"),
        ("29", (8, 38), 14, "2 g"),
        ("11", (6, 34), 2, None),
        ("11", (6, 34), 12, "1 l"),
        ("17", (14, 46), 12, None),
        ("18", (14, 46), 12, None),
    ],
)
def test_last_digit_shaped_like_letter_has_low_confidence(
    text: str, high: tuple[int, int], apart: int, other: str | None
) -> None:
    found = correct_unit_signs(
        Reading(text, 0.98, State.READ, (), (0.99, 0.99)),
        two_signs(high, apart),
        steps_of(text),
        None,
    )
    assert found.value == text
    assert (found.alternatives[0][0] if found.alternatives else None) == other
    assert found.p == (0.98 if other is None else 0.49)


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("19", "1 g"),
        ("0,59", "0,5 g"),
        ("18", "1 g"),
        ("11", "1 l"),
        ("Novorapid 11", "Novorapid 1 l"),
        ("19 mg", None),
        ("21 IE", None),
        ("12", None),
        ("9", None),
    ]
    + [(f"21 {unit}", None) for unit in UNITS.split() if unit != "µg"],
)
def test_last_digit_of_dose_without_unit_may_be_unit(
    text: str, other: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corrections, "read_all_characters", Shipped(0.0))
    picture = np.full((48, 16 * len(text)), 255, np.uint8)
    found = correct_unit_signs(
        Reading(text, 0.98, State.READ, (), (0.99,) * len(text)),
        picture,
        steps_of(text),
        Format.DOSE,
    )
    assert (found.alternatives[0][0] if found.alternatives else None) == other


@pytest.mark.parametrize("text", ["2021", "1999", "kl 12:19", "16/12-21", "1+0+1", "112-11"])
def test_years_dates_and_times_end_in_digits(text: str) -> None:
    wide = np.full((48, 16 * len(text)), 255, np.uint8)
    wide[10:40:3, ::12] = 0
    assert (
        correct_unit_signs(
            Reading(text, 0.98, State.READ, (), (0.99,) * len(text)), wide, steps_of(text), None
        ).p
        == 0.98
    )


@pytest.mark.parametrize("form", [form for form in Format if form is not Format.DOSE])
def test_digit_where_no_letter_is_possible_keeps_confidence(form: Format) -> None:
    found = Reading("11", 0.98, State.READ, (), (0.99, 0.99))
    assert correct_unit_signs(found, two_signs((6, 34), 12), steps_of("11"), form) == found


def test_letter_beside_micro_sign_raises_issue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corrections, "read_all_characters", Shipped(MICRO_MIN_P))
    before = np.full((48, 16 * len("50 mg och ")), 255, np.uint8)
    text = "50 mg och 19"
    picture = np.hstack([before, two_signs((14, 46), 2)])
    found = correct_unit_signs(
        Reading(text, 0.98, State.READ, (), (0.99,) * len(text)), picture, steps_of(text), None
    )
    assert found.value == "50 µg och 19"
    assert [value for value, _ in found.alternatives] == ["50 µg och 1 g", text]


@pytest.mark.parametrize(
    ("text", "comma_at", "p", "form", "other"),
    [
        ("15 mg", 0, COMMA_DOUBT_P, Format.DOSE, "1,5 mg"),
        ("15 mg", 1, COMMA_DOUBT_P, Format.DOSE, "1,5 mg"),
        ("125 mg", 2, COMMA_DOUBT_P, Format.DOSE, "12,5 mg"),
        ("15 mg", 0, COMMA_DOUBT_P / 2, Format.DOSE, None),
        ("15 mg", 0, COMMA_DOUBT_P, None, None),
        ("05 mg", 0, 0.0, Format.DOSE, "0,5 mg"),
        ("25", 0, COMMA_DOUBT_P, Format.NUMBER, "2,5"),
        ("1,25 mg", 2, COMMA_DOUBT_P, Format.DOSE, None),
        ("5 mg", 0, COMMA_DOUBT_P, Format.DOSE, None),
    ],
)
def test_whole_number_may_have_lost_its_comma(
    text: str,
    comma_at: int,
    p: float,
    form: Format | None,
    other: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(corrections, "read_all_characters", Shipped(0.0))
    steps = steps_of(with_doubt(text, {comma_at: {text[comma_at]: 1 - 1.01 * p, ",": 1.01 * p}}))
    found = correct_unit_signs(
        Reading(text, 0.98, State.READ, (), (0.99,) * len(text)),
        np.full((48, 16 * len(text)), 255, np.uint8),
        steps,
        form,
    )
    assert found.value == text
    assert found.alternatives == (() if other is None else ((other, 0.49),))
    assert found.p == (0.98 if other is None else 0.49)
