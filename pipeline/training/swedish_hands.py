"""Short Swedish texts in the letters of people set aside: what lines are judged on, beside the lines that these people wrote in other languages.

Knowledge of Swedish mends Swedish words and misleads on German and French ones. A probability that was fitted to those alone is too low for Swedish
hands and knows nothing of how far Swedish is to be believed; real Swedish hands are too few to fit to.
"""

from __future__ import annotations

from collections.abc import Sequence

from numpy.random import Generator

from pipeline.training.handwriting_composed import hands
from pipeline.training.handwriting_data import Line
from pipeline.training.handwriting_text import drawn_text
from pipeline.training.language import unknown_phrases

WORDS = (1, 1, 2, 3)
"""So many words are in a text, as in a field."""
TRIES = 20
"""Texts that are drawn for each that is wanted, at most: a hand lacks letters of many."""


def swedish_texts(lines: Sequence[Line], count: int, rng: Generator) -> list[Line]:
    """Texts of one to three words, put together from the lines; of the phrases of care only those that the language model does not know.

    Fewer than `count` if the lines are too few to put them together.

    Raises:
        MissingProgramError: the handwriting network is not installed.
    """
    people, phrases = hands(lines), unknown_phrases()
    found: list[Line] = []
    for _ in range(TRIES * count if people.single else 0):
        if len(found) == count:
            break
        line = people.composed(_short(drawn_text(rng, phrases), rng), rng)
        found += [line] if line is not None else []
    return found


def _short(text: str, rng: Generator) -> str:
    words = text.split()
    start, length = int(rng.integers(len(words))), int(rng.choice(WORDS))
    return " ".join(words[start : start + length])
