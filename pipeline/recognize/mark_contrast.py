"""A check box held against the same box unfilled, tone by tone: what remains when print fills most of it, as on bubbles with a letter inside."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.recognize.crop import Crop
from pipeline.recognize.ink import Ink, paper_darkness
from pipeline.recognize.ranks import quantile

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
DARKENED = 0.18


def contrast(crop: Crop, ink: Ink, widest_mm: float) -> NDArray[np.float64]:
    """The numbers named in `FEATURES`, each about 0…1; the crop needs a blank."""
    if crop.blank is None:
        raise ValueError("a crop without a blank cannot be held against one")
    blank = _fitted(paper_darkness(crop.blank, ink.px_per_mm, widest_mm), ink.darkness, ink.px_per_mm)
    window = _middle(ink.field)
    dark, printed = ink.darkness[window], blank[window]
    reach = max(1, round(BARE_MM * ink.px_per_mm))
    bare = cv2.dilate(blank, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8))[window] < BARE
    paper = dark[bare] if bare.mean() > 0.02 else dark
    values = (
        float(dark.mean()),
        float(printed.mean()),
        float((dark - printed).mean()),
        quantile(dark, 0.1),
        quantile(dark, 0.5),
        quantile(printed, 0.1),
        _likeness(ink.darkness, blank),
        quantile(paper, 0.9),
        float((paper > DARKENED).mean()),
        float(bare.mean()),
    )
    return np.array(values, np.float64)


def _middle(field: tuple[int, int, int, int]) -> tuple[slice, slice]:
    x0, y0, x1, y1 = field
    across, down = round((x1 - x0) * (1 - INSIDE) / 2), round((y1 - y0) * (1 - INSIDE) / 2)
    return slice(y0 + down, max(y0 + down + 1, y1 - down)), slice(x0 + across, max(x0 + across + 1, x1 - across))


def _fitted(blank: NDArray[np.float32], dark: NDArray[np.float32], px_per_mm: float) -> NDArray[np.float32]:
    """The blank moved to where it correlates best with the crop."""
    reach = min(max(1, round(REACH_MM * px_per_mm)), (min(dark.shape) - 1) // 3)
    padded = cv2.copyMakeBorder(blank, reach, reach, reach, reach, cv2.BORDER_REPLICATE)
    if float(dark.std()) < 0.01 or float(blank.std()) < 0.01:
        return blank
    score = cv2.matchTemplate(padded, dark, cv2.TM_CCOEFF_NORMED)
    score[reach, reach] += 0.01
    _, _, _, (x, y) = cv2.minMaxLoc(score)
    return np.asarray(padded[y : y + dark.shape[0], x : x + dark.shape[1]], np.float32)


def _likeness(dark: NDArray[np.float32], blank: NDArray[np.float32]) -> float:
    """Correlation of the crop with its blank; 0 where one of them is plain."""
    spread = float(dark.std() * blank.std())
    if spread < 1e-4:
        return 0.0
    return float(((dark - dark.mean()) * (blank - blank.mean())).mean()) / spread
