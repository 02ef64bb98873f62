"""A photo of a sheet is looked at before it is sent: its edges, and what may keep it from being
read.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.domain.model import Image
from pipeline.forms.printing import Sheet
from pipeline.operations.photo_check import PhotoProblem, check_photo, find_paper_edges, is_cut_off
from pipeline.preparation.practice.fill_sheet import render_sheet_page
from tests.support.screens import seeding

pytestmark = pytest.mark.slow

DESK = (52, 74, 96)
CORNERS = np.array([[420, 310], [1990, 260], [2080, 2560], [330, 2500]], np.float32)


@cache
def sheet() -> Image:
    """A form of Efterskrift as it is printed, in colour."""
    form = seeding.forms().latest("hsl-anteckning")
    return render_sheet_page(form, Sheet("0" * 8, seeding.UNIT))


def photo(corners: NDArray[Any] = CORNERS, paper: Image | None = None, blur: float = 0) -> Image:
    """A sheet on a desk, seen from above and not quite straight."""
    paper = sheet() if paper is None else paper
    height, width = paper.shape[:2]
    whole = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    desk = np.full((2900, 2400, 3), DESK, np.uint8)
    noise = np.random.default_rng(3).integers(0, 14, desk.shape, np.uint8)
    shot = cv2.warpPerspective(
        paper,
        cv2.getPerspectiveTransform(whole, corners),
        (desk.shape[1], desk.shape[0]),
        dst=desk + noise,
        borderMode=cv2.BORDER_TRANSPARENT,
        flags=cv2.INTER_AREA,
    )
    return np.asarray(cv2.GaussianBlur(shot, (0, 0), blur) if blur else shot, np.uint8)


def checked(image: Image) -> tuple[bool, tuple[PhotoProblem, ...]]:
    check = check_photo(seeding.jpeg(image), "IMG_0001.jpg")
    assert check.preview.startswith(b"\xff\xd8")
    return check.is_known, check.problems


def test_the_edges_of_a_sheet_on_a_desk_are_found() -> None:
    found = find_paper_edges(photo())
    assert found is not None
    assert np.abs(found - CORNERS).max() < 16
    assert not is_cut_off(photo(), found)


def test_a_good_photo_of_a_form_has_no_problem() -> None:
    assert checked(photo()) == (True, ())


def test_a_turned_sheet_is_found() -> None:
    turned = np.array([[2080, 260], [2050, 2560], [420, 2500], [400, 310]], np.float32)
    found = find_paper_edges(photo(turned))
    assert found is not None
    assert np.abs(np.sort(found, axis=0) - np.sort(turned, axis=0)).max() < 16


def test_a_paper_that_reaches_beyond_the_photo_is_cut_off() -> None:
    plain = np.full((2376, 1680, 3), 240, np.uint8)
    beyond = CORNERS + np.array([700, 0], np.float32)
    assert PhotoProblem.CUT_OFF in checked(photo(beyond, plain))[1]


def test_a_desk_without_a_paper_has_no_edges() -> None:
    nothing = np.full((2900, 2400, 3), DESK, np.uint8)
    assert checked(nothing) == (False, (PhotoProblem.NO_EDGES, PhotoProblem.BLURRED))


def test_a_paper_far_away_is_too_small() -> None:
    assert PhotoProblem.TOO_FAR in checked(photo(CORNERS * 0.4 + 600))[1]


def test_a_shaken_photo_is_blurred() -> None:
    assert PhotoProblem.BLURRED in checked(photo(blur=9))[1]


def test_a_file_that_is_no_picture_is_said_to_be_unreadable() -> None:
    check = check_photo(b"no picture", "IMG_0001.jpg")
    assert (check.preview, check.problems) == (b"", (PhotoProblem.UNREADABLE,))
