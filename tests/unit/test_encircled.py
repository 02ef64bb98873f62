"""A ring around a check box is told of: the boxes were read as surely empty, or the next one, which the ring crosses, as surely marked."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from pipeline.digitize import Reader
from pipeline.field_spec import Kind
from pipeline.model import UNSEEN_P, Box, PageReading
from pipeline.printing import issue
from pipeline.quality.filling import PX_PER_MM, fill, printed_page
from pipeline.quality.hands import hands
from pipeline.settings import ROOT
from pipeline.template import Forms

FORMS = Forms.load(ROOT / "forms")


def ringed(form_id: str, name: str) -> PageReading:
    """A page on which only a ring is drawn, around the first box of a field."""
    form, (sheet,) = FORMS.latest(form_id), issue(1)
    spec = form.by_name[name]
    box = Box(*spec.options[0].box) if spec.options else spec.area
    paper = printed_page(form, sheet)
    middle = round((box.x + box.w / 2) * PX_PER_MM), round((box.y + box.h / 2) * PX_PER_MM)
    cv2.ellipse(paper, middle, (round(1.5 * box.w * PX_PER_MM), round(1.2 * box.h * PX_PER_MM)), 0, 0, 355, (115, 60, 30), 6, cv2.LINE_AA)
    return Reader.of_forms(FORMS).read(cv2.imencode(".png", paper)[1].tobytes(), "image/png").reading


@pytest.mark.parametrize(("form_id", "name"), [("besokslista", "rad03.mat"), ("signeringslista", "dag03.avvikelse2")])
def test_a_ring_around_a_box_is_told_of(form_id: str, name: str) -> None:
    reading = ringed(form_id, name)
    assert [problem for problem in reading.problems if problem.startswith("encircled")] == [f"encircled:{name}"]
    assert reading.fields[name].p <= UNSEEN_P


@pytest.mark.parametrize("form_id", ["besokslista", "signeringslista"])
def test_crosses_and_ticks_are_no_rings(form_id: str) -> None:
    form, (sheet,) = FORMS.latest(form_id), issue(1)
    marked = {
        spec.name: spec.options[0].value if spec.options else True for spec in form.pages[0].all_fields if spec.kind in (Kind.MARK, Kind.CHOICE)
    }
    paper = fill(printed_page(form, sheet), form.pages[0], marked, hands(1, seed=3)[0], np.random.default_rng(3))
    reading = Reader.of_forms(FORMS).read(cv2.imencode(".png", paper)[1].tobytes(), "image/png").reading
    assert not [problem for problem in reading.problems if problem.startswith("encircled")]
