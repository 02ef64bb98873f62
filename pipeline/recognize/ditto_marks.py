"""Ditto marks, by their strokes and by what readers take them for: to the reader of a field they look like letters or digits."""

from __future__ import annotations

import re

import cv2
import numpy as np
from rapidfuzz.distance import Levenshtein

from pipeline.components import Components
from pipeline.model import Box
from pipeline.recognize.ink import Mask

LOWEST_MM, HIGHEST_MM = 0.7, 5.0
"""Least and greatest height of a ditto mark's stroke, mm."""
STRAIGHT_MM, SLENDER = 0.9, 0.5
"""An upright stroke of a ditto mark is nowhere wider, and so wide for its length at most, slanted or not."""
APART_MM = 0.3, 3.0
"""From the middle of one stroke to that of the other."""
ALIKE = 0.6
"""Of the higher of the two strokes: the other is at least so high, and so far beside it."""
LOW = 0.5
"""A dash beside them is at most so high for its length."""
LEAST_MM2 = 0.08
"""Least ink of a stroke, mm²."""

_AROUND = r"[-–—_=~\s.,:]*"
_WORDS = re.compile(rf"{_AROUND}(samm?a( som ovan)?|se ovan|som ovan|likaledes|idem|d[:;.,i1!]\s?[o0]|di?tt?o){_AROUND}", re.IGNORECASE)
_SIGNS = re.compile(rf"{_AROUND}([\"″”“„»«]|['’´`‘]\s?['’´`‘,]|[,‚]\s?[,‚]){_AROUND}")
_STROKES = re.compile(rf"{_AROUND}[1Il|!/\\(\[{{]\s?[1Il|!/\\)\]}}'\"]{_AROUND}|[-–—=]\s?[1Il|!/H]\s?[-–—=]?|[1Il|!/H]\s?[-–—=]")
"""Two upright strokes, perhaps between dashes, are also read as these; some may be a number or somebody's initials."""


def says_ditto(text: str) -> bool:
    """Whether a text is a ditto mark, or a word that stands for one."""
    return any(form.fullmatch(text.strip()) for form in (_WORDS, _SIGNS))


def may_say_ditto(text: str) -> bool:
    """Whether a text may be a ditto mark: below something that it can repeat it hardly is anything else, unless it is a number."""
    return _STROKES.fullmatch(text.strip()) is not None


def nearly_says_ditto(text: str) -> bool:
    """Whether letters, where no words are known, are `samma` but for one of them or a gap."""
    return Levenshtein.distance("samma", re.sub(r"\W", "", text).lower(), score_cutoff=1) <= 1


def field_is_ditto(ink: Mask, px_per_mm: float) -> bool:
    """Whether all that stands in a field is a ditto mark."""
    parts = Components.of(ink)
    own = [part for part in range(1, len(parts)) if parts.stats[part, cv2.CC_STAT_AREA] >= LEAST_MM2 * px_per_mm**2]
    boxes = [Box(*(parts.stats[part, :4] / px_per_mm).tolist()) for part in own]
    dashes = [box for box in boxes if box.h <= LOW * box.w]
    upright = [(part, box) for part, box in zip(own, boxes, strict=True) if LOWEST_MM <= box.h <= HIGHEST_MM and box.w < box.h]
    if len(upright) != 2 or len(upright) + len(dashes) != len(own) or len(dashes) > 2:
        return False
    return all(_is_straight(parts, part, px_per_mm) for part, _ in upright) and _are_alike(*(box for _, box in upright))


def _is_straight(parts: Components, part: int, px_per_mm: float) -> bool:
    (_, sides, _) = cv2.minAreaRect(cv2.findNonZero((parts.labels == part).view(np.uint8)))
    return min(sides) <= min(STRAIGHT_MM * px_per_mm, SLENDER * max(sides))


def _are_alike(one: Box, other: Box) -> bool:
    apart = abs(one.x + one.w / 2 - other.x - other.w / 2)
    beside = min(one.y + one.h, other.y + other.h) - max(one.y, other.y)
    return APART_MM[0] <= apart <= APART_MM[1] and beside >= ALIKE * max(one.h, other.h)
