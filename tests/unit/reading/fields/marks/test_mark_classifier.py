"""A check box is compared with the other boxes of its sheet, never with itself or other sheets."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pipeline.domain.model import State
from pipeline.reading.fields.marks.classifier import (
    MARK_CLASSES,
    SHEET_FEATURES,
    compare_with_sheet,
)
from pipeline.reading.fields.marks.reader import MARK_FEATURES as MEASURED
from pipeline.reading.fields.marks.reader import classify_marks
from research.training.marks.draw import draw_sheet

pytestmark = pytest.mark.slow

USUAL = np.stack([np.full(14, 0.1), np.full(14, 0.7)])
DARKENED = MEASURED.index("darkened")
ABOVE_EMPTY = SHEET_FEATURES.index("darkened, above empty ones")


def _boxes(darkened: list[float]) -> tuple[np.ndarray, np.ndarray]:
    values = np.zeros((len(darkened), len(MEASURED)))
    values[:, DARKENED] = darkened
    empty = np.array([0.98 if dark < 0.5 else 0.02 for dark in darkened])
    return values, np.stack([empty, 1 - empty], axis=1)


def test_box_is_compared_with_empty_boxes_of_its_sheet() -> None:
    values, p = _boxes([0.30] * 30 + [0.42])
    beside = compare_with_sheet(values, p, np.ones(31, np.int64), USUAL)
    assert beside[-1, ABOVE_EMPTY] == pytest.approx(
        0.42 - (30 * 0.98**4 * 0.30 + 2 * 0.1) / (30 * 0.98**4 + 2), abs=1e-6
    )


def test_box_is_excluded_from_its_own_reference() -> None:
    (values, p), (others, q) = _boxes([0.1, 0.1, 0.9]), _boxes([0.1, 0.1, 0.6])
    one, other = (
        compare_with_sheet(v, o, np.ones(3, np.int64), USUAL)[-1]
        for v, o in ((values, p), (others, q))
    )
    assert one[ABOVE_EMPTY] - other[ABOVE_EMPTY] == pytest.approx(0.3, abs=1e-6)


@pytest.mark.parametrize("sheets", [[0, 0, 0, 0], [1, 2, 3, 4]])
def test_boxes_of_other_sheets_have_no_influence(sheets: list[int]) -> None:
    values, p = _boxes([0.1, 0.2, 0.8, 0.9])
    together = compare_with_sheet(values, p, np.array(sheets), USUAL)
    alone = np.vstack(
        [compare_with_sheet(values[[i]], p[[i]], np.array([sheets[i]]), USUAL) for i in range(4)]
    )
    assert np.allclose(together, alone)


def test_boxes_are_read_better_together_than_singly() -> None:
    random = np.random.default_rng(41)
    drawn = [box for number in range(6) for box in draw_sheet(40, random, number + 1)]
    kept = [box for box in drawn if box.truth is not None]
    truth = np.array([MARK_CLASSES.index(box.truth) for box in kept if box.truth])
    p = [
        classify_marks([replace(box.crop, sheet_number=box.crop.sheet_number * of) for box in kept])
        for of in (1, 0)
    ]
    as_sheet, alone = (-np.log(one[np.arange(len(kept)), truth]).mean() for one in p)
    assert as_sheet < alone


def test_empty_sheet_has_only_empty_boxes() -> None:
    random = np.random.default_rng(43)
    while True:
        drawn = draw_sheet(40, random, 1)
        if {box.style for box in drawn} == {"empty"} or all(
            box.truth is State.EMPTY for box in drawn
        ):
            break
    p = classify_marks([box.crop for box in drawn])
    assert (p.argmax(axis=1) == MARK_CLASSES.index(State.EMPTY)).mean() > 0.95
