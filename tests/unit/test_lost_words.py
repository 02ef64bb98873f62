"""In black and white, where the pale print of a form is lost, what lies over a page is known by the printed words that are missing."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from pipeline import plane
from pipeline.blanks import blank
from pipeline.field_place import hidden_fields
from pipeline.field_spec import Kind
from pipeline.issues import IssueCode
from pipeline.model import Box, Image
from pipeline.print_contrast import seen_on
from pipeline.printing import issue
from pipeline.quality.filled_values import values_for
from pipeline.quality.filling import PX_PER_MM, fill, printed_page
from pipeline.quality.hands import hands
from pipeline.settings import ROOT
from pipeline.template import Forms
from tests.form_choice import by_form

pytestmark = pytest.mark.slow

FORMS = Forms.load(ROOT / "forms")
IN_USE = [form for form in {form.id for form in FORMS.values()} if not FORMS.latest(form).printed_elsewhere]
BLACK = 150
"""Pale print is lighter than this, pen and words are darker."""


def _black_and_white(form_id: str, over: Box | None = None) -> Image:
    """A filled page as registration lays it, with a white sheet of paper over a part of it."""
    form, rng = FORMS.latest(form_id), np.random.default_rng(3)
    (hand,), (sheet,) = hands(1, seed=11), issue(1)
    page = plane.grey(fill(printed_page(form, sheet), form.pages[0], values_for(form, rng), hand, rng))
    if over:
        left, top, right, bottom = (round(side * PX_PER_MM) for side in (over.x, over.y, over.x + over.w, over.y + over.h))
        cv2.fillPoly(page, [np.array([(left, top), (right, top + 30), (right - 30, bottom), (left - 30, bottom - 30)])], 255)
    two = np.where(page > BLACK, 255, 0).astype(np.uint8)
    return np.asarray(cv2.resize(two, (1680, 2376), interpolation=cv2.INTER_AREA), np.uint8)


def _hidden(form_id: str, page: Image) -> dict[str, IssueCode]:
    unfilled = blank(FORMS.latest(form_id), 1)
    return hidden_fields(FORMS.latest(form_id).pages[0].all_fields, page, unfilled, seen_on(page, unfilled))


@pytest.mark.parametrize("over", [Box(60, 90, 50, 25), Box(110, 140, 76, 76), Box(15, 160, 180, 30)], ids=["label", "note", "strip"])
@pytest.mark.parametrize("form_id", ["besokslista", "matvarden", "korlista"])
def test_fields_under_a_white_sheet_are_covered(form_id: str, over: Box) -> None:
    """They were surely empty."""
    under = {
        spec.name
        for spec in FORMS.latest(form_id).pages[0].all_fields
        if spec.kind is not Kind.PRINTED and plane.apart(plane.widened(spec.area, -2), plane.widened(over, -4)) == 0
    }
    assert under
    assert under <= _hidden(form_id, _black_and_white(form_id, over)).keys()


@pytest.mark.parametrize("form_id", by_form(sorted(IN_USE)))
def test_no_field_is_covered_on_a_whole_page(form_id: str) -> None:
    assert not _hidden(form_id, _black_and_white(form_id))
