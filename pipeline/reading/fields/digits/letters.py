"""Read rows of letter boxes, exactly one letter a box, with a network for single letters.

Boxes are cut where the form has them, and ink across a border stays with the letter it belongs to
(`digits/cells.py`). The network was trained on real writers' letters in drawn boxes; small letters
are read as their capitals. It also says which boxes are struck out, or hold a digit or a sign.
Which letter it is, the handwriting network is asked too: it reads the letters put side by side
without the boxes, and knows small letters better.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

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
from pipeline.reading.fields.handwriting.network import (
    ALPHABET,
    LINE_HEIGHT,
    STEP_PX,
    Steps,
    read_steps,
)

Numbers = NDArray[np.float64]
LETTER_MODEL = DIGIT_MODEL.with_name("letters.onnx")
CAPITAL_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZÅÄÖ"
LETTER_SYMBOLS = CAPITAL_LETTERS + " #?"
"""A box's answers: the letters, an empty box, struck out or filled in, a digit or sign."""
NON_LETTER_WEIGHT = 0.2
"""Weight of what is struck out or no letter: the network was trained on five times as many as
people write.
"""
TWO_SHARE = 0.1
"""Share of what looks like a Z that is a 2, on which the network was not trained.

Source: reasoned: initials of two colleagues may be distinguished by a 2, and no row with a Z may be
certain. Of 31 drawn among letters all were read as Z, 12 with p ≥ 0.99.
"""
STRUCK_SHARE = 2 / 3
"""A row is cancelled when this share of what is written in it is struck out."""
ALTERNATIVES_KEPT = 8
"""Maximum number of alternatives."""
EMPTY_BOX_P = 0.99
"""Probability that a box without ink is empty."""
INK_LEVEL = 60
"""A cell with a pixel above this level (255 = ink) is written in."""
SLOT_WIDTH_PX, LETTER_HEIGHT_PX, BASELINE_PX = 40, 32, 39
"""Width of a box, height of a letter and its baseline in the line that is read: of 32/48, 32/40 and
26/32 the one with the fewest errors.
"""
HANDWRITING_SHARE, MIN_LETTER_P = 0.3, (1e-6, 1e-4)
"""Share of the handwriting network in the log of a letter's p: of 0, 0.2, … 0.6 the one with the
fewest errors; and the lowest p of a letter by each network.
"""
MIN_P = 1e-7
"""Lowest probability of a sign in a time step, so that none is impossible."""
_CAPITAL_COLUMNS = [ALPHABET.index(letter) + 1 for letter in CAPITAL_LETTERS]
_SMALL_LETTER_COLUMNS = [ALPHABET.index(letter.lower()) + 1 for letter in CAPITAL_LETTERS]


def read_letter_boxes(crops: Sequence[FieldImage]) -> list[Reading]:
    """Return one reading a row: its letters as capitals.

    An empty box between two letters is a space. `issues` may hold `outside_boxes`.

    Raises:
        MissingProgramError: a network's file is missing.
    """
    if not crops:
        return []
    rows = [cut_digit_row(crop) for crop in crops]

    # All boxes go through the network together.
    p = classify_letters(np.concatenate([row.pictures for row in rows]))
    ends = np.cumsum([len(row.pictures) for row in rows])
    parts = np.split(p, ends[:-1])

    # Each written row, without its boxes, is also read as one line.
    written = [i for i, row in enumerate(rows) if (row.pictures > INK_LEVEL).any()]
    lines = read_steps([compose_letter_line(rows[i].pictures) for i in written])
    for i, steps in zip(written, lines, strict=True):
        parts[i] = _weigh_letters(parts[i], steps)
    return [
        add_issues(decode_letters(part), row.outside) for part, row in zip(parts, rows, strict=True)
    ]


