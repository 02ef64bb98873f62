"""Print under writing has no weight in identification; print missing on visible paper is evidence
against a form.
"""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from pipeline.domain.model import Image
from pipeline.reading.imaging.print_contrast import DarknessPair, relative_darkness
from research.evaluation.fields.overwritten import (
    draw_form,
    judge_registration,
    overwrite_rows,
    shift_half,
    spoil_page,
)

pytestmark = pytest.mark.slow

PATCH = slice(20, 60)
HERE = np.zeros(2)


def _laid(page: Image, form: Image) -> bool:
    darkness = relative_darkness(page, 6.0), relative_darkness(form, 6.0)
    return DarknessPair(*darkness, 6.0).is_overwritten(PATCH, PATCH, HERE)


@pytest.fixture
def form() -> Image:
    """A pale box, as for a digit, on a small piece of paper."""
    picture = np.full((80, 80), 250, np.uint8)
    cv2.rectangle(picture, (28, 28), (52, 52), (205,), 2)
    return picture


def test_print_under_strokes_is_written_over(form: Image) -> None:
    page = form.copy()
    cv2.line(page, (24, 56), (56, 24), (50,), 4)
    assert _laid(page, form)


def test_print_alone_is_not_written_over(form: Image) -> None:
    assert not _laid(form.copy(), form)


def test_strokes_do_not_excuse_missing_print(form: Image) -> None:
    page = np.full_like(form, 250)
    cv2.line(page, (24, 56), (56, 24), (50,), 4)
    assert not _laid(page, form)


def test_stain_and_grain_do_not_excuse_missing_print(form: Image) -> None:
    stain = np.full_like(form, 250)
    stain[24:70, 24:70] = 40
    grain = np.clip(200 + np.random.default_rng(1).normal(0, 60, form.shape), 0, 255).astype(
        np.uint8
    )
    assert not _laid(stain, form)
    assert not _laid(grain, form)


@pytest.mark.parametrize("way", ["scanned", "uneven feed", "uneven light"])
def test_page_with_most_rows_written_over_is_registered(way: str) -> None:
    rng = np.random.default_rng(1)
    blank = draw_form(rng)
    judged = judge_registration(spoil_page(overwrite_rows(blank, 7, rng), way, rng), blank)
    assert judged.is_registered
    assert judged.error_mm <= 0.3


@pytest.mark.parametrize("rows", [2, 7, 10])
def test_similar_form_is_rejected_despite_writing(rows: int) -> None:
    rng = np.random.default_rng(rows)
    blank = draw_form(rng)
    sister = draw_form(rng, head=blank)
    assert not judge_registration(
        spoil_page(overwrite_rows(sister, rows, rng), "scanned", rng), blank
    ).is_registered


@pytest.mark.parametrize("rows", [2, 7, 10])
def test_registration_one_row_off_is_rejected_despite_writing(rows: int) -> None:
    rng = np.random.default_rng(rows)
    blank = draw_form(rng)
    assert not judge_registration(
        spoil_page(overwrite_rows(blank, rows, rng), "scanned", rng), blank, (0.0, 12.0)
    ).is_registered


@pytest.mark.parametrize("rows", [0, 4, 7])
def test_half_displaced_page_is_rejected(rows: int) -> None:
    rng = np.random.default_rng(rows)
    blank = draw_form(rng)
    assert not judge_registration(
        shift_half(overwrite_rows(blank, rows, rng), 3, rng), blank
    ).is_registered


@pytest.mark.parametrize(("seed", "rows", "fed_mm"), [(1, 2, 2.5), (2, 2, 2.5), (2, 6, 1.5)])
def test_unevenly_fed_page_is_registered(seed: int, rows: int, fed_mm: float) -> None:
    rng = np.random.default_rng(seed)
    blank = draw_form(rng)
    judged = judge_registration(
        spoil_page(overwrite_rows(blank, rows, rng), "uneven feed", rng, fed_mm), blank
    )
    assert judged.is_registered
    assert judged.error_mm <= 0.5
