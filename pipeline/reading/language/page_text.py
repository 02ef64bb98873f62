"""The printed text of a page of no known form, by Tesseract: words and their places.

It lets an attachment (a bill, a bank statement) be found by its words. It says nothing of
handwriting, and is never taken for an answer.
"""

from __future__ import annotations

import os
from typing import Final

import cv2
import pytesseract

from pipeline.domain.errors import MissingProgramError
from pipeline.domain.model import Image, PrintedWord
from pipeline.reading.fields.printed_text import TESSERACT_LANGUAGE

MIN_WORD_CONFIDENCE: Final = 60.0
"""Tesseract's own confidence (0–100) of a word that is kept. Source: reasoned. Test set: none."""
_MAX_SIDE_PX: Final = 2400
"""A4 at 200 dpi: enough for print of 7 points."""
_TIMEOUT_S: Final = 60
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
    # One thread: the worker reads one page at a time on its own core.
    os.environ.setdefault("OMP_THREAD_LIMIT", "1")
    try:
        found = pytesseract.image_to_data(
            grey,
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
        (
            text.strip(),
            round(x / width, 4),
            round(y / height, 4),
            round(w / width, 4),
            round(h / height, 4),
        )
        for text, confidence, x, y, w, h in words
        if float(confidence) >= MIN_WORD_CONFIDENCE and any(map(str.isalnum, text))
    )
