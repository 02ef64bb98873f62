"""A dark punched hole over a check box is no filled box, and a filled box no hole."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from pipeline import plane
from pipeline.blanks import blank
from pipeline.field_place import hidden_fields
from pipeline.field_spec import FieldSpec, Kind
from pipeline.issues import IssueCode
from pipeline.model import Box, Image
from pipeline.print_contrast import seen_on
from pipeline.printing import issue
from pipeline.quality.filling import PX_PER_MM, SOLID, fill, printed_page
from pipeline.quality.hands import hands
from pipeline.settings import ROOT
from pipeline.template import Forms

pytestmark = pytest.mark.slow

FORMS = Forms.load(ROOT / "forms")


def _marks(form_id: str) -> list[FieldSpec]:
    return [spec for spec in FORMS.latest(form_id).pages[0].all_fields if spec.kind is Kind.MARK][::3]


def _hidden(form_id: str, page: Image) -> dict[str, IssueCode]:
    form = FORMS.latest(form_id)
    upright = np.asarray(cv2.resize(plane.grey(page), (1680, 2376), interpolation=cv2.INTER_AREA), np.uint8)
    return hidden_fields(form.pages[0].all_fields, upright, blank(form, 1), seen_on(upright, blank(form, 1)))


def _middle(box: Box) -> tuple[int, int]:
    return round((box.x + box.w / 2 + 0.3) * PX_PER_MM), round((box.y + box.h / 2 - 0.2) * PX_PER_MM)


@pytest.mark.parametrize("form_id", ["besokslista", "korlista", "avvikelse-hsl"])
def test_a_hole_is_no_filled_box(form_id: str) -> None:
    """Such boxes were surely taken back."""
    (sheet,) = issue(1)
    paper = printed_page(FORMS.latest(form_id), sheet)
    for spec in _marks(form_id):
        cv2.circle(paper, _middle(spec.area), round(3.0 * PX_PER_MM), (20, 20, 20), -1, cv2.LINE_AA)
    hidden = _hidden(form_id, paper)
    assert {spec.name for spec in _marks(form_id)} <= hidden.keys()


@pytest.mark.parametrize("form_id", ["besokslista", "korlista", "avvikelse-hsl"])
def test_filled_boxes_are_not_covered(form_id: str) -> None:
    (sheet,) = issue(1)
    form, rng = FORMS.latest(form_id), np.random.default_rng(2)
    solid = {spec.name: SOLID for spec in _marks(form_id)}
    for hand in hands(3, seed=5):
        assert not _hidden(form_id, fill(printed_page(form, sheet), form.pages[0], solid, hand, rng))
