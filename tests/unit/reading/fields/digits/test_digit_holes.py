"""A digit written over another encloses more areas of paper than any digit does."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from pipeline.domain.form.field import FieldSpec, Format, Kind
from pipeline.domain.issues import IssueCode
from pipeline.domain.model import Image
from pipeline.reading.fields.digits.reader import read_digit_boxes
from pipeline.reading.fields.field_image import FieldImage

MARGIN, PITCH, HEIGHT = 16, 44, 64
FACES = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_SCRIPT_SIMPLEX)
OVER = [("8", "1"), ("8", "7"), ("8", "9"), ("9", "1"), ("0", "1"), ("5", "6")]
"""What was read for sure before, and what was written over it."""


def _row(digits: str, over: str = "", *, face: int = FACES[0], bolder: int = 0) -> FieldImage:
    """A row of boxes with handwritten digits, and another digit over the first one."""
    blank = np.full((HEIGHT + 2 * MARGIN, PITCH * len(digits) + 2 * MARGIN), 255, np.uint8)
    for i in range(len(digits)):
        cv2.rectangle(
            blank,
            (MARGIN + i * PITCH, MARGIN),
            (MARGIN + (i + 1) * PITCH, MARGIN + HEIGHT),
            (200,),
            2,
        )
    image = blank.copy()
    for i, digit in enumerate(digits):
        _write(image, digit, face, MARGIN + i * PITCH + 9, 2)
    _write(image, over, face, MARGIN + 9, 2 + bolder)
    name = {
        "name": "f",
        "label": "f",
        "kind": Kind.DIGITS,
        "box": (0, 0, 5.5 * len(digits), 8),
        "format": Format.NUMBER,
        "cells": len(digits),
    }
    return FieldImage(image, FieldSpec.model_validate(name), blank, 8.0, 2.0)


def _write(image: Image, digit: str, face: int, x: int, pen_px: int) -> None:
    shape = np.zeros(image.shape, np.uint8)
    cv2.putText(shape, digit, (x, MARGIN + 48), face, 1.3, (215,), 1, cv2.LINE_AA)
    np.minimum(image, 255 - cv2.dilate(shape, np.ones((pen_px, pen_px), np.uint8)), out=image)


@pytest.mark.parametrize("face", FACES)
def test_overwritten_digit_raises_issue(face: int) -> None:
    rows = [
        (old, new, _row(f"{old}4", new, face=face, bolder=bolder))
        for old, new in OVER
        for bolder in (0, 1)
    ]
    readings = read_digit_boxes([crop for _, _, crop in rows])
    silent = [
        (old, new)
        for (old, new, _), one in zip(rows, readings, strict=True)
        if one.value == f"{old}4" and one.p >= 0.9 and not one.issues
    ]
    assert len(silent) <= 2, silent  # what hides in an 8 cannot be seen


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("digit", list("0123456789"))
def test_single_digit_raises_no_issue(digit: str, face: int) -> None:
    (reading,) = read_digit_boxes([_row(f"{digit}4", digit, face=face, bolder=1)])
    assert IssueCode.ODD_STROKES not in reading.issues


def test_curled_3_raises_no_issue() -> None:
    crop = _row("34")
    image = crop.image.copy()
    cv2.circle(image, (MARGIN + 13, MARGIN + 19), 5, (40,), 3, cv2.LINE_AA)
    (reading,) = read_digit_boxes(
        [FieldImage(image, crop.spec, crop.template_image, crop.px_per_mm, crop.margin_mm)]
    )
    assert reading.value == "34"
    assert IssueCode.ODD_STROKES not in reading.issues


@pytest.mark.parametrize(
    ("start", "end", "is_over"),
    [((10, 46), (32, 14), False), ((21, 12), (21, 48), True)],
    ids=["slash", "a 1 over it"],
)
def test_slashed_zero_raises_no_issue(
    start: tuple[int, int], end: tuple[int, int], *, is_over: bool
) -> None:
    crop = _row("04")
    image = crop.image.copy()
    image[MARGIN + 6 : MARGIN + 58, MARGIN + 4 : MARGIN + 40] = 255
    cv2.ellipse(image, (MARGIN + 21, MARGIN + 30), (11, 17), 0, 0, 360, (40,), 3, cv2.LINE_AA)
    cv2.line(
        image,
        (MARGIN + start[0], MARGIN + start[1]),
        (MARGIN + end[0], MARGIN + end[1]),
        (40,),
        3,
        cv2.LINE_AA,
    )
    (reading,) = read_digit_boxes(
        [FieldImage(image, crop.spec, crop.template_image, crop.px_per_mm, crop.margin_mm)]
    )
    assert (IssueCode.ODD_STROKES in reading.issues) is is_over
