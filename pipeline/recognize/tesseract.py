"""Tesseract as a child process: picture in by its standard input, words out, nothing left on disk."""

from __future__ import annotations

import csv
import os
import subprocess
from dataclasses import dataclass

import cv2

from pipeline.errors import MissingProgramError, ReadingError
from pipeline.model import Image

LANGUAGE = "swe"
REMEDY = "Install it: `apt install tesseract-ocr tesseract-ocr-swe`."
TIMEOUT_S = 120


@dataclass(frozen=True, slots=True)
class Word:
    """A word, its middle in px from the top of the picture, and Tesseract's confidence 0…1."""

    text: str
    x: int
    y: float
    p: float


def read_words(image: Image, page_segmentation: int, dpi: int) -> list[Word]:
    """All words of a grey picture in reading order; the mode is Tesseract's `--psm`.

    Raises:
        MissingProgramError: Tesseract or its Swedish is not installed.
        ReadingError: Tesseract failed or took longer than two minutes.
    """
    encoded = cv2.imencode(".png", image)[1].tobytes()
    command = ["tesseract", "stdin", "stdout", "-l", LANGUAGE, "--psm", str(page_segmentation), "--dpi", str(dpi), "tsv"]
    try:
        done = subprocess.run(command, input=encoded, capture_output=True, check=False, timeout=TIMEOUT_S, env=os.environ | {"OMP_THREAD_LIMIT": "1"})
    except FileNotFoundError as error:
        raise MissingProgramError("Tesseract is not installed.", REMEDY) from error
    except subprocess.TimeoutExpired as error:
        raise ReadingError(f"Tesseract gave no answer within {TIMEOUT_S} s.", "Read the page again when the machine is less busy.") from error
    if done.returncode and b"load" in done.stderr and b"language" in done.stderr:
        raise MissingProgramError("Tesseract does not have Swedish.", REMEDY)
    if done.returncode:
        raise ReadingError(f"Tesseract ended with code {done.returncode}.", "Try `tesseract --version`; install it again if that fails.")
    return _words(done.stdout.decode("utf-8"))


def _words(table: str) -> list[Word]:
    rows = csv.DictReader(table.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    return [
        Word(row["text"].strip(), int(row["left"]), int(row["top"]) + int(row["height"]) / 2, min(1.0, float(row["conf"]) / 100))
        for row in rows
        if row["level"] == "5" and (row["text"] or "").strip()
    ]
