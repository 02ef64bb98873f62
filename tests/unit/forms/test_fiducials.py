"""Serials, the text of the code, and the positions of markers and codes."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.model import Box, SheetCode
from pipeline.forms.fiducials import (
    CODE_BOXES,
    CONTENT_BOX,
    MARKER_BOXES,
    SERIAL_ALPHABET,
    format_code,
    format_serial,
    is_serial,
    new_serial,
    normalize_serial,
    parse_code,
)

serials = st.builds(new_serial)


@given(serials)
def test_new_serial_is_valid(serial: str) -> None:
    assert is_serial(serial)
    assert normalize_serial(format_serial(serial).lower()) == serial


@given(serials, st.integers(0, 7), st.integers(1, 31))
def test_every_single_wrong_character_is_detected(serial: str, place: int, shift: int) -> None:
    wrong = SERIAL_ALPHABET[(SERIAL_ALPHABET.index(serial[place]) + shift) % 32]
    assert not is_serial(serial[:place] + wrong + serial[place + 1 :])


def test_similar_characters_are_normalized() -> None:
    serial = next(s for s in iter(new_serial, "") if "0" in s and "1" in s)
    assert normalize_serial(serial.replace("0", "o").replace("1", "l")) == serial


@given(serials, st.integers(1, 99), st.integers(1, 9), st.integers(1, 9))
def test_code_is_parsed_to_its_values(serial: str, version: int, page_no: int, pages: int) -> None:
    code = SheetCode("hsl-anteckning", version, page_no, pages, serial)
    assert parse_code(format_code(code)) == code


@pytest.mark.parametrize(
    "text",
    [
        "",
        "https://kalix.se",
        "E1.HSL.1.1.1.00000001",
        "E2.HSL.1.1.1.00000000",
        "E1.HSL.1.1.00000000",
    ],
)
def test_foreign_codes_are_rejected(text: str) -> None:
    assert parse_code(text) is None


def test_markers_codes_and_content_do_not_overlap() -> None:
    for one, other in combinations([*MARKER_BOXES.values(), *CODE_BOXES, CONTENT_BOX], 2):
        assert _gap(one, other) >= 2.0


def _gap(a: Box, b: Box) -> float:
    """The wider of the horizontal and the vertical distance, mm."""
    return max(a.x - (b.x + b.w), b.x - (a.x + a.w), a.y - (b.y + b.h), b.y - (a.y + a.h))
