"""A dash in a field means that there is nothing to write: it is empty, and no letter or number."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from pipeline.domain.form.field import FieldSpec, Format, Kind
from pipeline.domain.model import Image, State
from pipeline.reading.fields.digits.reader import read_digit_boxes
from pipeline.reading.fields.field_image import FieldImage
from pipeline.reading.fields.handwriting.line_image import is_dash
from pipeline.reading.fields.handwriting.reader import read_handwriting
from pipeline.reading.fields.segmentation.lines import read_text_areas

Stroke = tuple[tuple[float, float], ...]
LEVEL: Stroke = ((6.0, 4.0), (10.0, 4.0))
RISING: Stroke = ((4.0, 4.5), (8.0, 3.6))
BENT: Stroke = ((5.0, 4.2), (7.0, 3.9), (10.0, 4.1))
SHORT: Stroke = ((7.0, 4.0), (9.0, 4.1))
LONG: Stroke = ((2.0, 4.2), (18.0, 3.9))
SECOND: Stroke = ((12.0, 4.2), (15.0, 4.1))
EQUALS: tuple[Stroke, ...] = (LEVEL, ((6.0, 5.5), (10.0, 5.5)))
ONE: Stroke = ((8.0, 2.0), (8.2, 6.5))
TICK: Stroke = ((6.0, 4.0), (7.0, 5.0), (10.0, 2.5))
WAVE: Stroke = ((4.0, 4.0), (5.0, 3.0), (6.0, 4.0), (7.0, 3.0), (8.0, 4.0), (9.0, 3.0))


def _draw(*strokes: Stroke) -> Image:
    big = np.full((8 * 32, 20 * 32), 255, np.uint8)
    for stroke in strokes:
        points = (np.array(stroke) * 32).round().astype(np.int32).reshape(-1, 1, 2)
        cv2.polylines(big, [points], False, (30,), 13, cv2.LINE_AA)
    return np.asarray(cv2.resize(big, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA))


def _crop(image: Image, kind: Kind = Kind.TEXT, form: Format | None = None) -> FieldImage:
    lines = 1 if kind is Kind.LINES else None
    spec = FieldSpec.model_construct(
        name="f", label="f", kind=kind, box=(0.0, 0.0, 20.0, 8.0), format=form, lines=lines
    )
    return FieldImage(image, spec, np.full_like(image, 255), 8.0)


@pytest.mark.parametrize(
    "strokes", [(LEVEL,), (RISING,), (BENT,), (SHORT,), (LONG,), (LEVEL, SECOND)]
)
def test_a_dash_is_nothing(strokes: tuple[Stroke, ...]) -> None:
    image = _draw(*strokes)
    crops = [_crop(image), _crop(image, form=Format.DOSE), _crop(image, form=Format.NUMBER)]
    readings = [*read_handwriting(crops), *read_text_areas([_crop(image, Kind.LINES)])]
    assert [(one.value, one.state, one.issues) for one in readings] == [(None, State.EMPTY, ())] * 4


@pytest.mark.parametrize("strokes", [EQUALS, (ONE,), (TICK,), (WAVE,), (LEVEL, ONE)])
def test_other_strokes_are_no_dash(strokes: tuple[Stroke, ...]) -> None:
    assert not is_dash(_draw(*strokes))


def test_blank_paper_is_no_dash() -> None:
    assert not is_dash(np.full((40, 90), 255, np.uint8))


@pytest.mark.parametrize("strokes", [(LEVEL,), (RISING,), (LONG,)])
def test_a_dash_across_digit_boxes_is_nothing(strokes: tuple[Stroke, ...]) -> None:
    boxes = np.full((8 * 8 + 32, 20 * 8 + 32), 255, np.uint8)
    for x in range(16, 16 + 20 * 8 + 1, 40):
        cv2.rectangle(boxes, (16, 16), (x, 16 + 8 * 8), (120,), 1)
    image = boxes.copy()
    image[16:80, 16:176] = np.minimum(image[16:80, 16:176], _draw(*strokes))
    spec = FieldSpec.model_construct(
        name="f", label="f", kind=Kind.DIGITS, box=(9.0, 9.0, 20.0, 8.0), format=None, cells=4
    )
    (reading,) = read_digit_boxes([FieldImage(image, spec, boxes, 8.0, 2.0)])
    assert (reading.value, reading.state, reading.issues) == (None, State.EMPTY, ())
