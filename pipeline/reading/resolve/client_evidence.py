"""Who a row is about, by Bayes' rule over the whole client register: number, name, address, unit
and the other rows of the sheet.

How likely what a reader saw in twelve digit boxes is, for a person who meant to write a given
number.

Two things go wrong, and both are weighed for every number at once. The reader: its probabilities
are tempered by two mixtures, a usual row and a bad one (scribbled, spoiled by the scanner) in
which all boxes are doubtful together, so that errors that come in company are not taken for
independent. The writer: a digit for another, two neighbours changed about, one left out or
written twice, the century left out.
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
"""Chance that somebody writes a digit so that it looks struck out, or like another mark."""
_TEN_DIGIT_FORMS = 4
UNREGISTERED_P = 0.03
"""How likely paper is about a person whom the register lacks, before anything is read."""
SAME_UNIT_P = 0.95
"""How likely a client belongs to the unit of the sheet."""
REPEATED_CLIENT_P = 0.1
"""How likely a row is about a client of another row of the same sheet: some are visited several
times a day.
"""
WRONG_NUMBER_P = 4e-3
"""How often somebody writes the number of another client, half of the time of one who is easily
taken for the right one (same name, twins).
"""
WRONG_NAME_P = 4e-3
"""How often the name of another client stands there."""
TEN_DIGITS = 10
POSSIBLE_NUMBERS = 4e7
"""Personal numbers that there can be: the days of 110 years times about 1,000."""
CHECK_DIGITS = 10
"""One of so many rows of digits has the right check digit."""
POSSIBLE_LETTERS = 26
"""Any of so many may be meant by another mark."""
MIN_UNLISTED_P = 0.01
INVALID_NUMBER_RATIO = 5e-3
"""How likely an unknown person's number is written so that date or check digit are wrong, against
rightly.
"""
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
"""Similarity of a handwritten name and a client's → how much likelier it is for that client than
for anybody (`python -m research.evaluation.persons.measure --fit`; the ends are cut, because
another person's name may stand there for reasons of its own).
"""
PRINTED_ODDS = ((0.0, 0.003), (0.5, 0.003), (0.75, 1.0), (0.9, 500.0), (1.0, 500.0))
"""The same for the name that was printed on the sheet for a client."""
ADDRESS_ODDS = ((0.0, 0.1), (0.5, 0.1), (0.7, 1.0), (0.9, 30.0), (1.0, 30.0))
"""The same for an address; people move, and several live in one house."""


BLANK_SYMBOL, STRUCK_SYMBOL, OTHER_SYMBOL = (CELL_SYMBOLS.index(symbol) for symbol in " #?")


NORMAL_NOISE, BAD_ROW_NOISE, BAD_ROW_SHARE = 2e-3, 0.06, 0.05
"""Chance that a box's probabilities say nothing, in a usual and in a bad row, and the share of bad
rows. Drawn rows are explained best by less (`python -m research.evaluation.persons.measure
--fit`): the network is honest about them. More is kept because paper is rougher than what is
drawn.
"""


class NumberForm(StrEnum):
    """How a number stands in its boxes."""

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
"""How often people write a number in each way; the rest of them write it whole. Judged from studies
of keying and copying digits, not measured on this paper: slips in 0.5–1 % of numbers.
"""


_NUMBER_FORMS = tuple(NumberForm)


@dataclass(frozen=True, slots=True)
class NumberLikelihood:
    """Of each number (n,): log likelihood over all ways, and which way is the likeliest (an index
    into `Way`).
    """

    log: Floats
    likeliest_form: Symbols


def number_likelihood(lattice: CellProbabilities, numbers: Symbols) -> NumberLikelihood:
    """How likely a lattice of 12 boxes is for each number (n, 12), given as indices into
    `LATTICE_SYMBOLS`.
    """
    usual, bad = (
        _form_likelihoods(temper_probabilities(lattice, doubt), numbers)
        for doubt in (NORMAL_NOISE, BAD_ROW_NOISE)
    )
    log = np.logaddexp(usual + np.log1p(-BAD_ROW_SHARE), bad + np.log(BAD_ROW_SHARE))
    return NumberLikelihood(
        np.logaddexp.reduce(log, axis=0), np.asarray(log.argmax(axis=0), np.intp)
    )


def temper_probabilities(lattice: CellProbabilities, doubt: float) -> Floats:
    """A lattice (boxes, 13) in which a box says nothing with probability `doubt`, and a scribble
    may be any digit.
    """
    seen = np.array(lattice, np.float64)
    scribble = seen[:, STRUCK_SYMBOL] + seen[:, OTHER_SYMBOL]
    out = (1 - doubt) * seen + doubt * 0.1
    out[:, :BLANK_SYMBOL] = (1 - doubt) * (
        (1 - UNCLEAR_DIGIT_P) * seen[:, :BLANK_SYMBOL] + UNCLEAR_DIGIT_P * scribble[:, None]
    ) + doubt * 0.1
    return out


def _form_likelihoods(seen: Floats, numbers: Symbols) -> Floats:
    """Log likelihood × chance of each way (ways, n). Of the places where a slip may be, only the
    likeliest counts, with that place's chance.
    """
    log, rows = np.log(seen), _Shifted(np.log(seen), numbers)
    digit = np.log(seen[:, :BLANK_SYMBOL].sum(axis=1))
    whole = rows.at(0)
    total = whole.sum(axis=1)
    found = {
        NumberForm.WHOLE: total,
        NumberForm.CHANGED: total
        + (_other_digit_logs(seen, whole) - whole).max(axis=1)
        - np.log(NUMBER_BOXES),
        NumberForm.SWAPPED: total
        + (rows.at(1) + rows.at(-1) - whole[:, :-1] - whole[:, 1:]).max(axis=1)
        - np.log(NUMBER_BOXES - 1),
        NumberForm.LEFT_OUT: _omission_logs(whole, rows.at(1), log[-1, BLANK_SYMBOL]),
        NumberForm.GAP: total + (log[:, BLANK_SYMBOL] - whole).max(axis=1) - np.log(NUMBER_BOXES),
        NumberForm.EXTRA: _insertion_logs(whole, rows.at(-1), digit),
        NumberForm.TEN: _ten_digit_logs(rows, log, seen),
    }
    chances = np.log(
        [1 - sum(NUMBER_FORM_P.values()), *(NUMBER_FORM_P[way] for way in _NUMBER_FORMS[1:])]
    )
    return np.stack([found[way] for way in _NUMBER_FORMS]) + chances[:, None]


class _Shifted:
    """Log probabilities of numbers whose digits stand some boxes to the left (1, 2) or right (−1)
    of their own.
    """

    def __init__(self, log: Floats, numbers: Symbols) -> None:
        self._log, self._numbers = log, numbers

    def at(self, shift: int) -> Floats:
        """(n, 12 − |shift|): for each box that a digit stands in, from the left."""
        return np.asarray(self._log.ravel()[shifted_indices(self._numbers, shift)])


def _other_digit_logs(seen: Floats, whole: Floats) -> Floats:
    """Log of the mean probability of the nine other digits, in each box."""
    return np.asarray(
        np.log(np.maximum(seen[:, :BLANK_SYMBOL].sum(axis=1) - np.exp(whole), 1e-12) / 9)
    )


def _omission_logs(whole: Floats, left: Floats, last_blank: float) -> Floats:
    """Digit k is left out: those before it in their boxes, those after it one box to the left, the
    last box blank.
    """
    before, after = _sums_before(whole), _sums_from(left)
    return np.asarray((before + after).max(axis=1) + last_blank - np.log(NUMBER_BOXES))


def _insertion_logs(whole: Floats, right: Floats, digit: Floats) -> Floats:
    """A digit too many in box k: those from k on one box to the right, and the last one has no box."""
    before, after = _sums_before(whole), _sums_from(right)
    return np.asarray((before + digit + after - np.log(10)).max(axis=1) - np.log(NUMBER_BOXES))


def _sums_before(rows: Floats) -> Floats:
    """(n, 12): the sum over the boxes before each."""
    sums = np.zeros_like(rows)
    np.cumsum(rows[:, :-1], axis=1, out=sums[:, 1:])
    return sums


def _sums_from(rows: Floats) -> Floats:
    """(n, k + 1): the sum over each place and those after it, and 0 after the last."""
    sums = np.zeros((len(rows), rows.shape[1] + 1))
    sums[:, :-1] = rows[:, ::-1].cumsum(axis=1)[:, ::-1]
    return sums


def _ten_digit_logs(rows: _Shifted, log: Floats, seen: Floats) -> Floats:
    """Ten digits without century, to the left or right, with or without a sign (a hyphen; + from a
    hundred years on) in a box of its own.
    """
    blank, sign = (
        log[:, BLANK_SYMBOL],
        np.log(seen[:, OTHER_SYMBOL] + 0.3 * seen[:, BLANK_SYMBOL] + 0.1 * seen[:, 1] + 1e-3),
    )
    whole, one = rows.at(0), rows.at(1)
    forms = (
        rows.at(2).sum(axis=1) + blank[10:].sum(),
        whole[:, 2:].sum(axis=1) + blank[:2].sum(),
        rows.at(2)[:, :6].sum(axis=1) + sign[6] + one[:, 7:].sum(axis=1) + blank[11],
        one[:, 1:7].sum(axis=1) + sign[7] + whole[:, 8:].sum(axis=1) + blank[0],
    )
    return np.asarray(np.logaddexp.reduce(np.stack(forms), axis=0) - np.log(_TEN_DIGIT_FORMS))


@dataclass(frozen=True, slots=True)
class WrittenClient:
    """What stands on the paper about the person of one row. Texts are empty where nothing was read.

    `listed` are the numbers that the reader thinks of, `unlisted` is the probability that it is
    none of them.
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
    """For each client (n,) how well what was read agrees, and for each listed number outside the
    register its weight.
    """

    number: NumberLikelihood
    name: Scores
    printed: Scores
    address: Scores
    odds: Floats = field(repr=False)
    """Of name, printed name and address together, as logarithms."""
    unknown: dict[str, float] = field(repr=False)
    """Log likelihood of a person outside the register with this number."""
    unlisted: float
    incomplete: float
    """Where no whole number is listed: log likelihood of all numbers outside the register together;
    else minus infinity.
    """


def gather_evidence(search: ClientSearch, written: WrittenClient) -> ClientEvidence:
    """Compare one row with every client."""
    name, printed = search.name_scores(written.name), search.name_scores(written.printed)
    address = search.address_scores(written.address)
    near = search.nearest(np.array(written.cell_probabilities), name, printed, address)
    number = _spread_likelihood(
        number_likelihood(written.cell_probabilities, search.symbols[near]),
        near,
        len(search.symbols),
    )
    unwritten, anything = _incomplete_likelihood(written)
    number.log[(search.symbols == BLANK_SYMBOL).any(axis=1)] -= anything
    odds = np.zeros(len(search.symbols))
    for text, scores, table in (
        (written.name, name, NAME_ODDS),
        (written.printed, printed, PRINTED_ODDS),
        (written.address, address, ADDRESS_ODDS),
    ):
        if text:
            known = scores > 0 if table is ADDRESS_ODDS else np.ones(len(scores), bool)
            odds += np.where(known, interpolate_log_odds(scores, table), 0.0)
    return ClientEvidence(
        number,
        name,
        printed,
        address,
        odds,
        _unregistered_likelihoods(search, written),
        written.unlisted,
        unwritten,
    )


def _spread_likelihood(
    found: NumberLikelihood, places: NDArray[np.intp], count: int
) -> NumberLikelihood:
    """The likelihood of those that were weighed among all; that of the others is nought."""
    log, way = np.full(count, -np.inf), np.zeros(count, np.intp)
    log[places], way[places] = found.log, found.likeliest_form
    return NumberLikelihood(log, way)


def interpolate_log_odds(scores: Scores, table: Sequence[tuple[float, float]]) -> Floats:
    """The logarithm of the odds of similarities: linear between the table's points."""
    at, odds = zip(*table, strict=True)
    return np.asarray(np.interp(scores, at, np.log(odds)))


def _unregistered_likelihoods(search: ClientSearch, written: WrittenClient) -> dict[str, float]:
    """Log likelihood of each listed number that the register lacks."""
    full = {
        number: number.rjust(NUMBER_BOXES, "?") if len(number) == TEN_DIGITS else number
        for number in written.listed_numbers
    }
    outside = {
        number: row
        for number, row in full.items()
        if len(row) == NUMBER_BOXES and number not in search.numbers
    }
    if not outside:
        return {}
    logs = number_likelihood(written.cell_probabilities, encode_numbers(outside.values())).log
    return {
        number: float(log) + (0.0 if _is_valid(number) else np.log(INVALID_NUMBER_RATIO))
        for number, log in zip(outside, logs, strict=True)
    }


def _incomplete_likelihood(written: WrittenClient) -> tuple[float, float]:
    """How well somebody whom the register lacks fits boxes that hold no whole number: a birth date
    alone, a digit left out, letters.

    The second figure says how much better boxes of which some are empty fit any local number,
    which may be as short: one of the register has to fit as well as that. Where a whole number
    is listed nothing has to be said.
    """
    if any(len(number) in (TEN_DIGITS, NUMBER_BOXES) for number in written.listed_numbers):
        return -np.inf, 0.0
    seen = temper_probabilities(written.cell_probabilities, NORMAL_NOISE)
    digits = seen[:, :BLANK_SYMBOL]
    rows = np.stack(
        [
            digits.argmax(axis=1),
            np.where(seen.argmax(axis=1) == STRUCK_SYMBOL, OTHER_SYMBOL, seen.argmax(axis=1)),
        ]
    )
    of_digits, of_anything = (
        float(log) for log in number_likelihood(written.cell_probabilities, rows).log
    )
    alike = float(np.log(digits.sum(axis=1) / digits.max(axis=1)).sum() - np.log(CHECK_DIGITS))
    unwritten = of_digits + max(0.0, alike)
    return unwritten, of_anything + int((rows[1] == OTHER_SYMBOL).sum()) * float(
        np.log(POSSIBLE_LETTERS)
    ) - unwritten


def _is_valid(number: str) -> bool:
    pid = normalize_pid(number)
    return pid.valid and pid.kind in (PidKind.PERSONAL, PidKind.COORDINATION)


def client_posterior(
    search: ClientSearch, evidence: ClientEvidence, unit: str, here: Sequence[int] = ()
) -> tuple[Floats, dict[str, float], float]:
    """Probability of each client (n,), of each listed number outside the register, and of all else.

    Args:
        search: the register.
        evidence: what `gather` found.
        unit: of the sheet, as read; empty if unknown.
        here: places in the register of the clients of the sheet's other rows.
    """
    prior = _client_prior(search, unit, here)
    own = evidence.number.log
    top = max([float(own.max(initial=-1e9)), evidence.incomplete, *evidence.unknown.values()])
    weights = (
        (1 - UNREGISTERED_P)
        * prior
        * _intended_likelihood(search, prior, np.exp(own - top))
        * _name_odds(prior, np.exp(evidence.odds))
    )
    unknown = {
        number: UNREGISTERED_P / POSSIBLE_NUMBERS * float(np.exp(log - top))
        for number, log in evidence.unknown.items()
    }
    unseen = (
        max(MIN_UNLISTED_P, evidence.unlisted)
        if evidence.incomplete == -np.inf
        else float(np.exp(evidence.incomplete - top))
    )
    rest = UNREGISTERED_P / POSSIBLE_NUMBERS * unseen
    total = float(weights.sum()) + sum(unknown.values()) + rest
    return (
        weights / total,
        {number: weight / total for number, weight in unknown.items()},
        rest / total,
    )


def _client_prior(search: ClientSearch, unit: str, here: Sequence[int]) -> Floats:
    count = len(search.symbols)
    prior = np.full(count, 1.0 / max(count, 1))
    members = search.of_unit(unit) if unit else np.empty(0, np.intp)
    if 0 < len(members) < count:
        prior[:] = (1 - SAME_UNIT_P) / (count - len(members))
        prior[members] = SAME_UNIT_P / len(members)
    if here:
        prior *= 1 - REPEATED_CLIENT_P
        np.add.at(prior, list(here), REPEATED_CLIENT_P / len(here))
    return prior


def _name_odds(prior: Floats, odds: Floats) -> Floats:
    """The odds of a name for each client, beside whose number another client's name may stand."""
    return np.asarray((1 - WRONG_NAME_P) * odds + WRONG_NAME_P * float(prior @ odds))


def _intended_likelihood(search: ClientSearch, prior: Floats, likely: Floats) -> Floats:
    """Likelihood of what was read for each client, who may be meant although another's number was
    written.
    """
    alike = (_mean_of_others(search.namesakes, likely) + _mean_of_others(search.twins, likely)) / 2
    anybody = float(prior @ likely) - prior * likely
    return np.asarray(
        (1 - WRONG_NUMBER_P) * likely + WRONG_NUMBER_P * (alike + np.maximum(anybody, 0)) / 2
    )


def _mean_of_others(group: NDArray[np.intp], likely: Floats) -> Floats:
    """For each the mean likelihood of the others of its group; 0 for one alone."""
    size = np.bincount(group, minlength=1)
    sums = np.bincount(group, weights=likely, minlength=1)
    return np.asarray((sums[group] - likely) / np.maximum(size[group] - 1, 1))
