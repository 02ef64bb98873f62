"""Rows of letter boxes: like digit boxes, with a network of their own that knows the 29 letters of the Swedish alphabet.

People write capitals in boxes; small letters are read as their capitals.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pipeline.field_spec import FieldSpec, Kind
from pipeline.model import Reading, State
from pipeline.recognize.crop import Crop
from pipeline.recognize.digit_decoding import Probabilities, likeliest_rows
from pipeline.recognize.digits import cell_pictures_of, cell_probabilities

MODEL = Path(__file__).resolve().parent.parent.parent / "data" / "models" / "letters.onnx"
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZÅÄÖ"
SYMBOLS = LETTERS + " #?"
"""What the network answers for: the letters, an empty box, something struck out or filled in, a digit or sign."""
STRUCK_SHARE = 2 / 3
"""A row is cancelled when so much of what is written in it is struck out."""
ALTERNATIVES_KEPT = 8


def recognize(crops: Sequence[Crop]) -> list[Reading]:
    """One reading a row: its letters as capitals, an empty box between two letters as a space.

    Raises:
        MissingProgramError: the network's file is missing.
    """
    rows = [cell_pictures_of(crop) for crop in crops]
    if not rows:
        return []
    answers = cell_probabilities(np.concatenate(rows), MODEL)
    return [decode(part) for part in np.split(answers, np.cumsum([len(row) for row in rows])[:-1])]


def plain_row(cells: int) -> FieldSpec:
    """A row of letter boxes of which nothing else is known."""
    return FieldSpec(name="crop", label="crop", kind=Kind.LETTERS, box=(0.0, 0.0, 5.5 * cells, 8.0), cells=cells)


def decode(probabilities: Probabilities) -> Reading:
    """The reading of a row from its boxes' probabilities, (cells, 32) in the order of `SYMBOLS`."""
    likely, _ = likeliest_rows(probabilities, SYMBOLS)
    row, p = likely[0]
    written = row.replace(" ", "")
    if not written:
        return Reading.empty(p)
    if not written.isalpha():
        state = State.CANCELLED if written.count("#") >= STRUCK_SHARE * len(written) else State.ILLEGIBLE
        return Reading(None, p, state, tuple((other.strip(), q) for other, q in likely if _is_text(other))[:ALTERNATIVES_KEPT])
    others = tuple((other.strip(), q) for other, q in likely[1:] if _is_text(other))
    first = len(row) - len(row.lstrip())
    text = row.strip()
    columns = probabilities[first : first + len(text)]
    characters = tuple(float(box[SYMBOLS.index(letter)]) for box, letter in zip(columns, text, strict=True))
    return Reading(text, p, State.READ, others[:ALTERNATIVES_KEPT], characters)


def _is_text(row: str) -> bool:
    return row.replace(" ", "").isalpha()
