"""The conformance kit of further readers: what every one has to keep, tried on drawn lines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from pipeline.domain.model import Image
from pipeline.domain.settings import Settings
from pipeline.files.sandbox_process import reaches_network
from pipeline.reading.further_readers import FurtherReader, FurtherReaderError, make_further_readers

_TEXTS = ("Hemma 12", "37,5", "Sover gott", "2 tabl")
_LARGEST_PX = (600, 9600)
"""Height and width of the largest crop: two lines of A4 at 1,200 dpi."""


@dataclass(frozen=True, slots=True)
class ReaderCheck:
    """How many drawn lines were read right, what rules were broken, and the machine.

    `is_cut_off` says whether this machine keeps the reader's process from any network.
    """

    lines: int
    right: int
    is_cut_off: bool
    problems: tuple[str, ...]


def check_reader(name: str, settings: Settings) -> ReaderCheck:
    """Try a further reader, whether or not the settings name it.

    Raises:
        SettingsError: no installed package registers it.
    """
    (reader,) = make_further_readers(settings.model_copy(update={"readers": (name,)}))
    right, problems = 0, list[str]()
    try:
        right = sum(
            text == read for text, (read, _) in zip(_TEXTS, reader.read(_draw_lines()), strict=True)
        )
        problems += _find_problems(reader)
    except FurtherReaderError as error:
        problems.append(str(error))
    reader.process.end()
    return ReaderCheck(len(_TEXTS), right, not reaches_network(), tuple(problems))


def _draw_lines() -> list[Image]:
    """Return the texts as dark lines on white, (48, 420)."""
    lines = [np.full((48, 420), 255, np.uint8) for _ in _TEXTS]
    for line, text in zip(lines, _TEXTS, strict=True):
        cv2.putText(line, text, (20, 35), cv2.FONT_HERSHEY_SIMPLEX, 1.0, 0, 2, cv2.LINE_AA)
    return lines


def _find_problems(reader: FurtherReader) -> Iterator[str]:
    """Yield the rules that it breaks.

    Raises:
        FurtherReaderError: it does not answer; the rest is not tried.
    """
    # A line's answer depends on nothing but the line: not on others, and not on the past.
    drawn = _draw_lines()
    answers = reader.read(drawn)
    if reader.read(drawn[::-1])[::-1] != answers or reader.read(drawn[:1]) != answers[:1]:
        yield "depends"
    reader.process.end()
    if reader.read(drawn) != answers:
        yield "not_repeated"
    blank = [np.full(size, 255, np.uint8) for size in ((48, 420), (1, 1))]
    if any(text.strip() and score >= 0.5 for text, score in reader.read(blank)):
        yield "reads_nothing"
    try:
        reader.read([np.random.default_rng(0).integers(0, 256, _LARGEST_PX, np.uint8)])
    except FurtherReaderError:
        yield "huge"
