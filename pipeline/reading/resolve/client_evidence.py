"""Infer the client of a row by Bayes' rule over the whole register.

The evidence is the number, name, address and unit, and the other rows of the sheet. For the number,
the likelihood of what a reader saw in the twelve digit boxes is computed for every client at once,
with two kinds of error. Reader: its probabilities are tempered by two mixtures, a usual row and a
bad one (scribbled, spoiled by the scanner) in which all boxes have low confidence, so that errors
that occur together do not count as independent. Writer: a wrong digit, two neighbours swapped, one
left out or written twice, or no century.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.identity_numbers import PidKind, normalize_pid
from pipeline.domain.model import CELL_SYMBOLS, CellProbabilities
from pipeline.registers.client_search import (
    NUMBER_BOXES,
    ClientSearch,
    Scores,
    encode_numbers,
    shifted_indices,
)

Floats = NDArray[np.float64]
Symbols = NDArray[np.intp]
UNCLEAR_DIGIT_P = 0.01
"""Probability of a digit that looks struck out, or like another mark."""
_TEN_DIGIT_FORMS = 4
"""Ways to place ten digits in twelve boxes."""
UNREGISTERED_P = 0.03
"""Prior probability that a row is about a person whom the register lacks."""
SAME_UNIT_P = 0.95
"""Prior probability that a client belongs to the unit of the sheet."""
REPEATED_CLIENT_P = 0.1
"""Prior probability that a row is about a client of another row of the same sheet.

Some clients are visited several times a day.
"""
WRONG_NUMBER_P = 4e-3
"""Probability that the number of another client is written.

Half of the time it is one who is easily confused with the right one (same name, twins).
"""
WRONG_NAME_P = 4e-3
"""Probability that the name of another client is written."""
TEN_DIGITS = 10
"""Digits of a number without century."""
POSSIBLE_NUMBERS = 4e7
"""Number of possible personal numbers: the days of 110 years times about 1,000."""
CHECK_DIGITS = 10
"""One in this many rows of digits has the right check digit."""
POSSIBLE_LETTERS = 26
"""Number of letters that another mark may mean."""
MIN_UNLISTED_P = 0.01
"""Least probability that a number was not listed."""
INVALID_NUMBER_RATIO = 5e-3
"""Likelihood of an unregistered number that is invalid, relative to a valid one."""
NAME_ODDS = (
    (0.0, 0.005),
    (0.4, 0.005),
    (0.45, 0.08),
    (0.55, 0.4),
    (0.65, 3.0),
    (0.75, 11.0),
    (0.85, 90.0),
    (0.93, 500.0),
    (1.0, 500.0),
)
"""Similarity of a handwritten name with a client's → likelihood ratio for that client.

