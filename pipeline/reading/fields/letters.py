"""Rows of letter boxes: the handwriting network reads the letters put side by side without the
boxes, exactly one letter a box.

No network of their own is needed: one that was taught real hands knows their letters better than
one taught single letters of fonts. Small letters are read as their capitals. Whether a box is
struck out is what the network for digit boxes says.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain.form.field import FieldSpec, Kind
from pipeline.domain.model import Image, Reading, State
from pipeline.reading.fields.digits.cells import STRUCK_CLASS
from pipeline.reading.fields.digits.decoding import Probabilities, likeliest_rows
from pipeline.reading.fields.digits.reader import add_issues, classify_cells, cut_digit_row
from pipeline.reading.fields.field_image import FieldImage
from pipeline.reading.fields.handwriting.network import (
    ALPHABET,
    LINE_HEIGHT,
    STEP_PX,
    Steps,
    read_steps,
)

CAPITAL_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZÅÄÖ"
LETTER_SYMBOLS = CAPITAL_LETTERS + " #?"
"""A box's answers: the letters, an empty box, something struck out or filled in, a digit or sign."""
STRUCK_SHARE = 2 / 3
"""A row is cancelled when so much of what is written in it is struck out."""
ALTERNATIVES_KEPT = 8
"""Most alternatives that are kept."""
SLOT_WIDTH_PX, LETTER_HEIGHT_PX, BASELINE_PX = 40, 32, 39
"""Width of a box, height of a letter and its foot in the line that is read: of 32/48, 32/40 and
26/32 the one with the fewest errors.
"""
EMPTY_BOX_P = 0.99
"""How surely a box without ink is empty."""
INK_LEVEL = 60
"""A cell with a pixel darker than this (255 is black) is written in."""
MIN_P = 1e-7
"""Least probability of a letter, so that none is impossible."""
_CAPITAL_COLUMNS = [ALPHABET.index(letter) + 1 for letter in CAPITAL_LETTERS]
_SMALL_LETTER_COLUMNS = [ALPHABET.index(letter.lower()) + 1 for letter in CAPITAL_LETTERS]
Numbers = NDArray[np.float64]


def read_letter_boxes(crops: Sequence[FieldImage]) -> list[Reading]:
    """One reading a row: its letters as capitals, an empty box between two letters as a space.
    `remarks` may hold `outside_boxes`.

    Raises:
        MissingProgramError: a network's file is missing.
    """
    if not crops:
        return []
    cut = [cut_digit_row(crop) for crop in crops]
    rows = [row.pictures for row in cut]
    struck = classify_cells(np.concatenate(rows))[:, STRUCK_CLASS]
    parts = np.split(struck, np.cumsum([len(row) for row in rows])[:-1])
    steps = read_steps([_compose_line(row) for row in rows])
    found = [
        decode_letters(_box_probabilities(row, seen, part))
        for row, seen, part in zip(rows, steps, parts, strict=True)
    ]
    return [add_issues(reading, row.outside) for reading, row in zip(found, cut, strict=True)]


def _compose_line(cells: Image) -> Image:
    """The letters of a row (cells, 32, 32), 255 = ink, as a line, dark on white."""
    line = np.full((LINE_HEIGHT, SLOT_WIDTH_PX * len(cells)), 255, np.uint8)
    for i, cell in enumerate(cells):
        if (cell > INK_LEVEL).any():
            letter = _resize_letter(cell)
            left = i * SLOT_WIDTH_PX + (SLOT_WIDTH_PX - letter.shape[1]) // 2
            line[BASELINE_PX - letter.shape[0] : BASELINE_PX, left : left + letter.shape[1]] = (
                letter
            )
    return line


