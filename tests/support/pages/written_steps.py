"""Answers of a handwriting network made by hand: for each sign of a text the probabilities of what
it might be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from pipeline.reading.fields.handwriting.network import ALPHABET, Steps

Sign = str | Mapping[str, float]
"""A sign that is certainly seen, or several with their probabilities."""


def steps_of(signs: Sequence[Sign]) -> Steps:
    """A step a sign with a pause after each; what is left of a step's probability is the pause."""
    steps = np.zeros((2 * len(signs), 1 + len(ALPHABET)), np.float32)
    steps[:, 0] = 1.0
    for i, sign in enumerate(signs):
        for character, p in ({sign: 1.0} if isinstance(sign, str) else sign).items():
            steps[2 * i, 1 + ALPHABET.index(character)] = p
            steps[2 * i, 0] -= p
    return steps


def with_doubt(text: str, doubts: Mapping[int, Mapping[str, float]]) -> list[Sign]:
    """The signs of a text, some of them of low confidence."""
    return [doubts.get(i, sign) for i, sign in enumerate(text)]
