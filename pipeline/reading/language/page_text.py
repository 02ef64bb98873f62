"""The printed text of a page of no known form, by Tesseract: words and their places.

It lets an attachment (a bill, a bank statement) be found by its words. It says nothing of
handwriting, and is never taken for an answer.
"""

from __future__ import annotations

import os
from typing import Final

import cv2
import numpy as np
import pytesseract
from numpy.typing import NDArray

from pipeline.domain.errors import MissingProgramError
from pipeline.domain.model import Image, PrintedWord
from pipeline.reading.fields.printed_text import TESSERACT_LANGUAGE

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
    # One thread: the worker reads one page at a time on its own core.
    os.environ.setdefault("OMP_THREAD_LIMIT", "1")
    try:
        found = pytesseract.image_to_data(
            level,
            lang=TESSERACT_LANGUAGE,
            config=_LAYOUT,
            output_type=pytesseract.Output.DICT,
            timeout=_TIMEOUT_S,
        )
    except pytesseract.TesseractNotFoundError as error:
        raise MissingProgramError("tesseract_not_installed") from error
    except (pytesseract.TesseractError, RuntimeError):
        return ()
    columns = ("text", "conf", "left", "top", "width", "height")
    words = zip(*(found[name] for name in columns), strict=True)
    return tuple(
        (text.strip(), *_place_on_page(to_page, (x, y, w, h), (width, height)))
        for text, confidence, x, y, w, h in words
        if float(confidence) >= MIN_WORD_CONFIDENCE and any(map(str.isalnum, text))
    )


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
