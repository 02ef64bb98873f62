"""From probabilities per box to one reading per row: the posterior over all that a row may hold.

The likeliest rows of symbols (exact, as boxes are independent) are weighted by what the format
allows, their values added up and normalized. So p takes account of the check digit and the
calendar, and of what else the row may be: empty, cancelled, illegible.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.dates import calendar_day
from pipeline.domain.form.field import FieldSpec, Format
from pipeline.domain.identity_numbers import normalize_pid
from pipeline.domain.model import CELL_SYMBOLS, Alternatives, Reading, State

# The values that a row of digit boxes may mean, by format.
#
# Each has a weight for how likely a person writes such a row, relative to a row that the format
# allows (1). Weights are deliberately mild: a clear reading that breaks the rules stays what it is,
# and only one that the network reads with low confidence gives way.

MISFIT_WEIGHT = 0.02
"""Weight of a row that breaks its format: people do write a wrong check digit or the 31st of June.
"""
OUT_OF_RANGE_WEIGHT = 0.05
"""Weight of a number outside the field's minimum and maximum."""
GAP_WEIGHT = 0.2
"""Weight of a number or code with an empty box between its digits. Unless that separates a number's
thousands, or is before its comma, a digit there may have been missed.
"""
SHORT_TIME_WEIGHT = 0.2
"""Weight of a time without its leading zero, such as 815."""
LEFT_ALIGNED_WEIGHT = 0.2
"""Weight of reading a row from its left end on, past the printed comma, if boxes at its right end
are empty.
"""
_THOUSANDS_PATTERN = re.compile(r"\d{1,3}( \d{3})+")


@dataclass(frozen=True, slots=True)
class RowCandidate:
    """A value that a row may mean.

    `fits` is false if it is only the row's digits, because the format does not allow them.
    """

    value: str
    weight: float
    fits: bool = True


def row_candidates(row: str, spec: FieldSpec) -> list[RowCandidate]:
    """Return the values of a row of digits and spaces, one character a box; at least one digit.

    Without a format: the digits as they are written.
    """
    if spec.format is None:
        return [RowCandidate(row.replace(" ", ""), 1.0)]
    return _GRAMMARS[spec.format](row, spec)


def _date_candidates(row: str, _spec: FieldSpec) -> list[RowCandidate]:
    # Eight digits that are a day of the 20th or 21st century.
    if len(row) == 8 and row.isdigit() and row[:2] in ("19", "20") and is_calendar_day(row):
        return [RowCandidate(f"{row[:4]}-{row[4:6]}-{row[6:]}", 1.0)]
    return _misfit_candidates(row)


def _time_candidates(row: str, _spec: FieldSpec) -> list[RowCandidate]:
    # 815 is 08:15; midnight may be 24:00.
    digits = row.replace(" ", "").rjust(4, "0")
    is_short = len(row.replace(" ", "")) == len("815") and " " not in row.strip()
    if (
        len(row) == 4
        and (row.isdigit() or is_short)
        and (digits == "2400" or (int(digits[:2]) < 24 and int(digits[2:]) < 60))
    ):
        # 123 may be 12.30 whose zero was missed; 815 can be 8.15 only.
        may_miss_zero = row.endswith(" ") and int(row[:2]) < 24
        weight = SHORT_TIME_WEIGHT if is_short else 1.0
        return [RowCandidate(f"{digits[:2]}:{digits[2:]}", weight, fits=not may_miss_zero)]
    return _misfit_candidates(row)


def _personal_number_candidates(row: str, _spec: FieldSpec) -> list[RowCandidate]:
    # Twelve digits with a valid date and check digit.
    if len(row) == 12 and row.isdigit() and is_personal_number(row):
        return [RowCandidate(row, 1.0)]
    return _misfit_candidates(row)


