"""Printed text, such as a name that was printed when the sheet was made: one line a field, through Tesseract."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from pipeline.confidence import PRINTED_WORD_MAX_P
from pipeline.issues import IssueCode
from pipeline.model import UNSEEN_P, Image, Reading, State
from pipeline.recognize.crop import Crop
from pipeline.recognize.ink import Ink, find_ink, written
from pipeline.recognize.tesseract import Word, read_line

EMPTY_P = 0.99
"""Probability that a field without ink is empty."""
READ_PX_PER_MM = 12.0
"""Tesseract is made for about 300 dpi."""
DPI = 300
AROUND_MM = 4.0
"""White around the line."""
LEAST_INK_MM2 = 0.4
"""A field with less ink is empty, mm²."""
LEVEL_MM, THICKER_MM = 6.0, 0.4
"""A stroke that is level for so long, when it is made so much thicker, is of a pen: print is for 3 mm, and for 8 where a poor scan joins letters."""
STRUCK_SHARE, STRUCK_MM = 0.5, 18.0
"""Print is struck out where such strokes cover so much of its width, or so many mm. Struck-out names were read as others with p = 0.97. In the
damage series print is taken for struck out only at 75 dpi and less, out of focus by 0.2 mm, and on pages dark with dirt or writing on the back."""


def recognize(crops: Sequence[Crop]) -> list[Reading]:
    """Texts as printed, one line each; a field without print is `EMPTY` and costs nothing.

    Raises:
        MissingProgramError: Tesseract or its Swedish is not installed.
        ReadingError: Tesseract gave no answer.
    """
    return [_read(find_ink(crop)) for crop in crops]


def _read(ink: Ink) -> Reading:
    if ink.area_mm2 < LEAST_INK_MM2:
        return Reading.empty(EMPTY_P)
    reading = _reading(read_line(_picture(ink), DPI))
    return replace(reading, p=min(reading.p, UNSEEN_P), remarks=(IssueCode.STRUCK_OUT,)) if is_struck(ink) else reading


def _picture(ink: Ink) -> Image:
    x0, y0, x1, y1 = ink.field
    factor = READ_PX_PER_MM / ink.px_per_mm
    line = cv2.resize(written(ink)[y0:y1, x0:x1], None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    return np.pad(np.asarray(line, np.uint8), round(AROUND_MM * READ_PX_PER_MM), constant_values=255)


def is_struck(ink: Ink) -> bool:
    """Whether a pen has gone through the print of a field."""
    x0, y0, x1, y1 = ink.field
    mask = ink.mask[y0:y1, x0:x1].view(np.uint8)
    thicker, level = (np.ones((round(THICKER_MM * ink.px_per_mm) | 1, 1), np.uint8), np.ones((1, round(LEVEL_MM * ink.px_per_mm)), np.uint8))
    strokes = np.count_nonzero(cv2.morphologyEx(cv2.dilate(mask, thicker), cv2.MORPH_OPEN, level).any(axis=0))
    columns = np.flatnonzero(mask.any(axis=0))
    return bool(strokes >= min(STRUCK_MM * ink.px_per_mm, STRUCK_SHARE * (columns[-1] - columns[0] + 1))) if columns.size else False


def _reading(words: Sequence[Word]) -> Reading:
    """p is that all words are right; a space is as sure as the word after it."""
    if not words:
        return Reading(None, 0.5, State.ILLEGIBLE)
    characters: list[float] = []
    for word in words:
        characters += [*([word.p] if characters else []), *([word.p] * len(word.text))]
    p = float(np.prod([min(word.p, PRINTED_WORD_MAX_P) for word in words]))
    return Reading(" ".join(word.text for word in words), p, State.READ, characters=tuple(characters))
