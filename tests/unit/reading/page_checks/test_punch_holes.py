"""A dark punched hole over a check box is not a filled box, and a filled box not a hole."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from pipeline.domain.form.field import FieldSpec, Kind
from pipeline.domain.form.form import Forms
from pipeline.domain.issues import IssueCode
from pipeline.domain.model import Box, Image
from pipeline.domain.settings import ROOT
from pipeline.forms.printing import make_blank_sheets
from pipeline.preparation.practice.fill_sheet import (
    PRINT_PX_PER_MM,
    SOLID_MARK,
    fill_field,
    render_sheet_page,
)
from pipeline.preparation.practice.synthetic_handwriting import make_writers
from pipeline.reading.imaging import geometry
from pipeline.reading.imaging.print_contrast import measure_print_contrast
from pipeline.reading.page_checks.occlusion import find_occluded_fields
from pipeline.reading.register.template_images import template_image

pytestmark = pytest.mark.slow

FORMS = Forms.load(ROOT / "forms")


def _marks(form_id: str) -> list[FieldSpec]:
    return [spec for spec in FORMS[form_id, 1].pages[0].all_fields if spec.kind is Kind.MARK][::3]


def _hidden(form_id: str, page: Image) -> dict[str, IssueCode]:
    form = FORMS[form_id, 1]
    upright = np.asarray(
        cv2.resize(geometry.to_grayscale(page), (1680, 2376), interpolation=cv2.INTER_AREA),
        np.uint8,
    )
    return find_occluded_fields(
        form.pages[0].all_fields,
        upright,
        template_image(form, 1),
        measure_print_contrast(upright, template_image(form, 1)),
    )


def _middle(box: Box) -> tuple[int, int]:
    return round((box.x + box.w / 2 + 0.3) * PRINT_PX_PER_MM), round(
        (box.y + box.h / 2 - 0.2) * PRINT_PX_PER_MM
    )


@pytest.mark.parametrize("form_id", ["besokslista", "korlista", "avvikelse-hsl"])
def test_punched_hole_is_not_a_filled_box(form_id: str) -> None:
    """Such boxes were read as cancelled with high confidence."""
    (sheet,) = make_blank_sheets(1)
    paper = render_sheet_page(FORMS[form_id, 1], sheet)
    for spec in _marks(form_id):
        cv2.circle(
            paper, _middle(spec.area), round(3.0 * PRINT_PX_PER_MM), (20, 20, 20), -1, cv2.LINE_AA
        )
    hidden = _hidden(form_id, paper)
    assert {spec.name for spec in _marks(form_id)} <= hidden.keys()


@pytest.mark.parametrize("form_id", ["besokslista", "korlista", "avvikelse-hsl"])
def test_filled_boxes_are_not_covered(form_id: str) -> None:
    (sheet,) = make_blank_sheets(1)
    form, rng = FORMS[form_id, 1], np.random.default_rng(2)
    solid = {spec.name: SOLID_MARK for spec in _marks(form_id)}
    for writer in make_writers(3, seed=5):
        assert not _hidden(
            form_id, fill_field(render_sheet_page(form, sheet), form.pages[0], solid, writer, rng)
        )
