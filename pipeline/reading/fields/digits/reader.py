"""Read rows of digit boxes: classify all cells at once, then decode each row by its format."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import cv2
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
from pipeline.reading.fields.field_image import FieldImage
from pipeline.reading.fields.handwriting.line_image import is_dash, make_line_image
from pipeline.reading.fields.handwriting.transcription import DASHES_EMPTY_P
from pipeline.reading.fields.ink import find_ink
from pipeline.reading.imaging.onnx_sessions import open_session
from pipeline.reading.imaging.pixels import Labels, Mask

# Find digits that are written over another one, by the loops that their strokes enclose.
#
# Examples are an 8 over a 3, a 7 over a 9, a 1 over a zero by the same pen. The network reads one
# of both, and often the one that no longer counts.

MAX_LOOPS = (1, 0, 2, 1, 1, 0, 1, 0, 2, 1)
"""Maximum number of loops of each digit: a 4 may be closed above, a 3 curled at its head, a 2 at
its head and its foot.
"""
CELL_INK_LEVEL = 127
"""Ink in a cell's image is above this level (255 = ink)."""
CELL_ENLARGEMENT = 2
"""How many times cells are enlarged, so that narrow holes stay open."""
MIN_LOOP_PX = (12, 6, 12, 12, 6, 12, 12, 6, 6, 6)
"""For each digit the minimum paper that counts as enclosed, in a cell image twice as large (64 ×
64): more where strokes of one digit nearly meet. Half a percent of rows of digits by real writers
are flagged, and three in ten of the rows with a digit over another that were read as another number
with high confidence.
"""
ZERO_DIGIT = 0
"""The only digit with a slash."""
SLASH_ANGLE_DEG = 20, 75
"""The slash of a zero leaves two loops, of which the right one is this many degrees below the left
one; a 1 over a zero is upright.
"""


def find_odd_loops(pictures: Image, digits: Sequence[int]) -> list[bool]:
    """Return for each cell (n, 32, 32), 255 = ink, whether it encloses more than its digit does.

    `digits` are what the cells are read as.
    """
    return [
        _has_odd_loops(*loops, digit)
        for loops, digit in zip(_enclosed_areas(pictures), digits, strict=True)
    ]


def _has_odd_loops(areas: NDArray[np.intp], middles: NDArray[np.float64], digit: int) -> bool:
    """Return whether there are more loops than the digit has."""
    # Enclosed areas that are too small for this digit are noise of the pen.
    loops = middles[areas >= MIN_LOOP_PX[digit]]
    return len(loops) > MAX_LOOPS[digit] and not (digit == ZERO_DIGIT and _is_slashed_zero(loops))


