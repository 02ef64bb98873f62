"""A ring around a check box raises an issue: such boxes were read as empty, or the next box, which
the ring crosses, as marked, with high confidence.
"""

from __future__ import annotations

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
from research.evaluation.fields.field_values import make_values

pytestmark = pytest.mark.slow

FORMS = Forms.load(ROOT / "forms")


PEN = (115, 60, 30)


def box_of(form_id: str, name: str) -> Box:
    spec = FORMS[form_id, 1].by_name[name]
    return Box(*spec.options[0].box) if spec.options else spec.area


def ringed(form_id: str, name: str) -> Image:
    """A page with only a ring, drawn around the first box of a field."""
    (sheet,), box = make_blank_sheets(1), box_of(form_id, name)
    paper = render_sheet_page(FORMS[form_id, 1], sheet)
    middle = (
        round((box.x + box.w / 2) * PRINT_PX_PER_MM),
        round((box.y + box.h / 2) * PRINT_PX_PER_MM),
    )
    cv2.ellipse(
        paper,
        middle,
        (round(1.5 * box.w * PRINT_PX_PER_MM), round(1.2 * box.h * PRINT_PX_PER_MM)),
        0,
        0,
        355,
        PEN,
        6,
        cv2.LINE_AA,
    )
    return paper


def read(paper: Image) -> PageReading:
    return (
        PageReader.of_forms(FORMS)
        .read(cv2.imencode(".png", paper)[1].tobytes(), "image/png")
        .reading
    )


def rings(reading: PageReading) -> list[str]:
    return [problem for problem in reading.issues if problem.startswith("encircled")]


@pytest.mark.parametrize(
    ("form_id", "name"),
    [
        ("besokslista", "rad03.mat"),
        ("besokslista", "rad01.inkop"),  # labels on both sides hide it
        ("besokslista", "rad04.tvatt"),
        ("signeringslista", "dag03.avvikelse2"),
    ],
)
def test_ring_around_box_raises_issue(form_id: str, name: str) -> None:
    reading = read(ringed(form_id, name))
    assert rings(reading) == [f"encircled:{name}"]
    assert reading.fields[name].p <= UNSEEN_P


def test_ring_touching_writing_raises_issue() -> None:
    paper, box = ringed("besokslista", "rad03.mat"), box_of("besokslista", "rad03.mat")
    x = np.arange(box.x - 30, box.x + 40, 0.8)
    writing = np.stack([x, box.y - 6.0 + 2.8 * (np.arange(len(x)) % 2)], axis=1)
    cv2.polylines(
        paper,
        [np.round(writing * PRINT_PX_PER_MM).astype(np.int32).reshape(-1, 1, 2)],
        False,
        PEN,
        5,
        cv2.LINE_AA,
    )
    assert rings(read(paper)) == ["encircled:rad03.mat"]


@pytest.mark.parametrize("form_id", ["besokslista", "signeringslista"])
def test_crosses_and_ticks_are_not_rings(form_id: str) -> None:
    form, (sheet,) = FORMS[form_id, 1], make_blank_sheets(1)
    marked = {
        spec.name: spec.options[0].value if spec.options else True
        for spec in form.pages[0].all_fields
        if spec.kind in (Kind.MARK, Kind.CHOICE)
    }
    paper = fill_field(
        render_sheet_page(form, sheet),
        form.pages[0],
        marked,
        make_writers(1, seed=3)[0],
        np.random.default_rng(3),
    )
    assert not rings(read(paper))


def test_digits_and_writing_around_boxes_are_not_rings() -> None:
    form, (sheet,) = FORMS.latest("besokslista"), make_blank_sheets(1)
    written = make_values(form, np.random.default_rng(4))
    values = {
        spec.name: written[spec.name] for spec in form.pages[0].all_fields if spec.name in written
    }
    assert not rings(
        read(
            fill_field(
                render_sheet_page(form, sheet),
                form.pages[0],
                values,
                make_writers(1, seed=4)[0],
                np.random.default_rng(4),
            )
        )
    )
