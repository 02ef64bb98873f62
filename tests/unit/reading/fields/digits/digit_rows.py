"""Digit rows that the tests compose and draw."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain.form.field import FieldSpec, Format, Kind
from pipeline.domain.form.form import Form, Forms
from pipeline.domain.model import Box, Image, PageReading
from pipeline.domain.settings import ROOT
from pipeline.forms.printing import make_blank_sheets
from pipeline.preparation.practice.fill_sheet import PRINT_PX_PER_MM, render_sheet_page
from pipeline.reading.fields.digits.cells import OTHER_CLASS
from pipeline.reading.fields.digits.decoding import DIGIT_SYMBOLS
from pipeline.reading.read_page import PageReader


def spec(form: Format, cells: int | None = None, **more: float) -> FieldSpec:
    return FieldSpec.model_validate(
        {
            "name": "f",
            "label": "f",
            "kind": Kind.DIGITS,
            "box": (0, 0, 40, 8),
            "format": form,
            "cells": cells,
        }
        | more
    )


def row(
    text: str, p: float = 0.999, doubts: dict[int, dict[str, float]] | None = None
) -> NDArray[np.float32]:
    """Probabilities of a row that reads `text` with `p` per box; `doubts` adds other symbols of a
    box with their share.
    """
    out = np.full((len(text), OTHER_CLASS + 1), (1 - p) / OTHER_CLASS, np.float32)
    for i, symbol in enumerate(text):
        out[i, DIGIT_SYMBOLS.index(symbol)] = p
        for other, share in (doubts or {}).get(i, {}).items():
            out[i, DIGIT_SYMBOLS.index(other)] = share
            out[i, DIGIT_SYMBOLS.index(symbol)] -= share
    return np.asarray(out / out.sum(axis=1, keepdims=True), np.float32)


def matvarden() -> tuple[Form, Image]:
    """The form and a printed page of it."""
    form = Forms.load(ROOT / "forms")["matvarden", 1]
    return form, render_sheet_page(form, make_blank_sheets(1)[0])


def write_number(paper: Image, spec: FieldSpec, number: str, down: float = 0.0) -> None:
    """Write one digit in each of the last boxes, `down` mm lower."""
    for cell, figure in zip(spec.cell_boxes[-len(number) :], number, strict=True):
        write(paper, figure, Box(cell.x + 1.2, cell.y + 1.4 + down, cell.w - 2.4, cell.h - 2.8))


def read(paper: Image) -> PageReading:
    return (
        PageReader.of_forms(Forms.load(ROOT / "forms"))
        .read(cv2.imencode(".png", paper)[1].tobytes(), "image/png")
        .reading
    )


def write(paper: Image, character: str, box: Box) -> None:
    """Draw a handwritten character that fills a rectangle (mm) of a page at 300 dpi."""
    drawn = np.full((200, 200), 255, np.uint8)
    cv2.putText(drawn, character, (30, 150), cv2.FONT_HERSHEY_SIMPLEX, 5, 60, 14, cv2.LINE_AA)
    x, y, w, h = cv2.boundingRect((drawn < 128).view(np.uint8))
    left, top, width, height = (
        round(side * PRINT_PX_PER_MM) for side in (box.x, box.y, box.w, box.h)
    )
    small = cv2.resize(drawn[y : y + h, x : x + w], (width, height), interpolation=cv2.INTER_AREA)
    place = paper[top : top + height, left : left + width]
    place[:] = np.minimum(place, small[..., None])
