"""A blank is not sought elsewhere when it cannot fit better there."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.recognize.mark_contrast import HERE, fits_best

REACH = 3


def _correlations(padded: NDArray[Any], picture: NDArray[Any]) -> NDArray[np.float32]:
    return np.asarray(cv2.matchTemplate(padded.astype(np.float32), picture.astype(np.float32), cv2.TM_CCOEFF_NORMED), np.float32)


@pytest.mark.parametrize("noise", [0.0, 0.05, 0.1, 0.2, 0.5, 1.0])
@pytest.mark.parametrize("moved", [0, 1, 2])
def test_what_is_said_to_fit_best_does(noise: float, moved: int) -> None:
    random = np.random.default_rng(3)
    drawn = cv2.rectangle(np.zeros((40, 40)), (8, 8), (31, 31), 1.0, 2)
    padded = np.asarray(cv2.copyMakeBorder(cv2.GaussianBlur(drawn, (0, 0), 0.7), *(REACH,) * 4, cv2.BORDER_REPLICATE))
    blank = padded[REACH:-REACH, REACH:-REACH]
    itself = _correlations(padded, blank)
    itself[REACH, REACH] = -1
    for _ in range(20):
        seen = np.roll(blank, moved, axis=1) + random.normal(0, noise * blank.std(), blank.shape)
        score = _correlations(padded, seen)
        here = float(score[REACH, REACH])
        score[REACH, REACH] += HERE
        best = int(score.argmax()) == REACH * score.shape[1] + REACH
        said = fits_best(here, float(itself.max()))
        assert best or not said
        assert said or noise > 0.2 or moved


@pytest.mark.parametrize(
    ("likeness", "rival", "best"), [(1.0, 0.9, True), (0.97, 0.85, True), (0.9, 0.95, False), (0.5, 0.4, False), (-1.0, -1.0, False)]
)
def test_how_like_it_must_be(likeness: float, rival: float, best: bool) -> None:
    assert fits_best(likeness, rival) is best
