"""Printed text, such as a name that was printed when the sheet was made: one line a field, through Tesseract."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from pipeline.model import Image, Reading, State
from pipeline.recognize.crop import Crop
from pipeline.recognize.ink import find_ink, written
from pipeline.recognize.tesseract import Word, read_line

READ_PX_PER_MM = 12.0
"""Tesseract is made for about 300 dpi."""
DPI = 300
AROUND_MM = 4.0
"""White around the line."""
LEAST_INK_MM2 = 0.4
SUREST = 0.99


def recognize(crops: Sequence[Crop]) -> list[Reading]:
    """Texts as printed, one line each; a field without print is `EMPTY` and costs nothing.

    Raises:
        MissingProgramError: Tesseract or its Swedish is not installed.
        ReadingError: Tesseract gave no answer.
    """
    pictures = (_picture(crop) for crop in crops)
    return [Reading.empty(0.99) if picture is None else _reading(read_line(picture, DPI)) for picture in pictures]


def _picture(crop: Crop) -> Image | None:
    ink = find_ink(crop)
    if ink.area_mm2 < LEAST_INK_MM2:
        return None
    x0, y0, x1, y1 = ink.field
    factor = READ_PX_PER_MM / ink.px_per_mm
    line = cv2.resize(written(ink)[y0:y1, x0:x1], None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    return np.pad(np.asarray(line, np.uint8), round(AROUND_MM * READ_PX_PER_MM), constant_values=255)


def _reading(words: Sequence[Word]) -> Reading:
    """p is that all words are right; a space is as sure as the word after it."""
    if not words:
        return Reading(None, 0.5, State.ILLEGIBLE)
    characters: list[float] = []
    for word in words:
        characters += [*([word.p] if characters else []), *([word.p] * len(word.text))]
    p = float(np.prod([min(word.p, SUREST) for word in words]))
    return Reading(" ".join(word.text for word in words), p, State.READ, characters=tuple(characters))
