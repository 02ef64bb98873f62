"""Tesseract inside this process: its Swedish is loaded once, then a line costs its reading alone, and no picture leaves the memory."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock

import numpy as np
import tesserocr

from pipeline.errors import MissingProgramError, ReadingError
from pipeline.model import Image

LANGUAGE = "swe"
TIMEOUT_S = 120
"""Longest time for one field, s."""
_ONE_AT_A_TIME = Lock()


@dataclass(frozen=True, slots=True)
class Word:
    """A word and Tesseract's confidence 0…1."""

    text: str
    p: float


def read_line(image: Image, dpi: int) -> list[Word]:
    """The words of a grey picture of one printed line, from left to right.

    Raises:
        MissingProgramError: Tesseract or its Swedish is not installed.
        ReadingError: Tesseract gave no answer within two minutes.
    """
    height, width = image.shape
    engine = _engine(LANGUAGE)
    with _ONE_AT_A_TIME:
        try:
            engine.SetImageBytes(np.ascontiguousarray(image).tobytes(), width, height, 1, width)
            engine.SetSourceResolution(dpi)
            if not engine.Recognize(TIMEOUT_S * 1000):
                raise ReadingError("tesseract_gave_no_answer_within", timeout_s=TIMEOUT_S)
            found = engine.MapWordConfidences() if engine.AllWordConfidences() else ()  # where there is no word it logs an error
            return [Word(text, min(1.0, confidence / 100)) for text, confidence in found if text.strip()]
        finally:
            engine.Clear()


@lru_cache(maxsize=1)
def _engine(language: str) -> tesserocr.PyTessBaseAPI:
    return tesserocr.PyTessBaseAPI(path=language_folder(language), lang=language, psm=tesserocr.PSM.SINGLE_LINE)


def language_folder(language: str = LANGUAGE) -> str:
    """Where the installed Tesseract keeps a language, as it says itself.

    Raises:
        MissingProgramError: Tesseract or the language is not installed.
    """
    try:
        told = subprocess.run(["tesseract", "--list-langs"], capture_output=True, check=False, timeout=TIMEOUT_S, text=True).stdout
    except FileNotFoundError as error:
        raise MissingProgramError("tesseract_not_installed") from error
    place = re.search(r'"(.+)"', told)
    if place is None or language not in told.splitlines():
        raise MissingProgramError("tesseract_does_not_swedish")
    return place.group(1)
