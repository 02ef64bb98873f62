"""Infer the client of a row by Bayes' rule over the whole register.

The evidence is the number, name, address and unit, and the other rows of the sheet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.identity_numbers import PidKind, normalize_pid
from pipeline.domain.model import CellProbabilities
from pipeline.reading.resolve.number_likelihood import (
    BLANK_SYMBOL,
    NORMAL_NOISE,
    OTHER_SYMBOL,
    STRUCK_SYMBOL,
    Floats,
    NumberLikelihood,
    number_likelihood,
    temper_probabilities,
)
from pipeline.registers.client_check import Scores
from pipeline.registers.clients import NUMBER_BOXES, ClientSearch, encode_numbers

UNREGISTERED_P = 0.03
"""Prior probability that a row is about a person that the register lacks."""
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
    name, printed = search.names.scores(written.name), search.names.scores(written.printed)
    address = search.addresses.scores(written.address)
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
    # Ten digits are placed on the right; unknown boxes hold other symbols.
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
    # Prior of each client, then the likelihoods relative to the best.
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
    # Uniform, unless the unit is known.
    prior = np.full(count, 1.0 / max(count, 1))
    members = search.of_unit(unit) if unit else np.empty(0, np.intp)
    if 0 < len(members) < count:
        prior[:] = (1 - SAME_UNIT_P) / (count - len(members))
        prior[members] = SAME_UNIT_P / len(members)
    # Some probability goes to clients of the sheet's other rows.
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
    # Sum of the group less the client itself.
    size = np.bincount(group, minlength=1)
    sums = np.bincount(group, weights=likelihood, minlength=1)
    return np.asarray((sums[group] - likelihood) / np.maximum(size[group] - 1, 1))