def _resize_letter(cell: Image) -> Image:
    rows, columns = (np.flatnonzero((cell > INK_LEVEL).any(axis=axis)) for axis in (1, 0))
    cut = (255 - cell[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]).astype(np.uint8)
    scale = LETTER_HEIGHT_PX / max(cut.shape[0], 0.8 * cut.shape[1])
    size = (
        min(SLOT_WIDTH_PX - 2, max(4, round(cut.shape[1] * scale))),
        max(4, round(cut.shape[0] * scale)),
    )
    return np.asarray(cv2.resize(cut, size, interpolation=cv2.INTER_CUBIC), np.uint8)


def _box_probabilities(cells: Image, steps: Steps, struck: NDArray[np.float32]) -> Probabilities:
    """Probabilities (cells, 32) in the order of `SYMBOLS`."""
    found = np.zeros((len(cells), len(LETTER_SYMBOLS)), np.float32)
    wide = SLOT_WIDTH_PX // STEP_PX
    for i, cell in enumerate(cells):
        if not (cell > INK_LEVEL).any():
            found[i, LETTER_SYMBOLS.index(" ")] = EMPTY_BOX_P
            found[i, LETTER_SYMBOLS.index("?")] = 1 - EMPTY_BOX_P
            continue
        own = steps[i * wide : (i + 1) * wide].astype(np.float64)
        letters = single_sign_p(own, _CAPITAL_COLUMNS) + single_sign_p(own, _SMALL_LETTER_COLUMNS)
        letters *= (1 - struck[i]) / max(1.0, float(letters.sum()))
        found[i, : len(CAPITAL_LETTERS)] = letters
        found[i, LETTER_SYMBOLS.index("#")] = struck[i]
        found[i, LETTER_SYMBOLS.index("?")] = max(0.0, 1 - float(letters.sum()) - float(struck[i]))
    return found


def single_sign_p(steps: Numbers, columns: Sequence[int]) -> Numbers:
    """For each class of `columns` the probability that some steps (n, classes) say just this sign,
    once, and pauses (class 0) around it.
    """
    pauses = np.maximum(steps[:, 0], MIN_P)
    before = np.concatenate([[1.0], np.cumprod(pauses)])
    after = np.concatenate([np.cumprod(pauses[::-1])[::-1], [1.0]])
    signs = np.maximum(steps[:, columns], MIN_P)
    found = np.zeros(len(columns))
    for start in range(len(steps)):
        runs = np.cumprod(signs[start:], axis=0)
        found += before[start] * (runs * after[start + 1 :, None]).sum(axis=0)
    return found


def plain_letter_row(cells: int) -> FieldSpec:
    """A row of letter boxes of which nothing else is known."""
    return FieldSpec(
        name="crop", label="crop", kind=Kind.LETTERS, box=(0.0, 0.0, 5.5 * cells, 8.0), cells=cells
    )


def decode_letters(probabilities: Probabilities) -> Reading:
    """The reading of a row from its boxes' probabilities, (cells, 32) in the order of `SYMBOLS`."""
    likely, _ = likeliest_rows(probabilities, LETTER_SYMBOLS)
    row, p = likely[0]
    written = row.replace(" ", "")
    if not written:
        return Reading.empty(p)
    if not written.isalpha():
        state = (
            State.CANCELLED
            if written.count("#") >= STRUCK_SHARE * len(written)
            else State.ILLEGIBLE
        )
        return Reading(
            None,
            p,
            state,
            tuple((other.strip(), q) for other, q in likely if _is_text(other))[:ALTERNATIVES_KEPT],
        )
    others = tuple((other.strip(), q) for other, q in likely[1:] if _is_text(other))
    first = len(row) - len(row.lstrip())
    text = row.strip()
    columns = probabilities[first : first + len(text)]
    characters = tuple(
        float(box[LETTER_SYMBOLS.index(letter)]) for box, letter in zip(columns, text, strict=True)
    )
    return Reading(text, p, State.READ, others[:ALTERNATIVES_KEPT], characters)


def _is_text(row: str) -> bool:
    return row.replace(" ", "").isalpha()
