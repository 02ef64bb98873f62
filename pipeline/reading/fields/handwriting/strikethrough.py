"""Find struck-out words in the image of a line, split the line there, and join its readings.

A small network separates columns with a stroke or a scribble through the letters from the rest. It
was trained by `research/training/strikethrough/train.py`; `data/models/strikes.md` is its card.
Underlines, rules, dashes and the bars of a t are not strikes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain.form.confidence import STRIKE_FROM
from pipeline.domain.model import Image, Reading, State
from pipeline.reading.fields.handwriting.line_image import (
    LineImage,
    cut_columns,
    is_dash,
)
from pipeline.reading.fields.handwriting.word_boxes import shift_words
from pipeline.reading.imaging.onnx_sessions import open_session

STRIKE_MODEL = Path(__file__).resolve().parents[4] / "data" / "models" / "strikes.onnx"
STRIKE_INPUT_HEIGHT = 32
"""Height of the line image that the network reads, px."""
STRIKE_STEP_PX = 4
"""One answer for this many columns of an image `STRIKE_INPUT_HEIGHT` px high."""
MIN_STRIKE_LENGTH = 0.5
"""A strike is at least this long, in heights of the line; shorter ones are letters written over."""
MIN_LINE_HEIGHT_MM = 2.0
"""An image lower than this (with its white) shows dashes only."""
MAX_STRIKE_GAP = 0.5
"""Strikes with a smaller gap between them, in heights of the line, are one."""
MAX_INPUT_PX = 4000
"""Maximum width of a line image, px."""

MIN_WORD_GAP = 0.15
"""Minimum gap between words, as part of the line's height with the white above and below; letters
are closer.
"""
MAX_REMNANT_WIDTH = 0.35
"""Ink next to a strike that is narrower than this part of the line's height is a remnant of the
struck-out word.
"""


@dataclass(frozen=True, slots=True)
class Strike:
    """A struck-out place: its columns from `start` up to `end`, and its probability."""

    start: int
    end: int
    p: float


LinePart = LineImage | Strike
"""A part of a line: something to read, or a struck-out place."""
LineBreak = tuple[int, int, tuple[LinePart, ...]]
"""Columns of an image that are not read, from the first up to the second, and what replaces them.
"""


def find_strikes(pictures: Sequence[Image], px_per_mm: float) -> list[tuple[Strike, ...]]:
    """Return the struck-out places of each line (grey, ink alone on white), from left to right.

    A dash, or a line as low as one, has none.

    Raises:
        MissingProgramError: the network's file is missing or damaged.
    """
    return [
        extract_strikes(strike_probabilities(picture), picture)
        if picture.shape[0] >= MIN_LINE_HEIGHT_MM * px_per_mm and not is_dash(picture)
        else ()
        for picture in pictures
    ]


_load_session = lru_cache(maxsize=2)(open_session)


def strike_probabilities(picture: Image, model: Path = STRIKE_MODEL) -> NDArray[np.float32]:
    """Return the probability that the line is struck out, for each step of columns.

    A step is `STRIKE_STEP_PX` columns of the image scaled to `STRIKE_INPUT_HEIGHT` px.
    """
    (p,) = _load_session(model).run(None, {"lines": prepare_input(picture)[None, None]})
    answer: NDArray[np.float32] = np.asarray(p, np.float32).reshape(-1)
    return answer


def prepare_input(picture: Image) -> NDArray[np.float32]:
    """Return a line as the network takes it: (32, a multiple of 4 wide), 0 = paper, 1 = ink."""
    height, width = picture.shape
    # A whole number of steps, of the line in the network's height.
    steps = round(width * STRIKE_INPUT_HEIGHT / height / STRIKE_STEP_PX)
    steps = int(np.clip(steps, 4, MAX_INPUT_PX // STRIKE_STEP_PX))
    size = (steps * STRIKE_STEP_PX, STRIKE_INPUT_HEIGHT)
    interpolation = cv2.INTER_AREA if height > STRIKE_INPUT_HEIGHT else cv2.INTER_LINEAR
    # Ink is 1, as in training.
    scaled = np.asarray(cv2.resize(picture, size, interpolation=interpolation), np.float32)
    return np.asarray(1.0 - scaled / np.float32(255), np.float32)


def extract_strikes(p: NDArray[np.float32], picture: Image) -> tuple[Strike, ...]:
    """Return runs of steps that are probably struck out, as columns of the image."""
    # Runs of struck-out steps, in columns of the image.
    per_step = picture.shape[1] / len(p)
    height = picture.shape[0]
    runs = _find_runs(p > STRIKE_FROM, MAX_STRIKE_GAP * height / per_step)
    strikes = (
        Strike(round(a * per_step), round(b * per_step), float(p[a:b].mean())) for a, b in runs
    )

    # A short run is a letter written over.
    return tuple(
        strike for strike in strikes if strike.end - strike.start >= MIN_STRIKE_LENGTH * height
    )


def _find_runs(is_struck: NDArray[np.bool_], max_gap: float) -> list[tuple[int, int]]:
    """Return the runs of steps, with gaps of at most `max_gap` steps within them."""
    struck = np.flatnonzero(is_struck)
    if not struck.size:
        return []
    # Break where the gap is too wide.
    breaks = np.flatnonzero(np.diff(struck) > max_gap)
    return [
        (int(a), int(b) + 1)
        for a, b in zip(
            [struck[0], *struck[breaks + 1]], [*struck[breaks], struck[-1]], strict=True
        )
    ]


def split_line(picture: Image, breaks: Sequence[LineBreak], left: int = 0) -> tuple[LinePart, ...]:
    """Return the parts of a line from left to right.

    `left` is the column of the field's image that the line's first column shows.
    """
    if not breaks:
        return (LineImage(picture, left=left),)
    parts: list[LinePart] = []
    next_column = 0
    # What is before each break, then what replaces it, and at last the rest.
    for start, end, replacement in sorted(breaks, key=lambda line_break: line_break[0]):
        parts += [*_line_part(picture, next_column, start, left), *replacement]
        next_column = max(next_column, end)
    return (*parts, *_line_part(picture, next_column, picture.shape[1], left))


def strike_breaks(picture: Image, strikes: Sequence[Strike]) -> list[LineBreak]:
    """Return the struck-out places of an image, each with remnants less wide than a letter."""
    return [(*_extend_strike(picture, strike), (strike,)) for strike in strikes]


def nearest_gap(picture: Image, column: int) -> int:
    """Return the white column nearest to `column`.

    `column` itself if none is within the height of the line.
    """
    white = np.flatnonzero((picture >= 128).all(axis=0))
    nearest = int(white[np.abs(white - column).argmin()]) if white.size else column
    return nearest if abs(nearest - column) <= picture.shape[0] else column


def nearest_word_gap(picture: Image, column: int) -> int:
    """Return the middle of the nearest gap between two words, or of the white around the line.

    If there are none: of any white.
    """
    # Runs of white columns, also before and after the line.
    white = np.pad((picture >= 128).all(axis=0), 1).astype(np.int8)
    starts, ends = np.flatnonzero(np.diff(white) == 1), np.flatnonzero(np.diff(white) == -1)
    wide = ends - starts >= MIN_WORD_GAP * picture.shape[0]
    middles = (starts[wide] + ends[wide]) // 2
    return (
        int(middles[np.abs(middles - column).argmin()])
        if middles.size
        else nearest_gap(picture, column)
    )


def _extend_strike(picture: Image, strike: Strike) -> tuple[int, int]:
    """Return a strike's columns with the remnants up to the next white columns."""
    # The nearest white columns on both sides.
    white = np.flatnonzero((picture >= 128).all(axis=0))
    before, after = white[white <= strike.start], white[white >= strike.end]
    start = int(before[-1]) if before.size else 0
    end = int(after[0]) if after.size else picture.shape[1]

    # A narrow remnant belongs to the strike.
    max_width = MAX_REMNANT_WIDTH * picture.shape[0]
    return (
        start if strike.start - start < max_width else strike.start,
        end if end - strike.end < max_width else strike.end,
    )


