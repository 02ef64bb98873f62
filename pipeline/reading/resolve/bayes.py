"""Apply Bayes' rule to one field, or to a chain of fields that depend on each other.

A reader's alternatives are multiplied by what else is known and normalized. In a chain each field
depends on the next; summing forwards and backwards gives the exact probability of every value.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.model import Reading, State, Value

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
