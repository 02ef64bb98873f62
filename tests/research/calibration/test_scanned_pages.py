"""Whole pages that are printed, filled in, scanned and judged for calibration."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.domain.form.field import Kind
from pipeline.domain.model import Image
from research.evaluation.fields.scanned_pages import (
    COLOUR,
    ONE_BIT,
    SCANNER_MODES,
    ScannerMode,
    scan_printed_page,
)
from research.training.calibration import scans


def paper() -> Image:
    """A printed page at 300 dpi with a line on it."""
    page = np.full((3508, 2480, 3), 255, np.uint8)
    page[1700:1710, 300:2100] = 0
    return page


@pytest.mark.parametrize("mode", SCANNER_MODES, ids=str)
def test_a_page_is_scanned_in_its_mode(mode: ScannerMode) -> None:
    image = scan_printed_page(paper(), mode, np.random.default_rng(1))
    assert image.ndim == (3 if mode.tone == COLOUR else 2)
    assert abs(image.shape[1] - 2480 * mode.dpi / 300) < 120 * mode.dpi / 300
    if mode.tone == ONE_BIT:
        assert set(np.unique(image)) == {0, 255}


def test_an_untouched_page_is_judged_field_by_field(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what the network of lines reads only what is read as empty counts."""
    monkeypatch.setattr(scans, "UNTOUCHED_SHARE", 1.0)
    found = scans.judge_scanned_pages(
        [None],  # type: ignore[list-item]
        range(3, 4),
        frozenset({Kind.MARK, Kind.TEXT, Kind.DIGITS, Kind.SIGNATURE}),
        np.random.default_rng(2),
    )
    assert len(found) > 5
    assert all(one.key.endswith("-empty") and one.right for one in found)
    assert {one.part for one in found} == {"scan 3 3"}
