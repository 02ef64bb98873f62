"""The keystroke-level model: seconds of a practised person for a step, and the keys pressed.

Operators K, P, H and M are those of Card, Moran and Newell, "The keystroke-level model for user
performance time with interactive systems", Communications of the ACM 23(7), 1980, pp. 396-410; the
fixation of the eye is that of the same authors' "The Psychology of Human-Computer Interaction",
1983. Steps with paper and scanner are not in the model: they are assumptions, named as such.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

KEY_TEXT = 0.28
"""K of an average person who is no secretary (40 words a minute), also a press of a button."""
KEY_CODE = 0.5
"""K of random letters and digits, as of personal numbers, dates and amounts."""
POINT = 1.1
"""P: point to a target with the mouse."""
HOME = 0.4
"""H: move the hand between keyboard and mouse."""
THINK = 1.35
"""M: prepare mentally for a step: find the place on the paper, decide, compare."""
FIXATE = 0.23
"""One fixation of the eye: a word or a short value."""

NEXT_WORD_KEYS, CHOOSE_WORD_KEYS = 1, 2
"""F8 to the next word in doubt, and Alt+1 to Alt+4, which goes on to the next one too."""

RESPONSE = 1.0
"""Assumption: this program draws the next entry (docs/latency.md measures less)."""
OTHER_RESPONSE = 2.0
"""Assumption: a care system opens a client, a form or a saved note."""
TURN_PAPER = 3.0
"""Assumption: take the next sheet and lay the last one away."""
SCAN_PAGE = 2.0
"""Assumption: a sheet in a stack of fifty, fed, scanned and imported, with the handling of it."""
COPY_PAGE = 25.0
"""Assumption: one sheet on a desk scanner, saved and found again as a file, without a stack."""


@dataclass(frozen=True, slots=True)
class Effort:
    """Keys pressed (a click is one) and seconds; of an average paper, so with decimals."""

    keys: float = 0
    seconds: float = 0

    def __add__(self, other: Self) -> Effort:
        return Effort(self.keys + other.keys, self.seconds + other.seconds)

    def __mul__(self, times: float) -> Effort:
        return Effort(self.keys * times, self.seconds * times)


NONE = Effort()


def typing(characters: float, *, code: bool = False) -> Effort:
    """Return typing so many characters."""
    return Effort(characters, characters * (KEY_CODE if code else KEY_TEXT))


def thinking(times: float = 1) -> Effort:
    """Return mental preparation."""
    return Effort(0, times * THINK)


def reading(words: float) -> Effort:
    """Return looking at so many words or short values."""
    return Effort(0, words * FIXATE)


def waiting(seconds: float) -> Effort:
    """Return time in which nothing is pressed."""
    return Effort(0, seconds)


def clicking(times: int = 1) -> Effort:
    """Return pointing and pressing, with the hand on the mouse."""
    return Effort(times, times * (POINT + KEY_TEXT))


def homing() -> Effort:
    """Return moving the hand to the mouse and back."""
    return Effort(0, 2 * HOME)
