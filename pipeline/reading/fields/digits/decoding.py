"""From probabilities a box to one reading a row: the posterior over everything the row may say.

The likeliest rows of symbols (exact, as boxes are independent) are weighed by what the format
allows, their values added up and normalised. Thus p takes account of the check digit and the
calendar, and of what else the row may be: empty, cancelled, illegible.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from functools import lru_cache
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.form.field import FieldSpec, Format
from pipeline.domain.model import CELL_SYMBOLS, Alternatives, Reading, State
from pipeline.reading.fields.digits.formats import row_candidates

DIGIT_SYMBOLS = CELL_SYMBOLS
MAX_ROWS = 300
"""Most rows of digits that are compared."""
MAX_SYMBOLS_PER_BOX = 4
"""Most symbols of one cell that are considered."""
MIN_SYMBOL_P = 1e-4
"""A symbol with a lower probability in its cell is not considered."""
MIN_ROW_SHARE = 1e-6
"""Rows less likely than this share of the best are left out; their mass counts as something else."""
MISFIT_TRUST = 0.5
"""Share of its posterior that a row keeps as p when its format does not allow it: a person should
look.
"""
NON_DIGIT_WEIGHT = 0.2
"""Weight of rows with something other than digits: the network was trained on five times as many as
people write.
"""
PARTIAL_ROW_WEIGHT = 0.1
"""Further weight of such rows where boxes are empty that the format needs: a speck in an empty row
is more often dust than a letter.
"""
STRUCK_SHARE = 2 / 3
"""A row is cancelled when so much of what is written in it is struck out."""
MAX_ALTERNATIVES = 8
"""Most alternatives that are kept."""
_UNLISTED_SHARE = {Format.TIME: 0.15, Format.DATE: 0.05, Format.PERSONAL_NUMBER: 0.05}
"""Which share of the rows left out the format would allow (1 where everything is allowed); caution
makes the rare ones larger.
"""

Probabilities = NDArray[np.float32]
_AnswerKey = tuple[State, str | None]
_share = itemgetter(1)


@dataclass(slots=True)
class _AnswerWeights:
    """Weight of each answer, the row behind it, and how much of it is of rows that break the
    format.
    """

    weight: dict[_AnswerKey, float] = field(default_factory=lambda: defaultdict(float))
    best_row: dict[_AnswerKey, tuple[float, str]] = field(default_factory=dict)
    misfits: dict[_AnswerKey, float] = field(default_factory=lambda: defaultdict(float))
    rows: list[tuple[str, float]] = field(default_factory=list)
    total: float = 0.0


def decode_digits(probabilities: Probabilities, spec: FieldSpec) -> Reading:
    """The reading of a row from its boxes' probabilities, (cells, 13) in the order of `SYMBOLS`.

    Values: date `YYYY-MM-DD`, time `HH:MM`, personal number 12 digits, number with a dot; the
    bare digits for a field without a format, and, with low p, for a row that breaks its format.
    Rows that are struck out or hold something other than digits have no value; the digit rows
    that they might be are alternatives.
    """
    likely, unlisted = likeliest_rows(probabilities)
    weighed = _weigh_rows(likely, spec)
    share = _UNLISTED_SHARE.get(spec.format, 1.0) if spec.format else 1.0
    weighed.total += unlisted * share
    best = max(weighed.weight, key=lambda key: weighed.weight[key])
    state, value = best
    p = _answer_p(best, weighed)
    if state is State.EMPTY:
        return Reading.empty(p)
    lattice = tuple(tuple(box) for box in probabilities.tolist())
    return Reading(
        value,
        p,
        state,
        _alternatives(best, weighed),
        _characters(best, weighed),
        cell_probabilities=lattice,
    )


def likeliest_rows(
    probabilities: Probabilities, symbols: str = DIGIT_SYMBOLS
) -> tuple[list[tuple[str, float]], float]:
    """The likeliest rows of symbols with their probabilities, best first, and the probability of
    all others together.
    """
    likely, rest = _search_rows(
        probabilities.tobytes(), probabilities.shape[1], probabilities.dtype.str, symbols
    )
    return list(likely), rest


@lru_cache(maxsize=64)
def _search_rows(
    boxes: bytes, answers: int, number: str, symbols: str
) -> tuple[tuple[tuple[str, float], ...], float]:
    """Kept, since the empty rows of a page are all alike."""
    probabilities = np.frombuffer(boxes, number).reshape(-1, answers).astype(np.float64)
    order = np.argsort(-probabilities, axis=1)[:, :MAX_SYMBOLS_PER_BOX]
    rows = [("", 1.0)]
    for box, shares in zip(
        order.tolist(), np.take_along_axis(probabilities, order, axis=1).tolist(), strict=True
    ):
        likely = [
            (symbols[symbol], share)
            for symbol, share in zip(box, shares, strict=True)
            if share >= MIN_SYMBOL_P
        ]
        least = MIN_ROW_SHARE * (rows[0][1] * likely[0][1])
        longer = [
            (row + symbol, p)
            for row, so_far in rows
            for symbol, share in likely
            if (p := so_far * share) >= least
        ]
        longer.sort(key=_share, reverse=True)
        rows = longer[:MAX_ROWS]
    return tuple(rows), max(0.0, 1.0 - sum(map(_share, rows)))


def _weigh_rows(likely: list[tuple[str, float]], spec: FieldSpec) -> _AnswerWeights:
    weighed = _AnswerWeights()
    for row, p in likely:
        total = 0.0
        for key, weight, fits in _row_answers(row, spec):
            mass = p * weight
            total += mass
            weighed.weight[key] += mass
            weighed.best_row[key] = max(weighed.best_row.get(key, (0.0, row)), (mass, row))
            if not fits:
                weighed.misfits[key] += mass
        weighed.rows.append((row, total))
        weighed.total += total
    return weighed


def _row_answers(row: str, spec: FieldSpec) -> list[tuple[_AnswerKey, float, bool]]:
    written = row.replace(" ", "")
    if not written:
        return [((State.EMPTY, None), 1.0, True)]
    if not written.isdigit():
        state = (
            State.CANCELLED
            if written.count("#") >= STRUCK_SHARE * len(written)
            else State.ILLEGIBLE
        )
        partly = len(written) < len(row) and spec.format in _UNLISTED_SHARE
        return [((state, None), NON_DIGIT_WEIGHT * (PARTIAL_ROW_WEIGHT if partly else 1.0), True)]
    return [
        ((State.READ, found.value), found.weight, found.fits) for found in row_candidates(row, spec)
    ]


def _answer_p(key: _AnswerKey, weighed: _AnswerWeights) -> float:
    doubted = (1 - MISFIT_TRUST) * weighed.misfits.get(key, 0.0)
    return (weighed.weight[key] - doubted) / weighed.total


def _alternatives(best: _AnswerKey, weighed: _AnswerWeights) -> Alternatives:
    others = [
        (key[1], _answer_p(key, weighed))
        for key in weighed.weight
        if key != best and key[0] is State.READ
    ]
    return tuple(sorted(others, key=lambda pair: -pair[1])[:MAX_ALTERNATIVES])


def _characters(best: _AnswerKey, weighed: _AnswerWeights) -> tuple[float, ...]:
    """For each character of the value the posterior that its box says so; 1 for a dash, colon, dot
    or a nought that nobody wrote.
    """
    value = best[1]
    if value is None:
        return ()
    row = weighed.best_row[best][1]
    boxes = [i for i, symbol in enumerate(row) if symbol != " "]
    marginal = [
        sum(mass for other, mass in weighed.rows if other[i] == row[i]) / weighed.total
        for i in boxes
    ]
    out = []
    for character in reversed(value):
        out.append(marginal.pop() if character.isdigit() and marginal else 1.0)
    return tuple(reversed(out))
