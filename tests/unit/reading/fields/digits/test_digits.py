"""Decoding of digit rows from given probabilities."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.domain.form.field import FieldSpec, Format
from pipeline.domain.model import State
from pipeline.reading.fields.digits.cells import OTHER_CLASS
from pipeline.reading.fields.digits.decoding import (
    decode_digits,
    has_valid_check_digit,
    is_personal_number,
    likeliest_rows,
)
from pipeline.reading.fields.digits.reader import (
    plain_digit_row,
)
from tests.unit.reading.fields.digits.digit_rows import (
    row,
    spec,
)

pytestmark = pytest.mark.slow

NUMBER = "189001019802"
"""An official test number (Skatteverket)."""


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("20261124", spec(Format.DATE), "2026-11-24"),
        ("20240229", spec(Format.DATE), "2024-02-29"),
        ("0715", spec(Format.TIME), "07:15"),
        ("2359", spec(Format.TIME), "23:59"),
        (NUMBER, spec(Format.PERSONAL_NUMBER), NUMBER),
        ("120", spec(Format.NUMBER, 3), "120"),
        (" 80", spec(Format.NUMBER, 3), "80"),
        ("80 ", spec(Format.NUMBER, 3), "80"),
        ("080", spec(Format.NUMBER, 3), "80"),
        ("375", spec(Format.NUMBER, 3, decimals=1), "37.5"),
        (" 05", spec(Format.NUMBER, 3, decimals=1), "0.5"),
        ("  5", spec(Format.NUMBER, 3, decimals=1), "0.5"),
        ("37 ", spec(Format.NUMBER, 3, decimals=1, minimum=30, maximum=43), "37"),
        ("375 ", spec(Format.NUMBER, 4, decimals=1, minimum=30, maximum=43), "37.5"),
        ("000", spec(Format.NUMBER, 3), "0"),
        ("007 ", plain_digit_row(4), "007"),
        ("0041 ", spec(Format.CODE, 5), "0041"),
        ("0412345678", spec(Format.CODE, 10), "0412345678"),
    ],
)
def test_row_is_decoded_by_its_format(text: str, field: FieldSpec, value: str) -> None:
    reading = decode_digits(row(text), field)
    assert (reading.value, reading.state) == (value, State.READ)
    assert len(reading.characters) == len(value)
    assert 0.5 < reading.p <= 1


def test_clear_row_has_high_probability() -> None:
    assert decode_digits(row("20261124"), spec(Format.DATE)).p > 0.99
    assert decode_digits(row(NUMBER), spec(Format.PERSONAL_NUMBER)).p > 0.99


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("20261324", Format.DATE),
        ("20230229", Format.DATE),
        ("2460", Format.TIME),
        (NUMBER[:-1] + "3", Format.PERSONAL_NUMBER),
    ],
)
def test_clear_row_that_violates_format_is_kept_with_low_confidence(
    text: str, form: Format
) -> None:
    reading = decode_digits(row(text, 0.9999), spec(form))
    assert (reading.value, reading.state) == (text, State.READ)
    assert reading.p <= 0.5


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("1 5", spec(Format.NUMBER, 3), "15"),
        ("1  5", spec(Format.NUMBER, 4), "15"),
        ("8 25", spec(Format.NUMBER, 4, decimals=1), "82.5"),
        ("125 5", spec(Format.NUMBER, 5, decimals=2), "125.5"),
        ("   5", spec(Format.NUMBER, 4, decimals=2), "0.5"),
        ("83 79", spec(Format.CODE, 5), "8379"),
        ("123 ", spec(Format.TIME), "01:23"),
    ],
)
def test_number_with_empty_box_inside_has_low_confidence(
    text: str, field: FieldSpec, value: str
) -> None:
    """A missed pale zero turns 105 into 15, 125,05 into 125,50, and 12.30 into 1.23."""
    reading = decode_digits(row(text, 0.9999), field)
    assert (reading.value, reading.state) == (value, State.READ)
    assert reading.p <= 0.5


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("1 250", spec(Format.NUMBER, 5), "1250"),
        ("37 5", spec(Format.NUMBER, 4, decimals=1), "37.5"),
    ],
)
def test_empty_box_as_separator_keeps_confidence(text: str, field: FieldSpec, value: str) -> None:
    reading = decode_digits(row(text, 0.9999), field)
    assert reading.value == value
    assert reading.p > 0.99


def test_confidence_is_shared_among_rows_with_same_number() -> None:
    seen = row("15 ", 0.9999, doubts={1: {" ": 0.1}, 2: {"5": 0.1}})
    assert decode_digits(seen, spec(Format.NUMBER, 3)).p > 0.75


def test_ten_digits_in_twelve_boxes_are_kept_with_low_confidence() -> None:
    reading = decode_digits(row("  " + NUMBER[2:]), spec(Format.PERSONAL_NUMBER))
    assert reading.value == NUMBER[2:]
    assert reading.p <= 0.5


def test_check_digit_resolves_ambiguity_and_alternative_is_listed() -> None:
    wrong = NUMBER[:4] + "7" + NUMBER[5:]
    seen = row(wrong, doubts={4: {NUMBER[4]: 0.3}})
    reading = decode_digits(seen, spec(Format.PERSONAL_NUMBER))
    assert reading.value == NUMBER
    assert 0.8 < reading.p < 0.99
    assert wrong in dict(reading.alternatives)
    assert reading.characters[4] == min(reading.characters)


def test_two_numbers_with_valid_check_digit_share_probability() -> None:
    """Two uncertain boxes with two values that both satisfy Luhn's check."""
    other = next(
        f"{NUMBER[:10]}{a}{b}"
        for a in "0123456789"
        for b in "0123456789"
        if a != NUMBER[10] and b != NUMBER[11] and is_personal_number(f"{NUMBER[:10]}{a}{b}")
    )
    seen = row(NUMBER, doubts={10: {other[10]: 0.49}, 11: {other[11]: 0.49}})
    reading = decode_digits(seen, spec(Format.PERSONAL_NUMBER))
    assert reading.p < 0.6
    assert {reading.value, *dict(reading.alternatives)} >= {NUMBER, other}