def _line_part(picture: Image, start: int, end: int, left: int) -> tuple[LineImage, ...]:
    """Return the part of a line between two columns, or nothing if it has no ink."""
    cut = cut_columns(picture, start, end)
    return (LineImage(cut.picture, left=left + cut.left),) if cut is not None else ()


def join_readings(readings: Sequence[Reading], between: Sequence[str]) -> Reading:
    """Join texts, with the marks `between` them (one less), to one reading.

    p is that all of them are right.
    """
    value = str(readings[0].value or "")
    characters = readings[0].characters
    p, words = readings[0].p, readings[0].words
    # Separators are certain; words move by the text before them.
    for separator, reading in zip(between, readings[1:], strict=True):
        value += separator + str(reading.value or "")
        characters += (1.0,) * len(separator) + reading.characters
        words += shift_words(reading.words, len(value) - len(str(reading.value or "")))
        p *= reading.p
    return Reading(
        value,
        p,
        State.READ,
        _joined_alternatives(readings, between, p),
        characters,
        sharpness=_mean_sharpness(readings),
        image_only_p=math.prod(reading.image_only_p for reading in readings),
        unknown_words=sum(reading.unknown_words for reading in readings),
        least_word_p=min(reading.least_word_p for reading in readings),
        words=words,
    )


