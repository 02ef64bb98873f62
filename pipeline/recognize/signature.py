"""Signatures and initials: whether a hand has written there. Who signed is for people to say."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from pipeline.model import Alternatives, Reading, State
from pipeline.recognize import handwriting
from pipeline.recognize.crop import Crop
from pipeline.recognize.ink import Ink, Mask, find_ink
from pipeline.recognize.line_picture import banded

SIGNATURE_MM2 = 1.2
"""Ink of a mark that might as well be dirt as a signature; the shortest real ones seen have about four times as much."""
INITIALS_MM2 = 0.8
SHORTEST_STROKE_MM = 1.0
STEEPNESS = 2.5
"""How fast doubt goes with the logarithm of the area: twice the doubtful area gives p = 0.85, four times 0.97."""
SUREST = 0.995
MOST_INITIALS = 4


def recognize_signature(crops: Sequence[Crop]) -> list[Reading]:
    """True (`READ`) when there is handwriting in the field, False (`EMPTY`) when not."""
    return [_presence(find_ink(crop), SIGNATURE_MM2) for crop in crops]


def recognize_initials(crops: Sequence[Crop]) -> list[Reading]:
    """As for a signature, with the letters that the handwriting network sees as alternatives."""
    present = [_presence(find_ink(crop), INITIALS_MM2) for crop in crops]
    inked = [i for i, reading in enumerate(present) if reading.state is State.READ]
    letters = dict(zip(inked, handwriting.recognize([crops[i] for i in inked]), strict=True))
    return [_with_letters(reading, letters[i]) if i in letters else reading for i, reading in enumerate(present)]


def _presence(ink: Ink, doubtful_mm2: float) -> Reading:
    _, top, _, bottom = ink.field
    own = banded(ink.mask, (top, bottom))[0]
    area = float(_strokes(own, ink.px_per_mm).sum()) / ink.px_per_mm**2
    p = 1.0 / (1.0 + (doubtful_mm2 / max(area, 0.01)) ** STEEPNESS)
    if p >= 0.5:
        return Reading(True, min(p, SUREST), State.READ, ((False, max(1.0 - p, 1.0 - SUREST)),))
    return Reading(False, min(1.0 - p, SUREST), State.EMPTY, ((True, max(p, 1.0 - SUREST)),))


def _strokes(mask: Mask, px_per_mm: float) -> Mask:
    """Without spots: a hand draws strokes."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    length = np.hypot(stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT])
    keep = length >= SHORTEST_STROKE_MM * px_per_mm
    keep[0] = False
    return np.asarray(keep[labels], np.bool_)


def _with_letters(reading: Reading, letters: Reading) -> Reading:
    seen: list[tuple[str, float]] = []
    for text, p in ((letters.value, letters.p), *letters.alternatives):
        initials = "".join(c for c in str(text or "") if c.isalpha())
        if 0 < len(initials) <= MOST_INITIALS and initials not in dict(seen):
            seen.append((initials, p))
    alternatives: Alternatives = (*seen, *reading.alternatives)
    return Reading(reading.value, reading.p, reading.state, alternatives)
