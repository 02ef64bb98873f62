"""Who a row is about, by Bayes' rule over the whole client register: number, name, address, unit and the other rows of the sheet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pipeline.client_search import BOXES, ClientSearch, Scores, symbols_of
from pipeline.identity import PidKind, normal_pid
from pipeline.model import Lattice
from pipeline.resolve.number_rows import BLANK, OTHER, STRUCK, USUAL_DOUBT, Likelihood, likelihood, tempered

Floats = NDArray[np.float64]

NOT_IN_REGISTER = 0.03
"""How likely paper is about a person whom the register lacks, before anything is read."""
IN_UNIT = 0.95
"""How likely a client belongs to the unit of the sheet."""
ALREADY_HERE = 0.1
"""How likely a row is about a client of another row of the same sheet: some are visited several times a day."""
WRONG_NUMBER = 4e-3
"""How often somebody writes the number of another client, half of the time of one who is easily taken for the right one (same name, twins)."""
WRONG_NAME = 4e-3
"""How often the name of another client stands there."""
TEN = 10
NUMBERS = 4e7
"""Personal numbers that there can be: the days of 110 years times about 1,000."""
CHECK_DIGITS = 10
"""One of so many rows of digits has the right check digit."""
LETTERS = 26
"""Any of so many may be meant by another mark."""
LEAST_UNLISTED = 0.01
BREAKS_RULES = 5e-3
"""How likely an unknown person's number is written so that date or check digit are wrong, against rightly."""

NAME_ODDS = ((0.0, 0.005), (0.4, 0.005), (0.45, 0.08), (0.55, 0.4), (0.65, 3.0), (0.75, 11.0), (0.85, 90.0), (0.93, 500.0), (1.0, 500.0))
"""Similarity of a handwritten name and a client's → how much likelier it is for that client than for anybody
(`python -m pipeline.quality.persons --fit`; the ends are cut, because another person's name may stand there for reasons of its own)."""
PRINTED_ODDS = ((0.0, 0.003), (0.5, 0.003), (0.75, 1.0), (0.9, 500.0), (1.0, 500.0))
"""The same for the name that was printed on the sheet for a client."""
ADDRESS_ODDS = ((0.0, 0.1), (0.5, 0.1), (0.7, 1.0), (0.9, 30.0), (1.0, 30.0))
"""The same for an address; people move, and several live in one house."""


@dataclass(frozen=True, slots=True)
class Written:
    """What stands on the paper about the person of one row. Texts are empty where nothing was read.

    `listed` are the numbers that the reader thinks of, `unlisted` is the probability that it is none of them.
    """

    lattice: Lattice
    listed: tuple[str, ...] = ()
    unlisted: float = 0.0
    name: str = ""
    printed: str = ""
    address: str = ""
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """For each client (n,) how well what was read agrees, and for each listed number outside the register its weight."""

    number: Likelihood
    name: Scores
    printed: Scores
    address: Scores
    odds: Floats = field(repr=False)
    """Of name, printed name and address together, as logarithms."""
    unknown: dict[str, float] = field(repr=False)
    """Log likelihood of a person outside the register with this number."""
    unlisted: float
    unwritten: float
    """Where no whole number is listed: log likelihood of all numbers outside the register together; else minus infinity."""


def gather(search: ClientSearch, written: Written) -> Evidence:
    """Compare one row with every client."""
    name, printed = search.name_scores(written.name), search.name_scores(written.printed)
    address = search.address_scores(written.address)
    near = search.nearest(np.array(written.lattice), name, printed, address)
    number = _spread(likelihood(written.lattice, search.symbols[near]), near, len(search.symbols))
    unwritten, anything = _unwritten(written)
    number.log[(search.symbols == BLANK).any(axis=1)] -= anything
    odds = np.zeros(len(search.symbols))
    for text, scores, table in ((written.name, name, NAME_ODDS), (written.printed, printed, PRINTED_ODDS), (written.address, address, ADDRESS_ODDS)):
        if text:
            known = scores > 0 if table is ADDRESS_ODDS else np.ones(len(scores), bool)
            odds += np.where(known, log_odds(scores, table), 0.0)
    return Evidence(number, name, printed, address, odds, _unknown(search, written), written.unlisted, unwritten)


def _spread(found: Likelihood, places: NDArray[np.intp], count: int) -> Likelihood:
    """The likelihood of those that were weighed among all; that of the others is nought."""
    log, way = np.full(count, -np.inf), np.zeros(count, np.intp)
    log[places], way[places] = found.log, found.way
    return Likelihood(log, way)


def log_odds(scores: Scores, table: Sequence[tuple[float, float]]) -> Floats:
    """The logarithm of the odds of similarities: linear between the table's points."""
    at, odds = zip(*table, strict=True)
    return np.asarray(np.interp(scores, at, np.log(odds)))


