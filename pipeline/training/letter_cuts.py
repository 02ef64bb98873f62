"""Letters cut out of people's words: the handwriting network says where each letter of a word stands, and the least ink between two parts them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.model import Image
from pipeline.training.alignment import Placed
from pipeline.training.digit_glyphs import cut_to_ink

SLANTS = np.linspace(-0.6, 0.6, 7)
"""Columns to the left for each row down; a cut may follow the slant of the writing."""
BETWEEN = (0.2, 0.8)
"""Two letters are parted somewhere here between their middles."""
SLANT_COSTS, OFF_MIDDLE_COSTS = 0.8, 1.2
"""In px of ink that a cut goes through."""
LEAST_FIT = -0.6
"""Words that fit their label worse are wrong, or were read too badly to be cut."""
LOWEST, WIDEST = 0.15, 0.9
"""Height and width of a letter in heights of the picture of its word."""
SPECK = 0.04
"""Pieces of ink smaller than this part of the largest one belong to something else, but the dots of ä and ö are larger."""
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class CutLetter:
    """A letter as it stands in a word, 255 = ink, and whose hand it is."""

    letter: str
    picture: Image
    writer: str


@dataclass(frozen=True, slots=True)
class Cut:
    """A line from top to bottom: the column that it passes at half the height, and its slant."""

    column: float
    slant: float


def cut_letters(words: Sequence[Placed], letters: str) -> list[CutLetter]:
    """Each of `letters` (capitals and small ones as they are) that can be cut out of the words."""
    return [found for word in words if word.fit >= LEAST_FIT for found in _of_word(word, letters)]


def _of_word(word: Placed, letters: str) -> list[CutLetter]:
    ink = (255 - word.line.picture).astype(np.uint8)
    _, dark = cv2.threshold(ink, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    mask = np.asarray(dark > 0, np.bool_)
    cuts = cuts_of(mask, word.middles)
    found = []
    for i, letter in enumerate(word.line.text):
        if letter in letters:
            own = between(mask, cuts[i - 1] if i else None, cuts[i] if i < len(cuts) else None)
            if (picture := _picture(ink, own)) is not None:
                found.append(CutLetter(letter, picture, word.line.writer))
    return found


def cuts_of(mask: Mask, middles: Sequence[float]) -> list[Cut]:
    """Where one letter is parted from the next: least ink, rather upright, rather half way."""
    h, w = mask.shape
    columns = []
    for slant in SLANTS:
        upright = cv2.warpAffine(mask.astype(np.uint8), np.array([[1, slant, -slant * h / 2], [0, 1, 0]]), (w, h))
        columns.append(np.asarray(upright, np.float64).sum(axis=0))
    ink = np.stack(columns)
    cuts = []
    for left, right in itertools.pairwise(middles):
        gap = max(2.0, right - left)
        at = np.unique(np.clip(np.arange(left + BETWEEN[0] * gap, left + BETWEEN[1] * gap + 1), 0, w - 1).astype(np.intp))
        off = np.abs(at - (left + right) / 2) / gap
        cost = ink[:, at] + SLANT_COSTS * np.abs(SLANTS)[:, None] + OFF_MIDDLE_COSTS * off[None]
        way, place = np.unravel_index(int(cost.argmin()), cost.shape)
        cuts.append(Cut(float(at[place]), float(SLANTS[way])))
    return cuts


def between(mask: Mask, left: Cut | None, right: Cut | None) -> Mask:
    y, x = np.ogrid[: mask.shape[0], : mask.shape[1]]
    own = mask.copy()
    if left:
        own &= x + left.slant * (y - mask.shape[0] / 2) >= left.column
    if right:
        own &= x + right.slant * (y - mask.shape[0] / 2) < right.column
    return own


def _picture(ink: Image, own: Mask) -> Image | None:
    """The ink of one letter without specks; None where there is too little or too much for a letter."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(own.astype(np.uint8), connectivity=8)
    if count < 2:
        return None
    areas = stats[:, cv2.CC_STAT_AREA].astype(np.float64)
    areas[0] = 0
    kept = np.asarray((areas >= SPECK * areas.max())[np.asarray(labels, np.intp)], np.bool_)
    rows, columns = np.flatnonzero(kept.any(axis=1)), np.flatnonzero(kept.any(axis=0))
    height = own.shape[0]
    if rows[-1] - rows[0] < LOWEST * height or columns[-1] - columns[0] > WIDEST * height:
        return None
    around = cv2.dilate(kept.astype(np.uint8), np.ones((3, 3), np.uint8))
    return cut_to_ink((ink * around).astype(np.uint8))
