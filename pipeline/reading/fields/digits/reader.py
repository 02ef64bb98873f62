"""Rows of digit boxes: the cells of all crops go through one small network at once, then each row
is decoded by what its format allows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.form.field import FieldSpec, Kind
from pipeline.domain.issues import IssueCode
from pipeline.domain.model import Image, Reading, State
from pipeline.reading.fields.digits.cells import (
    EMPTY_CLASS,
    STRUCK_CLASS,
    DigitRow,
    segment_digit_row,
)
from pipeline.reading.fields.digits.decoding import decode_digits
from pipeline.reading.fields.digits.strokes import find_odd_loops
from pipeline.reading.fields.field_image import FieldImage
from pipeline.reading.imaging.onnx_sessions import open_session

DIGIT_MODEL = Path(__file__).resolve().parents[4] / "data" / "models" / "digits.onnx"
SECOND_DIGIT_MODEL = DIGIT_MODEL.with_name("digits-second.onnx")
"""Made like the first, from rows drawn anew and in another order: what both find hard is hard, and
they seldom fall into the same mistake.
"""

SECOND_PASS_BELOW = 0.9
"""A cell whose likeliest answer has less than this is looked at again by both networks. To look at
all cells again gains no more.
"""
SECOND_PASS_SHIFTS: Mapping[Path, tuple[tuple[int, int], ...]] = {
    DIGIT_MODEL: ((1, 0), (0, 1)),
    SECOND_DIGIT_MODEL: ((0, 0), (-1, 0), (0, -1)),
}
"""Rows down and columns right by which each network sees a doubtful cell moved, px; the first has
seen it where it is already.
"""

CELL_BATCH_SIZE = 32
"""So many cells go through a network together: what one layer hands to the next then stays near the
processor. The answers are the same.
"""

Probabilities = NDArray[np.float32]


def read_digit_boxes(crops: Sequence[FieldImage]) -> list[Reading]:
    """One reading a row of digit boxes; see `decode` for what the values look like. `remarks` may
    hold `outside_boxes`, `odd_strokes` and `struck_out`.

    Raises:
        MissingProgramError: the network's file is missing or damaged.
    """
    if not crops:
        return []
    rows = [cut_digit_row(crop) for crop in crops]
    answers = classify_cells(np.concatenate([row.pictures for row in rows]))
    ends = np.cumsum([len(row.pictures) for row in rows])
    parts = np.split(answers, ends[:-1])
    return [
        add_issues(decode_digits(part, crop.spec), row.outside, _has_odd_box(part, row))
        for part, crop, row in zip(parts, crops, rows, strict=True)
    ]


def add_issues(reading: Reading, is_outside: bool, is_odd: bool = False) -> Reading:
    """The reading of a row of boxes; `is_outside`: something is written half outside of them,
    `is_odd`: a box holds strokes of something else.
    """
    remarks = (
        (IssueCode.OUTSIDE_BOXES,) * is_outside
        + (IssueCode.ODD_STROKES,) * is_odd
        + (IssueCode.STRUCK_OUT,) * (reading.state is State.CANCELLED)
    )
    return replace(reading, issues=remarks) if remarks else reading


def _has_odd_box(answers: Probabilities, row: DigitRow) -> bool:
    """Whether a box is taken for empty that holds writing, or into which that of the next reaches;
    for a 1 that holds what no 1 looks like (a straight stroke, a ditto mark, an arrow); for one
    digit that holds two, beside or on top of each other; or holds a small ditto mark.
    """
    likeliest = answers[:, :STRUCK_CLASS].argmax(
        axis=1
    )  # of what a row is read as: other answers are decoded as rarer than the network takes them
    empty, one, digit = likeliest == EMPTY_CLASS, likeliest == 1, likeliest < EMPTY_CLASS
    if bool(
        (
            row.ditto
            | (empty & (row.tall | row.reached))
            | (one & row.not_one)
            | (digit & row.two_digits)
        ).any()
    ):
        return True
    return bool(digit.any()) and any(find_odd_loops(row.pictures[digit], likeliest[digit]))


def plain_digit_row(cells: int) -> FieldSpec:
    """A row of boxes of which nothing else is known: it is read as its digits, leading noughts
    kept.
    """
    return FieldSpec.model_construct(
        name="crop",
        label="",
        kind=Kind.DIGITS,
        box=(0.0, 0.0, 5.5 * cells, 8.0),
        format=None,
        cells=cells,
    )


def cut_digit_row(crop: FieldImage) -> DigitRow:
    """The boxes of a crop."""
    margin = crop.margin_mm * crop.px_per_mm if crop.px_per_mm else 0.0
    return segment_digit_row(crop.image, crop.template_image, crop.spec.cell_count, margin)


def classify_cells(pictures: Image) -> Probabilities:
    """Cells (n, 32, 32), 255 = ink, to probabilities (n, 13) of 0–9, empty, struck out, other.

    Cells without ink share one answer; what is doubtful is looked at again (`LOOK_AGAIN`).

    Raises:
        MissingProgramError: a network's file is missing or damaged.
    """
    inked = pictures.reshape(len(pictures), -1).any(axis=1)
    asked = np.concatenate([np.zeros((1, *pictures.shape[1:]), np.uint8), pictures[inked]])
    p = run_digit_network(asked, DIGIT_MODEL)
    doubtful = p.max(axis=1) < SECOND_PASS_BELOW
    if doubtful.any():
        p[doubtful] = _classify_again(asked[doubtful], p[doubtful])
    out = np.empty((len(pictures), p.shape[1]), np.float32)
    out[~inked], out[inked] = p[0], p[1:]
    return out


def run_digit_network(pictures: Image, model: Path) -> Probabilities:
    """What one network answers to cells (n, 32, 32) as they are.

    Raises:
        MissingProgramError: its file is missing or damaged.
    """
    session = _load_session(model)
    parts = (
        pictures[start : start + CELL_BATCH_SIZE, None].astype(np.float32) / 255
        for start in range(0, len(pictures), CELL_BATCH_SIZE)
    )
    return np.concatenate(
        [np.asarray(session.run(None, {"cells": part})[0], np.float32) for part in parts]
    )


def _classify_again(pictures: Image, unmoved: Probabilities) -> Probabilities:
    """The geometric mean of what both networks answer to each cell in three places; a glyph has
    three empty pixels around it, so nothing is lost.
    """
    answers = [unmoved]
    for model, moves in SECOND_PASS_SHIFTS.items():
        moved = np.concatenate([np.roll(pictures, move, axis=(1, 2)) for move in moves])
        answers += np.split(run_digit_network(moved, model), len(moves))
    mean = np.exp(np.mean([np.log(np.maximum(p, 1e-9)) for p in answers], axis=0))
    return np.asarray(mean / mean.sum(axis=1, keepdims=True), np.float32)


_load_session = lru_cache(maxsize=2)(open_session)
