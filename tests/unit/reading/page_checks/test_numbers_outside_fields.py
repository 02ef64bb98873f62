"""Numbers nearly one box above or below their boxes, on the label or in the gap: the boxes were
read as empty with high confidence.
"""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from pipeline.domain.form.field import FieldSpec, Kind
from pipeline.domain.form.form import Forms
from pipeline.domain.model import UNSEEN_P, Image, PageReading, State
from pipeline.domain.settings import ROOT
from pipeline.forms.printing import make_blank_sheets
from pipeline.preparation.practice.fill_sheet import PRINT_PX_PER_MM, render_sheet_page
from pipeline.reading.read_page import PageReader

pytestmark = pytest.mark.slow

FORMS = Forms.load(ROOT / "forms")
PEN = (115, 60, 30)
NAMES = [f"rad{row:02d}.{value}" for row in range(2, 6) for value in ("puls", "saturation")]


def _sheet() -> Image:
    (sheet,) = make_blank_sheets(1)
    return render_sheet_page(FORMS["matvarden", 1], sheet)


FIGURES = ([(3, 1), (1, 4), (4, 4)], [(3, 2), (3, 6.5)]), ([(1, 1), (4, 1), (2, 6.5)],)
"""The strokes of a 4 and of a 7, mm from the top left of a box."""


def _figures(paper: Image, spec: FieldSpec, down: float) -> None:
    """Draw 47 in the last two boxes, a given number of mm lower."""
    for cell, paths in zip(spec.cell_boxes[-2:], FIGURES, strict=True):
        at = np.array([cell.x + 0.2, cell.y + 0.6 + down])
        points = [
            np.round((np.array(path) + at) * PRINT_PX_PER_MM).astype(np.int32) for path in paths
        ]
        cv2.polylines(paper, points, False, PEN, 5, cv2.LINE_AA)


def _read(paper: Image) -> PageReading:
    return (
        PageReader.of_forms(FORMS)
        .read(cv2.imencode(".png", paper)[1].tobytes(), "image/png")
        .reading
    )


@pytest.mark.parametrize("down", [-6.5, 6.5])
def test_boxes_of_number_one_box_away_are_rarely_confidently_empty(down: float) -> None:
    paper, form = _sheet(), FORMS["matvarden", 1]
    for name in NAMES:
        _figures(paper, form.by_name[name], down)
    reading = _read(paper)
    silent = [
        name
        for name in NAMES
        if reading.fields[name].state is State.EMPTY and reading.fields[name].p > UNSEEN_P
    ]
    assert len(silent) <= 2, silent  # of a figure on a label next to nothing may show


def test_number_in_its_boxes_does_not_affect_neighbouring_rows() -> None:
    paper, form = _sheet(), FORMS["matvarden", 1]
    for name in NAMES:
        if name.endswith("puls"):
            _figures(paper, form.by_name[name], 0.0)
    reading = _read(paper)
    assert [problem for problem in reading.issues if problem.startswith("outside_boxes")] == []
    empty = [
        spec.name
        for spec in form.fields
        if spec.kind is Kind.DIGITS and reading.fields[spec.name].state is State.EMPTY
    ]
    assert len(empty) > len(NAMES)
    assert min(reading.fields[name].p for name in empty) > UNSEEN_P
