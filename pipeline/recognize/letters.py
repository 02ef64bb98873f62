"""Rows of letter boxes: the handwriting network reads the letters put side by side without the boxes, exactly one letter a box.

No network of their own is needed: one that was taught real hands knows their letters better than one taught single letters of fonts. Small letters
are read as their capitals. Whether a box is struck out is what the network for digit boxes says.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.field_spec import FieldSpec, Kind
from pipeline.model import Image, Reading, State
from pipeline.recognize.crop import Crop
from pipeline.recognize.digit_cells import STRUCK
from pipeline.recognize.digit_decoding import Probabilities, likeliest_rows
from pipeline.recognize.digits import cell_probabilities, cells_of, remarked
from pipeline.recognize.network import ALPHABET, LINE_HEIGHT, STEP_PX, Steps, read_steps

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZÅÄÖ"
SYMBOLS = LETTERS + " #?"
"""A box's answers: the letters, an empty box, something struck out or filled in, a digit or sign."""
STRUCK_SHARE = 2 / 3
"""A row is cancelled when so much of what is written in it is struck out."""
ALTERNATIVES_KEPT = 8
"""Most alternatives that are kept."""
SLOT_PX, HIGH_PX, BASE_PX = 40, 32, 39
"""Width of a box, height of a letter and its foot in the line that is read: of 32/48, 32/40 and 26/32 the one with the fewest errors."""
BLANK_P = 0.99
"""How surely a box without ink is empty."""
INKED = 60
"""A cell with a pixel darker than this (255 is black) is written in."""
LEAST = 1e-7
"""Least probability of a letter, so that none is impossible."""
_CAPITALS = [ALPHABET.index(letter) + 1 for letter in LETTERS]
_SMALL = [ALPHABET.index(letter.lower()) + 1 for letter in LETTERS]
Numbers = NDArray[np.float64]


def recognize(crops: Sequence[Crop]) -> list[Reading]:
    """One reading a row: its letters as capitals, an empty box between two letters as a space. `remarks` may hold `outside_boxes`.

    Raises:
        MissingProgramError: a network's file is missing.
    """
    if not crops:
        return []
    cut = [cells_of(crop) for crop in crops]
    rows = [row.pictures for row in cut]
    struck = cell_probabilities(np.concatenate(rows))[:, STRUCK]
    parts = np.split(struck, np.cumsum([len(row) for row in rows])[:-1])
    steps = read_steps([_side_by_side(row) for row in rows])
    found = [decode(_boxes(row, seen, part)) for row, seen, part in zip(rows, steps, parts, strict=True)]
    return [remarked(reading, row.outside) for reading, row in zip(found, cut, strict=True)]


def _side_by_side(cells: Image) -> Image:
    """The letters of a row (cells, 32, 32), 255 = ink, as a line, dark on white."""
    line = np.full((LINE_HEIGHT, SLOT_PX * len(cells)), 255, np.uint8)
    for i, cell in enumerate(cells):
        if (cell > INKED).any():
            letter = _letter(cell)
            left = i * SLOT_PX + (SLOT_PX - letter.shape[1]) // 2
            line[BASE_PX - letter.shape[0] : BASE_PX, left : left + letter.shape[1]] = letter
    return line


def _letter(cell: Image) -> Image:
    rows, columns = (np.flatnonzero((cell > INKED).any(axis=axis)) for axis in (1, 0))
    cut = (255 - cell[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]).astype(np.uint8)
    scale = HIGH_PX / max(cut.shape[0], 0.8 * cut.shape[1])
    size = min(SLOT_PX - 2, max(4, round(cut.shape[1] * scale))), max(4, round(cut.shape[0] * scale))
    return np.asarray(cv2.resize(cut, size, interpolation=cv2.INTER_CUBIC), np.uint8)


def _boxes(cells: Image, steps: Steps, struck: NDArray[np.float32]) -> Probabilities:
    """Probabilities (cells, 32) in the order of `SYMBOLS`."""
    found = np.zeros((len(cells), len(SYMBOLS)), np.float32)
    wide = SLOT_PX // STEP_PX
    for i, cell in enumerate(cells):
        if not (cell > INKED).any():
            found[i, SYMBOLS.index(" ")] = BLANK_P
            found[i, SYMBOLS.index("?")] = 1 - BLANK_P
            continue
        own = steps[i * wide : (i + 1) * wide].astype(np.float64)
        letters = one_sign(own, _CAPITALS) + one_sign(own, _SMALL)
        letters *= (1 - struck[i]) / max(1.0, float(letters.sum()))
        found[i, : len(LETTERS)] = letters
        found[i, SYMBOLS.index("#")] = struck[i]
        found[i, SYMBOLS.index("?")] = max(0.0, 1 - float(letters.sum()) - float(struck[i]))
    return found


def one_sign(steps: Numbers, columns: Sequence[int]) -> Numbers:
    """For each class of `columns` the probability that some steps (n, classes) say just this sign, once, and pauses (class 0) around it."""
    pauses = np.maximum(steps[:, 0], LEAST)
    before = np.concatenate([[1.0], np.cumprod(pauses)])
    after = np.concatenate([np.cumprod(pauses[::-1])[::-1], [1.0]])
    signs = np.maximum(steps[:, columns], LEAST)
    found = np.zeros(len(columns))
    for start in range(len(steps)):
        runs = np.cumprod(signs[start:], axis=0)
        found += before[start] * (runs * after[start + 1 :, None]).sum(axis=0)
    return found


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
