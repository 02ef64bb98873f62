"""Readings of stretches of writing put together to one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from pipeline.model import Reading, State
from pipeline.recognize.word_places import moved


def joined(readings: Sequence[Reading], between: Sequence[str]) -> Reading:
    """Texts with what stands between them (one less) as one reading; p is that all of them are right."""
    value = str(readings[0].value or "")
    characters = readings[0].characters
    p, words = readings[0].p, readings[0].words
    for mark, reading in zip(between, readings[1:], strict=True):
        value += mark + str(reading.value or "")
        characters += (1.0,) * len(mark) + reading.characters
        words += moved(reading.words, len(value) - len(str(reading.value or "")))
        p *= reading.p
    seen, unknown, clarity = math.prod(one.seen for one in readings), sum(one.unknown for one in readings), _clarity(readings)
    return Reading(value, p, State.READ, _alternatives(readings, between, p), characters, clarity=clarity, seen=seen, unknown=unknown, words=words)


def after(reading: Reading, start: str) -> Reading:
    """The reading with something before it."""
    others = tuple((start + str(value), p) for value, p in reading.alternatives)
    return replace(
        reading,
        value=start + str(reading.value),
        alternatives=others,
        characters=(1.0,) * len(start) + reading.characters,
        words=moved(reading.words, len(start)),
    )


def stretch(readings: Sequence[Reading]) -> Reading:
    """Stretches of one line joined with spaces; those without a text fall away, and the line is as doubtful as what could not be read in it.

    `readings` holds at least one.
    """
    full = [one for one in readings if one.value]
    if not full:
        return min(readings, key=lambda one: one.p)
    found = full[0] if len(full) == 1 else joined(full, [" "] * (len(full) - 1))
    rest = math.prod(one.p for one in readings if one.state is State.ILLEGIBLE and not one.value)
    return replace(found, p=found.p * rest, alternatives=tuple((value, p * rest) for value, p in found.alternatives))


def _clarity(readings: Sequence[Reading]) -> float | None:
    """That of all parts, each counted by its length."""
    seen = [(one.clarity, max(1, len(one.characters))) for one in readings if one.clarity is not None]
    return sum(clarity * length for clarity, length in seen) / sum(length for _, length in seen) if seen else None


def _alternatives(readings: Sequence[Reading], between: Sequence[str], p: float) -> tuple[tuple[str, float], ...]:
    """The whole text with the best alternative of one part each, best first."""
    found = []
    for i, reading in enumerate(readings):
        if reading.alternatives and reading.p > 0:
            other, other_p = reading.alternatives[0]
            values = [str(other if i == j else one.value or "") for j, one in enumerate(readings)]
            text = "".join(part for pair in zip(values, [*between, ""], strict=True) for part in pair)
            found.append((text, p * min(1.0, other_p / reading.p)))
    return tuple(sorted(found, key=lambda item: -item[1])[:4])