def _number_candidates(row: str, spec: FieldSpec) -> list[RowCandidate]:
    """Return the values of a number, by its printed comma and perhaps left-aligned."""
    weight = GAP_WEIGHT if " " in row.strip() else 1.0
    whole, fraction = (
        (row[: -spec.decimals].strip(), row[-spec.decimals :])
        if spec.decimals
        else (row.strip(), "")
    )

    # Gaps are allowed between thousands and before the comma.
    fits = (
        " " not in whole or _THOUSANDS_PATTERN.fullmatch(whole) is not None
    ) and " " not in fraction.rstrip()
    if not spec.decimals:
        return [_weigh_range(_canonical_number(row, ""), weight, spec, fits=fits)]

    # Digits before and after the printed comma.
    by_comma = _canonical_number(row[: -spec.decimals], row[-spec.decimals :])
    digits = row.replace(" ", "")
    if not row.endswith(" ") or len(digits) <= spec.decimals:
        return [_weigh_range(by_comma, weight, spec, fits=fits)]

    # Empty boxes at the right end: perhaps it was written from the left, past the comma.
    left_aligned = _canonical_number(digits[: -spec.decimals], digits[-spec.decimals :])
    return [
        _weigh_range(by_comma, weight * (1 - LEFT_ALIGNED_WEIGHT), spec, fits=fits),
        _weigh_range(left_aligned, weight * LEFT_ALIGNED_WEIGHT, spec, fits=fits),
    ]


def _canonical_number(whole: str, fraction: str) -> str:
    """Return digits before and after the comma without spaces and leading zeros."""
    # A number without digits before the comma is below 1.
    whole = whole.replace(" ", "").lstrip("0") or "0"
    fraction = fraction.replace(" ", "")
    return f"{whole}.{fraction}" if fraction else whole


def _weigh_range(value: str, weight: float, spec: FieldSpec, *, fits: bool) -> RowCandidate:
    """Return a number as a candidate, with a low weight outside the field's range."""
    # Outside the range of the field is improbable, not impossible.
    number = float(value)
    low = spec.minimum is not None and number < spec.minimum
    high = spec.maximum is not None and number > spec.maximum
    return RowCandidate(value, weight * (OUT_OF_RANGE_WEIGHT if low or high else 1.0), fits)


def _code_candidates(row: str, _spec: FieldSpec) -> list[RowCandidate]:
    gap = " " in row.strip()
    # A code has no gaps.
    return [RowCandidate(row.replace(" ", ""), GAP_WEIGHT if gap else 1.0, fits=not gap)]


def _misfit_candidates(row: str) -> list[RowCandidate]:
    """Return a row's digits as a value that breaks the format."""
    return [RowCandidate(row.replace(" ", ""), MISFIT_WEIGHT, fits=False)]


def is_calendar_day(digits: str) -> bool:
    """Return whether YYYYMMDD is a day of the calendar."""
    return calendar_day(int(digits[:4]), int(digits[4:6]), int(digits[6:8])) is not None


def is_personal_number(digits: str) -> bool:
    """Return whether 12 digits are a personnummer or samordningsnummer.

    Century, date and check digit, as in `pipeline/domain/identity_numbers.py`.
    """
    return (
        digits[:2] in ("18", "19", "20")
        and has_valid_check_digit(digits[2:])
        and normalize_pid(digits, date.max).valid
    )


def has_valid_check_digit(digits: str) -> bool:
    """Return whether the last digit is the check digit of those before it.

    Weights 2, 1, 2, 1 … from the left of an even number of digits (Luhn).
    """
    # Luhn: double every other digit, and add the digits of the products.
    doubled = [int(d) * (2 if i % 2 == 0 else 1) for i, d in enumerate(digits)]
    return sum(d // 10 + d % 10 for d in doubled) % 10 == 0


_GRAMMARS: dict[Format, Callable[[str, FieldSpec], list[RowCandidate]]] = {
    Format.DATE: _date_candidates,
    Format.TIME: _time_candidates,
    Format.PERSONAL_NUMBER: _personal_number_candidates,
    Format.NUMBER: _number_candidates,
    Format.CODE: _code_candidates,
}


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
