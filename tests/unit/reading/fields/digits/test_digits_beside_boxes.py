"""Digits that extend beyond their boxes, or are above, below or between them."""

from __future__ import annotations

import cv2
import pytest

from pipeline.domain.form.field import Format
from pipeline.domain.form.form import Forms
from pipeline.domain.model import UNSEEN_P, Box, Image
from pipeline.domain.settings import ROOT
from pipeline.forms.printing import make_blank_sheets
from pipeline.preparation.practice.fill_sheet import PRINT_PX_PER_MM, render_sheet_page
from pipeline.reading.read_page import PageReader
from tests.unit.reading.fields.digits.digit_rows import (
    matvarden,
    read,
    write,
    write_number,
)

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("right", "down"), [(0.0, -4.7), (0.0, 4.7), (-4.5, 0.0), (4.5, 0.0)])
def test_digit_half_outside_boxes_lowers_confidence(right: float, down: float) -> None:
    """The row alone reads as empty, or as a number without that digit, with high confidence."""
    forms = Forms.load(ROOT / "forms")
    form, (sheet,) = forms["matvarden", 1], make_blank_sheets(1)
    field = form.by_name["rad02.smarta"]
    paper, cell = render_sheet_page(form, sheet), field.cell_boxes[0 if right <= 0 else -1]
    write(paper, "4", Box(cell.x + 1 + right, cell.y + 1.4 + down, cell.w - 2, cell.h - 2.8))
    reading = (
        PageReader.of_forms(forms)
        .read(cv2.imencode(".png", paper)[1].tobytes(), "image/png")
        .reading
    )
    assert f"outside_boxes:{field.name}" in reading.issues
    assert reading.fields[field.name].p <= UNSEEN_P
    beside = {
        f"outside_boxes:{field.name}",
        "outside_boxes:rad02.bt_sys",
    }  # the row above, in whose picture it shows too
    assert {problem for problem in reading.issues if problem.startswith("outside_boxes")} <= beside


@pytest.mark.parametrize("down", [-5.2, 5.5, 6.0])
def test_boxes_beside_displaced_number_are_not_confidently_empty(down: float) -> None:
    """A number in the gap between two rows was read in neither. At most half of such numbers, those
    on the label, may still be missed.
    """
    form, paper = matvarden()
    names = [f"rad{row:02d}.{value}" for row in range(2, 6) for value in ("puls", "saturation")]
    for name in names:
        write_number(paper, form.by_name[name], "96", down)
    reading = read(paper)
    silent = [
        name
        for name in names
        if reading.fields[name].p > UNSEEN_P and reading.fields[name].value != "96"
    ]
    assert len(silent) <= len(names) // 2, silent


def test_tail_of_tick_below_boxes_raises_no_issue() -> None:
    form, paper = matvarden()
    names = [f"rad{row:02d}.puls" for row in range(2, 6)]
    for name in names:
        spec = form.by_name[name]
        write_number(paper, spec, "86")
        x, below = spec.area.x + 4, spec.area.y + spec.area.h
        start, end = (
            (round(x * PRINT_PX_PER_MM), round(y * PRINT_PX_PER_MM))
            for x, y in ((x, below + 3), (x + 1.2, below + 0.5))
        )
        cv2.line(paper, start, end, (90, 40, 30), 6, cv2.LINE_AA)
    reading = read(paper)
    assert [problem for problem in reading.issues if problem.startswith("outside_boxes")] == []


def test_correction_above_digit_lowers_confidence() -> None:
    """A digit struck out with one stroke may still be legible while the intended one is written
    small above it.
    """
    form = Forms.load(ROOT / "forms").latest("nyckelkvittens")
    paper = render_sheet_page(form, make_blank_sheets(1)[0])
    dates = [spec for spec in form.fields if spec.format is Format.DATE and spec.row in (2, 3, 4)]
    for spec in dates:
        write_number(paper, spec, "20211217")
        cell = spec.cell_boxes[-1]
        write(paper, "8", Box(cell.x + 1, cell.y - 2.4, cell.w - 2, 2.0))
    reading = read(paper)
    assert [spec.name for spec in dates if reading.fields[spec.name].p > UNSEEN_P] == []


def test_one_on_line_between_boxes_is_not_confidently_ignored() -> None:
    """A stroke as thin as the line was ignored as its residue, and a pulse of 136 was read as 36
    with high confidence.
    """
    form, paper = matvarden()
    names = [f"rad{row:02d}.puls" for row in range(1, 8)]
    for place, name in enumerate(names):
        write_number(paper, form.by_name[name], "36")
        cell = form.by_name[name].cell_boxes[-2]
        x, top, bottom = cell.x + (-0.2, 0.2)[place % 2], cell.y + 0.9, cell.y + cell.h - 0.9
        _draw(paper, (x, top), (x, bottom), (3, 4)[place % 2])
    reading = read(paper)
    silent = [
        name
        for name in names
        if reading.fields[name].value == "36" and reading.fields[name].p > UNSEEN_P
    ]
    assert len(silent) <= 1, silent


def test_digit_touching_its_neighbour_is_not_confidently_ignored() -> None:
    """Both were assigned to the second box: 11.30 was read as 01:30 and a pulse of 141 as 41, with
    high confidence.
    """
    form, paper = matvarden()
    names = [f"rad{row:02d}.puls" for row in range(1, 8)]
    for place, name in enumerate(names):
        write_number(paper, form.by_name[name], "41")
        cell = form.by_name[name].cell_boxes[-2]
        left, right = cell.x - (0.8, 1.0, 1.2, 1.4)[place % 4], cell.x + (1.5, 1.9)[place % 2]
        _draw(paper, (right, cell.y + 1.4), (left, cell.y + cell.h - 1.2), 4)
    reading = read(paper)
    assert [
        name
        for name in names
        if reading.fields[name].value == "41" and reading.fields[name].p > UNSEEN_P
    ] == []


def _draw(
    paper: Image, start: tuple[float, float], end: tuple[float, float], thick_px: int
) -> None:
    """Draw a pen stroke between two points, mm."""
    (x, y), (to_x, to_y) = (
        (round(one * PRINT_PX_PER_MM) for one in place) for place in (start, end)
    )
    cv2.line(paper, (x, y), (to_x, to_y), (90, 40, 30), thick_px, cv2.LINE_AA)
