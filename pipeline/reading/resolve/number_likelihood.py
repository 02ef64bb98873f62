"""The likelihood of what a reader saw in twelve digit boxes, for every number at once.

Two kinds of error are weighed. Reader: its probabilities are tempered by two mixtures, a usual row
and a bad one (scribbled, spoiled by the scanner) in which all boxes have low confidence, so that
errors that occur together do not count as independent. Writer: a wrong digit, two neighbours
swapped, one left out or written twice, or no century.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.form.field import Meaning
from pipeline.domain.form.form import Form
from pipeline.domain.model import CELL_SYMBOLS, CellProbabilities, Reading, State, Value
from pipeline.registers.clients import NUMBER_BOXES, shifted_indices

# Apply Bayes' rule to one field, or to a chain of fields that depend on each other.
#
# A reader's alternatives are multiplied by what else is known and normalized. In a chain each field
# depends on the next; summing forwards and backwards gives the exact probability of every value.

MAX_ALTERNATIVES = 5
"""Alternatives that a reading keeps."""
Floats = NDArray[np.float64]
PairWeight = Callable[[float, float], float]
"""Relative likelihood of two neighbouring values together, 1 for the usual."""
UNLISTED_PAIR_WEIGHT = 0.6
"""Weight of a pair with a value that no reader listed."""


def list_values(reading: Reading) -> dict[Value, float]:
    """Return the value and its alternatives with their probabilities, together at most 1."""
    probabilities = dict(reversed([(reading.value, reading.p), *reading.alternatives]))
    # Probabilities that exceed 1 together are scaled down.
    total = sum(probabilities.values())
    return {value: p / max(total, 1.0) for value, p in reversed(probabilities.items())}


def unlisted_p(reading: Reading) -> float:
    """Return the probability that a field holds something that its reader did not list."""
    return max(0.0, 1.0 - sum(list_values(reading).values()))


def read_text(
    form: Form, meaning: Meaning, row: int | None, readings: Mapping[str, Reading]
) -> str:
    """Return what was read as this for a row or the sheet; empty if it was not read."""
    spec = form.meaning(meaning, row)
    reading = readings.get(spec.name) if spec else None
    return reading.value if reading and isinstance(reading.value, str) else ""


def weigh_reading(
    reading: Reading, weight: Callable[[Value], float], weight_of_rest: float
) -> Reading:
    """Multiply the p of each alternative by its weight.

    What was not listed keeps its share, with `weight_of_rest`.
    """
    # Only values that were read are weighed.
    if reading.state is not State.READ:
        return reading
    return normalize_reading(
        reading,
        {value: p * weight(value) for value, p in list_values(reading).items()},
        unlisted_p(reading) * weight_of_rest,
    )


def normalize_reading(reading: Reading, weights: Mapping[Value, float], rest: float) -> Reading:
    """Return the reading with normalized weights and the most likely value first.

    Probabilities by character belong to a value, and are dropped if another value comes first.
    """
    # Normalize, then rank.
    total = sum(weights.values()) + rest
    if total <= 0:
        return reading
    ranked = sorted(
        ((value, weight / total) for value, weight in weights.items()), key=lambda pair: -pair[1]
    )
    (value, p), others = ranked[0], tuple(ranked[1 : MAX_ALTERNATIVES + 1])
    characters = reading.characters if value == reading.value else ()
    return replace(reading, value=value, p=p, alternatives=others, characters=characters)


def add_evidence(reading: Reading, *evidence: str) -> Reading:
    """Return the reading with further evidence."""
    return replace(reading, evidence=tuple(dict.fromkeys((*reading.evidence, *evidence))))


def remove_evidence(reading: Reading, evidence: Collection[str]) -> Reading:
    """Return the reading without evidence about a value that is no longer first."""
    return replace(
        reading, evidence=tuple(entry for entry in reading.evidence if entry not in evidence)
    )


@dataclass(frozen=True, slots=True)
class ChainLink:
    """One field of a chain: its possible values and their probabilities.

    What is missing to 1 belongs to values that are not listed.
    """

    values: tuple[float, ...]
    p: tuple[float, ...]

    def with_rest(self) -> Floats:
        """Return the probabilities, with that of all other values at the end."""
        return np.array([*self.p, max(1e-9, 1 - sum(self.p))])


def smooth_chain(
    links: Sequence[ChainLink], weights: Sequence[PairWeight]
) -> tuple[float, list[Floats]]:
    """Return the log of a chain's total weight, and each link's probabilities.

    Those are of the link's values, with all others at the end.

    Args:
        links: at least one.
        weights: between each link and the next, one fewer than links.
    """
    transitions = [
        _transition_matrix(link, next_link, weight)
        for link, next_link, weight in zip(links[:-1], links[1:], weights, strict=True)
    ]
    # Probabilities with the rest, as the last state of each link.
    link_p = [link.with_rest() for link in links]
    # Forward pass, normalized at each link; the norms give the total.
    forward, log_total = [link_p[0] / link_p[0].sum()], float(np.log(link_p[0].sum()))
    for transition, p in zip(transitions, link_p[1:], strict=True):
        forward_p = (forward[-1] @ transition) * p
        log_total += float(np.log(forward_p.sum()))
        forward.append(forward_p / forward_p.sum())
    # Backward pass.
    backward = [np.ones(len(link_p[-1]))]
    for transition, p in zip(reversed(transitions), reversed(link_p[1:]), strict=True):
        backward_p = transition @ (p * backward[0])
        backward.insert(0, backward_p / backward_p.sum())
    return log_total, [f * b / (f * b).sum() for f, b in zip(forward, backward, strict=True)]


def _transition_matrix(link: ChainLink, next_link: ChainLink, weight: PairWeight) -> Floats:
    # Pairs with an unlisted value have a constant weight.
    matrix = np.full((len(link.values) + 1, len(next_link.values) + 1), UNLISTED_PAIR_WEIGHT)
    matrix[:-1, :-1] = (
        [[weight(a, b) for b in next_link.values] for a in link.values]
        if link.values and next_link.values
        else matrix[:-1, :-1]
    )
    return matrix


Symbols = NDArray[np.intp]
UNCLEAR_DIGIT_P = 0.01
"""Probability of a digit that looks struck out, or like another mark."""
_TEN_DIGIT_FORMS = 4
"""Ways to place ten digits in twelve boxes."""
BLANK_SYMBOL, STRUCK_SYMBOL, OTHER_SYMBOL = (CELL_SYMBOLS.index(symbol) for symbol in " #?")
NORMAL_NOISE, BAD_ROW_NOISE, BAD_ROW_SHARE = 2e-3, 0.06, 0.05
"""Probability that a box's probabilities mean nothing, in usual and bad rows; share of bad rows.