The ratio is relative to any client (`python -m research.evaluation.persons.measure --fit`). The
ends are cut, because another person's name may be there for its own reasons.
"""
PRINTED_ODDS = ((0.0, 0.003), (0.5, 0.003), (0.75, 1.0), (0.9, 500.0), (1.0, 500.0))
"""The same for the name that was printed on the sheet for a client."""
ADDRESS_ODDS = ((0.0, 0.1), (0.5, 0.1), (0.7, 1.0), (0.9, 30.0), (1.0, 30.0))
"""The same for an address; people move, and several live in one house."""


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
    before, after = _sums_before(whole), _sums_from(left)
    return np.asarray((before + after).max(axis=1) + last_blank - np.log(NUMBER_BOXES))


def _insertion_logs(whole: Floats, right: Floats, any_digit: Floats) -> Floats:
    """Return the likelihood that there is one digit too many.

    Those from it on are one box to the right, and the last one has no box.
    """
    before, after = _sums_before(whole), _sums_from(right)
    return np.asarray((before + any_digit + after - np.log(10)).max(axis=1) - np.log(NUMBER_BOXES))


def _sums_before(rows: Floats) -> Floats:
    """Return (n, 12): the sum over the boxes before each."""
    sums = np.zeros_like(rows)
    np.cumsum(rows[:, :-1], axis=1, out=sums[:, 1:])
    return sums


def _sums_from(rows: Floats) -> Floats:
    """Return (n, k + 1): the sum over each place and those after it, and 0 after the last."""
    sums = np.zeros((len(rows), rows.shape[1] + 1))
    sums[:, :-1] = rows[:, ::-1].cumsum(axis=1)[:, ::-1]
    return sums


def _ten_digit_logs(rows: _Shifted, log: Floats, probabilities: Floats) -> Floats:
    """Return the likelihood of ten digits without century, on the left or right.

    A sign (a hyphen; + from the age of a hundred) may have its own box.
    """
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


@dataclass(frozen=True, slots=True)
class WrittenClient:
    """What is written about the client of one row; texts are empty if nothing was read.

    `listed_numbers` are the reader's candidates, `unlisted` is the probability that it is none
    of them.
    """

    cell_probabilities: CellProbabilities
    listed_numbers: tuple[str, ...] = ()
    unlisted: float = 0.0
    name: str = ""
    printed: str = ""
    address: str = ""
    unit: str = ""


@dataclass(frozen=True, slots=True)
class ClientEvidence:
    """How well each client (n,) agrees with what was read, and the weight of other numbers."""

    number: NumberLikelihood
    name: Scores
    printed: Scores
    address: Scores
    odds: Floats = field(repr=False)
    """Logarithm of the odds of name, printed name and address together."""
    unregistered: dict[str, float] = field(repr=False)
    """Log likelihood of a person outside the register with each listed number."""
    unlisted: float
    incomplete: float
    """Log likelihood of all numbers outside the register together, if no whole number is listed.

    Else minus infinity.
    """


def gather_evidence(search: ClientSearch, written: WrittenClient) -> ClientEvidence:
    """Compare one row with every client."""
    name, printed = search.name_scores(written.name), search.name_scores(written.printed)
    address = search.address_scores(written.address)
    # Only clients that come near in some respect are compared in full.
    nearest = search.nearest(np.array(written.cell_probabilities), name, printed, address)
    number = _spread_likelihood(
        number_likelihood(written.cell_probabilities, search.symbols[nearest]),
        nearest,
        len(search.symbols),
    )
    # Numbers of the register with blanks must fit as well as any local number.
    incomplete, any_excess = _incomplete_likelihood(written)
    number.log[(search.symbols == BLANK_SYMBOL).any(axis=1)] -= any_excess
    # Add the odds of the texts that were read.
    odds = np.zeros(len(search.symbols))
    for text, scores, table in (
        (written.name, name, NAME_ODDS),
        (written.printed, printed, PRINTED_ODDS),
        (written.address, address, ADDRESS_ODDS),
    ):
        if text:
            is_known = scores > 0 if table is ADDRESS_ODDS else np.ones(len(scores), bool)
            odds += np.where(is_known, interpolate_log_odds(scores, table), 0.0)
    return ClientEvidence(
        number,
        name,
        printed,
        address,
        odds,
        _unregistered_likelihoods(search, written),
        written.unlisted,
        incomplete,
    )


def _spread_likelihood(
    likelihood: NumberLikelihood, indices: NDArray[np.intp], count: int
) -> NumberLikelihood:
    """Spread the likelihood of the compared clients over all; that of the others is zero."""
    log, form = np.full(count, -np.inf), np.zeros(count, np.intp)
    log[indices], form[indices] = likelihood.log, likelihood.likeliest_form
    return NumberLikelihood(log, form)


def interpolate_log_odds(scores: Scores, table: Sequence[tuple[float, float]]) -> Floats:
    """Return the log odds of similarities, linear between the table's points."""
    points, odds = zip(*table, strict=True)
    return np.asarray(np.interp(scores, points, np.log(odds)))


def _unregistered_likelihoods(search: ClientSearch, written: WrittenClient) -> dict[str, float]:
    """Return the log likelihood of each listed number that the register lacks."""
    padded = {
        number: number.rjust(NUMBER_BOXES, "?") if len(number) == TEN_DIGITS else number
        for number in written.listed_numbers
    }
    unregistered = {
        number: row
        for number, row in padded.items()
        if len(row) == NUMBER_BOXES and number not in search.numbers
    }
    if not unregistered:
        return {}
    logs = number_likelihood(written.cell_probabilities, encode_numbers(unregistered.values())).log
    return {
        number: float(log) + (0.0 if _is_valid(number) else np.log(INVALID_NUMBER_RATIO))
        for number, log in zip(unregistered, logs, strict=True)
    }


