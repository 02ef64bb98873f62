"""Crosses beside their box and ticks that end in the next one raise an issue: such boxes were read
as empty or marked with high confidence.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import pytest

from pipeline.domain.form.field import Kind
from pipeline.domain.form.form import Forms
from pipeline.domain.model import UNSEEN_P, Box, Image, PageReading
from pipeline.domain.settings import ROOT
from pipeline.forms.printing import make_blank_sheets
from pipeline.preparation.practice.fill_sheet import PRINT_PX_PER_MM, fill_field, render_sheet_page
from pipeline.preparation.practice.synthetic_handwriting import make_writers
from pipeline.reading.read_page import PageReader

pytestmark = pytest.mark.slow

FORMS = Forms.load(ROOT / "forms")
PEN = (115, 60, 30)


def sheet_of(form_id: str) -> Image:
    (sheet,) = make_blank_sheets(1)
    return render_sheet_page(FORMS[form_id, 1], sheet)


def box_of(form_id: str, name: str) -> Box:
    spec = FORMS[form_id, 1].by_name[name]
    return Box(*spec.options[0].box) if spec.options else spec.area


def drawn(paper: Image, *paths: Sequence[tuple[float, float]]) -> PageReading:
    """The reading of a page after strokes along these points, mm."""
    for path in paths:
        points = np.round(np.array(path) * PRINT_PX_PER_MM).astype(np.int32).reshape(-1, 1, 2)
        cv2.polylines(paper, [points], False, PEN, 5, cv2.LINE_AA)
    return (
        PageReader.of_forms(FORMS)
        .read(cv2.imencode(".png", paper)[1].tobytes(), "image/png")
        .reading
    )


def fields_with_issue(reading: PageReading) -> set[str]:
    return {
        problem.partition(":")[2] for problem in reading.issues if problem.startswith("beside_box")
    }


@pytest.mark.parametrize(
    ("form_id", "name"),
    [
        ("besokslista", "rad03.mat"),
        ("besokslista", "rad05.dusch"),
        ("signeringslista", "dag03.avvikelse2"),
    ],
)
def test_cross_on_label_raises_issue(form_id: str, name: str) -> None:
    box = box_of(form_id, name)
    x, y = box.x + box.w / 2 + 1.45 * box.w, box.y + box.h / 2
    reading = drawn(
        sheet_of(form_id),
        [(x - 1.8, y - 1.8), (x + 1.8, y + 1.8)],
        [(x - 1.8, y + 1.8), (x + 1.8, y - 1.8)],
    )
    assert name in fields_with_issue(reading)
    assert reading.fields[name].p <= UNSEEN_P


def test_tick_ending_in_next_box_raises_issue() -> None:
    upper, lower = sorted(
        ((box_of("larmatgard", name), name) for name in ("fall", "sjukskoterska_kontaktad")),
        key=lambda one: one[0].y,
    )
    assert upper[0].y + upper[0].h < lower[0].y
    box = lower[0]
    tick = [
        (box.x + 0.8, box.y + 2.2),
        (box.x + 2.0, box.y + box.h - 0.8),
        (box.x + 3.9, upper[0].y + 2.0),
    ]
    reading = drawn(sheet_of("larmatgard"), tick)
    assert fields_with_issue(reading) == {"fall", "sjukskoterska_kontaktad"}
    assert reading.fields[upper[1]].p <= UNSEEN_P


@pytest.mark.parametrize("form_id", ["besokslista", "signeringslista"])
def test_marks_in_their_boxes_raise_no_issue(form_id: str) -> None:
    form = FORMS[form_id, 1]
    marked = {
        spec.name: spec.options[0].value if spec.options else True
        for spec in form.pages[0].all_fields
        if spec.kind in (Kind.MARK, Kind.CHOICE)
    }
    paper = fill_field(
        sheet_of(form_id),
        form.pages[0],
        marked,
        make_writers(1, seed=3)[0],
        np.random.default_rng(3),
    )
    assert fields_with_issue(drawn(paper)) == set()


def test_punched_hole_is_not_a_mark() -> None:
    paper, box = sheet_of("hsl-anteckning"), box_of("hsl-anteckning", "kontakttyp")
    hole = round((box.x - 4.0) * PRINT_PX_PER_MM), round((box.y + 1.0) * PRINT_PX_PER_MM)
    cv2.circle(paper, hole, round(3.0 * PRINT_PX_PER_MM), (20, 20, 20), -1)
    assert fields_with_issue(drawn(paper)) == set()
