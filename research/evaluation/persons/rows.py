"""Simulate rows of paper about known persons.

Digits as the real network saw them in degraded rows, slips of the pen, names as they are misread.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from pipeline.domain.model import CELL_SYMBOLS, Image
from pipeline.preparation.practice.synthetic_handwriting import (
    find_handwriting_fonts,
    load_real_digits,
)
from pipeline.reading.fields.digits.cells import STRUCK_CLASS
from pipeline.reading.fields.digits.reader import classify_cells
from research.evaluation.persons.register import Population
from research.training.digits.glyphs import Glyphs, cut_to_ink, render_character
from research.training.digits.rows import CONDITIONS, DigitContents, draw_row

BoxProbabilities = NDArray[np.float32]
RowStyle = Mapping[str, BoxProbabilities]
"""The network's answers for the boxes of similar rows, by the digit in them."""

SOURCE_COUNT = 3
ROWS_PER_STYLE = 12
STRUCK_OUT_SHARE = 0.01

UNKNOWN_SHARE = 0.03
OTHER_UNIT_SHARE = 0.05
SLIP_SHARES = {
    "changed": 0.003,
    "swapped": 0.0015,
    "left_out": 0.0015,
    "gap": 0.0015,
    "extra": 0.001,
    "ten": 0.03,
    "wrong_number": 0.005,
}
"""Share of rows with each slip.

Another person's number is written somewhat more often than the program assumes.
"""
NO_NAME_SHARE, GIVEN_NAME_ONLY_SHARE, REVERSED_NAME_SHARE, INITIAL_SHARE, OTHER_NAME_SHARE = (
    0.05,
    0.05,
    0.1,
    0.03,
    0.005,
)
ERROR_RATES = (0.0, 0.0, 0.04, 0.08, 0.1, 0.15, 0.2, 0.35)
"""Character error rates of names, by row.

0.115 in the mean, as measured on writers that the handwriting reader never saw.
"""
CONFUSED_LETTERS = {
    "a": "eoäåu", "e": "acoi", "n": "muhr", "h": "nbk", "m": "nw", "r": "vns", "s": "rz",
    "o": "aeö", "ö": "oó", "ä": "aåà", "å": "äaà", "u": "nva", "i": "ejl", "l": "ieth",
    "t": "lfk", "v": "urw", "g": "yjq", "k": "hlt", "d": "clb", "b": "hl6", "f": "tb",
    "c": "ea", "j": "gi", "y": "g",
}  # fmt: skip
"""Letters that readers of handwriting confuse."""


@dataclass(frozen=True, slots=True)
class SimulatedRow:
    """A row, its person, and the slips that were made."""

    boxes: BoxProbabilities
    name: str
    unit: str
    truth: str
    slip: str


def load_unseen_glyphs(half: int) -> Glyphs:
    """Return shapes of people and fonts that no network was trained on, every other one.

    Digits, and letters that do not belong in a box.
    """
    # Digits of people: every other shape from those that no network was trained on.
    written = {
        value: [[np.asarray(mask * 255, np.uint8) for mask in masks[half::2]]] * SOURCE_COUNT
        for value, masks in load_real_digits().items()
    }
    # Printed digits and other characters in the fonts of handwriting.
    fonts = find_handwriting_fonts()[half::2]
    printed = {value: [render_character(font, str(value)) for font in fonts] for value in range(10)}
    return Glyphs(
        {v: [[_cut_to_ink(m) for m in some] for some in found] for v, found in written.items()},
        printed,
        [render_character(f, c) for f in fonts for c in "AEKas+-"],
    )


def _cut_to_ink(shape: Image) -> Image:
    """Cut a shape to its ink.

    The collection stretches digits to a square, people write narrower.
    """
    ink = cut_to_ink(shape)
    return np.asarray(
        cv2.resize(
            ink, (max(3, round(ink.shape[1] * 0.7)), ink.shape[0]), interpolation=cv2.INTER_AREA
        ),
        np.uint8,
    )


def draw_row_styles(half: int, rows: int, rng: Generator) -> list[RowStyle]:
    """Draw rows with those shapes, degrade and read them, and group them by confidence.

    A style holds rows alike, so that in a simulated row all boxes are clear or none is,
    as on paper. Styles that lack a digit are left out.
    """
    shapes = DigitContents(load_unseen_glyphs(half))
    drawn = [draw_row(shapes, str(rng.choice(CONDITIONS[:-1])), rng) for _ in range(rows)]
    # Classify the boxes with the network of the product.
    read = [(classify_cells(one.pictures()), one.labels) for one in drawn]
    # Sort rows by the mean log probability of their boxes, then cut into styles.
    read.sort(key=lambda pair: float(np.log(pair[0].max(axis=1)).mean()))
    styles = [
        _make_style(read[start : start + ROWS_PER_STYLE])
        for start in range(0, len(read), ROWS_PER_STYLE)
    ]
    return [style for style in styles if all(str(digit) in style for digit in range(10))]


def _make_style(rows: Sequence[tuple[BoxProbabilities, tuple[int, ...]]]) -> RowStyle:
    found: dict[str, list[BoxProbabilities]] = defaultdict(list)
    # Collect answers by the symbol that is in the box.
    for answers, labels in rows:
        for answer, label in zip(answers, labels, strict=True):
            found[CELL_SYMBOLS[label]].append(answer)
    return {symbol: np.stack(answers) for symbol, answers in found.items()}


