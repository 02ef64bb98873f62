"""A check box held against the same box unfilled, tone by tone: what remains when print fills most of it, as on bubbles with a letter inside."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.once import once_a_picture
from pipeline.recognize.crop import Crop
from pipeline.recognize.ink import Darkness, Ink, paper_darkness, square
from pipeline.recognize.ranks import quantile, quantiles

LEAST_BARE_SHARE = 0.02
"""With less bare paper than this the whole box says how light the paper is."""
FEATURES = (
    "mean darkness",
    "mean darkness of the blank",
    "darkened",
    "lightest tenth",
    "half",
    "lightest tenth of the blank",
    "likeness",
    "darkest of bare paper",
    "bare paper darkened",
    "bare paper",
)
REACH_MM = 0.4
"""How far the blank is moved to where it fits best."""
INSIDE = 0.78
"""The middle of the box that is looked at, as part of its sides: within a printed ring."""
BARE = 0.08
"""The blank is paper where it is lighter than this, and was so all around."""
BARE_MM = 0.15
"""Paper farther from print than this is bare, mm."""
DARKENED = 0.18
"""Bare paper darker than this may have ink, as part of white."""
HERE = 0.01
"""So much better must a blank correlate elsewhere to be moved."""
ROUNDING = 1e-4
"""Slack for rounding when correlations are compared."""
PLAIN = 0.01
"""With less spread of its darkness a picture shows nothing that could be laid on another."""


def contrast(crop: Crop, ink: Ink, widest_mm: float) -> NDArray[np.float64]:
    """The numbers named in `FEATURES`, each about 0…1; the crop needs a blank."""
    if crop.blank is None:
        raise ValueError("a crop without a blank cannot be held against one")
    blank, likeness = _fitted(paper_darkness(crop.blank, ink.px_per_mm, widest_mm), ink.darkness, ink.px_per_mm)
    window = _middle(ink.field)
    dark, printed = ink.darkness[window], blank[window]
    bare = _darkest_near(blank, window, max(1, round(BARE_MM * ink.px_per_mm))) < BARE
    bare_part = np.count_nonzero(bare) / bare.size
    paper = dark[bare] if bare_part > LEAST_BARE_SHARE else dark
    mean_dark, mean_printed = cv2.mean(dark)[0], cv2.mean(printed)[0]
    values = (
        mean_dark,
        mean_printed,
        mean_dark - mean_printed,
        *quantiles(dark, (0.1, 0.5)),
        quantile(printed, 0.1),
        likeness,
        quantile(paper, 0.9),
        np.count_nonzero(paper > DARKENED) / paper.size,
        bare_part,
    )
    return np.array(values, np.float64)


def _darkest_near(blank: Darkness, window: tuple[slice, slice], reach: int) -> Darkness:
    """For each pixel in a window, how dark the blank is at most so near it."""
    wide = tuple(slice(max(0, side.start - reach), side.stop + reach) for side in window)
    inner = tuple(slice(side.start - more.start, side.stop - more.start) for side, more in zip(window, wide, strict=True))
    return np.asarray(cv2.dilate(blank[wide], square(2 * reach + 1))[inner], np.float32)


def _middle(field: tuple[int, int, int, int]) -> tuple[slice, slice]:
    x0, y0, x1, y1 = field
    across, down = round((x1 - x0) * (1 - INSIDE) / 2), round((y1 - y0) * (1 - INSIDE) / 2)
    return slice(y0 + down, max(y0 + down + 1, y1 - down)), slice(x0 + across, max(x0 + across + 1, x1 - across))


def _fitted(blank: Darkness, dark: Darkness, px_per_mm: float) -> tuple[Darkness, float]:
    """The blank moved to where it correlates best with the crop, and this correlation; 0 where one of them is plain.

    Of a blank that may change nothing is kept, and to ask how it correlates with itself would take as long as to seek it.
    """
    reach = min(max(1, round(REACH_MM * px_per_mm)), (min(dark.shape) - 1) // 3)
    of_dark, of_blank = _mean_and_spread(dark), _mean_and_spread(blank)
    likeness = _likeness(dark, of_dark, blank, of_blank)
    if min(of_dark[1], of_blank[1]) < PLAIN or (not blank.flags.writeable and fits_best(likeness, float(_rival(blank, reach)[0]))):
        return blank, likeness
    padded = _padded(blank, reach)
    score = cv2.matchTemplate(padded, dark, cv2.TM_CCOEFF_NORMED)
    score[reach, reach] += HERE
    _, _, _, (x, y) = cv2.minMaxLoc(score)
    moved = np.asarray(padded[y : y + dark.shape[0], x : x + dark.shape[1]], np.float32)
    return moved, _likeness(dark, of_dark, moved, _mean_and_spread(moved))


def fits_best(likeness: float, rival: float) -> bool:
    """Whether a blank does worse wherever else it is laid on a crop.

    `likeness` is its correlation with the crop where it lies, `rival` the most that the blank correlates with itself moved. Correlations are cosines
    of angles, and one side of a triangle is at least the difference of the other two.
    """
    apart, off = _angle(rival), _angle(likeness)
    return off < apart and math.cos(apart - off) < likeness + HERE - ROUNDING


def _angle(correlation: float) -> float:
    """0…π; a correlation may be rounded past 1 or -1."""
    return math.acos(max(-1.0, min(1.0, correlation)))


@once_a_picture(most_bytes=16_000_000)
def _rival(blank: Darkness, reach: int) -> Darkness:
    """(1,): the most that a blank correlates with itself moved by a pixel or more."""
    score = cv2.matchTemplate(_padded(blank, reach), blank, cv2.TM_CCOEFF_NORMED)
    score[reach, reach] = -1
    return np.asarray(score.max(keepdims=True)[0], np.float32)


def _padded(blank: Darkness, reach: int) -> Darkness:
    return np.asarray(cv2.copyMakeBorder(blank, reach, reach, reach, reach, cv2.BORDER_REPLICATE), np.float32)


def _likeness(dark: Darkness, of_dark: tuple[float, float], blank: Darkness, of_blank: tuple[float, float]) -> float:
    """Correlation of the crop with its blank, whose means and spreads are known; 0 where one of them is plain."""
    (mean, spread), (mean_blank, spread_blank) = of_dark, of_blank
    if spread * spread_blank < 1e-4:
        return 0.0
    return (cv2.mean(cv2.multiply(dark, blank))[0] - mean * mean_blank) / (spread * spread_blank)


def _mean_and_spread(dark: Darkness) -> tuple[float, float]:
    mean, spread = cv2.meanStdDev(dark)
    return float(mean[0, 0]), float(spread[0, 0])
