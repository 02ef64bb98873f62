"""The page as people see it: red ink red, paper white, also in the shade; grey scans as read."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
import pytest

from pipeline.domain.form.form import Forms
from pipeline.domain.model import Image
from pipeline.domain.settings import ROOT
from pipeline.files.images import decode_image
from pipeline.forms.printing import make_blank_sheets
from pipeline.preparation.practice.fill_sheet import PRINT_PX_PER_MM, render_sheet_page
from pipeline.reading.imaging.geometry import PX_PER_MM, to_grayscale
from pipeline.reading.read_page import PageReader

FORMS = Forms.load(ROOT / "forms")
VISITS = FORMS["besokslista", 1]
RED, BLUE, BLACK = (45, 35, 205), (170, 70, 40), (30, 30, 30)
FIELD = VISITS.by_name["rad03.namn"].area
READER = PageReader(FORMS, PageReader.of_forms(FORMS).context, 0.8, frozenset())


@cache
def _scanned(colour: tuple[int, int, int], *, in_shade: bool = False) -> Image:
    """A sheet on yellowish paper with a stroke in one field, as a scan in colour."""
    (sheet,) = make_blank_sheets(1)
    page = render_sheet_page(VISITS, sheet)
    bgr = page if page.ndim == 3 else cv2.cvtColor(page, cv2.COLOR_GRAY2BGR)
    y = round((FIELD.y + FIELD.h / 2) * PRINT_PX_PER_MM)
    x = round((FIELD.x + 2) * PRINT_PX_PER_MM)
    cv2.line(bgr, (x, y), (x + round(12 * PRINT_PX_PER_MM), y), colour, 8, cv2.LINE_AA)
    light = np.linspace(1.0, 0.7, bgr.shape[1])[None, :, None] if in_shade else 1.0
    shown: Image = (bgr * np.array([0.86, 0.92, 0.94]) * light).astype(np.uint8)
    return shown


def _shown(image: Image, reader: PageReader = READER) -> Image:
    data = cv2.imencode(".png", image)[1].tobytes()
    upright = reader.read(data, "image/png").upright
    assert upright is not None
    return decode_image(upright, "image/jpeg")


def _stroke(page: Image) -> list[int]:
    y = round((FIELD.y + FIELD.h / 2) * PX_PER_MM)
    x = round((FIELD.x + 8) * PX_PER_MM)
    return [int(level) for level in page[y, x]]


def _paper(page: Image) -> Image:
    """The strips of bare paper at the left and right edge."""
    left, right = (page[800:1500, x : x + 24] for x in (24, page.shape[1] - 48))
    return np.concatenate([left, right])


@pytest.mark.parametrize("in_shade", [False, True])
def test_red_ink_stays_red_and_paper_is_white(*, in_shade: bool) -> None:
    page = _shown(_scanned(RED, in_shade=in_shade))
    blue, green, red = _stroke(page)
    assert red > 150
    assert max(blue, green) < red - 90
    assert np.percentile(_paper(page), 5) >= 250


def test_blue_ink_stays_blue() -> None:
    blue, green, red = _stroke(_shown(_scanned(BLUE)))
    assert blue > green + 30
    assert blue > red + 60


def test_a_grey_scan_is_as_it_was_read() -> None:
    grey = cv2.cvtColor(_scanned(BLACK), cv2.COLOR_BGR2GRAY)
    page = _shown(np.asarray(grey, np.uint8))
    assert page.ndim == 2
    assert 200 < np.median(_paper(page)) < 250


def test_a_colour_scan_without_colours_is_stored_grey_on_white() -> None:
    grey = cv2.cvtColor(_scanned(BLACK), cv2.COLOR_BGR2GRAY)
    page = _shown(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR).astype(np.uint8))
    assert page.ndim == 2
    assert np.percentile(_paper(page), 5) >= 250


@pytest.mark.parametrize("is_grey", [False, True])
def test_pale_writing_is_shown_darker(*, is_grey: bool) -> None:
    """It was made white with the paper, and the reviewer saw an empty field."""
    scanned = _scanned((226, 224, 228))
    page = _shown(to_grayscale(scanned) if is_grey else scanned, PageReader.of_forms(FORMS))
    gray = to_grayscale(page)
    y, x = round((FIELD.y + FIELD.h / 2) * PX_PER_MM), round((FIELD.x + 8) * PX_PER_MM)
    assert float(np.percentile(_paper(gray), 50)) - int(gray[y, x]) > 35