Drawn rows are explained best by less (`python -m research.evaluation.persons.measure --fit`): the
network is well calibrated on them. More is kept because paper is rougher than drawings.
"""


class NumberForm(StrEnum):
    """How a number is written in its boxes."""

    WHOLE = "whole"
    CHANGED = "changed"
    SWAPPED = "swapped"
    LEFT_OUT = "left_out"
    GAP = "gap"
    EXTRA = "extra"
    TEN = "ten"


NUMBER_FORM_P = {
    NumberForm.CHANGED: 3e-3,
    NumberForm.SWAPPED: 1.5e-3,
    NumberForm.LEFT_OUT: 1.5e-3,
    NumberForm.GAP: 1.5e-3,
    NumberForm.EXTRA: 1e-3,
    NumberForm.TEN: 0.03,
}
"""Share of numbers that are written in each form; the rest are whole.

Judged from studies of keying and copying digits, not measured on this paper: slips in 0.5–1 % of
numbers.
"""
_NUMBER_FORMS = tuple(NumberForm)


@dataclass(frozen=True, slots=True)
class NumberLikelihood:
    """Log likelihood of each number (n,) over all forms, and the likeliest form.

    The form is an index into `NumberForm`.
    """

    log: Floats
    likeliest_form: Symbols


def number_likelihood(cell_probabilities: CellProbabilities, numbers: Symbols) -> NumberLikelihood:
    """Return how likely the probabilities of 12 boxes are for each number.

    Numbers (n, 12) are indices into `CELL_SYMBOLS`.
    """
    # Mix a usual and a bad row, so that errors may occur together.
    usual, bad = (
        _form_likelihoods(temper_probabilities(cell_probabilities, noise), numbers)
        for noise in (NORMAL_NOISE, BAD_ROW_NOISE)
    )
    log = np.logaddexp(usual + np.log1p(-BAD_ROW_SHARE), bad + np.log(BAD_ROW_SHARE))
    return NumberLikelihood(
        np.logaddexp.reduce(log, axis=0), np.asarray(log.argmax(axis=0), np.intp)
    )


def temper_probabilities(cell_probabilities: CellProbabilities, noise: float) -> Floats:
    """Temper box probabilities (boxes, 13): a box means nothing with probability `noise`.

    A scribble may be any digit.
    """
    probabilities = np.array(cell_probabilities, np.float64)
    # A digit may be hidden in a scribble, and any symbol may be noise.
    scribble = probabilities[:, STRUCK_SYMBOL] + probabilities[:, OTHER_SYMBOL]
    tempered = (1 - noise) * probabilities + noise * 0.1
    tempered[:, :BLANK_SYMBOL] = (1 - noise) * (
        (1 - UNCLEAR_DIGIT_P) * probabilities[:, :BLANK_SYMBOL]
        + UNCLEAR_DIGIT_P * scribble[:, None]
    ) + noise * 0.1
    return tempered


def _form_likelihoods(probabilities: Floats, numbers: Symbols) -> Floats:
    """Return log likelihood × probability of each form (forms, n).

    Of the places where a slip may be, only the likeliest counts, with that place's probability.
    """
    # Logs by box and symbol, and of any digit at all.
    log, rows = np.log(probabilities), _Shifted(np.log(probabilities), numbers)
    any_digit = np.log(probabilities[:, :BLANK_SYMBOL].sum(axis=1))
    # Log probabilities of each digit in its own box.
    whole = rows.at(0)
    total = whole.sum(axis=1)
    by_form = {
        NumberForm.WHOLE: total,
        NumberForm.CHANGED: total
        + (_other_digit_logs(probabilities, whole) - whole).max(axis=1)
        - np.log(NUMBER_BOXES),
        NumberForm.SWAPPED: total
        + (rows.at(1) + rows.at(-1) - whole[:, :-1] - whole[:, 1:]).max(axis=1)
        - np.log(NUMBER_BOXES - 1),
        NumberForm.LEFT_OUT: _omission_logs(whole, rows.at(1), log[-1, BLANK_SYMBOL]),
        NumberForm.GAP: total + (log[:, BLANK_SYMBOL] - whole).max(axis=1) - np.log(NUMBER_BOXES),
        NumberForm.EXTRA: _insertion_logs(whole, rows.at(-1), any_digit),
        NumberForm.TEN: _ten_digit_logs(rows, log, probabilities),
    }
    # Weigh each form by how often people write it.
    form_logs = np.log(
        [1 - sum(NUMBER_FORM_P.values()), *(NUMBER_FORM_P[form] for form in _NUMBER_FORMS[1:])]
    )
    return np.stack([by_form[form] for form in _NUMBER_FORMS]) + form_logs[:, None]


class _Shifted:
    """Log probabilities of numbers whose digits are some boxes to the left (1, 2) or right (−1)."""

    def __init__(self, log: Floats, numbers: Symbols) -> None:
        self._log, self._numbers = log, numbers

    def at(self, shift: int) -> Floats:
        """Return (n, 12 − |shift|): for each box that has a digit, from the left."""
        return np.asarray(self._log.ravel()[shifted_indices(self._numbers, shift)])


def _other_digit_logs(probabilities: Floats, whole: Floats) -> Floats:
    """Return the log of the mean probability of the nine other digits, in each box."""
    return np.asarray(
        np.log(np.maximum(probabilities[:, :BLANK_SYMBOL].sum(axis=1) - np.exp(whole), 1e-12) / 9)
    )


def _omission_logs(whole: Floats, left: Floats, last_blank: float) -> Floats:
    """Return the likelihood that one digit is left out.

    Those before it are in their boxes, those after it one box to the left, and the last box is
    blank.
    """
    # Sums over all positions of the missing digit at once.
    before, after = _sums_before(whole), _sums_from(left)
    return np.asarray((before + after).max(axis=1) + last_blank - np.log(NUMBER_BOXES))


def _insertion_logs(whole: Floats, right: Floats, any_digit: Floats) -> Floats:
    """Return the likelihood that there is one digit too many.

    Those from it on are one box to the right, and the last one has no box.
    """
    # Positions of the extra digit, all at once.
    before, after = _sums_before(whole), _sums_from(right)
    return np.asarray((before + any_digit + after - np.log(10)).max(axis=1) - np.log(NUMBER_BOXES))


def _sums_before(rows: Floats) -> Floats:
    """Return (n, 12): the sum over the boxes before each."""
    # Cumulative sum, shifted by one box.
    sums = np.zeros_like(rows)
    np.cumsum(rows[:, :-1], axis=1, out=sums[:, 1:])
    return sums


def _sums_from(rows: Floats) -> Floats:
    """Return (n, k + 1): the sum over each place and those after it, and 0 after the last."""
    sums = np.zeros((len(rows), rows.shape[1] + 1))
    # Cumulative sum from the right.
    sums[:, :-1] = rows[:, ::-1].cumsum(axis=1)[:, ::-1]
    return sums


def _ten_digit_logs(rows: _Shifted, log: Floats, probabilities: Floats) -> Floats:
    """Return the likelihood of ten digits without century, on the left or right.

    A sign (a hyphen; + from the age of a hundred) may have its own box.
    """
    # A sign may be read as another mark, a blank, or a 1.
    blank, sign = (
        log[:, BLANK_SYMBOL],
        np.log(
            probabilities[:, OTHER_SYMBOL]
            + 0.3 * probabilities[:, BLANK_SYMBOL]
            + 0.1 * probabilities[:, 1]
            + 1e-3
        ),
    )
    whole, shifted_one = rows.at(0), rows.at(1)
    # Left, right, left with a sign, right with a sign.
    layouts = (
        rows.at(2).sum(axis=1) + blank[10:].sum(),
        whole[:, 2:].sum(axis=1) + blank[:2].sum(),
        rows.at(2)[:, :6].sum(axis=1) + sign[6] + shifted_one[:, 7:].sum(axis=1) + blank[11],
        shifted_one[:, 1:7].sum(axis=1) + sign[7] + whole[:, 8:].sum(axis=1) + blank[0],
    )
    return np.asarray(np.logaddexp.reduce(np.stack(layouts), axis=0) - np.log(_TEN_DIGIT_FORMS))
