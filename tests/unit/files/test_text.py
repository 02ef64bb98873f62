"""Words into lines."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.files.text import wrap_text


def width(piece: str) -> float:
    return float(len(piece))


def test_lines_break_at_blanks_and_at_line_ends() -> None:
    assert wrap_text("en två tre\nfyra\n\nfem", 7, width) == ["en två", "tre", "fyra", "", "fem"]


def test_a_word_wider_than_a_line_is_broken_within() -> None:
    assert wrap_text("a bcdefghij k", 4, width) == ["a", "bcde", "fghi", "j k"]


def test_blanks_inside_a_line_stay() -> None:
    assert wrap_text("a  b", 9, width) == ["a  b"]


@given(st.text(alphabet="ab \n", max_size=80), st.integers(1, 12))
def test_nothing_is_lost_and_nothing_is_too_wide(text: str, room: int) -> None:
    lines = wrap_text(text, room, width)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(len(line) <= room for line in lines)
