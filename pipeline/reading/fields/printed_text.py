"""Read printed text, such as a name printed when the sheet was made: one line a field.

Tesseract runs inside this process: its Swedish is loaded once, a line then costs its reading alone,
and no image leaves the memory.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from threading import Lock
from typing import Final

import cv2
import numpy as np
import pytesseract
import tesserocr
from numpy.typing import NDArray

from pipeline.domain.errors import MissingProgramError, ReadingError
from pipeline.domain.form.confidence import PRINTED_WORD_MAX_P
from pipeline.domain.issues import IssueCode
from pipeline.domain.model import UNSEEN_P, Image, PrintedWord, Reading, State
from pipeline.files.pdf_render import run_program
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
    factor = READ_PX_PER_MM / ink.px_per_mm
    line = cv2.resize(
        render_ink(ink)[ink.inside], None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC
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
    mask = ink.mask[ink.inside].view(np.uint8)

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
                raise ReadingError("tesseract_timeout", timeout_s=TIMEOUT_S)
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
        raise MissingProgramError("tesseract_without_swedish")
    return folder.group(1)


# The printed text of a page of no known form, by Tesseract: words and their places.
#
# It lets an attachment (a bill, a bank statement) be found by its words. It says nothing of
# handwriting, and is never taken for an answer.

MIN_WORD_CONFIDENCE: Final = 60.0
"""Tesseract's own confidence (0–100) of a word that is kept. Source: reasoned. Test set: none."""
_MAX_SIDE_PX: Final = 2400
"""A4 at 200 dpi: enough for print of 7 points."""
_TIMEOUT_S: Final = 60
_SKEW_SIDE_PX: Final = 800
_MAX_SKEW_DEG: Final = 12.0
_SKEW_STEP_DEG: Final = 0.5
"""Tesseract loses lines from about 4° on; a feeder turns paper by up to 10°."""
# The page is turned upright first, then searched for columns and lines.
_LAYOUT: Final = "--psm 1"


def read_page_text(image: Image) -> tuple[PrintedWord, ...]:
    """Return the printed words of a page, (h, w) or (h, w, 3), in reading order.

    Empty if Tesseract finds none, or gives no answer in time: a picture without text is enough.

    Raises:
        MissingProgramError: Tesseract is not installed.
    """
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY) if image.ndim == 3 else image
    scale = min(1.0, _MAX_SIDE_PX / max(grey.shape))
    if scale < 1:
        grey = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    height, width = grey.shape[:2]
    level, to_page = _level_page(np.asarray(grey, np.uint8))
    return tuple(
        (text, *_place_on_page(to_page, box, (width, height)))
        for text, box in find_words(level, _LAYOUT, MIN_WORD_CONFIDENCE)
    )


def find_words(
    grey: Image, layout: str, least: float
) -> list[tuple[str, tuple[float, float, float, float]]]:
    """Return the words of a grey image, each with its box (x, y, width, height), px.

    `layout` is Tesseract's option for it, `least` the least confidence (0–100) of a word. The list
    is empty if Tesseract gives no answer in time.

    Raises:
        MissingProgramError: Tesseract is not installed.
    """
    # One thread: the worker reads one page at a time on its own core.
    os.environ.setdefault("OMP_THREAD_LIMIT", "1")
    try:
        found = pytesseract.image_to_data(
            grey,
            lang=TESSERACT_LANGUAGE,
            config=layout,
            output_type=pytesseract.Output.DICT,
            timeout=_TIMEOUT_S,
        )
    except pytesseract.TesseractNotFoundError as error:
        raise MissingProgramError("tesseract_not_installed") from error
    except (pytesseract.TesseractError, RuntimeError):
        return []
    columns = ("text", "conf", "left", "top", "width", "height")
    return [
        (text.strip(), (x, y, w, h))
        for text, confidence, x, y, w, h in zip(*(found[name] for name in columns), strict=True)
        if float(confidence) >= least and any(map(str.isalnum, text))
    ]


def _level_page(grey: Image) -> tuple[Image, NDArray[np.float64]]:
    """Return the page with level lines, whole, and the transform (2, 3) back to the page given."""
    angle = _find_skew(grey)
    height, width = grey.shape[:2]
    if angle == 0:
        return grey, np.eye(2, 3)
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1.0)
    # The turned page is larger than the page: its middle stays in the middle.
    cos, sin = abs(turn[0, 0]), abs(turn[0, 1])
    size = (round(width * cos + height * sin), round(height * cos + width * sin))
    turn[:, 2] += ((size[0] - width) / 2, (size[1] - height) / 2)
    level = cv2.warpAffine(grey, turn, size, flags=cv2.INTER_LINEAR, borderValue=255)
    return np.asarray(level, np.uint8), np.asarray(cv2.invertAffineTransform(turn), np.float64)


def _find_skew(grey: Image) -> float:
    """Return the angle (degrees) by which the page has to be turned for level lines.

    Level lines of text give a profile of rows with steep steps; of a page on its side it is the
    profile of columns.
    """
    scale = min(1.0, _SKEW_SIDE_PX / max(grey.shape))
    small = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    ink = cv2.threshold(small, 0, 1, cv2.THRESH_BINARY_INV | cv2.THRESH_OTSU)[1]
    height, width = ink.shape

    def steepness(angle: float) -> float:
        turn = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1.0)
        turned = cv2.warpAffine(ink, turn, (width, height)).astype(np.float64)
        return max(float(np.square(np.diff(turned.sum(axis=axis))).sum()) for axis in (0, 1))

    steps = round(_MAX_SKEW_DEG / _SKEW_STEP_DEG)
    angles = [step * _SKEW_STEP_DEG for step in range(-steps, steps + 1)]
    # Of equally good angles the least: an empty page is not turned.
    return max(sorted(angles, key=abs), key=steepness)


def _place_on_page(
    to_page: NDArray[np.float64],
    box: tuple[float, float, float, float],
    size: tuple[int, int],
) -> tuple[float, float, float, float]:
    """Return x, y, width and height of a word as shares of the page, from its box (px)."""
    x, y, w, h = box
    middle = to_page @ np.array([x + w / 2, y + h / 2, 1.0])
    left, top = middle - np.array([w, h]) / 2
    width, height = size
    return (
        round(float(left) / width, 4),
        round(float(top) / height, 4),
        round(w / width, 4),
        round(h / height, 4),
    )
