"""Read rows of letter boxes, exactly one letter a box, with a network for single letters.

Boxes are cut where the form has them, and ink across a border stays with the letter it belongs to
(`digits/cells.py`). The network was trained on real writers' letters in drawn boxes; small letters
are read as their capitals. It also says which boxes are struck out, or hold a digit or a sign.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.domain.form.field import FieldSpec, Kind
from pipeline.domain.model import Image, Reading, State
from pipeline.reading.fields.digits.decoding import Probabilities, likeliest_rows
from pipeline.reading.fields.digits.reader import (
    DIGIT_MODEL,
    add_issues,
    cut_digit_row,
    run_digit_network,
)
from pipeline.reading.fields.field_image import FieldImage

LETTER_MODEL = DIGIT_MODEL.with_name("letters.onnx")
CAPITAL_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZÅÄÖ"
LETTER_SYMBOLS = CAPITAL_LETTERS + " #?"
"""A box's answers: the letters, an empty box, struck out or filled in, a digit or sign."""
NON_LETTER_WEIGHT = 0.2
"""Weight of what is struck out or no letter: the network was trained on five times as many as
people write.
"""
STRUCK_SHARE = 2 / 3
"""A row is cancelled when this share of what is written in it is struck out."""
ALTERNATIVES_KEPT = 8
"""Maximum number of alternatives."""
EMPTY_BOX_P = 0.99
"""Probability that a box without ink is empty."""
INK_LEVEL = 60
"""A cell with a pixel above this level (255 = ink) is written in."""


def read_letter_boxes(crops: Sequence[FieldImage]) -> list[Reading]:
    """Return one reading a row: its letters as capitals.

    An empty box between two letters is a space. `issues` may hold `outside_boxes`.

    Raises:
        MissingProgramError: the network's file is missing.
    """
    if not crops:
        return []
    rows = [cut_digit_row(crop) for crop in crops]

    # All boxes go through the network together.
    p = classify_letters(np.concatenate([row.pictures for row in rows]))
    ends = np.cumsum([len(row.pictures) for row in rows])
    return [
        add_issues(decode_letters(part), row.outside)
        for part, row in zip(np.split(p, ends[:-1]), rows, strict=True)
    ]


def classify_letters(cells: Image) -> Probabilities:
    """Return probabilities (n, 32) in the order of `LETTER_SYMBOLS`, for cells (n, 32, 32).

    255 = ink.

    Raises:
        MissingProgramError: the network's file is missing or damaged.
    """
    # A box without ink is empty.
    p = np.zeros((len(cells), len(LETTER_SYMBOLS)), np.float32)
    p[:, LETTER_SYMBOLS.index(" ")] = EMPTY_BOX_P
    p[:, LETTER_SYMBOLS.index("?")] = 1 - EMPTY_BOX_P
    inked = (cells > INK_LEVEL).any(axis=(1, 2))
    if inked.any():
        p[inked] = run_digit_network(cells[inked], LETTER_MODEL)
        p[inked, LETTER_SYMBOLS.index("#") :] *= NON_LETTER_WEIGHT
        p[inked] /= p[inked].sum(axis=1, keepdims=True)
    return p


def decode_letters(probabilities: Probabilities) -> Reading:
    """Decode a row from its boxes' probabilities, (cells, 32) by `LETTER_SYMBOLS`."""
    # The likeliest row of symbols decides between empty, text and other.
    likely, _ = likeliest_rows(probabilities, LETTER_SYMBOLS)
    row, p = likely[0]
    written = row.replace(" ", "")
    if not written:
        return Reading.empty(p)

    # A row with something else than letters has no value, only alternatives.
    others = tuple((other.strip(), q) for other, q in likely if other != row and _is_text(other))
    if not written.isalpha():
        is_struck = written.count("#") >= STRUCK_SHARE * len(written)
        state = State.CANCELLED if is_struck else State.ILLEGIBLE
        return Reading(None, p, state, others[:ALTERNATIVES_KEPT])

    # Each character has the probability of its box.
    first = len(row) - len(row.lstrip())
    text = row.strip()
    columns = probabilities[first : first + len(text)]
    characters = tuple(
        float(box[LETTER_SYMBOLS.index(letter)]) for box, letter in zip(columns, text, strict=True)
    )
    return Reading(text, p, State.READ, others[:ALTERNATIVES_KEPT], characters)


def _is_text(row: str) -> bool:
    return row.replace(" ", "").isalpha()


def plain_letter_row(cells: int) -> FieldSpec:
    """Return the field of a row of letter boxes of which nothing else is known."""
    return FieldSpec(
        name="crop", label="crop", kind=Kind.LETTERS, box=(0.0, 0.0, 5.5 * cells, 8.0), cells=cells
    )
