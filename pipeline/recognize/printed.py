"""Printed text, such as a name that was printed when the sheet was made: Tesseract, many fields in one call."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import cv2
import numpy as np

from pipeline.model import Image, Reading, State
from pipeline.recognize.crop import Crop
from pipeline.recognize.ink import find_ink, written
from pipeline.recognize.tesseract import Word, read_words

READ_PX_PER_MM = 12.0
"""Tesseract is made for about 300 dpi."""
DPI = 300
GAP_MM = 4.0
"""White between the fields that are put above each other."""
LEAST_INK_MM2 = 0.4
EACH_CALL = 60
"""So many fields at most in one call, to bound the picture's height."""
SINGLE_LINE, UNIFORM_BLOCK = 7, 6
"""Modes of page segmentation."""
SUREST = 0.99


def recognize(crops: Sequence[Crop]) -> list[Reading]:
    """Texts as printed, one line each; a field without print is `EMPTY` and costs nothing.

    Raises:
        MissingProgramError: Tesseract or its Swedish is not installed.
        ReadingError: Tesseract failed.
    """
    pictures = [_picture(crop) for crop in crops]
    inked = [i for i, picture in enumerate(pictures) if picture is not None]
    found: dict[int, Reading] = {}
    for start in range(0, len(inked), EACH_CALL):
        some = inked[start : start + EACH_CALL]
        found.update(zip(some, _read([p for i in some if (p := pictures[i]) is not None]), strict=True))
    return [found.get(i, Reading.empty(0.99)) for i in range(len(crops))]


def _picture(crop: Crop) -> Image | None:
    ink = find_ink(crop)
    if ink.area_mm2 < LEAST_INK_MM2:
        return None
    x0, y0, x1, y1 = ink.field
    factor = READ_PX_PER_MM / ink.px_per_mm
    return np.asarray(cv2.resize(written(ink)[y0:y1, x0:x1], None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC), np.uint8)


def _read(pictures: Sequence[Image]) -> list[Reading]:
    gap = round(GAP_MM * READ_PX_PER_MM)
    width = max(picture.shape[1] for picture in pictures) + 2 * gap
    tops = [gap]
    for picture in pictures:
        tops.append(tops[-1] + picture.shape[0] + gap)
    page = np.full((tops[-1], width), 255, np.uint8)
    for top, picture in zip(tops, pictures, strict=False):
        page[top : top + picture.shape[0], gap : gap + picture.shape[1]] = picture
    words = read_words(page, SINGLE_LINE if len(pictures) == 1 else UNIFORM_BLOCK, DPI)
    edges = [top - gap / 2 for top in tops]
    return [_reading([w for w in words if low <= w.y < high]) for low, high in itertools.pairwise(edges)]


def _reading(words: Sequence[Word]) -> Reading:
    """Words in Tesseract's order; p is that all of them are right, a space is as sure as its neighbours."""
    if not words:
        return Reading(None, 0.5, State.ILLEGIBLE)
    characters: list[float] = []
    for word in words:
        characters += [*([word.p] if characters else []), *([word.p] * len(word.text))]
    p = float(np.prod([min(word.p, SUREST) for word in words]))
    return Reading(" ".join(word.text for word in words), p, State.READ, characters=tuple(characters))
