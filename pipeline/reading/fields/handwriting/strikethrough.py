"""Where words are struck out in the picture of a line: a small network tells columns with a stroke
or a scribble through the letters from the rest.

Trained by `research/training/strikethrough/train.py`; `data/models/strikes.md` is its card.
Underlines, rules, dashes and the bars of a t are not strikes.

A line's picture taken apart at struck-out places: what is left to read, and what stands between.

Readings of stretches of writing put together to one.
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

from pipeline.domain.confidence import STRIKE_FROM
from pipeline.domain.model import Image, Reading, State
from pipeline.reading.fields.handwriting.line_image import LineImage, cut_columns_with_offset
from pipeline.reading.fields.handwriting.word_boxes import shift_words
from pipeline.reading.imaging.onnx_sessions import open_session

STRIKE_MODEL = Path(__file__).resolve().parents[4] / "data" / "models" / "strikes.onnx"
STRIKE_INPUT_HEIGHT = 32
"""Height of the line image that the network reads, px."""
STRIKE_STEP_PX = 4
"""One answer for so many columns of a picture `HEIGHT` px high."""
MIN_STRIKE_LENGTH = 0.5
"""A strike is at least this long, in heights of the line; shorter ones are letters written over."""
MIN_LINE_HEIGHT_MM = 2.0
"""A picture lower than this (with its white) shows dashes only."""
MAX_STRIKE_GAP = 0.5
"""Strikes nearer than this to each other, in heights of the line, are one."""
MAX_INPUT_PX = 4000
"""Greatest width of a line image, px."""
_load_session = lru_cache(maxsize=2)(open_session)
MIN_WORD_GAP = 0.15
"""Words are so far apart, as part of the line's height with the white above and below it; letters
are nearer to each other.
"""
MAX_REMNANT_WIDTH = 0.35
"""Ink beside a strike that is narrower than this part of the line's height is what is left of the
struck-out word.
"""


@dataclass(frozen=True, slots=True)
class Strike:
    """A struck-out place: its columns in the picture, from `start` up to `end`, and how sure it is."""

    start: int
    end: int
    p: float


def find_strikes(pictures: Sequence[Image], px_per_mm: float) -> list[tuple[Strike, ...]]:
    """The struck-out places of each line's picture (grey, ink alone on white), from left to right;
    a line as low as a dash has none.

    Raises:
        MissingProgramError: the network's file is missing or damaged.
    """
    return [
        extract_strikes(strike_probabilities(picture), picture)
        if picture.shape[0] >= MIN_LINE_HEIGHT_MM * px_per_mm
        else ()
        for picture in pictures
    ]


def strike_probabilities(picture: Image, model: Path = STRIKE_MODEL) -> NDArray[np.float32]:
    """The probability that the line is struck out, for each step of `STEP_PX` columns of the
    picture made `HEIGHT` px high.
    """
    (p,) = _load_session(model).run(None, {"lines": prepare_input(picture)[None, None]})
    answer: NDArray[np.float32] = np.asarray(p, np.float32).reshape(-1)
    return answer


def prepare_input(picture: Image) -> NDArray[np.float32]:
    """A line as the network takes it: (32, a multiple of 4 px wide), 0 = paper, 1 = ink."""
    width = (
        int(
            np.clip(
                round(picture.shape[1] * STRIKE_INPUT_HEIGHT / picture.shape[0] / STRIKE_STEP_PX),
                4,
                MAX_INPUT_PX // STRIKE_STEP_PX,
            )
        )
        * STRIKE_STEP_PX
    )
    way = cv2.INTER_AREA if picture.shape[0] > STRIKE_INPUT_HEIGHT else cv2.INTER_LINEAR
    ink = 1.0 - np.asarray(
        cv2.resize(picture, (width, STRIKE_INPUT_HEIGHT), interpolation=way), np.float32
    ) / np.float32(255)
    return np.asarray(ink, np.float32)


def extract_strikes(p: NDArray[np.float32], picture: Image) -> tuple[Strike, ...]:
    """Runs of steps that are more probably struck out than not, as columns of the picture."""
    per_step = picture.shape[1] / len(p)
    height = picture.shape[0]
    runs = _find_runs(p > STRIKE_FROM, MAX_STRIKE_GAP * height / per_step)
    found = (
        Strike(round(a * per_step), round(b * per_step), float(p[a:b].mean())) for a, b in runs
    )
    return tuple(
        strike for strike in found if strike.end - strike.start >= MIN_STRIKE_LENGTH * height
    )


def _find_runs(over: NDArray[np.bool_], close: float) -> list[tuple[int, int]]:
    at = np.flatnonzero(over)
    if not at.size:
        return []
    breaks = np.flatnonzero(np.diff(at) > close)
    return [
        (int(a), int(b) + 1)
        for a, b in zip([at[0], *at[breaks + 1]], [*at[breaks], at[-1]], strict=True)
    ]


LinePart = LineImage | Strike
"""A stretch of a line: something to read, or a struck-out place."""


LineBreak = tuple[int, int, tuple[LinePart, ...]]
"""Columns of a picture that are not read, from the first up to the second, and what stands there
instead.
"""


def split_line(picture: Image, breaks: Sequence[LineBreak], left: int = 0) -> tuple[LinePart, ...]:
    """The line from left to right. `left` is the column of the crop that the picture's first column
    shows.
    """
    if not breaks:
        return (LineImage(picture, left=left),)
    found: list[LinePart] = []
    done = 0
    for start, end, between in sorted(breaks, key=lambda one: one[0]):
        found += [*_line_part(picture, done, start, left), *between]
        done = max(done, end)
    return (*found, *_line_part(picture, done, picture.shape[1], left))


def strike_breaks(picture: Image, strikes: Sequence[Strike]) -> list[LineBreak]:
    """The struck-out places of a picture, each with what is left of the struck-out word beside it
    if that is less than a letter.
    """
    return [(*_extend_strike(picture, strike), (strike,)) for strike in strikes]


def nearest_gap(picture: Image, column: int) -> int:
    """The white column nearest to `column`, if there is one not farther than the line is high."""
    white = np.flatnonzero((picture >= 128).all(axis=0))
    nearest = int(white[np.abs(white - column).argmin()]) if white.size else column
    return nearest if abs(nearest - column) <= picture.shape[0] else column


def nearest_word_gap(picture: Image, column: int) -> int:
    """The middle of the nearest gap between two words, or of what is white before and after the
    line; of any white if there are none.
    """
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
    white = np.flatnonzero((picture >= 128).all(axis=0))
    before, after = white[white <= strike.start], white[white >= strike.end]
    start = int(before[-1]) if before.size else 0
    end = int(after[0]) if after.size else picture.shape[1]
    least = MAX_REMNANT_WIDTH * picture.shape[0]
    return (
        start if strike.start - start < least else strike.start,
        end if end - strike.end < least else strike.end,
    )


def _line_part(picture: Image, start: int, end: int, left: int) -> tuple[LineImage, ...]:
    piece = cut_columns_with_offset(picture, start, end)
    return (LineImage(piece.picture, left=left + piece.left),) if piece is not None else ()


def join_readings(readings: Sequence[Reading], between: Sequence[str]) -> Reading:
    """Texts with what stands between them (one less) as one reading; p is that all of them are
    right.
    """
    value = str(readings[0].value or "")
    characters = readings[0].characters
    p, words = readings[0].p, readings[0].words
    for mark, reading in zip(between, readings[1:], strict=True):
        value += mark + str(reading.value or "")
        characters += (1.0,) * len(mark) + reading.characters
        words += shift_words(reading.words, len(value) - len(str(reading.value or "")))
        p *= reading.p
    seen, unknown, clarity = (
        math.prod(one.image_only_p for one in readings),
        sum(one.unknown_words for one in readings),
        _mean_sharpness(readings),
    )
    return Reading(
        value,
        p,
        State.READ,
        _joined_alternatives(readings, between, p),
        characters,
        sharpness=clarity,
        image_only_p=seen,
        unknown_words=unknown,
        words=words,
    )


def prepend_reading(reading: Reading, start: str) -> Reading:
    """The reading with something before it."""
    others = tuple((start + str(value), p) for value, p in reading.alternatives)
    return replace(
        reading,
        value=start + str(reading.value),
        alternatives=others,
        characters=(1.0,) * len(start) + reading.characters,
        words=shift_words(reading.words, len(start)),
    )


def join_line_parts(readings: Sequence[Reading]) -> Reading:
    """Stretches of one line joined with spaces; those without a text fall away, and the line is as
    doubtful as what could not be read in it.

    `readings` holds at least one.
    """
    full = [one for one in readings if one.value]
    if not full:
        return min(readings, key=lambda one: one.p)
    found = full[0] if len(full) == 1 else join_readings(full, [" "] * (len(full) - 1))
    rest = math.prod(one.p for one in readings if one.state is State.ILLEGIBLE and not one.value)
    return replace(
        found,
        p=found.p * rest,
        alternatives=tuple((value, p * rest) for value, p in found.alternatives),
    )


def _mean_sharpness(readings: Sequence[Reading]) -> float | None:
    """That of all parts, each counted by its length."""
    seen = [
        (one.sharpness, max(1, len(one.characters)))
        for one in readings
        if one.sharpness is not None
    ]
    return (
        sum(clarity * length for clarity, length in seen) / sum(length for _, length in seen)
        if seen
        else None
    )


def _joined_alternatives(
    readings: Sequence[Reading], between: Sequence[str], p: float
) -> tuple[tuple[str, float], ...]:
    """The whole text with the best alternative of one part each, best first."""
    found = []
    for i, reading in enumerate(readings):
        if reading.alternatives and reading.p > 0:
            other, other_p = reading.alternatives[0]
            values = [str(other if i == j else one.value or "") for j, one in enumerate(readings)]
            text = "".join(
                part for pair in zip(values, [*between, ""], strict=True) for part in pair
            )
            found.append((text, p * min(1.0, other_p / reading.p)))
    return tuple(sorted(found, key=lambda item: -item[1])[:4])
