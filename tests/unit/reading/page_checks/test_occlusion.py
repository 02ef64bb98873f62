"""Fields that are covered, torn off, too dark or displaced raise an issue, and no others."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
import pytest

from pipeline.domain.form.field import Kind
from pipeline.domain.form.form import Forms
from pipeline.domain.issues import IssueCode
from pipeline.domain.model import UNSEEN_P, Box, Image, Reading, State
from pipeline.domain.settings import ROOT
from pipeline.forms.printing import make_blank_sheets
from pipeline.preparation.practice.fill_sheet import SOLID_MARK, fill_field, render_sheet_page
from pipeline.preparation.practice.synthetic_handwriting import make_writers
from pipeline.reading.imaging import geometry
from pipeline.reading.imaging.print_contrast import measure_print_contrast
from pipeline.reading.page_checks.image_quality import lower_confidence
from pipeline.reading.page_checks.occlusion import find_occluded_fields
from pipeline.reading.register.template_images import template_image
from research.evaluation.damage.damaged_page import DamagedPage
from research.evaluation.damage.imaging_damage import binarize
from research.evaluation.fields.field_values import make_values
from tests.support.pages.form_choice import by_form

pytestmark = pytest.mark.slow

FORMS = {form.id: form for form in Forms.load(ROOT / "forms").values()}
SCALE = 8


@cache
def _upright(form_id: str, *, solid: bool = False) -> Image:
    """A registered filled page, grey, 8 px/mm; with `solid` every mark is filled in."""
    form, rng = FORMS[form_id], np.random.default_rng(3)
    (writer,), (sheet,) = make_writers(1, seed=11), make_blank_sheets(1)
    values = make_values(form, rng)
    if solid:
        values |= {spec.name: SOLID_MARK for spec in form.fields if spec.kind is Kind.MARK}
    page = fill_field(render_sheet_page(form, sheet), form.pages[0], values, writer, rng)
    grey = np.asarray(
        cv2.resize(geometry.to_grayscale(page), (1680, 2376), interpolation=cv2.INTER_AREA),
        np.uint8,
    )
    grey.flags.writeable = False
    return grey


def _hidden(form_id: str, page: Image) -> dict[str, IssueCode]:
    form = FORMS[form_id]
    return find_occluded_fields(
        form.pages[0].all_fields,
        page,
        template_image(form, 1),
        measure_print_contrast(page, template_image(form, 1)),
    )


def _within(form_id: str, area: Box) -> set[str]:
    """Fields wholly within a part of the page."""
    fields = [spec for spec in FORMS[form_id].fields if spec.kind is not Kind.PRINTED]
    return {
        s.name
        for s in fields
        if s.area.x >= area.x
        and s.area.y >= area.y
        and s.area.x + s.area.w <= area.x + area.w
        and s.area.y + s.area.h <= area.y + area.h
    }


@pytest.mark.parametrize("form_id", by_form(FORMS))
def test_no_field_of_intact_page_is_hidden(form_id: str) -> None:
    assert _hidden(form_id, _upright(form_id)) == {}


def test_half_torn_digit_box_is_covered() -> None:
    """Its writing is lost too: 60 hours become 6."""
    field = FORMS["pappersschema"].by_name["rad03.son"]
    last = field.cell_boxes[-1]
    torn = [
        (last.x + last.w * 0.2, last.y + last.h + 2),
        (last.x + last.w * 0.9, last.y - 2),
        (215, last.y - 2),
        (215, last.y + last.h + 2),
    ]
    page = np.ascontiguousarray(_upright("pappersschema").copy())
    cv2.fillPoly(page, [np.round(np.array(torn) * SCALE).astype(np.int32)], (252,))
    assert _hidden("pappersschema", page)[field.name] is IssueCode.COVERED


def test_punched_digit_boxes_are_covered() -> None:
    """The rest of a zero is read as a two."""
    field = FORMS["utbetalningslista"].by_name["rad05.konto"]
    cell = field.cell_boxes[3]
    page = np.ascontiguousarray(_upright("utbetalningslista").copy())
    cv2.circle(
        page,
        (round((cell.x + 0.3) * SCALE), round((cell.y + 1.4) * SCALE)),
        round(2.5 * SCALE),
        (255,),
        -1,
    )
    assert _hidden("utbetalningslista", page) == {field.name: IssueCode.COVERED}


def test_filled_boxes_are_not_covered() -> None:
    assert _hidden("besokslista", _upright("besokslista", solid=True)) == {}


@pytest.mark.parametrize("threshold", [120, 170, 220])
def test_lost_pale_print_does_not_hide_fields(threshold: int) -> None:
    page = binarize(
        DamagedPage(_upright("besokslista"), lambda points: points),
        np.random.default_rng(1),
        threshold=threshold,
    )
    assert _hidden("besokslista", page.image) == {}


@pytest.mark.parametrize("light", [0.0, 0.3, 0.6])
def test_fields_under_felt_pen_are_covered(light: float) -> None:
    row = FORMS["matvarden"].by_name["rad03.puls"].area
    page = _upright("matvarden").copy()
    band = page[round((row.y + 1) * SCALE) : round((row.y + 7) * SCALE), 30 * SCALE : 180 * SCALE]
    band[:] = (band * light).astype(np.uint8)
    hidden = _hidden("matvarden", page)
    assert hidden.get("rad03.puls") is IssueCode.COVERED
    assert {name for name in hidden if not name.startswith("rad03")} == set()


@pytest.mark.parametrize("ground", [40, 255])
def test_torn_off_fields_are_covered(ground: int) -> None:
    page = _upright("matvarden").copy()
    page[200 * SCALE :, 100 * SCALE :] = ground
    gone = _within("matvarden", Box(100, 200, 110, 97))
    assert gone
    assert gone <= _hidden("matvarden", page).keys()


def test_too_dark_fields_are_covered() -> None:
    page = _upright("besokslista").astype(np.float64)
    page[150 * SCALE :] *= 0.02
    noisy = np.clip(page + np.random.default_rng(1).normal(0, 3, page.shape), 0, 255).astype(
        np.uint8
    )
    assert _within("besokslista", Box(0, 155, 210, 142)) <= _hidden("besokslista", noisy).keys()


@pytest.mark.parametrize("by_mm", [1.0, 2.0, 3.0, 6.0])
def test_displaced_fields_have_low_confidence(by_mm: float) -> None:
    page, by = _upright("besokslista").copy(), round(by_mm * SCALE)
    part = page[180 * SCALE :, 20 * SCALE :].copy()
    page[180 * SCALE - by : -by, 20 * SCALE - by : -by] = part
    moved = _within("besokslista", Box(20, 185, 190, 90))
    found = _hidden("besokslista", page)
    assert moved
    assert moved <= found.keys()


def test_hidden_field_keeps_value_with_low_confidence() -> None:
    sure = Reading("12:30", 0.999, State.READ)
    after = lower_confidence({"a": sure, "b": sure}, {"a": IssueCode.COVERED})
    assert after["a"].value == "12:30"
    assert after["a"].p == UNSEEN_P
    assert after["b"] == sure


@pytest.mark.parametrize("form_id", ["besokslista", "matvarden"])
def test_taped_over_field_is_covered_although_it_looks_empty(form_id: str) -> None:
    form = FORMS[form_id]
    rng = np.random.default_rng(6)
    paper = np.clip(
        _upright(form_id) * 0.94 + rng.normal(0, 2, _upright(form_id).shape), 0, 255
    ).astype(np.uint8)
    taped = next(spec for spec in form.pages[0].all_fields if spec.kind in (Kind.DIGITS, Kind.MARK))
    x, y, w, h = (round(side * SCALE) for side in taped.area.as_list())
    page = paper.copy()
    page[y + 2 : y + h - 2, x + 2 : x + w - 2] = 250
    assert _hidden(form_id, paper) == {}
    assert set(_hidden(form_id, page)) == {taped.name}
