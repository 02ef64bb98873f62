"""Bayes' rule for one field: a reader's alternatives times what else is known, normalised again.

Fields that depend on their neighbours, each on the next: exact probabilities of every value by
summing forwards and backwards.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.model import Reading, State, Value

MAX_ALTERNATIVES = 5
Floats = NDArray[np.float64]
PairWeight = Callable[[float, float], float]
"""How likely two neighbouring values are together, 1 for what is usual."""
UNLISTED_PAIR_WEIGHT = 0.6
"""Weight beside a value that no reader listed."""


def list_values(reading: Reading) -> dict[Value, float]:
    """The value and its alternatives with their probabilities; together at most 1."""
    found = dict(reversed([(reading.value, reading.p), *reading.alternatives]))
    total = sum(found.values())
    return {value: p / max(total, 1.0) for value, p in reversed(found.items())}


def unlisted_p(reading: Reading) -> float:
    """The probability that a field says something that its reader did not list."""
    return max(0.0, 1.0 - sum(list_values(reading).values()))


def weigh_reading(
    reading: Reading, weight: Callable[[Value], float], weight_of_rest: float
) -> Reading:
    """Each alternative's p times its weight; what was not listed keeps its share, as something of
    `weight_of_rest`.
    """
    if reading.state is not State.READ:
        return reading
    return normalize_reading(
        reading,
        {value: p * weight(value) for value, p in list_values(reading).items()},
        unlisted_p(reading) * weight_of_rest,
    )


def normalize_reading(reading: Reading, weights: Mapping[Value, float], rest: float) -> Reading:
    """The reading with the heaviest value first. Probabilities by character belong to a value and
    go with it.
    """
    total = sum(weights.values()) + rest
    if total <= 0:
        return reading
    ranked = sorted(
        ((value, weight / total) for value, weight in weights.items()), key=lambda pair: -pair[1]
    )
    (value, p), others = ranked[0], tuple(ranked[1 : MAX_ALTERNATIVES + 1])
    characters = reading.characters if value == reading.value else ()
    return replace(reading, value=value, p=p, alternatives=others, characters=characters)


def add_evidence(reading: Reading, *reasons: str) -> Reading:
    """The reading with further reasons."""
    return replace(reading, evidence=tuple(dict.fromkeys((*reading.evidence, *reasons))))


def remove_evidence(reading: Reading, reasons: Collection[str]) -> Reading:
    """The reading without reasons that were said of a value that is no longer the likeliest."""
    return replace(reading, evidence=tuple(one for one in reading.evidence if one not in reasons))


@dataclass(frozen=True, slots=True)
class ChainLink:
    """One field: the values it may have and their probabilities; what is missing to 1 belongs to
    values not listed.
    """

    values: tuple[float, ...]
    p: tuple[float, ...]

    def with_rest(self) -> Floats:
        """Probabilities with that of all other values at the end."""
        return np.array([*self.p, max(1e-9, 1 - sum(self.p))])


def smooth_chain(
    links: Sequence[ChainLink], weights: Sequence[PairWeight]
) -> tuple[float, list[Floats]]:
    """Log of the chain's total weight, and for each link its values' probabilities with that of all
    others at the end.

    Args:
        links: at least one.
        weights: between each link and the next, one fewer than links.
    """
    steps = [
        _transition_matrix(one, other, weight)
        for one, other, weight in zip(links[:-1], links[1:], weights, strict=True)
    ]
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


def _transition_matrix(one: ChainLink, other: ChainLink, weight: PairWeight) -> Floats:
    step = np.full((len(one.values) + 1, len(other.values) + 1), UNLISTED_PAIR_WEIGHT)
    step[:-1, :-1] = (
        [[weight(a, b) for b in other.values] for a in one.values]
        if one.values and other.values
        else step[:-1, :-1]
    )
    return step
