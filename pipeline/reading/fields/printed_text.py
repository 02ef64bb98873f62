"""Read printed text, such as a name printed when the sheet was made: one line a field.

Tesseract runs inside this process: its Swedish is loaded once, a line then costs its reading alone,
and no image leaves the memory.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from threading import Lock

import cv2
import numpy as np
import tesserocr

from pipeline.domain.confidence import PRINTED_WORD_MAX_P
from pipeline.domain.errors import MissingProgramError, ReadingError
from pipeline.domain.issues import IssueCode
from pipeline.domain.model import UNSEEN_P, Image, Reading, State
from pipeline.files.programs import run_program
from pipeline.reading.fields.field_image import FieldImage
from pipeline.reading.fields.ink import Ink, find_ink, render_ink

TESSERACT_LANGUAGE = "swe"
_ENGINE_LOCK = Lock()
"""Tesseract reads one line at a time."""
TIMEOUT_S = 120
"""Maximum time for one field, s."""
EMPTY_P = 0.99
"""Probability that a field without ink is empty."""
READ_PX_PER_MM = 12.0
DPI = 300
"""Both: Tesseract is made for about 300 dpi."""
LINE_PADDING_MM = 4.0
"""White around the line."""
MIN_PRINT_MM2 = 0.4
"""A field with less ink is empty, mm²."""
MIN_STRIKE_MM, STRIKE_DILATION_MM = 6.0, 0.4
"""A stroke that is level for this long, once it is widened by so much, is of a pen. Print is level
for 3 mm, and for 8 where a poor scan joins letters.
"""
STRUCK_PRINT_SHARE, STRUCK_PRINT_MM = 0.5, 18.0
"""Print is struck out where such strokes cover this share of its width, or this many mm. Struck-out
names were read as others with p = 0.97. In the damage series print is wrongly flagged only at 75
dpi and less, out of focus by 0.2 mm, and on pages dark with dirt or bleed-through.
"""


@dataclass(frozen=True, slots=True)
class TesseractWord:
    """A word and Tesseract's confidence 0…1."""

    text: str
    p: float


def read_printed_texts(crops: Sequence[FieldImage]) -> list[Reading]:
    """Return texts as printed, one line each; a field without print is `EMPTY`.

    Raises:
        MissingProgramError: Tesseract or its Swedish is not installed.
        ReadingError: Tesseract gave no answer.
    """
    return [_read_print(find_ink(crop)) for crop in crops]


def _read_print(ink: Ink) -> Reading:
    # Too little ink for print.
    if ink.area_mm2 < MIN_PRINT_MM2:
        return Reading.empty(EMPTY_P)
    reading = _to_reading(read_printed_line(_render_line(ink), DPI))
    if is_print_struck(ink):
        return replace(reading, p=min(reading.p, UNSEEN_P), issues=(IssueCode.STRUCK_OUT,))
    return reading


def _render_line(ink: Ink) -> Image:
    """Render the field's ink in Tesseract's scale, with white around it."""
    x0, y0, x1, y1 = ink.field
    factor = READ_PX_PER_MM / ink.px_per_mm
    line = cv2.resize(
        render_ink(ink)[y0:y1, x0:x1], None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC
    )
    return np.pad(
        np.asarray(line, np.uint8), round(LINE_PADDING_MM * READ_PX_PER_MM), constant_values=255
    )


def _to_reading(words: Sequence[TesseractWord]) -> Reading:
    """Return the reading of a line; p is that all words are right.

    A space has the probability of the word after it.
    """
    # Ink that Tesseract cannot read.
    if not words:
        return Reading(None, 0.5, State.ILLEGIBLE)
    characters: list[float] = []
    for word in words:
        characters += [*([word.p] if characters else []), *([word.p] * len(word.text))]
    # The words are taken as independent.
    p = float(np.prod([min(word.p, PRINTED_WORD_MAX_P) for word in words]))
    return Reading(
        " ".join(word.text for word in words), p, State.READ, characters=tuple(characters)
    )


def is_print_struck(ink: Ink) -> bool:
    """Return whether a pen has gone through the print of a field."""
    x0, y0, x1, y1 = ink.field
    mask = ink.mask[y0:y1, x0:x1].view(np.uint8)

    # Columns with a long level stroke; thickening makes slanted strokes level.
    thicker = np.ones((round(STRIKE_DILATION_MM * ink.px_per_mm) | 1, 1), np.uint8)
    level = np.ones((1, round(MIN_STRIKE_MM * ink.px_per_mm)), np.uint8)
    strokes = np.count_nonzero(
        cv2.morphologyEx(cv2.dilate(mask, thicker), cv2.MORPH_OPEN, level).any(axis=0)
    )

    # Compare them with the width of the print.
    columns = np.flatnonzero(mask.any(axis=0))
    if not columns.size:
        return False
    width = columns[-1] - columns[0] + 1
    return bool(strokes >= min(STRUCK_PRINT_MM * ink.px_per_mm, STRUCK_PRINT_SHARE * width))


def read_printed_line(image: Image, dpi: int) -> list[TesseractWord]:
    """Return the words of a grey image of one printed line, from left to right.

    Raises:
        MissingProgramError: Tesseract or its Swedish is not installed.
        ReadingError: Tesseract gave no answer within two minutes.
    """
    height, width = image.shape
    engine = _load_engine(TESSERACT_LANGUAGE)
    with _ENGINE_LOCK:
        try:
            # One byte a pixel, rows without padding.
            engine.SetImageBytes(np.ascontiguousarray(image).tobytes(), width, height, 1, width)
            engine.SetSourceResolution(dpi)
            if not engine.Recognize(TIMEOUT_S * 1000):
                raise ReadingError("tesseract_gave_no_answer_within", timeout_s=TIMEOUT_S)
            # `MapWordConfidences` logs an error where there is no word.
            words = engine.MapWordConfidences() if engine.AllWordConfidences() else ()
            return [
                TesseractWord(text, min(1.0, confidence / 100))
                for text, confidence in words
                if text.strip()
            ]
        finally:
            engine.Clear()


@lru_cache(maxsize=1)
def _load_engine(language: str) -> tesserocr.PyTessBaseAPI:
    return tesserocr.PyTessBaseAPI(
        path=language_folder(language), lang=language, psm=tesserocr.PSM.SINGLE_LINE
    )


def language_folder(language: str = TESSERACT_LANGUAGE) -> str:
    """Return the folder in which the installed Tesseract has a language.

    Raises:
        MissingProgramError: Tesseract or the language is not installed.
        ProgramKilledError: the machine killed it.
    """
    try:
        listing = run_program(["tesseract", "--list-langs"], TIMEOUT_S).stdout.decode()
    except FileNotFoundError as error:
        raise MissingProgramError("tesseract_not_installed") from error
    # The first line of the listing quotes the folder.
    folder = re.search(r'"(.+)"', listing)
    if folder is None or language not in listing.splitlines():
        raise MissingProgramError("tesseract_does_not_swedish")
    return folder.group(1)
