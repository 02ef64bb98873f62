"""Rows of letter boxes: one letter per box, empty and struck-out boxes, and other characters."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from pipeline.domain.form.confidence import PREFILL_FROM
from pipeline.domain.form.field import Kind
from pipeline.domain.model import Image, State
from pipeline.reading.field_readers import CALIBRATED_READERS
from pipeline.reading.fields.digits.letters import (
    CAPITAL_LETTERS,
    LETTER_SYMBOLS,
    classify_letters,
    plain_letter_row,
    read_letter_boxes,
)
from pipeline.reading.fields.field_image import FieldImage

BOX, HIGH, MARGIN = 44, 64, 16


def row(text: str) -> Image:
    """Boxes with one handwritten letter each; `#` is scribbled over, a space is left empty."""
    picture = np.full((HIGH, BOX * len(text) + 1), 250, np.uint8)
    for i, letter in enumerate(text):
        cv2.rectangle(picture, (i * BOX, 0), ((i + 1) * BOX, HIGH - 1), (170,), 1)
        if letter == "#":
            path = np.array(
                [
                    [i * BOX + x, y]
                    for n in range(9)
                    for x, y in ((6 + 3 * n, 10), (10 + 3 * n, 54))
                ],
                np.int32,
            )
            cv2.polylines(picture, [path.reshape(-1, 1, 2)], False, (20,), 3)
        elif letter != " ":
            cv2.putText(
                picture,
                letter,
                (i * BOX + 8, 48),
                cv2.FONT_HERSHEY_SIMPLEX,
                1.3,
                (30,),
                3,
                cv2.LINE_AA,
            )
    return picture


def crop(text: str) -> FieldImage:
    return FieldImage(row(text), plain_letter_row(len(text)))


@pytest.mark.parametrize("text", ["ANNA", "KREMLA", "BE"])
def test_letters_are_read_box_by_box(text: str) -> None:
    (found,) = read_letter_boxes([crop(text)])
    assert (found.value, found.state) == (text, State.READ)
    assert len(found.characters) == len(text)
    assert 0 < found.p <= 1


def test_an_empty_row_is_empty_and_a_gap_is_a_space() -> None:
    empty, gap = read_letter_boxes([crop("    "), crop("LE MA")])
    assert (empty.value, empty.state) == (None, State.EMPTY)
    assert gap.value == "LE MA"


def test_scribbled_over_row_has_no_value() -> None:
    (found,) = read_letter_boxes([crop("####")])
    assert found.value is None
    assert found.state in (State.CANCELLED, State.ILLEGIBLE)


def test_row_of_digits_is_not_confidently_letters() -> None:
    (found,) = read_letter_boxes([crop("3473")])
    assert found.state is not State.READ or found.p < 0.3


@pytest.mark.parametrize("text", ["H2LK", "TM2", "2RK"])
def test_a_2_among_letters_is_not_surely_a_z(text: str) -> None:
    (found,) = read_letter_boxes([crop(text)])
    assert found.state is not State.READ or found.p <= 0.9
    (calibrated,) = CALIBRATED_READERS[Kind.LETTERS]([crop(text)])
    assert calibrated.state is not State.READ or calibrated.p < PREFILL_FROM


def test_empty_batch_has_no_readings() -> None:
    assert read_letter_boxes([]) == []


def _comb(*, separators: bool) -> Image:
    """A row of six boxes with pale separators, and the paper around it."""
    picture = np.full((HIGH + 2 * MARGIN, 6 * BOX + 2 * MARGIN), 255, np.uint8)
    right, bottom = MARGIN + 6 * BOX, MARGIN + HIGH
    cv2.rectangle(picture, (MARGIN, MARGIN), (right, bottom), (60,), 2)
    for i in range(1, 6) if separators else ():
        x = MARGIN + i * BOX
        cv2.line(picture, (x, MARGIN + 3), (x, bottom - 3), (170,), 2)
    return picture


def _comb_crop(separators: bool, right_px: int) -> FieldImage:
    """A word in a comb in black and white, so many px right of the middles of its boxes."""
    sheet = _comb(separators=separators)
    for i, letter in enumerate("KREMLA"):
        at = (MARGIN + i * BOX + 8 + right_px, MARGIN + 48)
        cv2.putText(sheet, letter, at, cv2.FONT_HERSHEY_SIMPLEX, 1.3, (30,), 3, cv2.LINE_AA)
    black = np.where(sheet < 128, 0, 255).astype(np.uint8)
    return FieldImage(black, plain_letter_row(6), _comb(separators=True), 8.0, MARGIN / 8.0)


@pytest.mark.parametrize("right_px", [0, 6, 11])
def test_boxes_whose_separators_vanish_are_cut_where_the_form_has_them(right_px: int) -> None:
    """Pale separators are white in a scan of one bit; letters cross the borders of their boxes."""
    (found,) = read_letter_boxes([_comb_crop(False, right_px)])
    assert (found.value, found.state) == ("KREMLA", State.READ)


def test_boxes_without_ink_are_not_asked_about() -> None:
    p = classify_letters(np.zeros((3, 32, 32), np.uint8))
    assert p.shape == (3, len(LETTER_SYMBOLS))
    assert p.argmax(axis=1).tolist() == [LETTER_SYMBOLS.index(" ")] * 3
    assert p.sum(axis=1) == pytest.approx(1.0)


def test_the_alphabet_is_the_swedish_one() -> None:
    assert len(CAPITAL_LETTERS) == 29
    assert CAPITAL_LETTERS.endswith("ÅÄÖ")