def test_likely_number_within_range_ranks_before_one_outside() -> None:
    field = spec(Format.NUMBER, 3, minimum=30, maximum=220)
    uncertain = decode_digits(row("780", doubts={0: {"1": 0.2}}), field)
    clear = decode_digits(row("780"), field)
    assert uncertain.value == "180"
    assert "780" in dict(uncertain.alternatives)
    assert clear.value == "780"


def test_all_boxes_empty() -> None:
    reading = decode_digits(row(" " * 12, 0.99), spec(Format.PERSONAL_NUMBER))
    assert (reading.value, reading.state) == (None, State.EMPTY)
    assert reading.p > 0.95


def test_a_struck_out_row_is_cancelled() -> None:
    assert decode_digits(row("########"), spec(Format.DATE)).state is State.CANCELLED
    assert decode_digits(row("##2#####"), spec(Format.DATE)).state is State.CANCELLED
    assert decode_digits(row("#  "), spec(Format.NUMBER, 3)).state is State.CANCELLED


def test_letter_among_digits_is_illegible_with_alternatives() -> None:
    reading = decode_digits(row("07?5", doubts={2: {"1": 0.1, "4": 0.05}}), spec(Format.TIME))
    assert (reading.value, reading.state, reading.characters) == (None, State.ILLEGIBLE, ())
    assert [value for value, _ in reading.alternatives[:2]] == ["07:15", "07:45"]


def test_probabilities_of_a_reading_never_exceed_one() -> None:
    rng = np.random.default_rng(5)
    for form, cells in (
        (Format.DATE, 8),
        (Format.TIME, 4),
        (Format.PERSONAL_NUMBER, 12),
        (Format.NUMBER, 5),
    ):
        for sharpness in (0.3, 1, 3, 8):
            flat = np.exp(sharpness * rng.normal(size=(cells, OTHER_CLASS + 1))).astype(np.float32)
            reading = decode_digits(flat / flat.sum(axis=1, keepdims=True), spec(form, cells))
            assert 0 <= reading.p <= 1
            assert reading.p + sum(p for _, p in reading.alternatives) <= 1 + 1e-5
            assert all(0 <= p <= 1 + 1e-6 for p in reading.characters)


def test_enumeration_of_rows_is_exact_and_complete() -> None:
    seen = row("12", 0.6, {0: {"7": 0.3}})
    rows, rest = likeliest_rows(seen)
    assert rows[0][0] == "12"
    assert rows[0][1] == pytest.approx(float(seen[0, 1] * seen[1, 2]), rel=1e-5)
    assert sum(p for _, p in rows) + rest == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(
    ("digits", "holds"), [(NUMBER[2:], True), ("9001019803", False), ("7010632391", True)]
)
def test_check_digit(digits: str, *, holds: bool) -> None:
    assert has_valid_check_digit(digits) is holds


def test_a_coordination_number_is_a_personal_number() -> None:
    assert is_personal_number("197010632391")
    assert not is_personal_number("197010992391")


@pytest.mark.parametrize("number", ["191500722390", "191711602399", "192004912388"])
def test_coordination_number_without_birth_date_keeps_confidence(
    number: str,
) -> None:
    """Official test numbers: month 00, day 60, and a day that its month does not have."""
    reading = decode_digits(row(number), spec(Format.PERSONAL_NUMBER))
    assert (reading.value, reading.state) == (number, State.READ)
    assert reading.p > 0.99
