"""From probabilities per box to one reading per row: the posterior over all that a row may hold.

The likeliest rows of symbols (exact, as boxes are independent) are weighted by what the format
allows, their values added up and normalized. So p takes account of the check digit and the
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
"""Maximum number of rows of symbols that are compared."""
MAX_SYMBOLS_PER_BOX = 4
"""Maximum number of symbols of one box that are considered."""
MIN_SYMBOL_P = 1e-4
"""A symbol with a lower probability in its box is not considered."""
MIN_ROW_SHARE = 1e-6
"""Rows less likely than this share of the best are left out; their mass counts as other values."""
MISFIT_TRUST = 0.5
"""Share of its posterior that a row keeps as p when its format does not allow it: a person should
look at it.
"""
NON_DIGIT_WEIGHT = 0.2
"""Weight of rows with something other than digits: the network was trained on five times as many as
people write.
"""
PARTIAL_ROW_WEIGHT = 0.1
"""Further weight of such rows if boxes are empty that the format needs: a speck in an empty row is
more often dust than a letter.
"""
STRUCK_SHARE = 2 / 3
"""A row is cancelled when this share of what is written in it is struck out."""
MAX_ALTERNATIVES = 8
"""Maximum number of alternatives."""
_UNLISTED_SHARE = {Format.TIME: 0.15, Format.DATE: 0.05, Format.PERSONAL_NUMBER: 0.05}
"""Share of the rows left out that the format would allow (1 where all are allowed); caution makes
the rare ones larger.
"""

Probabilities = NDArray[np.float32]
_AnswerKey = tuple[State, str | None]
_share = itemgetter(1)


@dataclass(slots=True)
class _AnswerWeights:
    """The weights of all answers.

    For each answer its weight, the row behind it, and how much of the weight is of rows that break
    the format; and the rows with their weights.
    """

    weight: dict[_AnswerKey, float] = field(default_factory=lambda: defaultdict(float))
    best_row: dict[_AnswerKey, tuple[float, str]] = field(default_factory=dict)
    misfits: dict[_AnswerKey, float] = field(default_factory=lambda: defaultdict(float))
    rows: list[tuple[str, float]] = field(default_factory=list)
    total: float = 0.0


def decode_digits(probabilities: Probabilities, spec: FieldSpec) -> Reading:
    """Decode a row from its boxes' probabilities, (cells, 13) by `DIGIT_SYMBOLS`.

    Values: date `YYYY-MM-DD`, time `HH:MM`, personal number 12 digits, number with a decimal point;
    the bare digits for a field without a format and, with low p, for a row that breaks its format.
    Rows that are struck out or hold something other than digits have no value; the digit rows that
    they may be are alternatives.
    """
    # Weigh the likeliest rows; of the rest the share counts that the format would allow.
    likely, unlisted = likeliest_rows(probabilities)
    weights = _weigh_rows(likely, spec)
    share = _UNLISTED_SHARE.get(spec.format, 1.0) if spec.format else 1.0
    weights.total += unlisted * share

    # The answer with the greatest weight.
    best = max(weights.weight, key=lambda key: weights.weight[key])
    state, value = best
    p = _answer_p(best, weights)
    if state is State.EMPTY:
        return Reading.empty(p)
    return Reading(
        value,
        p,
        state,
        _alternatives(best, weights),
        _characters(best, weights),
        cell_probabilities=tuple(tuple(box) for box in probabilities.tolist()),
    )


def likeliest_rows(
    probabilities: Probabilities, symbols: str = DIGIT_SYMBOLS
) -> tuple[list[tuple[str, float]], float]:
    """Return the likeliest rows of symbols and the probability of all others together.

    Each row comes with its probability, best first.
    """
    likely, rest = _search_rows(
        probabilities.tobytes(), probabilities.shape[1], probabilities.dtype.str, symbols
    )
    return list(likely), rest


@lru_cache(maxsize=64)
def _search_rows(
    boxes: bytes, answers: int, number: str, symbols: str
) -> tuple[tuple[tuple[str, float], ...], float]:
    """Search the likeliest rows; cached, since the empty rows of a page are all alike."""
    probabilities = np.frombuffer(boxes, number).reshape(-1, answers).astype(np.float64)

    # The likeliest symbols of each box.
    order = np.argsort(-probabilities, axis=1)[:, :MAX_SYMBOLS_PER_BOX]

    # Extend the rows box by box, and keep the best (beam search).
    rows = [("", 1.0)]
    for box, shares in zip(
        order.tolist(), np.take_along_axis(probabilities, order, axis=1).tolist(), strict=True
    ):
        likely = [
            (symbols[symbol], share)
            for symbol, share in zip(box, shares, strict=True)
            if share >= MIN_SYMBOL_P
        ]
        # Prune what is too unlikely against the best so far.
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
    """Weigh the values that each row may mean."""
    weights = _AnswerWeights()
    # A row may have several meanings, each with a weight by its format.
    for row, p in likely:
        total = 0.0
        for key, weight, fits in _row_answers(row, spec):
            mass = p * weight
            total += mass
            weights.weight[key] += mass
            weights.best_row[key] = max(weights.best_row.get(key, (0.0, row)), (mass, row))
            # Remember how much of an answer's weight breaks the format.
            if not fits:
                weights.misfits[key] += mass
        weights.rows.append((row, total))
        weights.total += total
    return weights


def _row_answers(row: str, spec: FieldSpec) -> list[tuple[_AnswerKey, float, bool]]:
    """Return the answers of a row, with their weights and whether they fit the format."""
    written = row.replace(" ", "")
    # Nothing is written.
    if not written:
        return [((State.EMPTY, None), 1.0, True)]
    if not written.isdigit():
        # Struck out if most of it is, otherwise illegible.
        state = (
            State.CANCELLED
            if written.count("#") >= STRUCK_SHARE * len(written)
            else State.ILLEGIBLE
        )
        is_partial = len(written) < len(row) and spec.format in _UNLISTED_SHARE
        return [
            ((state, None), NON_DIGIT_WEIGHT * (PARTIAL_ROW_WEIGHT if is_partial else 1.0), True)
        ]
    return [
        ((State.READ, candidate.value), candidate.weight, candidate.fits)
        for candidate in row_candidates(row, spec)
    ]


def _answer_p(key: _AnswerKey, weights: _AnswerWeights) -> float:
    """Return the posterior of an answer, less most of what breaks the format."""
    distrusted = (1 - MISFIT_TRUST) * weights.misfits.get(key, 0.0)
    return (weights.weight[key] - distrusted) / weights.total


def _alternatives(best: _AnswerKey, weights: _AnswerWeights) -> Alternatives:
    """Return the other values, best first."""
    # Only other values, not other states.
    others = [
        (key[1], _answer_p(key, weights))
        for key in weights.weight
        if key != best and key[0] is State.READ
    ]
    return tuple(sorted(others, key=lambda pair: -pair[1])[:MAX_ALTERNATIVES])


def _characters(best: _AnswerKey, weights: _AnswerWeights) -> tuple[float, ...]:
    """Return for each character of the value the posterior of its box.

    1 for a dash, colon, point or a zero that is not written.
    """
    value = best[1]
    if value is None:
        return ()
    row = weights.best_row[best][1]
    boxes = [i for i, symbol in enumerate(row) if symbol != " "]

    # For each written box the share of all rows that agree with it.
    marginal = [
        sum(mass for other, mass in weights.rows if other[i] == row[i]) / weights.total
        for i in boxes
    ]

    # From the right: leading zeros may be added, so the last digits fit the last boxes.
    characters = []
    for character in reversed(value):
        characters.append(marginal.pop() if character.isdigit() and marginal else 1.0)
    return tuple(reversed(characters))
