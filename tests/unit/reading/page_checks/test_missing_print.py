"""In black and white, where pale print is lost, an occlusion is detected by missing
printed words.
"""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from pipeline.domain.form.field import Kind
from pipeline.domain.form.form import Forms
from pipeline.domain.issues import IssueCode
from pipeline.domain.model import Box, Image
from pipeline.domain.settings import ROOT
from pipeline.forms.printing import make_blank_sheets
from pipeline.preparation.practice.fill_sheet import PRINT_PX_PER_MM, fill_field, render_sheet_page
from pipeline.preparation.practice.synthetic_handwriting import make_writers
from pipeline.reading.imaging import geometry
from pipeline.reading.imaging.print_contrast import measure_print_contrast
from pipeline.reading.page_checks.occlusion import find_occluded_fields
from pipeline.reading.register.template_images import template_image
from research.evaluation.fields.field_values import make_values
from tests.support.pages.form_choice import by_form

pytestmark = pytest.mark.slow

FORMS = Forms.load(ROOT / "forms")
IN_USE = [
    form for form in {form.id for form in FORMS.values()} if not FORMS[form, 1].printed_elsewhere
]
BLACK = 150
"""Pale print is lighter than this, pen and words are darker."""


def _black_and_white(form_id: str, over: Box | None = None) -> Image:
    """A registered filled page with a white sheet of paper over a part of it."""
    form, rng = FORMS[form_id, 1], np.random.default_rng(3)
    (writer,), (sheet,) = make_writers(1, seed=11), make_blank_sheets(1)
    page = geometry.to_grayscale(
        fill_field(
            render_sheet_page(form, sheet), form.pages[0], make_values(form, rng), writer, rng
        )
    )
    if over:
        left, top, right, bottom = (
            round(side * PRINT_PX_PER_MM)
            for side in (over.x, over.y, over.x + over.w, over.y + over.h)
        )
        cv2.fillPoly(
            page,
            [
                np.array(
                    [(left, top), (right, top + 30), (right - 30, bottom), (left - 30, bottom - 30)]
                )
            ],
            255,
        )
    two = np.where(page > BLACK, 255, 0).astype(np.uint8)
    return np.asarray(cv2.resize(two, (1680, 2376), interpolation=cv2.INTER_AREA), np.uint8)


def _hidden(form_id: str, page: Image) -> dict[str, IssueCode]:
    unfilled = template_image(FORMS[form_id, 1], 1)
    return find_occluded_fields(
        FORMS[form_id, 1].pages[0].all_fields,
        page,
        unfilled,
        measure_print_contrast(page, unfilled),
    )


@pytest.mark.parametrize(
    "over",
    [Box(60, 90, 50, 25), Box(110, 140, 76, 76), Box(15, 160, 180, 30)],
    ids=["label", "note", "strip"],
)
@pytest.mark.parametrize("form_id", ["besokslista", "matvarden", "korlista"])
def test_fields_under_a_white_sheet_are_covered(form_id: str, over: Box) -> None:
    """They were read as empty with high confidence."""
    under = {
        spec.name
        for spec in FORMS[form_id, 1].pages[0].all_fields
        if spec.kind is not Kind.PRINTED
        and geometry.box_distance(geometry.widen_box(spec.area, -2), geometry.widen_box(over, -4))
        == 0
    }
    assert under
    assert under <= _hidden(form_id, _black_and_white(form_id, over)).keys()


@pytest.mark.parametrize("form_id", by_form(sorted(IN_USE)))
def test_no_field_is_covered_on_intact_page(form_id: str) -> None:
    assert not _hidden(form_id, _black_and_white(form_id))


@pytest.mark.parametrize("form_id", ["ansokan-ekonomiskt", "matvarden"])
def test_no_field_is_covered_where_threshold_loses_parts_of_outlines(form_id: str) -> None:
    """A whole page in black and white had most of its fields covered, though all words are there.

    Its outlines are 183 on the template.
    """
    template = template_image(FORMS[form_id, 1], 1)
    page = template + np.random.default_rng(3).normal(0, 6, template.shape)
    for threshold in (172, 175, 178, 183, 190):
        two = np.where(page > threshold, 255, 0).astype(np.uint8)
        assert not _hidden(form_id, two), threshold