def prepend_reading(reading: Reading, start: str) -> Reading:
    """Return the reading with `start` before it."""
    # Alternatives and characters are moved like the text.
    others = tuple((start + str(value), p) for value, p in reading.alternatives)
    return replace(
        reading,
        value=start + str(reading.value),
        alternatives=others,
        characters=(1.0,) * len(start) + reading.characters,
        words=shift_words(reading.words, len(start)),
    )


def join_line_parts(readings: Sequence[Reading]) -> Reading:
    """Join the parts of one line with spaces.

    Parts without a text are left out, and the line's p is lower by what could not be read in it.
    `readings` holds at least one.
    """
    texts = [part for part in readings if part.value]
    if not texts:
        return min(readings, key=lambda part: part.p)
    joined = texts[0] if len(texts) == 1 else join_readings(texts, [" "] * (len(texts) - 1))

    # What could not be read counts against the whole line.
    rest = math.prod(
        part.p for part in readings if part.state is State.ILLEGIBLE and not part.value
    )
    alternatives = tuple((value, p * rest) for value, p in joined.alternatives)
    return replace(joined, p=joined.p * rest, alternatives=alternatives)


def _mean_sharpness(readings: Sequence[Reading]) -> float | None:
    """Return the mean sharpness of all parts, each weighted by its length."""
    # Weight by the number of characters.
    weighted = [
        (reading.sharpness, max(1, len(reading.characters)))
        for reading in readings
        if reading.sharpness is not None
    ]
    if not weighted:
        return None
    total = sum(sharpness * length for sharpness, length in weighted)
    return total / sum(length for _, length in weighted)


def _joined_alternatives(
    readings: Sequence[Reading], between: Sequence[str], p: float
) -> tuple[tuple[str, float], ...]:
    """Return the whole text with the best alternative of one part each, best first."""
    alternatives = []
    # Replace one part at a time by its best alternative.
    for i, reading in enumerate(readings):
        if reading.alternatives and reading.p > 0:
            other, other_p = reading.alternatives[0]
            values = [
                str(other if i == j else part_reading.value or "")
                for j, part_reading in enumerate(readings)
            ]
            text = "".join(
                part for pair in zip(values, [*between, ""], strict=True) for part in pair
            )
            alternatives.append((text, p * min(1.0, other_p / reading.p)))
    return tuple(sorted(alternatives, key=lambda item: -item[1])[:4])
