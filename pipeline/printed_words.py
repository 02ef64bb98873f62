"""Whether the words of a form are there, which tells forms apart that share their lines and boxes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline import plane, structure
from pipeline.field_spec import FieldSpec
from pipeline.model import Box, Image
from pipeline.structure import Shifts

_SOFT_MM = 0.15
_DARKER = 35
"""Grey levels that print is darker than the ground around it, at least."""
_GROUND_MM = 4.0
_LONGEST_MM = 9.0
"""A connected piece of print longer than this is a line, a box or a picture."""
_JOIN_MM = 1.2
_WORD_MM = (1.2, 1.0), (60.0, 9.0)
"""Least and greatest width and height of a word."""
_AROUND_MM = 0.3
_BAND_MM = 3.0
_REACH_MM = 0.6
_LIKE = 0.5
"""Correlation of a word with itself on a poor scan is above, of two words below."""
_SEEN = 0.6
"""So many of the words must be seen; people write over some."""


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a form that were sought on a page, those seen among them, and whether they were seen nearly everywhere."""

    sought: int
    seen: int
    everywhere: bool


def words(blank: Image, specs: Iterable[FieldSpec]) -> list[Box]:
    """Places of the printed words outside of what people fill in, mm. `blank` is the whole unfilled form at 8 px/mm."""
    scale = plane.PX_PER_MM
    letters = _letters(blank)
    for spec in specs:
        for box in [option.box for option in spec.options] or [spec.box]:
            x, y, w, h = (round(v * scale) for v in box)
            letters[y : y + h, x : x + w] = 0
    joined = cv2.morphologyEx(letters, cv2.MORPH_CLOSE, np.ones((1, round(_JOIN_MM * scale)), np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    boxes = [Box(x / scale, y / scale, w / scale, h / scale) for x, y, w, h, _ in np.asarray(stats)[1:].tolist()]
    (w0, h0), (w1, h1) = _WORD_MM
    return [box for box in boxes if w0 <= box.w <= w1 and h0 <= box.h <= h1]


def _letters(blank: Image) -> NDArray[np.uint8]:
    """Print without its long pieces, 1 = ink."""
    scale = plane.PX_PER_MM
    ground = cv2.morphologyEx(blank, cv2.MORPH_CLOSE, np.ones((round(_GROUND_MM * scale) | 1,) * 2, np.uint8))
    ink = (ground.astype(np.int16) - blank > _DARKER).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    sides: NDArray[Any] = np.asarray(stats)[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(axis=1)
    short = sides <= _LONGEST_MM * scale
    short[0] = False
    return np.asarray(short[labels], np.uint8)


def seen_words(upright: Image, blank: Image, boxes: list[Box]) -> Words:
    """Seek each word where it should be on a page laid on its form."""
    page, form = (_strokes(picture) for picture in (upright, blank))
    found = np.array([_is_seen(page, form, box) for box in boxes], bool)
    at = np.array([(box.x + box.w / 2, box.y + box.h / 2) for box in boxes]).reshape(-1, 2)
    everywhere = structure.mostly_seen(Shifts(at, np.zeros_like(at), found), plane.page_of(blank)) and found.sum() >= _SEEN * len(found)
    return Words(len(found), int(found.sum()), bool(everywhere))


def _strokes(picture: Image) -> NDArray[np.float32]:
    """What differs along a line of text; that there is a dark line at all, any two words share."""
    soft = cv2.GaussianBlur(picture, (0, 0), _SOFT_MM * plane.PX_PER_MM).astype(np.float32)
    return np.asarray(soft - cv2.blur(soft, (round(_BAND_MM * plane.PX_PER_MM) | 1, 1)), np.float32)


def _is_seen(page: NDArray[np.float32], form: NDArray[np.float32], box: Box) -> bool:
    scale, reach = plane.PX_PER_MM, round(_REACH_MM * plane.PX_PER_MM)
    x0, y0 = (max(reach, round((v - _AROUND_MM) * scale)) for v in (box.x, box.y))
    x1, y1 = round((box.x + box.w + _AROUND_MM) * scale), round((box.y + box.h + _AROUND_MM) * scale)
    x1, y1 = min(x1, form.shape[1] - reach), min(y1, form.shape[0] - reach)
    if x1 - x0 < 4 or y1 - y0 < 4:
        return True  # at the very edge of the paper, where scans end
    around = page[y0 - reach : y1 + reach, x0 - reach : x1 + reach]
    return float(cv2.matchTemplate(around, form[y0:y1, x0:x1], cv2.TM_CCOEFF_NORMED).max()) >= _LIKE
