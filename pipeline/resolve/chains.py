"""Fields that depend on their neighbours, each on the next: exact probabilities of every value by summing forwards and backwards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Weight = Callable[[float, float], float]
"""How likely two neighbouring values are together, 1 for what is usual."""
NEUTRAL = 0.6
"""Weight beside a value that no reader listed."""


@dataclass(frozen=True, slots=True)
class Link:
    """One field: the values it may have and their probabilities; what is missing to 1 belongs to values not listed."""

    values: tuple[float, ...]
    p: tuple[float, ...]

    def with_rest(self) -> Floats:
        """Probabilities with that of all other values at the end."""
        return np.array([*self.p, max(1e-9, 1 - sum(self.p))])


def smoothed(links: Sequence[Link], weights: Sequence[Weight]) -> tuple[float, list[Floats]]:
    """Log of the chain's total weight, and for each link its values' probabilities with that of all others at the end.

    Args:
        links: at least one.
        weights: between each link and the next, one fewer than links.
    """
    steps = [_matrix(one, other, weight) for one, other, weight in zip(links[:-1], links[1:], weights, strict=True)]
    own = [link.with_rest() for link in links]
    forward, log = [own[0] / own[0].sum()], float(np.log(own[0].sum()))
    for step, p in zip(steps, own[1:], strict=True):
        reached = (forward[-1] @ step) * p
        log += float(np.log(reached.sum()))
        forward.append(reached / reached.sum())
    backward = [np.ones(len(own[-1]))]
    for step, p in zip(reversed(steps), reversed(own[1:]), strict=True):
        seen = step @ (p * backward[0])
        backward.insert(0, seen / seen.sum())
    return log, [f * b / (f * b).sum() for f, b in zip(forward, backward, strict=True)]


def _matrix(one: Link, other: Link, weight: Weight) -> Floats:
    step = np.full((len(one.values) + 1, len(other.values) + 1), NEUTRAL)
    step[:-1, :-1] = [[weight(a, b) for b in other.values] for a in one.values] if one.values and other.values else step[:-1, :-1]
    return step
