"""Alignment of the blank's print to a scan, compared with an exhaustive search."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.reading.fields.digits.cells import MAX_SHIFT_PX, find_best_shift


def boxes() -> NDArray[np.uint8]:
    """Grey levels of a row of five boxes with a word beside them."""
    out = np.zeros((90, 300), np.uint8)
    for x in range(16, 300, 52):
        cv2.line(out, (x, 16), (x, 74), (90,), 2)
    for y in (16, 74):
        cv2.line(out, (16, y), (276, y), (70,), 2)
    cv2.putText(out, "Datum", (40, 10), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (120,), 1, cv2.LINE_AA)
    return out


@pytest.mark.parametrize("move", [(0, 0), (3, -2), (-MAX_SHIFT_PX, MAX_SHIFT_PX)])
def test_displaced_print_is_found(move: tuple[int, int]) -> None:
    printed = boxes()
    sheet = np.roll(printed, move, (0, 1))
    cv2.putText(sheet, "2026", (60, 66), cv2.FONT_HERSHEY_SIMPLEX, 1.6, (180,), 3, cv2.LINE_AA)
    assert find_best_shift(printed, sheet) == move
    assert find_best_shift(printed * np.float32(0.7), sheet * np.float32(0.9)) == move


@pytest.mark.parametrize("seed", range(5))
def test_best_shift_equals_that_of_template_matching(seed: int) -> None:
    rng = np.random.default_rng(seed)
    printed = boxes()
    sheet = np.clip(
        np.roll(printed, tuple(rng.integers(-2, 3, 2)), (0, 1)) * 0.3
        + rng.normal(20, 15, printed.shape),
        0,
        255,
    ).astype(np.uint8)
    score = cv2.matchTemplate(
        sheet, printed[MAX_SHIFT_PX:-MAX_SHIFT_PX, MAX_SHIFT_PX:-MAX_SHIFT_PX], cv2.TM_CCORR_NORMED
    )
    x, y = cv2.minMaxLoc(score)[3]
    assert find_best_shift(printed, sheet) == (y - MAX_SHIFT_PX, x - MAX_SHIFT_PX)


def test_print_is_not_shifted_on_sheet_without_print() -> None:
    assert find_best_shift(boxes(), np.zeros((90, 300), np.uint8)) == (0, 0)


@pytest.mark.parametrize("size", [(2 * MAX_SHIFT_PX, 300), (90, 2 * MAX_SHIFT_PX), (1, 1)])
def test_print_within_border_only_is_not_shifted(size: tuple[int, int]) -> None:
    printed = np.ascontiguousarray(boxes()[: size[0], : size[1]]) + np.uint8(9)
    assert find_best_shift(printed, np.roll(printed, 2, 1)) == (0, 0)


def test_one_row_of_print_inside_border_is_enough() -> None:
    printed = np.zeros((2 * MAX_SHIFT_PX + 1, 60), np.uint8)
    printed[MAX_SHIFT_PX, 20:23] = 200
    assert find_best_shift(printed, np.roll(printed, (-1, 3), (0, 1))) == (-1, 3)
