"""The search for the blank's position is skipped where no better match is possible."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.domain.form.field import FieldSpec, Kind
from pipeline.reading.fields.field_image import FieldImage
from pipeline.reading.fields.ink import Darkness, measure_darkness
from pipeline.reading.fields.marks import reader
from pipeline.reading.fields.marks.features import (
    MAX_MARK_MM,
    MAX_SHIFT_MM,
    MIN_CORRELATION_GAIN,
    _fit_template,
    is_best_fit,
)
from pipeline.reading.fields.marks.reader import even_lighting
from research.training.marks.draw import draw_mark

REACH = 3
PX = 8.0


def _correlations(padded: NDArray[Any], picture: NDArray[Any]) -> NDArray[np.float32]:
    return np.asarray(
        cv2.matchTemplate(
            padded.astype(np.float32), picture.astype(np.float32), cv2.TM_CCOEFF_NORMED
        ),
        np.float32,
    )


@pytest.mark.parametrize("noise", [0.0, 0.05, 0.1, 0.2, 0.5, 1.0])
@pytest.mark.parametrize("moved", [0, 1, 2])
def test_predicted_best_correlation_is_the_best(noise: float, moved: int) -> None:
    random = np.random.default_rng(3)
    drawn = cv2.rectangle(np.zeros((40, 40)), (8, 8), (31, 31), 1.0, 2)
    padded = np.asarray(
        cv2.copyMakeBorder(
            cv2.GaussianBlur(drawn, (0, 0), 0.7), *(REACH,) * 4, cv2.BORDER_REPLICATE
        )
    )
    blank = padded[REACH:-REACH, REACH:-REACH]
    itself = _correlations(padded, blank)
    itself[REACH, REACH] = -1
    for _ in range(20):
        seen = np.roll(blank, moved, axis=1) + random.normal(0, noise * blank.std(), blank.shape)
        score = _correlations(padded, seen)
        here = float(score[REACH, REACH])
        score[REACH, REACH] += MIN_CORRELATION_GAIN
        best = int(score.argmax()) == REACH * score.shape[1] + REACH
        is_reported_best = is_best_fit(here, float(itself.max()))
        assert best or not is_reported_best
        assert is_reported_best or noise > 0.2 or moved


@pytest.mark.parametrize(
    ("likeness", "rival", "best"),
    [
        (1.0, 0.9, True),
        (0.97, 0.85, True),
        (0.9, 0.95, False),
        (0.5, 0.4, False),
        (-1.0, -1.0, False),
    ],
)
def test_required_correlation(likeness: float, rival: float, best: bool) -> None:
    assert is_best_fit(likeness, rival) is best


@pytest.mark.parametrize("past", [1.0000000000000002, -1.0000000000000002])
def test_correlation_rounded_beyond_one_is_accepted(past: float) -> None:
    assert is_best_fit(past, 0.5) is (past > 0)
    assert is_best_fit(0.9, past) is (past < 0)


@pytest.mark.parametrize("side", [3.0, 3.6, 4.2, 5.0])
@pytest.mark.parametrize("margin", [0.5, 1.5, 5.0])
def test_the_negative_of_a_blank_is_measured(side: float, margin: float) -> None:
    first, last, whole = (round(mm * PX) for mm in (margin, margin + side, side + 2 * margin))
    blank = np.full((whole, whole), 255, np.uint8)
    cv2.rectangle(blank, (first, first), (last - 1, last - 1), (90,), 2)
    blank.flags.writeable = False
    spec = FieldSpec(name="mark", label="mark", kind=Kind.MARK, box=(50, 50, side, side))
    features, _ = reader.measure_boxes([FieldImage(255 - blank, spec, blank, PX, margin)])
    assert np.isfinite(features).all()


def _sought_everywhere(blank: Darkness, dark: Darkness, px_per_mm: float) -> Darkness:
    reach = round(MAX_SHIFT_MM * px_per_mm)
    padded = np.asarray(cv2.copyMakeBorder(blank, *(reach,) * 4, cv2.BORDER_REPLICATE))
    score = _correlations(padded, dark)
    score[reach, reach] += MIN_CORRELATION_GAIN
    y, x = np.unravel_index(int(score.argmax()), score.shape)
    return np.asarray(padded[y : y + dark.shape[0], x : x + dark.shape[1]])


@pytest.mark.parametrize("style", ["empty", "cross", "tick", "solid"])
def test_position_of_blank_equals_that_of_exhaustive_search(style: str) -> None:
    random, left = np.random.default_rng(6), 0
    for _ in range(40):
        (crop,) = even_lighting([draw_mark(style, random).crop])
        assert crop.template_image is not None
        assert crop.px_per_mm is not None
        blank, dark = (
            measure_darkness(picture, crop.px_per_mm, MAX_MARK_MM)
            for picture in (crop.template_image, crop.image)
        )
        blank.flags.writeable = False
        fitted, likeness = _fit_template(blank, dark, crop.px_per_mm)
        assert np.array_equal(fitted, _sought_everywhere(blank, dark, crop.px_per_mm))
        assert likeness == pytest.approx(np.corrcoef(dark.ravel(), fitted.ravel())[0, 1], abs=1e-4)
        left += fitted is blank
    assert left or style != "empty"
