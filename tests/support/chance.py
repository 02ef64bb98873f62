"""How many errors chance may make where a share of right answers is asserted."""

from __future__ import annotations

from itertools import count
from math import comb

_LUCK = 1e-3
"""How often a reader that is just good enough may fail the test."""


def most_errors(answers: int, share_right: float) -> int:
    """Return the errors that a reader with this share of right answers does not exceed by chance.

    The errors are binomial; the number is their quantile at 1 - `_LUCK`. A bare share would fail a
    good reader by one error where the answers are few.
    """
    p, below = 1 - share_right, 0.0
    for errors in count():
        below += comb(answers, errors) * p**errors * share_right ** (answers - errors)
        if below >= 1 - _LUCK or errors == answers:
            return errors
    raise AssertionError  # pragma: no cover