def _incomplete_likelihood(written: WrittenClient) -> tuple[float, float]:
    """Return how well an unregistered person fits boxes without a whole number.

    The boxes may hold a birth date alone, a number with a digit left out, or letters. The
    second value says how much better partly empty boxes fit any local number, which may be as
    short: a registered one has to fit as well as that. If a whole number is listed neither is
    needed.
    """
    if any(len(number) in (TEN_DIGITS, NUMBER_BOXES) for number in written.listed_numbers):
        return -np.inf, 0.0
    probabilities = temper_probabilities(written.cell_probabilities, NORMAL_NOISE)
    digits = probabilities[:, :BLANK_SYMBOL]
    # The likeliest digits, and the likeliest symbols of any kind.
    rows = np.stack(
        [
            digits.argmax(axis=1),
            np.where(
                probabilities.argmax(axis=1) == STRUCK_SYMBOL,
                OTHER_SYMBOL,
                probabilities.argmax(axis=1),
            ),
        ]
    )
    digits_log, anything_log = (
        float(log) for log in number_likelihood(written.cell_probabilities, rows).log
    )
    # Other numbers that fit about as well, of which one in ten is valid.
    similar_log = float(
        np.log(digits.sum(axis=1) / digits.max(axis=1)).sum() - np.log(CHECK_DIGITS)
    )
    incomplete = digits_log + max(0.0, similar_log)
    return incomplete, anything_log + int((rows[1] == OTHER_SYMBOL).sum()) * float(
        np.log(POSSIBLE_LETTERS)
    ) - incomplete


def _is_valid(number: str) -> bool:
    pid = normalize_pid(number)
    return pid.valid and pid.kind in (PidKind.PERSONAL, PidKind.COORDINATION)


def client_posterior(
    search: ClientSearch, evidence: ClientEvidence, unit: str, neighbours: Sequence[int] = ()
) -> tuple[Floats, dict[str, float], float]:
    """Return the probability of each client (n,), of each unregistered number, and of all else.

    Args:
        search: the register.
        evidence: the result of `gather_evidence`.
        unit: of the sheet, as read; empty if unknown.
        neighbours: indices in the register of the clients of the sheet's other rows.
    """
    prior = _client_prior(search, unit, neighbours)
    number_log = evidence.number.log
    max_log = max(
        [float(number_log.max(initial=-1e9)), evidence.incomplete, *evidence.unregistered.values()]
    )
    # Registered clients: prior × number × texts, relative to the best.
    weights = (
        (1 - UNREGISTERED_P)
        * prior
        * _intended_likelihood(search, prior, np.exp(number_log - max_log))
        * _name_odds(prior, np.exp(evidence.odds))
    )
    # Persons outside the register, by listed number and all others.
    unregistered = {
        number: UNREGISTERED_P / POSSIBLE_NUMBERS * float(np.exp(log - max_log))
        for number, log in evidence.unregistered.items()
    }
    unlisted = (
        max(MIN_UNLISTED_P, evidence.unlisted)
        if evidence.incomplete == -np.inf
        else float(np.exp(evidence.incomplete - max_log))
    )
    rest = UNREGISTERED_P / POSSIBLE_NUMBERS * unlisted
    total = float(weights.sum()) + sum(unregistered.values()) + rest
    return (
        weights / total,
        {number: weight / total for number, weight in unregistered.items()},
        rest / total,
    )


def _client_prior(search: ClientSearch, unit: str, neighbours: Sequence[int]) -> Floats:
    """Return the prior of each client, by the unit and the other rows of the sheet."""
    count = len(search.symbols)
    prior = np.full(count, 1.0 / max(count, 1))
    members = search.of_unit(unit) if unit else np.empty(0, np.intp)
    if 0 < len(members) < count:
        prior[:] = (1 - SAME_UNIT_P) / (count - len(members))
        prior[members] = SAME_UNIT_P / len(members)
    if neighbours:
        prior *= 1 - REPEATED_CLIENT_P
        np.add.at(prior, list(neighbours), REPEATED_CLIENT_P / len(neighbours))
    return prior


def _name_odds(prior: Floats, odds: Floats) -> Floats:
    """Return the odds of a name for each client, allowing for another client's name."""
    return np.asarray((1 - WRONG_NAME_P) * odds + WRONG_NAME_P * float(prior @ odds))


def _intended_likelihood(search: ClientSearch, prior: Floats, likelihood: Floats) -> Floats:
    """Return the likelihood of the number for each client, allowing for another's number."""
    # Half of wrong numbers are of clients who are easily confused.
    similar = (
        _mean_of_others(search.namesakes, likelihood) + _mean_of_others(search.twins, likelihood)
    ) / 2
    anyone = float(prior @ likelihood) - prior * likelihood
    return np.asarray(
        (1 - WRONG_NUMBER_P) * likelihood + WRONG_NUMBER_P * (similar + np.maximum(anyone, 0)) / 2
    )


def _mean_of_others(group: NDArray[np.intp], likelihood: Floats) -> Floats:
    """Return the mean likelihood of the others in each one's group; 0 for one alone."""
    size = np.bincount(group, minlength=1)
    sums = np.bincount(group, weights=likelihood, minlength=1)
    return np.asarray((sums[group] - likelihood) / np.maximum(size[group] - 1, 1))
