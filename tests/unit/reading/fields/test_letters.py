"""Rows of letter boxes: one letter per box, empty and struck-out boxes, and other characters."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from pipeline.domain.model import Image, State
from pipeline.reading.fields.field_image import FieldImage
from pipeline.reading.fields.letters import (
    CAPITAL_LETTERS,
    plain_letter_row,
    read_letter_boxes,
    single_sign_p,
)

BOX, HIGH = 44, 64


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


def test_empty_batch_has_no_readings() -> None:
    assert read_letter_boxes([]) == []


def test_single_letter_is_summed_over_all_positions() -> None:
    steps = np.array([[0.9, 0.1, 0.0], [0.2, 0.8, 0.0], [1.0, 0.0, 0.0]])
    first, second = single_sign_p(steps, [1, 2])
    assert first == pytest.approx(0.9 * 0.8 + 0.1 * 0.2 + 0.1 * 0.8, abs=1e-4)
    assert second == pytest.approx(0, abs=1e-4)


def test_the_alphabet_is_the_swedish_one() -> None:
    assert len(CAPITAL_LETTERS) == 29
    assert CAPITAL_LETTERS.endswith("ÅÄÖ")