def _weigh_letters(boxes: Probabilities, steps: Steps) -> Probabilities:
    """Return the boxes' probabilities, shared among letters by both networks.

    How likely a box holds a letter at all is left to the network for letters.
    """
    letters = boxes[:, : len(CAPITAL_LETTERS)].astype(np.float64)
    # A letter has the p of its capital and its small letter in the box's time steps.
    steps_per_box = SLOT_WIDTH_PX // STEP_PX
    by_line = np.stack(
        [
            single_sign_p(part, _CAPITAL_COLUMNS) + single_sign_p(part, _SMALL_LETTER_COLUMNS)
            for part in (
                steps[i * steps_per_box : (i + 1) * steps_per_box].astype(np.float64)
                for i in range(len(boxes))
            )
        ]
    )
    weights = np.exp(
        (1 - HANDWRITING_SHARE) * np.log(np.maximum(letters, MIN_LETTER_P[0]))
        + HANDWRITING_SHARE * np.log(np.maximum(by_line, MIN_LETTER_P[1]))
    )
    out = boxes.copy()
    out[:, : len(CAPITAL_LETTERS)] = (
        weights * letters.sum(axis=1, keepdims=True) / weights.sum(axis=1, keepdims=True)
    )
    return out


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
        # What looks like a Z may be a 2.
        z, other = LETTER_SYMBOLS.index("Z"), LETTER_SYMBOLS.index("?")
        p[inked, other] += TWO_SHARE * p[inked, z]
        p[inked, z] *= 1 - TWO_SHARE
    return p


def compose_letter_line(cells: Image) -> Image:
    """Put the letters of a row (cells, 32, 32), 255 = ink, into a line, dark on white."""
    line = np.full((LINE_HEIGHT, SLOT_WIDTH_PX * len(cells)), 255, np.uint8)
    for i, cell in enumerate(cells):
        # Boxes without ink are left white.
        if (cell > INK_LEVEL).any():
            letter = _resize_letter(cell)
            left = i * SLOT_WIDTH_PX + (SLOT_WIDTH_PX - letter.shape[1]) // 2
            line[BASELINE_PX - letter.shape[0] : BASELINE_PX, left : left + letter.shape[1]] = (
                letter
            )
    return line


def _resize_letter(cell: Image) -> Image:
    """Cut a cell to its ink and scale it to the usual height of a letter."""
    rows, columns = (np.flatnonzero((cell > INK_LEVEL).any(axis=axis)) for axis in (1, 0))
    cut = (255 - cell[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]).astype(np.uint8)
    # A wide letter is scaled by its width.
    scale = LETTER_HEIGHT_PX / max(cut.shape[0], 0.8 * cut.shape[1])
    size = (
        min(SLOT_WIDTH_PX - 2, max(4, round(cut.shape[1] * scale))),
        max(4, round(cut.shape[0] * scale)),
    )
    return np.asarray(cv2.resize(cut, size, interpolation=cv2.INTER_CUBIC), np.uint8)


def single_sign_p(steps: Numbers, columns: Sequence[int]) -> Numbers:
    """Return for each class the probability that time steps (n, classes) hold just that sign.

    Once, with pauses (class 0) before and after it; `columns` are the classes.
    """
    pauses = np.maximum(steps[:, 0], MIN_P)

    # Products of the pauses before and after each time step.
    before = np.concatenate([[1.0], np.cumprod(pauses)])
    after = np.concatenate([np.cumprod(pauses[::-1])[::-1], [1.0]])
    signs = np.maximum(steps[:, columns], MIN_P)
    total = np.zeros(len(columns))

    # Add up all runs of the sign, by where they start and end.
    for start in range(len(steps)):
        runs = np.cumprod(signs[start:], axis=0)
        total += before[start] * (runs * after[start + 1 :, None]).sum(axis=0)
    return total


def decode_letters(probabilities: Probabilities) -> Reading:
    """Decode a row from its boxes' probabilities, (cells, 32) by `LETTER_SYMBOLS`."""
    # The likeliest row of symbols decides between empty, text and other.
    likely, _ = likeliest_rows(probabilities, LETTER_SYMBOLS)
    row, p = likely[0]
    written = row.replace(" ", "")
    if not written:
        return Reading.empty(p)

    # A row with something else than letters has no value, only alternatives.
    others = tuple(
        (other.strip(), q)
        for other, q in likely
        if other != row and other.replace(" ", "").isalpha()
    )
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


def plain_letter_row(cells: int) -> FieldSpec:
    """Return the field of a row of letter boxes of which nothing else is known."""
    return FieldSpec(
        name="crop", label="crop", kind=Kind.LETTERS, box=(0.0, 0.0, 5.5 * cells, 8.0), cells=cells
    )