def _unknown(search: ClientSearch, written: Written) -> dict[str, float]:
    """Log likelihood of each listed number that the register lacks."""
    full = {number: number.rjust(BOXES, "?") if len(number) == TEN else number for number in written.listed}
    outside = {number: row for number, row in full.items() if len(row) == BOXES and number not in search.numbers}
    if not outside:
        return {}
    logs = likelihood(written.lattice, symbols_of(outside.values())).log
    return {number: float(log) + (0.0 if _is_valid(number) else np.log(BREAKS_RULES)) for number, log in zip(outside, logs, strict=True)}


def _unwritten(written: Written) -> tuple[float, float]:
    """How well somebody whom the register lacks fits boxes that hold no whole number: a birth date alone, a digit left out, letters.

    The second figure says how much better boxes of which some are empty fit any local number, which may be as short: one of the register has to
    fit as well as that. Where a whole number is listed nothing has to be said.
    """
    if any(len(number) in (TEN, BOXES) for number in written.listed):
        return -np.inf, 0.0
    seen = tempered(written.lattice, USUAL_DOUBT)
    digits = seen[:, :BLANK]
    rows = np.stack([digits.argmax(axis=1), np.where(seen.argmax(axis=1) == STRUCK, OTHER, seen.argmax(axis=1))])
    of_digits, of_anything = (float(log) for log in likelihood(written.lattice, rows).log)
    alike = float(np.log(digits.sum(axis=1) / digits.max(axis=1)).sum() - np.log(CHECK_DIGITS))
    unwritten = of_digits + max(0.0, alike)
    return unwritten, of_anything + int((rows[1] == OTHER).sum()) * float(np.log(LETTERS)) - unwritten


def _is_valid(number: str) -> bool:
    pid = normal_pid(number)
    return pid.valid and pid.kind in (PidKind.PERSONAL, PidKind.COORDINATION)


def posterior(search: ClientSearch, evidence: Evidence, unit: str, here: Sequence[int] = ()) -> tuple[Floats, dict[str, float], float]:
    """Probability of each client (n,), of each listed number outside the register, and of all else.

    Args:
        search: the register.
        evidence: what `gather` found.
        unit: of the sheet, as read; empty if unknown.
        here: places in the register of the clients of the sheet's other rows.
    """
    prior = _prior(search, unit, here)
    own = evidence.number.log
    top = max([float(own.max(initial=-1e9)), evidence.unwritten, *evidence.unknown.values()])
    weights = (1 - NOT_IN_REGISTER) * prior * _meant(search, prior, np.exp(own - top)) * _named(prior, np.exp(evidence.odds))
    unknown = {number: NOT_IN_REGISTER / NUMBERS * float(np.exp(log - top)) for number, log in evidence.unknown.items()}
    unseen = max(LEAST_UNLISTED, evidence.unlisted) if evidence.unwritten == -np.inf else float(np.exp(evidence.unwritten - top))
    rest = NOT_IN_REGISTER / NUMBERS * unseen
    total = float(weights.sum()) + sum(unknown.values()) + rest
    return weights / total, {number: weight / total for number, weight in unknown.items()}, rest / total


def _prior(search: ClientSearch, unit: str, here: Sequence[int]) -> Floats:
    count = len(search.symbols)
    prior = np.full(count, 1.0 / max(count, 1))
    members = search.of_unit(unit) if unit else np.empty(0, np.intp)
    if 0 < len(members) < count:
        prior[:] = (1 - IN_UNIT) / (count - len(members))
        prior[members] = IN_UNIT / len(members)
    if here:
        prior *= 1 - ALREADY_HERE
        np.add.at(prior, list(here), ALREADY_HERE / len(here))
    return prior


def _named(prior: Floats, odds: Floats) -> Floats:
    """The odds of a name for each client, beside whose number another client's name may stand."""
    return np.asarray((1 - WRONG_NAME) * odds + WRONG_NAME * float(prior @ odds))


def _meant(search: ClientSearch, prior: Floats, likely: Floats) -> Floats:
    """Likelihood of what was read for each client, who may be meant although another's number was written."""
    alike = (_others_of(search.namesakes, likely) + _others_of(search.twins, likely)) / 2
    anybody = float(prior @ likely) - prior * likely
    return np.asarray((1 - WRONG_NUMBER) * likely + WRONG_NUMBER * (alike + np.maximum(anybody, 0)) / 2)


def _others_of(group: NDArray[np.intp], likely: Floats) -> Floats:
    """For each the mean likelihood of the others of its group; 0 for one alone."""
    size = np.bincount(group, minlength=1)
    sums = np.bincount(group, weights=likely, minlength=1)
    return np.asarray((sums[group] - likely) / np.maximum(size[group] - 1, 1))
