"""A page with show-through, deep shadow or blur raises an issue and has only fields with low
confidence; other pages have none.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache, partial
from types import SimpleNamespace
from typing import cast

import cv2
import numpy as np
import pytest

from pipeline.domain.form.confidence import POOR_IMAGE_MAX_P, PREFILL_FROM_BY_KIND
from pipeline.domain.form.field import Kind
from pipeline.domain.form.form import Forms
from pipeline.domain.issues import IssueCode
from pipeline.domain.model import Image, Reading, State
from pipeline.domain.settings import ROOT
from pipeline.forms.printing import make_blank_sheets
from pipeline.preparation.practice.fill_sheet import fill_field, render_sheet_page
from pipeline.preparation.practice.synthetic_handwriting import make_writers
from pipeline.reading.imaging import geometry
from pipeline.reading.imaging.pixels import is_black_and_white
from pipeline.reading.imaging.print_contrast import measure_print_contrast
from pipeline.reading.page_checks.image_quality import (
    cap_confidence,
    cap_marks,
    check,
    find_quality_issues,
)
from pipeline.reading.page_checks.page_context import PageContext
from pipeline.reading.register.register import Registration
from pipeline.reading.register.template_images import template_image
from research.evaluation.damage.damaged_page import Damage, DamagedPage
from research.evaluation.damage.imaging_damage import (
    add_blur,
    add_motion_blur,
    add_noise,
    add_uneven_light,
    binarize,
    compress_jpeg,
)
from research.evaluation.damage.page_placement import change_dpi
from research.evaluation.damage.paper_damage import add_bleed_through, add_dust
from research.evaluation.damage.series import photocopied
from research.evaluation.fields.field_values import make_values

pytestmark = pytest.mark.slow

FORMS = {form.id: form for form in Forms.load(ROOT / "forms").values()}
SOME = ("besokslista", "hsl-anteckning", "signeringslista")


@cache
def _page(form_id: str) -> Image:
    """A printed and filled page, 300 dpi."""
    form, rng = FORMS[form_id], np.random.default_rng(5)
    (writer,), (sheet,) = make_writers(1, seed=11), make_blank_sheets(1)
    return geometry.to_grayscale(
        fill_field(
            render_sheet_page(form, sheet), form.pages[0], make_values(form, rng), writer, rng
        )
    )


def _found(form_id: str, *damage: Damage) -> tuple[IssueCode, ...]:
    state, rng = DamagedPage(_page(form_id), lambda points: points), np.random.default_rng(7)
    for step in damage:
        state = step(state, rng)
    upright = np.asarray(
        cv2.resize(state.image, (1680, 2376), interpolation=cv2.INTER_AREA), np.uint8
    )
    unfilled = template_image(FORMS[form_id], 1)
    return find_quality_issues(
        FORMS[form_id].pages[0].all_fields,
        upright,
        unfilled,
        measure_print_contrast(upright, unfilled),
    )


@pytest.mark.parametrize("form_id", SOME)
def test_scanned_filled_page_is_clear(form_id: str) -> None:
    assert _found(form_id, partial(add_noise, sigma=3)) == ()


TOLERATED: dict[str, Damage] = {
    "a little shines through": partial(add_bleed_through, strength=0.1),
    "uneven light": partial(add_uneven_light, darkest=0.35),
    "1 bit": partial(binarize, threshold=190),
    "compressed": partial(compress_jpeg, quality=15),
    "75 dpi": partial(change_dpi, dpi=75),
    "dust": partial(add_dust, specks=300),
    "a little out of focus": partial(add_blur, millimetres=0.1),
}


@pytest.mark.parametrize("form_id", SOME)
@pytest.mark.parametrize("damage", TOLERATED.values(), ids=TOLERATED)
def test_damage_within_tolerance_leaves_page_clear(form_id: str, damage: Damage) -> None:
    assert _found(form_id, damage) == ()


UNCLEAR: dict[str, tuple[Damage, IssueCode]] = {
    "writing on the back": (partial(add_bleed_through, strength=0.35), IssueCode.SHADED),
    "strong writing on the back": (partial(add_bleed_through, strength=0.9), IssueCode.SHADED),
    "camera shake": (partial(add_motion_blur, millimetres=0.9), IssueCode.BLURRED),
    "out of focus": (partial(add_blur, millimetres=0.33), IssueCode.BLURRED),
}


@pytest.mark.parametrize("form_id", SOME)
@pytest.mark.parametrize(("damage", "what"), UNCLEAR.values(), ids=UNCLEAR)
def test_unclear_page_raises_issue(form_id: str, damage: Damage, what: IssueCode) -> None:
    assert _found(form_id, damage, partial(add_noise, sigma=3)) == (what,)


@pytest.mark.parametrize(
    ("p", "why", "after"),
    [
        (0.999, [IssueCode.BLURRED], POOR_IMAGE_MAX_P),
        (0.4, [IssueCode.BLURRED], 0.4),
        (0.999, [], 0.999),
    ],
)
def test_all_fields_of_unclear_page_have_low_confidence(
    p: float, why: list[IssueCode], after: float
) -> None:
    reading = Reading("12:30", p, State.READ)
    assert cap_confidence({"a": reading}, why) == {"a": replace(reading, p=after)}


def _capped_p(reading: Reading, *damage: Damage) -> float:
    """The p of a check box on a page that was scanned after some damage."""
    form_id = "hsl-anteckning"
    state, rng = DamagedPage(_page(form_id), lambda points: points), np.random.default_rng(7)
    for step in damage:
        state = step(state, rng)
    size = (1680, 2376)
    upright = np.asarray(cv2.resize(state.image, size, interpolation=cv2.INTER_AREA), np.uint8)
    form, unfilled = FORMS[form_id], template_image(FORMS[form_id], 1)
    box = next(spec.name for spec in form.pages[0].all_fields if spec.traits.is_check_box)
    registration = cast(Registration, None)  # what the field looks like does not matter
    contrast = measure_print_contrast(upright, unfilled)
    kinds = frozenset(Kind)
    one_bit = is_black_and_white(state.image)
    context = PageContext(state.image, form, 1, registration, unfilled, contrast, kinds, one_bit)
    return cap_marks(context, {box: reading})[box].p


MARKED, EMPTY = Reading(True, 0.998, State.READ), Reading(False, 0.998, State.EMPTY)
COPY = partial(photocopied, generations=3)


@pytest.mark.parametrize("threshold", [150, 180, 210])
def test_mark_on_an_original_in_black_and_white_may_be_sure(threshold: int) -> None:
    assert _capped_p(MARKED, partial(binarize, threshold=threshold)) == MARKED.p


@pytest.mark.parametrize(
    "damage",
    [
        (partial(binarize, threshold=70),),  # print is lost
        (partial(add_noise, sigma=60), partial(binarize, threshold=128)),  # toner everywhere
        (COPY, partial(binarize, threshold=130)),
    ],
    ids=["far too light", "speckled", "copied three times"],
)
def test_no_mark_is_sure_on_a_worn_page_in_black_and_white(damage: tuple[Damage, ...]) -> None:
    assert _capped_p(MARKED, *damage) < PREFILL_FROM_BY_KIND[Kind.MARK]
    assert _capped_p(EMPTY, *damage) == EMPTY.p
    assert _capped_p(MARKED, *damage[:-1]) == MARKED.p  # in grey


def test_page_whose_pale_lines_became_dots_is_not_blurred() -> None:
    """Dots have no edges. In the middle of this form there are pale lines only."""
    form = FORMS["signaturfortydligande"]
    unfilled = template_image(form, 1)
    page = unfilled + np.random.default_rng(3).normal(0, 4, unfilled.shape)
    two = np.where(page > 176, 255, 0).astype(np.uint8)
    contrast = measure_print_contrast(two, unfilled)
    codes = find_quality_issues(form.pages[0].all_fields, two, unfilled, contrast)
    assert codes == (IssueCode.BLURRED,)
    registration = SimpleNamespace(upright=two)
    for image, issues in ((two, []), (page.clip(0, 255).astype(np.uint8), [IssueCode.BLURRED])):
        seen, kinds, one_bit = cast(Registration, registration), frozenset(Kind), image is two
        context = PageContext(image, form, 1, seen, unfilled, contrast, kinds, one_bit)
        assert [issue.code for issue in check(context, {})] == issues
