"""Writing in framed fields: frames far beside their place, first letters on the left line."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from pipeline.domain.form.field import FieldSpec, Kind
from pipeline.domain.model import Image, State
from pipeline.reading.fields.field_image import FieldImage
from pipeline.reading.fields.handwriting.frames import find_line_ink
from pipeline.reading.fields.handwriting.reader import read_handwriting
from pipeline.reading.fields.ink import find_ink
from pipeline.reading.fields.segmentation.lines import read_text_areas

PX, MARGIN, WIDTH, HEIGHT = 8, 16, 400, 64


def _frame(right: int = 0, down: int = 0, *, is_table: bool = False) -> Image:
    """A framed field, or a cell of a table, moved from its place by so many px."""
    sheet = np.full((HEIGHT + 2 * MARGIN, WIDTH + 2 * MARGIN), 255, np.uint8)
    left, top = MARGIN + right, MARGIN + down
    if is_table:
        for y in (top, top + HEIGHT):
            cv2.line(sheet, (0, y), (sheet.shape[1], y), (60,), 3)
        for x in (left, left + WIDTH):
            cv2.line(sheet, (x, 0), (x, sheet.shape[0]), (60,), 3)
    else:
        cv2.rectangle(sheet, (left, top), (left + WIDTH, top + HEIGHT), (60,), 3)
    return sheet


def _word(text: str, left: int, thickness: int = 3) -> Image:
    sheet = np.full((HEIGHT + 2 * MARGIN, WIDTH + 2 * MARGIN), 255, np.uint8)
    font = cv2.FONT_HERSHEY_SIMPLEX
    cv2.putText(sheet, text, (left, MARGIN + 47), font, 1.3, (30,), thickness, cv2.LINE_AA)
    return sheet


def _crop(image: Image, kind: Kind = Kind.TEXT, *, is_table: bool = False) -> FieldImage:
    box = (20.0, 20.0, WIDTH / PX, HEIGHT / PX)
    lines = 1 if kind is Kind.LINES else None
    spec = FieldSpec.model_construct(name="f", label="f", kind=kind, box=box, lines=lines)
    return FieldImage(image, spec, _frame(is_table=is_table), float(PX), MARGIN / PX)


@pytest.mark.parametrize("is_table", [False, True])
@pytest.mark.parametrize("shift", [(9, 0), (-11, 6), (7, -10), (0, 12), (3, 2), (0, 0)])
def test_a_frame_beside_its_place_is_no_writing(shift: tuple[int, int], is_table: bool) -> None:
    moved = _frame(*shift, is_table=is_table)
    (text,) = read_handwriting([_crop(moved, is_table=is_table)])
    (area,) = read_text_areas([_crop(moved, Kind.LINES, is_table=is_table)])
    assert (text.state, area.state) == (State.EMPTY, State.EMPTY)


def test_a_word_in_a_frame_beside_its_place_is_read_alone() -> None:
    image = np.minimum(_frame(-10, 9), _word("Hemma 12", 40))
    (found,) = read_handwriting([_crop(image)])
    assert found.value == "Hemma 12"


def test_a_letter_across_the_left_line_stays_whole() -> None:
    # A round letter: the left line of the frame goes through it.
    word = _word("Oskar", MARGIN - 11)
    crop = _crop(np.where(np.minimum(_frame(), word) < 128, 0, 255).astype(np.uint8))
    written = np.ascontiguousarray(word[:, : MARGIN + 14] < 128)
    found = find_line_ink(crop).mask[:, : MARGIN + 14]
    before = find_ink(crop).mask[:, : MARGIN + 14]
    assert (found & written).sum() > (before & written).sum()
    # What is left and right of the line are one letter again.
    assert cv2.connectedComponents(found.astype(np.uint8))[0] - 1 == 1
    assert cv2.connectedComponents(before.astype(np.uint8))[0] - 1 > 1


def test_writing_clear_of_the_frame_is_as_without_search() -> None:
    crop = _crop(np.minimum(_frame(), _word("Hemma 12", 60)))
    assert (find_line_ink(crop).mask == find_ink(crop).mask).all()


def test_pieces_of_a_frame_are_no_writing_with_one_bit() -> None:
    """Some places of a line come out two pixels wide, some not at all."""
    template = np.where(_frame() < 255, 200, 255).astype(np.uint8)
    image = np.full_like(template, 255)
    image[MARGIN + 6 : MARGIN + 30, MARGIN - 1 : MARGIN + 2] = 0
    image[MARGIN - 1 : MARGIN + 2, MARGIN + 90 : MARGIN + 170] = 0
    crop = replace(_crop(image), template_image=template, one_bit=True)
    (found,) = read_handwriting([crop])
    assert found.state is State.EMPTY
    # A word keeps the letter that crosses the line.
    word = np.where(_word("Oskar", MARGIN - 11) < 128, 0, image).astype(np.uint8)
    whole = find_line_ink(replace(crop, image=word)).mask
    assert whole[:, : MARGIN + 14].sum() > 100
