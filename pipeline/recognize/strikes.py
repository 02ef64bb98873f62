"""Where words are struck out in the picture of a line: a small network tells columns with a stroke or a scribble through the letters from the rest.

Trained by `pipeline/training/strikes.py`; `data/models/strikes.md` is its card. Underlines, rules, dashes and the bars of a t are not strikes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.confidence import STRIKE_FROM
from pipeline.model import Image
from pipeline.recognize.inference import opened

MODEL = Path(__file__).resolve().parent.parent.parent / "data" / "models" / "strikes.onnx"
HEIGHT = 32
"""Height of the line image that the network reads, px."""
STEP_PX = 4
"""One answer for so many columns of a picture `HEIGHT` px high."""
SHORTEST = 0.5
"""A strike is at least this long, in heights of the line; shorter ones are letters written over."""
LOWEST_MM = 2.0
"""A picture lower than this (with its white) shows dashes only."""
CLOSE = 0.5
"""Strikes nearer than this to each other, in heights of the line, are one."""
WIDEST_PX = 4000
"""Greatest width of a line image, px."""


@dataclass(frozen=True, slots=True)
class Strike:
    """A struck-out place: its columns in the picture, from `start` up to `end`, and how sure it is."""

    start: int
    end: int
    p: float


def struck_out(pictures: Sequence[Image], px_per_mm: float) -> list[tuple[Strike, ...]]:
    """The struck-out places of each line's picture (grey, ink alone on white), from left to right; a line as low as a dash has none.

    Raises:
        MissingProgramError: the network's file is missing or damaged.
    """
    return [strikes_in(column_p(picture), picture) if picture.shape[0] >= LOWEST_MM * px_per_mm else () for picture in pictures]


def column_p(picture: Image, model: Path = MODEL) -> NDArray[np.float32]:
    """The probability that the line is struck out, for each step of `STEP_PX` columns of the picture made `HEIGHT` px high."""
    (p,) = _session(model).run(None, {"lines": as_input(picture)[None, None]})
    answer: NDArray[np.float32] = np.asarray(p, np.float32).reshape(-1)
    return answer


def as_input(picture: Image) -> NDArray[np.float32]:
    """A line as the network takes it: (32, a multiple of 4 px wide), 0 = paper, 1 = ink."""
    width = int(np.clip(round(picture.shape[1] * HEIGHT / picture.shape[0] / STEP_PX), 4, WIDEST_PX // STEP_PX)) * STEP_PX
    way = cv2.INTER_AREA if picture.shape[0] > HEIGHT else cv2.INTER_LINEAR
    ink = 1.0 - np.asarray(cv2.resize(picture, (width, HEIGHT), interpolation=way), np.float32) / np.float32(255)
    return np.asarray(ink, np.float32)


def strikes_in(p: NDArray[np.float32], picture: Image) -> tuple[Strike, ...]:
    """Runs of steps that are more probably struck out than not, as columns of the picture."""
    per_step = picture.shape[1] / len(p)
    height = picture.shape[0]
    runs = _runs(p > STRIKE_FROM, CLOSE * height / per_step)
    found = (Strike(round(a * per_step), round(b * per_step), float(p[a:b].mean())) for a, b in runs)
    return tuple(strike for strike in found if strike.end - strike.start >= SHORTEST * height)


def _runs(over: NDArray[np.bool_], close: float) -> list[tuple[int, int]]:
    at = np.flatnonzero(over)
    if not at.size:
        return []
    breaks = np.flatnonzero(np.diff(at) > close)
    return [(int(a), int(b) + 1) for a, b in zip([at[0], *at[breaks + 1]], [*at[breaks], at[-1]], strict=True)]


_session = lru_cache(maxsize=2)(opened)