def _enclosed_areas(pictures: Image) -> Iterator[tuple[NDArray[np.intp], NDArray[np.float64]]]:
    """Yield for each cell all paper that ink encloses: px (n,), and centres (n, 2) as x, y.

    Both are of the enlarged cell. All cells are processed as one image, one below the other:
    nothing is written at their edges.
    """
    count, _, width = pictures.shape

    # Enlarge the cells, so that narrow holes stay open.
    large = cv2.resize(
        pictures.reshape(-1, width),
        None,
        fx=CELL_ENLARGEMENT,
        fy=CELL_ENLARGEMENT,
        interpolation=cv2.INTER_CUBIC,
    )

    # A white frame joins all paper outside the digits.
    paper = cv2.copyMakeBorder(
        (large <= CELL_INK_LEVEL).view(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=(1,)
    )

    # Number the paper's parts, without measuring them: to measure all takes three times as long.
    labels = np.asarray(cv2.connectedComponents(paper, connectivity=4)[1], np.int32)
    areas, middles = _measure_parts(labels, (paper > 0) & (labels != labels[0, 0]))

    # Give each enclosed part to its cell.
    cells = middles[:, 1] // (len(large) / count)
    for cell in range(count):
        yield areas[cells == cell], middles[cells == cell]


def _measure_parts(labels: Labels, inside: Mask) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return the size of each part (n,), px, and its centre (n, 2), of the pixels `inside`."""
    pixels = np.flatnonzero(inside)
    part, y = labels.ravel()[pixels], pixels // labels.shape[1]
    x = pixels - y * labels.shape[1]
    # Sizes and sums of coordinates by label, in one pass each.
    areas = np.bincount(part)
    sums = np.stack([np.bincount(part, axis) for axis in (x, y)], axis=1)
    exists = areas > 0
    return areas[exists], sums[exists] / areas[exists, None]


def _is_slashed_zero(loops: NDArray[np.float64]) -> bool:
    """Return whether two loops are those of a zero with a slash."""
    if len(loops) != 2:
        return False
    left, right = loops[np.argsort(loops[:, 0])]
    # Direction from the left loop to the right one.
    across, down = right - left
    least, most = SLASH_ANGLE_DEG
    return bool(least <= np.degrees(np.arctan2(down, across)) <= most)


DIGIT_MODEL = Path(__file__).resolve().parents[4] / "data" / "models" / "digits.onnx"
SECOND_DIGIT_MODEL = DIGIT_MODEL.with_name("digits-second.onnx")
"""Trained like the first, on newly drawn rows and in another order: what both find hard is hard,
and they seldom make the same mistake.
"""

SECOND_PASS_BELOW = 0.9
"""A cell whose likeliest answer has a lower probability is classified again by both networks. To
classify all cells again gains no more.
"""
SECOND_PASS_SHIFTS: Mapping[Path, tuple[tuple[int, int], ...]] = {
    DIGIT_MODEL: ((1, 0), (0, 1)),
    SECOND_DIGIT_MODEL: ((0, 0), (-1, 0), (0, -1)),
}
"""Rows down and columns right by which each network gets such a cell shifted, px; the first has
classified it unshifted already.
"""

CELL_BATCH_SIZE = 32
"""This many cells go through a network together: what one layer gives to the next then stays in the
processor's cache. The answers are the same.
"""

CERTAIN_P = 0.998
"""A digit that both networks give this probability is one digit.

Of 6,000 drawn rows with one digit of UNIPEN's held-out writers 132 fewer are odd; of as many with a
digit over another 13 more, and of as many with a second digit pushed into the box 7 more, are
misread with p ≥ 0.99 and not odd (179 and 28 before).
"""

EMPTY_IF_TALL = 0.1
"""Factor of the probability that a box is empty, if it holds a stroke as high as a digit.

Of 500 drawn boxes that are read as a digit, hold such a stroke and are empty with p of 0.003–0.5
(13 expected) two are empty, both with remains of a line; through writing on the back 22 of 85 are,
on pages whose p is limited.
"""

Probabilities = NDArray[np.float32]


def read_digit_boxes(crops: Sequence[FieldImage]) -> list[Reading]:
    """Return one reading a row of digit boxes; see `decode_digits` for the values.

    `issues` may hold `outside_boxes`, `odd_strokes` and `struck_out`.

    Raises:
        MissingProgramError: the network's file is missing or damaged.
    """
    if not crops:
        return []
    rows = [cut_digit_row(crop) for crop in crops]

    # The cells of all rows go through the network together.
    answers = classify_cells(np.concatenate([row.pictures for row in rows]))

    # Decode each row by its format.
    ends = np.cumsum([len(row.pictures) for row in rows])
    parts = np.split(answers, ends[:-1])
    return [_read_row(crop, row, part) for crop, row, part in zip(crops, rows, parts, strict=True)]


def _read_row(crop: FieldImage, row: DigitRow, answers: Probabilities) -> Reading:
    reading = decode_digits(_weigh_by_height(answers, row), crop.spec)
    # A dash means that there is nothing; box by box it looks struck out.
    if reading.state in (State.CANCELLED, State.ILLEGIBLE):
        ink = find_ink(crop)
        line = make_line_image(ink, ink.mask).picture
        if line is not None and is_dash(line):
            return Reading.empty(DASHES_EMPTY_P)
    return add_issues(reading, row.outside, _has_odd_box(answers, row))


def _weigh_by_height(answers: Probabilities, row: DigitRow) -> Probabilities:
    """Return the answers of boxes; one read as a digit is hardly empty if it is written in.

    A thin 1 looks like the rest of a line once it is cut out; its height tells.
    """
    digit = row.tall & (answers[:, :STRUCK_CLASS].argmax(axis=1) < EMPTY_CLASS)
    if not bool(digit.any()):
        return answers
    weighed = answers.copy()
    weighed[digit, EMPTY_CLASS] *= EMPTY_IF_TALL
    return np.asarray(weighed / weighed.sum(axis=1, keepdims=True), np.float32)


def add_issues(reading: Reading, is_outside: bool, is_odd: bool = False) -> Reading:
    """Return the reading of a row of boxes with its issues.

    `is_outside`: something is written half outside the boxes; `is_odd`: a box holds strokes of
    something else.
    """
    issues = (
        (IssueCode.OUTSIDE_BOXES,) * is_outside
        + (IssueCode.ODD_STROKES,) * is_odd
        + (IssueCode.STRUCK_OUT,) * (reading.state is State.CANCELLED)
    )
    return replace(reading, issues=issues) if issues else reading


def _has_odd_box(answers: Probabilities, row: DigitRow) -> bool:
    """Return whether a box holds other strokes than those of what it is read as.

    It is read as empty but holds writing, or that of the next box reaches into it; as a 1 but holds
    what no 1 looks like (a straight stroke, a ditto mark, an arrow); as one digit but holds two,
    next to or on top of each other; or it holds a small ditto mark.

    A digit that both networks are certain of may enclose more than its shape does, and reach into
    an empty box.
    """
    # Only digits and empty: struck-out and other marks are decoded as rarer than the network's p.
    likeliest = answers[:, :STRUCK_CLASS].argmax(axis=1)
    is_empty, is_one, is_digit = likeliest == EMPTY_CLASS, likeliest == 1, likeliest < EMPTY_CLASS
    # Signs of other strokes, by what the box is read as.
    reached = is_empty & row.reached
    odd = row.ditto | (is_empty & row.tall) | (reached & ~_beside(is_digit))
    odd |= (is_one & row.not_one) | (is_digit & row.two_digits)
    if bool(odd.any()) or not bool(is_digit.any()):
        return bool(odd.any())
    # Digits that enclose too much, or reach into an empty box.
    doubtful = is_digit & _beside(reached)
    doubtful[is_digit] |= find_odd_loops(row.pictures[is_digit], likeliest[is_digit])
    return bool(doubtful.any()) and (
        _lowest_certainty(answers[doubtful], row.pictures[doubtful]) < CERTAIN_P
    )


def _beside(boxes: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which boxes of a row (n,) are next to one of these."""
    return np.append(boxes[1:], False) | np.insert(boxes[:-1], 0, False)


def _lowest_certainty(answers: Probabilities, pictures: Image) -> float:
    """Return the lowest probability that either network gives what boxes (n, …) are read as."""
    digits = answers[:, :EMPTY_CLASS].argmax(axis=1)
    second = run_digit_network(pictures, SECOND_DIGIT_MODEL)
    at = np.arange(len(digits)), digits
    return float(np.minimum(answers[at], second[at]).min())


def cut_digit_row(crop: FieldImage) -> DigitRow:
    """Return the boxes of a field image."""
    margin = crop.margin_mm * crop.px_per_mm if crop.px_per_mm else 0.0
    return segment_digit_row(crop.image, crop.template_image, crop.spec.cell_count, margin)


def classify_cells(pictures: Image) -> Probabilities:
    """Return probabilities (n, 13) of 0–9, empty, struck out, other, for cells (n, 32, 32).

    255 = ink. Cells without ink share one answer; cells with low confidence are classified again
    (`SECOND_PASS_BELOW`).

    Raises:
        MissingProgramError: a network's file is missing or damaged.
    """
    # All cells with ink, and one without.
    inked = pictures.reshape(len(pictures), -1).any(axis=1)
    distinct = np.concatenate([np.zeros((1, *pictures.shape[1:]), np.uint8), pictures[inked]])
    p = run_digit_network(distinct, DIGIT_MODEL)

    # Classify uncertain cells again.
    uncertain = p.max(axis=1) < SECOND_PASS_BELOW
    if uncertain.any():
        p[uncertain] = _classify_again(distinct[uncertain], p[uncertain])
    out = np.empty((len(pictures), p.shape[1]), np.float32)
    out[~inked], out[inked] = p[0], p[1:]
    return out


def plain_digit_row(cells: int) -> FieldSpec:
    """Return the field of a row of boxes of which nothing else is known.

    It is read as its digits, with leading zeros.
    """
    return FieldSpec.model_construct(
        name="crop",
        label="",
        kind=Kind.DIGITS,
        box=(0.0, 0.0, 5.5 * cells, 8.0),
        format=None,
        cells=cells,
    )


def run_digit_network(pictures: Image, model: Path) -> Probabilities:
    """Return the answer of a network for digits or letters to cells (n, 32, 32) as they are.

    Raises:
        MissingProgramError: its file is missing or damaged.
    """
    # Batches that fit the processor's cache.
    session = _load_session(model)
    parts = (
        pictures[start : start + CELL_BATCH_SIZE, None].astype(np.float32) / 255
        for start in range(0, len(pictures), CELL_BATCH_SIZE)
    )
    return np.concatenate(
        [np.asarray(session.run(None, {"cells": part})[0], np.float32) for part in parts]
    )


def _classify_again(pictures: Image, unmoved: Probabilities) -> Probabilities:
    """Return the geometric mean of both networks' answers to each cell in three places.

    A glyph has three empty pixels around it, so nothing is lost by shifting.
    """
    # The first network's answer to the unshifted cells is known.
    answers = [unmoved]
    for model, shifts in SECOND_PASS_SHIFTS.items():
        shifted = np.concatenate([np.roll(pictures, shift, axis=(1, 2)) for shift in shifts])
        answers += np.split(run_digit_network(shifted, model), len(shifts))
    # Geometric mean, normalized.
    mean = np.exp(np.mean([np.log(np.maximum(p, 1e-9)) for p in answers], axis=0))
    return np.asarray(mean / mean.sum(axis=1, keepdims=True), np.float32)


_load_session = lru_cache(maxsize=3)(open_session)