def simulate_row(people: Population, styles: Sequence[RowStyle], rng: Generator) -> SimulatedRow:
    """Return one row about a person."""
    # A person not in the register, with a given name and surname that occur in it.
    if rng.random() < UNKNOWN_SHARE:
        client = people.clients[int(rng.integers(len(people.clients)))]
        number, stranger = (
            str(rng.choice(people.strangers)),
            people.clients[int(rng.integers(len(people.clients)))],
        )
        name = f"{client.name.split()[0]} {stranger.name.split()[-1]}"
        return SimulatedRow(
            _read_digits(number, styles, rng),
            garble_name(name, rng),
            client.unit,
            number,
            "unknown",
        )
    place = int(rng.integers(len(people.clients)))
    client = people.clients[place]
    # At most one slip per row; "" is none.
    slip = str(
        rng.choice([*SLIP_SHARES, ""], p=[*SLIP_SHARES.values(), 1 - sum(SLIP_SHARES.values())])
    )
    number = _similar_number(people, place, rng) if slip == "wrong_number" else client.pid
    unit = (
        people.clients[int(rng.integers(len(people.clients)))].unit
        if rng.random() < OTHER_UNIT_SHARE
        else client.unit
    )
    # Boxes with the slip, the name garbled, and what is true.
    return SimulatedRow(
        _read_digits(_apply_slip(number, slip, rng), styles, rng),
        _write_name(people, place, rng),
        unit,
        client.pid,
        slip,
    )


def _similar_number(people: Population, place: int, rng: Generator) -> str:
    # Half of the mistaken numbers are those of a relative or twin.
    near = people.alike.get(place, ())
    if near and rng.random() < 0.5:
        return people.clients[int(rng.choice(near))].pid
    # The others are of any client of the same unit.
    same = [
        c.pid
        for i, c in enumerate(people.clients)
        if c.unit == people.clients[place].unit and i != place
    ]
    return str(rng.choice(same))


def _apply_slip(number: str, slip: str, rng: Generator) -> str:
    """Return twelve characters as they are in the boxes."""
    at = int(rng.integers(12))
    # A different digit in one box.
    if slip == "changed":
        return (
            number[:at] + str((int(number[at]) + int(rng.integers(1, 10))) % 10) + number[at + 1 :]
        )
    # Two neighbours in wrong order.
    if slip == "swapped":
        at = min(at, 10)
        return number[:at] + number[at + 1] + number[at] + number[at + 2 :]
    # A digit left out; the rest moves up.
    if slip == "left_out":
        return number[:at] + number[at + 1 :] + " "
    # A box left empty.
    if slip == "gap":
        return number[:at] + " " + number[at + 1 :]
    # A digit written twice or added; the last falls off.
    if slip == "extra":
        return (number[:at] + str(rng.integers(10)) + number[at:])[:12]
    # Ten digits without the century, at either end.
    if slip == "ten":
        return f"{number[2:]}  " if rng.random() < 0.6 else f"  {number[2:]}"
    return number


def _read_digits(written: str, styles: Sequence[RowStyle], rng: Generator) -> BoxProbabilities:
    """Return the row as the network saw such digits in similar rows.

    Now and then a digit is struck out and not written again.
    """
    # All boxes of a row come from one style.
    style = styles[int(rng.integers(len(styles)))]
    blank = np.eye(len(CELL_SYMBOLS), dtype=np.float32)[[CELL_SYMBOLS.index(" ")]]
    struck = CELL_SYMBOLS[STRUCK_CLASS] if rng.random() < STRUCK_OUT_SHARE else ""
    # A struck-out digit, if the style has examples.
    spoilt = int(rng.integers(12)) if struck in style else -1
    found = [
        style.get(struck if box == spoilt else symbol, blank) for box, symbol in enumerate(written)
    ]
    return np.stack([answers[int(rng.integers(len(answers)))] for answers in found])


def _write_name(people: Population, place: int, rng: Generator) -> str:
    name = people.clients[place].name
    # Now and then the name is someone else's.
    if rng.random() < OTHER_NAME_SHARE:
        name = people.clients[int(rng.integers(len(people.clients)))].name
    how, given, surname = rng.random(), name.split()[0], name.split()[-1]
    forms = (
        (NO_NAME_SHARE, ""),
        (GIVEN_NAME_ONLY_SHARE, given),
        (REVERSED_NAME_SHARE, f"{surname}, {given}"),
        (INITIAL_SHARE, f"{given[0]}. {surname}"),
    )
    # Choose a form of the name by its share: cumulative sampling.
    for share, form in forms:
        how -= share
        if how < 0:
            return garble_name(form, rng)
    return garble_name(name, rng)


def garble_name(name: str, rng: Generator) -> str:
    """Return a name as a handwriting reader gives it: letters confused, lost, or read twice."""
    # One character error rate per row.
    rate = float(rng.choice(ERROR_RATES))
    out = []
    for letter in name:
        if rng.random() >= rate:
            out.append(letter)
            continue
        kind = rng.random()
        # 65 % of errors are confusions, 20 % deletions, 15 % insertions.
        if kind < 0.65:
            near = CONFUSED_LETTERS.get(letter.lower(), "aeinrst")
            new = near[int(rng.integers(len(near)))]
            out.append(new.upper() if letter.isupper() else new)
        elif kind > 0.85:
            out.append(letter + "aeinrst"[int(rng.integers(7))])
    return "".join(out)
