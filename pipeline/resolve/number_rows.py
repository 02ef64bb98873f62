"""How likely what a reader saw in twelve digit boxes is, for a person who meant to write a given number.

Two things go wrong, and both are weighed for every number at once. The reader: its probabilities are tempered by two mixtures, a usual row and
a bad one (scribbled, spoiled by the scanner) in which all boxes are doubtful together, so that errors that come in company are not
taken for independent. The writer: a digit for another, two neighbours changed about, one left out or written twice, the century left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from pipeline.client_search import BOXES, shifted_index
from pipeline.model import LATTICE_SYMBOLS, Lattice

Floats = NDArray[np.float64]
Symbols = NDArray[np.intp]
BLANK, STRUCK, OTHER = (LATTICE_SYMBOLS.index(symbol) for symbol in " #?")

USUAL_DOUBT, BAD_DOUBT, BAD_SHARE = 2e-3, 0.06, 0.05
"""Chance that a box's probabilities say nothing, in a usual and in a bad row, and the share of bad rows. Drawn rows are explained best by less
(`python -m pipeline.quality.persons --fit`): the network is honest about them. More is kept because paper is rougher than what is drawn."""
UNCLEAR = 0.01
"""Chance that somebody writes a digit so that it looks struck out, or like another mark."""


class Way(StrEnum):
    """How a number stands in its boxes."""

    WHOLE = "whole"
    CHANGED = "changed"
    SWAPPED = "swapped"
    LEFT_OUT = "left_out"
    GAP = "gap"
    EXTRA = "extra"
    TEN = "ten"


CHANCE = {Way.CHANGED: 3e-3, Way.SWAPPED: 1.5e-3, Way.LEFT_OUT: 1.5e-3, Way.GAP: 1.5e-3, Way.EXTRA: 1e-3, Way.TEN: 0.03}
"""How often people write a number in each way; the rest of them write it whole. Judged from studies of keying and copying digits, not measured on
this paper: slips in 0.5–1 % of numbers."""
_TEN_FORMS = 4
_WAYS = tuple(Way)


@dataclass(frozen=True, slots=True)
class Likelihood:
    """Of each number (n,): log likelihood over all ways, and which way is the likeliest (an index into `Way`)."""

    log: Floats
    way: Symbols


def likelihood(lattice: Lattice, numbers: Symbols) -> Likelihood:
    """How likely a lattice of 12 boxes is for each number (n, 12), given as indices into `LATTICE_SYMBOLS`."""
    usual, bad = (_ways(tempered(lattice, doubt), numbers) for doubt in (USUAL_DOUBT, BAD_DOUBT))
    log = np.logaddexp(usual + np.log1p(-BAD_SHARE), bad + np.log(BAD_SHARE))
    return Likelihood(np.logaddexp.reduce(log, axis=0), np.asarray(log.argmax(axis=0), np.intp))


def tempered(lattice: Lattice, doubt: float) -> Floats:
    """A lattice (boxes, 13) in which a box says nothing with probability `doubt`, and a scribble may be any digit."""
    seen = np.array(lattice, np.float64)
    scribble = seen[:, STRUCK] + seen[:, OTHER]
    out = (1 - doubt) * seen + doubt * 0.1
    out[:, :BLANK] = (1 - doubt) * ((1 - UNCLEAR) * seen[:, :BLANK] + UNCLEAR * scribble[:, None]) + doubt * 0.1
    return out


def _ways(seen: Floats, numbers: Symbols) -> Floats:
    """Log likelihood × chance of each way (ways, n). Of the places where a slip may be, only the likeliest counts, with that place's chance."""
    log, rows = np.log(seen), _Shifted(np.log(seen), numbers)
    digit = np.log(seen[:, :BLANK].sum(axis=1))
    whole = rows.at(0)
    total = whole.sum(axis=1)
    found = {
        Way.WHOLE: total,
        Way.CHANGED: total + (_others(seen, whole) - whole).max(axis=1) - np.log(BOXES),
        Way.SWAPPED: total + (rows.at(1) + rows.at(-1) - whole[:, :-1] - whole[:, 1:]).max(axis=1) - np.log(BOXES - 1),
        Way.LEFT_OUT: _left_out(whole, rows.at(1), log[-1, BLANK]),
        Way.GAP: total + (log[:, BLANK] - whole).max(axis=1) - np.log(BOXES),
        Way.EXTRA: _extra(whole, rows.at(-1), digit),
        Way.TEN: _ten(rows, log, seen),
    }
    chances = np.log([1 - sum(CHANCE.values()), *(CHANCE[way] for way in _WAYS[1:])])
    return np.stack([found[way] for way in _WAYS]) + chances[:, None]


class _Shifted:
    """Log probabilities of numbers whose digits stand some boxes to the left (1, 2) or right (−1) of their own."""

    def __init__(self, log: Floats, numbers: Symbols) -> None:
        self._log, self._numbers = log, numbers

    def at(self, shift: int) -> Floats:
        """(n, 12 − |shift|): for each box that a digit stands in, from the left."""
        return np.asarray(self._log.ravel()[shifted_index(self._numbers, shift)])


def _others(seen: Floats, whole: Floats) -> Floats:
    """Log of the mean probability of the nine other digits, in each box."""
    return np.asarray(np.log(np.maximum(seen[:, :BLANK].sum(axis=1) - np.exp(whole), 1e-12) / 9))


def _left_out(whole: Floats, left: Floats, last_blank: float) -> Floats:
    """Digit k is left out: those before it in their boxes, those after it one box to the left, the last box blank."""
    before, after = _sums_before(whole), _sums_from(left)
    return np.asarray((before + after).max(axis=1) + last_blank - np.log(BOXES))


def _extra(whole: Floats, right: Floats, digit: Floats) -> Floats:
    """A digit too many in box k: those from k on one box to the right, and the last one has no box."""
    before, after = _sums_before(whole), _sums_from(right)
    return np.asarray((before + digit + after - np.log(10)).max(axis=1) - np.log(BOXES))


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


def _ten(rows: _Shifted, log: Floats, seen: Floats) -> Floats:
    """Ten digits without century, to the left or right, with or without a sign (a hyphen; + from a hundred years on) in a box of its own."""
    blank, sign = log[:, BLANK], np.log(seen[:, OTHER] + 0.3 * seen[:, BLANK] + 0.1 * seen[:, 1] + 1e-3)
    whole, one = rows.at(0), rows.at(1)
    forms = (
        rows.at(2).sum(axis=1) + blank[10:].sum(),
        whole[:, 2:].sum(axis=1) + blank[:2].sum(),
        rows.at(2)[:, :6].sum(axis=1) + sign[6] + one[:, 7:].sum(axis=1) + blank[11],
        one[:, 1:7].sum(axis=1) + sign[7] + whole[:, 8:].sum(axis=1) + blank[0],
    )
    return np.asarray(np.logaddexp.reduce(np.stack(forms), axis=0) - np.log(_TEN_FORMS))
