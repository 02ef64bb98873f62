"""A ring around a check box is told of: the boxes were read as surely empty, or the next one, which the ring crosses, as surely marked."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from pipeline.digitize import Reader
from pipeline.field_spec import Kind
from pipeline.model import UNSEEN_P, Box, Image, PageReading
from pipeline.printing import issue
from pipeline.quality.filled_values import values_for
from pipeline.quality.filling import PX_PER_MM, fill, printed_page
from pipeline.quality.hands import hands
from pipeline.settings import ROOT
from pipeline.template import Forms

pytestmark = pytest.mark.slow

FORMS = Forms.load(ROOT / "forms")


PEN = (115, 60, 30)


def box_of(form_id: str, name: str) -> Box:
    spec = FORMS.latest(form_id).by_name[name]
    return Box(*spec.options[0].box) if spec.options else spec.area


def ringed(form_id: str, name: str) -> Image:
    """A page on which only a ring is drawn, around the first box of a field."""
    (sheet,), box = issue(1), box_of(form_id, name)
    paper = printed_page(FORMS.latest(form_id), sheet)
    middle = round((box.x + box.w / 2) * PX_PER_MM), round((box.y + box.h / 2) * PX_PER_MM)
    cv2.ellipse(paper, middle, (round(1.5 * box.w * PX_PER_MM), round(1.2 * box.h * PX_PER_MM)), 0, 0, 355, PEN, 6, cv2.LINE_AA)
    return paper


def read(paper: Image) -> PageReading:
    return Reader.of_forms(FORMS).read(cv2.imencode(".png", paper)[1].tobytes(), "image/png").reading


def rings(reading: PageReading) -> list[str]:
    return [problem for problem in reading.problems if problem.startswith("encircled")]


@pytest.mark.parametrize(
    ("form_id", "name"),
    [
        ("besokslista", "rad03.mat"),
        ("besokslista", "rad01.inkop"),  # labels on both sides hide it
        ("besokslista", "rad04.tvatt"),
        ("signeringslista", "dag03.avvikelse2"),
    ],
)
def test_a_ring_around_a_box_is_told_of(form_id: str, name: str) -> None:
    reading = read(ringed(form_id, name))
    assert rings(reading) == [f"encircled:{name}"]
    assert reading.fields[name].p <= UNSEEN_P


def test_a_ring_that_touches_a_row_of_writing_is_told_of() -> None:
    paper, box = ringed("besokslista", "rad03.mat"), box_of("besokslista", "rad03.mat")
    x = np.arange(box.x - 30, box.x + 40, 0.8)
    writing = np.stack([x, box.y - 6.0 + 2.8 * (np.arange(len(x)) % 2)], axis=1)
    cv2.polylines(paper, [np.round(writing * PX_PER_MM).astype(np.int32).reshape(-1, 1, 2)], False, PEN, 5, cv2.LINE_AA)
    assert rings(read(paper)) == ["encircled:rad03.mat"]


@pytest.mark.parametrize("form_id", ["besokslista", "signeringslista"])
def test_crosses_and_ticks_are_no_rings(form_id: str) -> None:
    form, (sheet,) = FORMS.latest(form_id), issue(1)
    marked = {
        spec.name: spec.options[0].value if spec.options else True for spec in form.pages[0].all_fields if spec.kind in (Kind.MARK, Kind.CHOICE)
    }
    paper = fill(printed_page(form, sheet), form.pages[0], marked, hands(1, seed=3)[0], np.random.default_rng(3))
    assert not rings(read(paper))


def test_digits_and_writing_around_boxes_are_no_rings() -> None:
    form, (sheet,) = FORMS.latest("besokslista"), issue(1)
    written = values_for(form, np.random.default_rng(4))
    values = {spec.name: written[spec.name] for spec in form.pages[0].all_fields if spec.name in written}
    assert not rings(read(fill(printed_page(form, sheet), form.pages[0], values, hands(1, seed=4)[0], np.random.default_rng(4))))
