"""Ink in a line that no sign of its reading stands for: what the network was seldom shown, such as > or an arrow, it passes over surely."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pipeline.model import Image, Reading
from pipeline.recognize.ink import Mask
from pipeline.recognize.network import ALPHABET, Steps
from pipeline.recognize.word_places import aligned
from pipeline.recognize.word_runs import path

DARK = 140
"""Ink is darker than this, grey levels."""
WHITE = 0.1
"""So much white, in heights of the line, divides ink."""
NEAR = 0.12
"""A sign may be seen so far beside its ink, in heights of the line."""
LEAST_HIGH, LEAST_INK = 0.2, 0.02
"""Less of the line's height, or of its height squared, is a dot or dirt."""


def with_missed_signs(found: Reading, picture: Image, steps: Steps) -> Reading:
    """The reading of one line, doubtful if there is more in its picture; so is the sign after what was passed over, or the last one.

    `picture` is the line's, `steps` what it was read from. No word of two collections that is read rightly is doubted
    by this (226 words).
    """
    text = found.value if isinstance(found.value, str) else ""
    height, width = picture.shape
    signs = [(i, start * width / len(steps), end * width / len(steps)) for i, start, end in _signs(found, text, steps)]
    if not signs:
        return found
    slack = NEAR * height
    missed = [right for left, right in _pieces(picture) if not any(start <= right + slack and end >= left - slack for _, start, end in signs)]
    if not missed:
        return found
    doubtful = {next((i for i, start, _ in signs if start >= right), signs[-1][0]) for right in missed}
    characters = tuple(p / 2 if i in doubtful else p for i, p in enumerate(found.characters))
    return replace(found, p=found.p / 2, characters=characters)


def _signs(found: Reading, text: str, steps: Steps) -> list[tuple[int, int, int]]:
    """The number of each sign that is no space, and its steps; a value written otherwise than the line has none of its own, but what was seen has."""
    if text and not found.characters:
        return [(i, sign.start, sign.end) for i, sign in enumerate(path(steps)) if ALPHABET[sign.column - 1] != " "]
    return [(i, first, last + 1) for i, (first, last) in enumerate(aligned(steps, text) or ()) if text[i] != " "]


def _pieces(picture: Image) -> list[tuple[int, int]]:
    """The columns of each piece of ink with white on both sides that is large enough for a sign."""
    height = picture.shape[0]
    ink = np.asarray(picture < DARK, np.bool_)
    columns = np.flatnonzero(ink.any(axis=0))
    breaks = np.flatnonzero(np.diff(columns) > WHITE * height)
    pieces = [(int(some[0]), int(some[-1]) + 1) for some in np.split(columns, breaks + 1) if len(some)]
    return [(left, right) for left, right in pieces if _is_sign(ink[:, left:right], height)]


def _is_sign(ink: Mask, height: int) -> bool:
    rows = np.flatnonzero(ink.any(axis=1))
    return bool(rows[-1] + 1 - rows[0] >= LEAST_HIGH * height and np.count_nonzero(ink) >= LEAST_INK * height**2)
