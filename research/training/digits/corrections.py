"""Draw boxes that were corrected, or that hold no digit.

Struck out, written over, two digits in one box, a letter. What a person could not tell either is
not a digit: the network is to say so, so that a reviewer looks.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from pipeline.domain.model import Image
from pipeline.reading.fields.digits.cells import EMPTY_CLASS, OTHER_CLASS, STRUCK_CLASS
from research.training.digits.glyphs import (
    GLYPH_HEIGHT,
    Glyphs,
    cut_to_ink,
    draw_scribble,
    draw_stroke,
)

CORRECTION_KINDS = ("letter", "pair", "mark", "slash", "written over")
CORRECTION_SHARES = (0.34, 0.08, 0.36, 0.12, 0.10)
"""How often each of `KINDS` is drawn where something other than a digit is wanted."""
MIN_VISIBLE_SHARE = 0.3
"""The share of a digit's ink that is outside the other one.

With less, nobody can see that there were two.
"""
ZERO, ONE, FOUR, SEVEN = 0, 1, 4, 7
RISING, FALLING, LEVEL = 0, 1, 2
NATURAL_STROKES = {RISING: {ZERO, ONE, SEVEN}, FALLING: {ZERO}, LEVEL: {FOUR, SEVEN}}
"""Strokes that cancel nothing.

A zero has its slash, a seven its bar, and a one or a seven leans as a rising stroke does.
"""


def draw_correction(kind: str, glyphs: Glyphs, rng: Generator) -> tuple[int, Image]:
    """Return class and shape of a box that holds something of `KINDS`."""
    if kind == "letter":
        return OTHER_CLASS, glyphs.letters[int(rng.integers(len(glyphs.letters)))]
    if kind == "pair":
        return OTHER_CLASS, _draw_pair(_draw_digit(glyphs, rng), _draw_digit(glyphs, rng), rng)
    if kind == "slash":
        # One straight stroke cancels a digit, unless the stroke is part of how it is written.
        value = int(rng.choice([digit for digit in range(10) if digit != ZERO]))
        ways = [way for way, digits in NATURAL_STROKES.items() if value not in digits]
        return STRUCK_CLASS, _draw_slashed(glyphs.digit(value, rng)[0], int(rng.choice(ways)), rng)
    if kind == "written over":
        return OTHER_CLASS, _draw_overwritten(glyphs, rng)
    # A scribble, with the digit visible below it in 65 % of cases.
    mark = draw_scribble(int(rng.integers(5)), rng)
    return STRUCK_CLASS, draw_struck_out(
        mark, _draw_digit(glyphs, rng)
    ) if rng.random() < 0.65 else mark


def draw_corrected_digit(before: Image, after: Image, rng: Generator) -> Image:
    """Draw a digit written over another and clearly bolder: it can be read."""
    return _overlay(before, after, rng.uniform(0.45, 0.7), 4)


def _draw_overwritten(glyphs: Glyphs, rng: Generator) -> Image:
    """Draw a digit over another with the same pen: nobody can tell which one counts.

    A zero and a one are a zero with its slash.
    """
    # Draw until the pair differs visibly and does not form a slashed zero.
    while True:
        old, new = (int(value) for value in rng.choice(10, 2, replace=False))
        before, after = glyphs.digit(old, rng)[0], glyphs.digit(new, rng)[0]
        if {old, new} != {ZERO, ONE} and _are_distinct(before, after):
            return _overlay(before, after, rng.uniform(0.85, 1.0), int(rng.integers(1, 3)))


def _overlay(before: Image, after: Image, strength: float, bolder_px: int) -> Image:
    height, width = after.shape
    # The earlier digit paler, the later one bolder.
    old = cv2.resize(before, (width, height)).astype(np.float32) * strength
    new = cv2.dilate(after, np.ones((bolder_px, bolder_px), np.uint8)).astype(np.float32)
    return np.asarray(np.clip(np.maximum(old, new), 0, 255), np.uint8)


def _are_distinct(before: Image, after: Image) -> bool:
    """Return whether each of two overlapping shapes has strokes of its own."""
    # Compare at the same size.
    old, new = (
        shape > 127 for shape in (cv2.resize(before, (after.shape[1], after.shape[0])), after)
    )
    return min(_distinct_share(old, new), _distinct_share(new, old)) >= MIN_VISIBLE_SHARE


def _distinct_share(ink: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """Return the share of a shape's ink that is not at the other's."""
    # Ink farther than 4 px from the other's ink.
    near = cv2.dilate(other.view(np.uint8), np.ones((9, 9), np.uint8)) > 0
    return float((ink & ~near).sum() / max(1, ink.sum()))


def _draw_pair(left: Image, right: Image, rng: Generator) -> Image:
    """Draw two digits side by side in one box."""
    # Two narrow digits that together fill the box.
    width = rng.uniform(0.35, 0.6)
    narrow = [
        cv2.resize(
            digit,
            (
                max(4, round(min(digit.shape[1] / digit.shape[0], width) * GLYPH_HEIGHT)),
                GLYPH_HEIGHT,
            ),
        )
        for digit in (left, right)
    ]
    gap = np.zeros((GLYPH_HEIGHT, int(rng.integers(3, 12))), np.uint8)
    return np.concatenate([narrow[0], gap, narrow[1]], axis=1).astype(np.uint8)


def _draw_slashed(glyph: Image, way: int, rng: Generator) -> Image:
    """Draw a digit with one straight stroke through all of it.

    `RISING` from the bottom left, `FALLING` from the top left, or `LEVEL`.
    """
    # Room around the digit, so that the stroke can extend beyond it.
    pad = 16
    out = np.pad(glyph, pad)
    height, width = out.shape
    over = rng.uniform(1, pad - 3, 4)
    middle = pad + (height - 2 * pad) * rng.uniform(0.35, 0.65)
    # End points a little outside the digit.
    left, right = {
        RISING: ((over[0], height - over[1]), (width - over[2], over[3])),
        FALLING: ((over[0], over[1]), (width - over[2], height - over[3])),
        LEVEL: (
            (over[0], middle + rng.uniform(-6, 6)),
            (width - over[2], middle + rng.uniform(-6, 6)),
        ),
    }[way]
    draw_stroke(out, [left, right], int(rng.integers(2, 7)))
    return cut_to_ink(out)


@dataclass(frozen=True, slots=True)
class CorrectedBoxes:
    """Boxes that all hold one of `KINDS`.

    A row is drawn from them to see what the network makes of it.
    """

    glyphs: Glyphs
    kind: str
    empty: int = EMPTY_CLASS
    struck: int = STRUCK_CLASS

    def cell(self, _blanks: float, _odd: float, rng: Generator) -> tuple[int, Image | None]:
        """Return class and shape of a box."""
        return draw_correction(self.kind, self.glyphs, rng)


def draw_struck_out(mark: Image, glyph: Image) -> Image:
    """Draw a cancelling mark over something that is still visible."""
    return np.maximum(mark, cv2.resize(glyph, (mark.shape[1], mark.shape[0])).astype(np.uint8))


def _draw_digit(glyphs: Glyphs, rng: Generator) -> Image:
    return glyphs.digit(int(rng.integers(10)), rng)[0]
