"""Markers, codes, rotation and blankness are detected under all distortions of paper."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
import pytest

from pipeline.domain.issues import Issue, IssueCode
from pipeline.domain.model import Box, Image, SheetCode
from pipeline.forms.fiducials import CODE_BOXES, MARKER_BOXES, format_code
from pipeline.reading.identify.identify import identify_page
from pipeline.reading.imaging import geometry
from research.evaluation.damage.damaged_page import DamagedPage
from research.evaluation.damage.imaging_damage import add_noise
from research.evaluation.damage.page_placement import turn_page
from research.evaluation.damage.paper_damage import add_bleed_through, add_dust, punch_holes
from tests.support.pages.distort import DISTORTIONS
from tests.support.pages.synthetic_page import (
    CODE,
    rendered,
    scribbled,
    synthetic_page,
    synthetic_pdf,
)

pytestmark = pytest.mark.slow

PX_PER_MM = 2480 / 210


@cache
def _filled() -> Image:
    return scribbled(synthetic_page(300), np.random.default_rng(7))


def _without(page: Image, *boxes: Box) -> Image:
    out = page.copy()
    for box in boxes:
        x, y, w, h = (round(v * PX_PER_MM) for v in geometry.widen_box(box, 1).as_list())
        out[y : y + h, x : x + w] = 255
    return out


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if number % 5 == 0 else pytest.mark.nightly)
        for number, name in enumerate(DISTORTIONS)
    ],
)
def test_code_is_read_under_every_distortion(name: str) -> None:
    found = identify_page(DISTORTIONS[name](_filled(), np.random.default_rng(11)))
    assert found.code == CODE
    assert len(found.markers) >= 3
    assert not found.is_blank


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_rotation_is_clockwise(quarters: int) -> None:
    turned = turn_page(
        DamagedPage(_filled(), lambda points: points), np.random.default_rng(1), quarters=quarters
    )
    assert identify_page(turned.image).rotation_deg == pytest.approx(90 * quarters, abs=0.2)


def test_missing_codes_and_markers_are_reported() -> None:
    found = identify_page(_without(_filled(), CODE_BOXES[0], MARKER_BOXES[2]))
    assert found.code == CODE
    assert found.issues == (
        Issue(IssueCode.CODE_MISSING, "1"),
        Issue(IssueCode.MARKER_MISSING, "2"),
    )


def test_one_code_alone_is_enough() -> None:
    found = identify_page(_without(_filled(), CODE_BOXES[0], *MARKER_BOXES.values()))
    assert found.code == CODE
    assert set(found.code_corners) == {1}
    assert found.rotation_deg == pytest.approx(0, abs=1)


def test_a_page_without_a_code_is_not_identified() -> None:
    found = identify_page(_without(_filled(), *CODE_BOXES))
    assert (found.code, found.issues, found.is_blank) == (None, (Issue(IssueCode.NO_CODE),), False)


def test_foreign_codes_are_ignored() -> None:
    assert identify_page(rendered(synthetic_pdf("https://example.org/1"), 300)).issues == (
        Issue(IssueCode.NO_CODE),
    )


def test_two_codes_that_differ_identify_nothing() -> None:
    other = rendered(synthetic_pdf(format_code(SheetCode("synthetic", 1, 2, 2, CODE.serial))), 300)
    page = _filled().copy()
    page[3000:] = other[3000:]
    found = identify_page(page)
    assert (found.code, found.issues) == (None, (Issue(IssueCode.CODES_DIFFER),))


def test_two_sheets_in_one_image_identify_nothing() -> None:
    found = identify_page(np.hstack([_filled(), _filled()]))
    assert found.code is None
    assert Issue(IssueCode.SEVERAL_SHEETS) in found.issues


@pytest.mark.parametrize("lower_px", [230, 300, 700, 1500])
def test_overlapping_sheets_identify_nothing(lower_px: int) -> None:
    picture = np.full((3508 + lower_px, 2480), 255, np.uint8)
    picture[:3508] = _filled()
    picture[lower_px:] = _filled()
    found = identify_page(picture)
    assert found.code is None
    assert Issue(IssueCode.SEVERAL_SHEETS) in found.issues


def test_markers_are_found_at_edge_and_within_white_border() -> None:
    """Markers of a whole sheet are searched in its corners only; within a white border they are
    elsewhere.
    """
    page = _filled()
    wide = identify_page(
        np.asarray(
            cv2.copyMakeBorder(page, 1500, 1500, 1500, 1500, cv2.BORDER_CONSTANT, value=(255,)),
            np.uint8,
        )
    )
    close = identify_page(page)
    assert close.code == wide.code == CODE
    for marker in MARKER_BOXES:
        assert np.abs(wide.markers[marker] - 1500 - close.markers[marker]).max() < 0.3


def _paper(level: int = 250) -> DamagedPage:
    return DamagedPage(np.full((3508, 2480), level, np.uint8), lambda points: points)


def test_empty_back_is_blank_despite_show_through_and_dirt() -> None:
    rng = np.random.default_rng(3)
    back = add_noise(
        add_dust(punch_holes(add_bleed_through(_paper(), rng, strength=0.09), rng), rng, specks=60),
        rng,
        sigma=3,
    )
    back.image[:, :30] = 60  # the shadow of the sheet's edge
    assert identify_page(back.image).is_blank
    assert identify_page(np.full((1754, 1240, 3), 244, np.uint8)).is_blank


def test_a_thumbnail_is_not_blank() -> None:
    """A short note is invisible at this resolution, and blank pages are finished without review."""
    page = np.full((2339, 1654), 255, np.uint8)
    cv2.putText(
        page,
        "insulin 4E kl 14 /AB",
        (300, 600),
        cv2.FONT_HERSHEY_SCRIPT_SIMPLEX,
        1.6,
        60,
        4,
        cv2.LINE_AA,
    )
    assert not identify_page(
        np.asarray(cv2.resize(page, (85, 120), interpolation=cv2.INTER_AREA), np.uint8)
    ).is_blank


@pytest.mark.parametrize("pen_px", [26, 40])
def test_small_note_that_fills_image_is_not_blank(pen_px: int) -> None:
    """Its strokes would be as broad as shadows if its paper had the size of a page."""
    note, along = np.full((1500, 1500), 248, np.uint8), np.linspace(0, 1, 400)
    for row in range(3):
        line = np.stack(
            [180 + 1100 * along, 400 + 350 * row + 110 * np.sin(10 * np.pi * along)], axis=1
        )
        cv2.polylines(note, [line.round().astype(np.int32)], False, (60,), pen_px, cv2.LINE_AA)
    assert not identify_page(np.asarray(cv2.GaussianBlur(note, (0, 0), 2), np.uint8)).is_blank


@pytest.mark.parametrize("dpi", [150, 300])
def test_a_faint_pencil_note_is_not_blank(dpi: int) -> None:
    rng = np.random.default_rng(4)
    note = _paper().image
    cv2.putText(
        note,
        "ring dottern",
        (900, 1500),
        cv2.FONT_HERSHEY_SCRIPT_SIMPLEX,
        2.0,
        (195,),
        5,
        cv2.LINE_AA,
    )
    page = add_noise(DamagedPage(note, lambda points: points), rng, sigma=3).image
    size = round(2480 * dpi / 300), round(3508 * dpi / 300)
    assert not identify_page(
        np.asarray(cv2.resize(page, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    ).is_blank
