"""Bayes' rule for one field: a reader's alternatives times what else is known, normalised again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace

from pipeline.model import Reading, State, Value

ALTERNATIVES = 5


def listed(reading: Reading) -> dict[Value, float]:
    """The value and its alternatives with their probabilities; together at most 1."""
    found = dict(reversed([(reading.value, reading.p), *reading.alternatives]))
    total = sum(found.values())
    return {value: p / max(total, 1.0) for value, p in reversed(found.items())}


def unlisted(reading: Reading) -> float:
    """The probability that a field says something that its reader did not list."""
    return max(0.0, 1.0 - sum(listed(reading).values()))


def weighed(reading: Reading, weight: Callable[[Value], float], weight_of_rest: float) -> Reading:
    """Each alternative's p times its weight; what was not listed keeps its share, as something of `weight_of_rest`."""
    if reading.state is not State.READ:
        return reading
    return normalised(reading, {value: p * weight(value) for value, p in listed(reading).items()}, unlisted(reading) * weight_of_rest)


def normalised(reading: Reading, weights: Mapping[Value, float], rest: float) -> Reading:
    """The reading with the heaviest value first. Probabilities by character belong to a value and go with it."""
    total = sum(weights.values()) + rest
    if total <= 0:
        return reading
    ranked = sorted(((value, weight / total) for value, weight in weights.items()), key=lambda pair: -pair[1])
    (value, p), others = ranked[0], tuple(ranked[1 : ALTERNATIVES + 1])
    characters = reading.characters if value == reading.value else ()
    return replace(reading, value=value, p=p, alternatives=others, characters=characters)


def with_reason(reading: Reading, *reasons: str) -> Reading:
    """The reading with further reasons."""
    return replace(reading, reasons=tuple(dict.fromkeys((*reading.reasons, *reasons))))


def without_reasons(reading: Reading, reasons: Collection[str]) -> Reading:
    """The reading without reasons that were said of a value that is no longer the likeliest."""
    return replace(reading, reasons=tuple(one for one in reading.reasons if one not in reasons))
