"""A page is registered to a fraction of a millimetre, or rejected."""

from __future__ import annotations

from copy import deepcopy
from functools import cache, partial

import cv2
import numpy as np
import pytest
from numpy.random import Generator
from numpy.typing import NDArray

from pipeline.domain.errors import RegistrationError
from pipeline.domain.form.form import Forms
from pipeline.domain.issues import Issue, IssueCode
from pipeline.domain.model import Box, Image
from pipeline.domain.settings import ROOT
from pipeline.forms.fiducials import CODE_BOXES, MARKER_BOXES
from pipeline.forms.layout.form import OUTLINE_FILE
from pipeline.forms.printing import make_blank_sheets
from pipeline.preparation.practice.fill_sheet import fill_field, render_sheet_page
from pipeline.preparation.practice.synthetic_handwriting import make_writers
from pipeline.reading.identify.identify import Identification, identify_page
from pipeline.reading.imaging import geometry
from pipeline.reading.imaging.geometry import PX_PER_MM, Points
from pipeline.reading.read_page import DEFAULT_GATE_MM
from pipeline.reading.register import register as register_module
from pipeline.reading.register.page_fit import Bend
from pipeline.reading.register.register import (
    LOST_RESIDUAL_MM,
    Registration,
    boxes_to_px,
    cut_box,
    register_page,
)
from pipeline.reading.register.template_images import template_image
from research.evaluation.damage.damaged_page import DamagedPage
from research.evaluation.damage.imaging_damage import add_noise, binarize
from research.evaluation.damage.page_placement import change_dpi
from research.evaluation.damage.paper_damage import add_dust
from research.evaluation.fields.field_values import make_values
from tests.support.pages.distort import DISTORTIONS, distort
from tests.support.pages.form_choice import FEW, cases_by_form
from tests.support.pages.synthetic_page import scribbled, synthetic_blank, synthetic_page

pytestmark = pytest.mark.slow

FORMS = {form.id: form for form in Forms.load(ROOT / "forms").values()}
SOURCE_PX = np.array([2480 / 210, 3508 / 297])
LAID_ALIKE = {"lvu-omhandertagande", "lvm-omhandertagande"}
"""Two forms with the same boxes in the same places: their codes tell them apart, where they lie
cannot.
"""
PLACES = np.stack(np.meshgrid(np.linspace(13, 197, 9), np.linspace(29, 268, 12)), axis=-1).reshape(
    -1, 2
)


@cache
def _filled() -> Image:
    return scribbled(synthetic_page(300), np.random.default_rng(7))


def _errors_mm(registration: Registration, damaged: DamagedPage) -> Points:
    """Distance of each place from the ground truth, mm on the paper."""
    true_px = damaged.where(PLACES * SOURCE_PX - 0.5)
    beside = damaged.where((PLACES + np.array([1, 0])) * SOURCE_PX - 0.5)
    px_per_mm = np.linalg.norm(beside - true_px, axis=1)
    return np.asarray(np.linalg.norm(registration.to_px(PLACES) - true_px, axis=1) / px_per_mm)


def _without(page: Image, *boxes: Box) -> Image:
    out = page.copy()
    for box in boxes:
        x, y, w, h = (round(v * 11.81) for v in geometry.widen_box(box, 1).as_list())
        out[y : y + h, x : x + w] = 255
    return out


@pytest.mark.parametrize("name", DISTORTIONS)
def test_every_distortion_is_registered_with_right_residual(name: str) -> None:
    damaged = distort(name, _filled(), np.random.default_rng(11))
    registration = register_page(damaged.image, identify_page(damaged.image), synthetic_blank())
    assert registration.upright.shape == (2376, 1680)
    assert registration.residual_mm <= 0.5
    assert np.percentile(_errors_mm(registration, damaged), 95) <= 0.4


@pytest.mark.parametrize("kept", ["one code", "one marker", "two markers side by side"])
def test_few_markers_are_enough_on_flat_scan(kept: str) -> None:
    gone = {
        "one code": [CODE_BOXES[1], *MARKER_BOXES.values()],
        "one marker": [CODE_BOXES[0], MARKER_BOXES[0], MARKER_BOXES[1], MARKER_BOXES[3]],
        "two markers side by side": [CODE_BOXES[1], MARKER_BOXES[2], MARKER_BOXES[3]],
    }[kept]
    page = _without(_filled(), *gone)
    registration = register_page(page, identify_page(page), synthetic_blank())
    assert registration.residual_mm <= 0.5
    assert (
        np.percentile(_errors_mm(registration, DamagedPage(page, lambda points: points)), 95) <= 0.3
    )


def test_other_form_has_large_residual() -> None:
    other = np.ascontiguousarray(np.roll(synthetic_blank(), 200, axis=1)[:, ::-1])
    registration = register_page(_filled(), identify_page(_filled()), other)
    assert registration.residual_mm == LOST_RESIDUAL_MM
    assert Issue(IssueCode.PRINT_NOT_FOUND) in registration.issues


def test_misplaced_markers_have_large_residual() -> None:
    found = identify_page(_filled())
    moved = {
        i: quad + np.array([0 if i in (0, 3) else 190, 0]) for i, quad in found.markers.items()
    }
    registration = register_page(
        _filled(), Identification(found.code, moved, 0.0, (), False), synthetic_blank()
    )
    honest = np.percentile(
        _errors_mm(registration, DamagedPage(_filled(), lambda points: points)), 95
    )
    assert registration.residual_mm > 0.8 or honest <= 0.5


@cache
def _filled_form(form_id: str, seed: int) -> tuple[Image, Generator]:
    """A filled page of a real form as printed, and the state of its random numbers."""
    form, rng = FORMS[form_id], np.random.default_rng(seed)
    (*_, writer), (sheet,) = make_writers(4, seed=11), make_blank_sheets(1)
    return fill_field(
        render_sheet_page(form, sheet), form.pages[0], make_values(form, rng), writer, rng
    ), rng


@cache
def _dusty_form(form_id: str, seed: int) -> DamagedPage:
    """The same in black and white, pale print lost, with dust."""
    image, rng = _filled_form(form_id, seed)
    page, rng = DamagedPage(image, lambda points: points), deepcopy(rng)
    for damage in (
        partial(add_dust, specks=400),
        partial(change_dpi, dpi=200),
        partial(add_noise, sigma=12),
        partial(binarize, threshold=170),
    ):
        page = damage(page, rng)
    return page


def _form_page(form_id: str, *, dusty: bool) -> Image:
    return _dusty_form(form_id, 1).image if dusty else _filled_form(form_id, 1)[0]


def _seeds() -> list[tuple[str, int]]:
    """Each form once, and those placed by hand three times: forms that the program placed are
    similar.
    """
    return [
        (form_id, seed)
        for form_id in FORMS
        for seed in ((1,) if _is_placed(form_id) else (1, 2, 3))
    ]


def _is_placed(form_id: str) -> bool:
    return (ROOT / "forms" / form_id / OUTLINE_FILE).exists()


@pytest.mark.parametrize(("form_id", "seed"), cases_by_form(_seeds()))
def test_black_and_white_form_is_registered_by_dark_print(form_id: str, seed: int) -> None:
    page = _dusty_form(form_id, seed)
    registration = register_page(
        page.image, identify_page(page.image), template_image(FORMS[form_id], 1)
    )
    assert registration.residual_mm <= 0.5
    assert np.percentile(_errors_mm(registration, page), 95) <= 0.4


def test_black_and_white_page_that_fits_poorly_is_tried_by_dark_print(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Dust between lost pale print can be taken for a crease: found, but with a high residual."""
    tried: list[int] = []

    def register_resized(*page: object) -> Registration:
        template = page[2]
        assert isinstance(template, np.ndarray)
        tried.append(len(np.unique(template)))
        return Registration(np.eye(3), 0.1 if tried[-1] == 2 else 1.2, template)

    monkeypatch.setattr(register_module, "_register_resized", register_resized)
    page = np.where(_filled() < 170, 0, 255).astype(np.uint8)
    assert register_page(page, identify_page(_filled()), synthetic_blank()).residual_mm == 0.1
    assert register_page(_filled(), identify_page(_filled()), synthetic_blank()).residual_mm == 1.2
    assert [levels > 2 for levels in tried] == [True, False, True]


@cache
def _small_print(form_id: str) -> NDArray[np.uint8]:
    return (
        cv2.resize(
            255 - template_image(FORMS[form_id], 1), (210, 297), interpolation=cv2.INTER_AREA
        )
        .astype(np.uint8)
        .ravel()
    )


def _most_alike(form_id: str, count: int = 3) -> list[str]:
    """The forms with the most similar print: the others are easier to distinguish."""
    others = [other for other in FORMS if other != form_id and {form_id, other} != LAID_ALIKE]
    likeness = {
        other: np.corrcoef(_small_print(form_id), _small_print(other))[0, 1] for other in others
    }
    return sorted(others, key=lambda other: -likeness[other])[:count]


@pytest.mark.parametrize("shown", FEW)
def test_no_form_is_registered_as_another(shown: str) -> None:
    image = _form_page(shown, dusty=shown == FEW[0])
    found = identify_page(image)
    for taken_for in (other for other in FEW if other != shown):
        assert (
            register_page(image, found, template_image(FORMS[taken_for], 1)).residual_mm
            > DEFAULT_GATE_MM
        ), taken_for


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("shown", "dusty"), [(form_id, number % 2 == 1) for number, form_id in enumerate(FORMS)]
)
def test_no_form_is_registered_as_a_similar_one(shown: str, dusty: bool) -> None:
    """Every second page is dusty."""
    image = _form_page(shown, dusty=dusty)
    found = identify_page(image)
    for taken_for in _most_alike(shown):
        assert (
            register_page(image, found, template_image(FORMS[taken_for], 1)).residual_mm
            > DEFAULT_GATE_MM
        ), taken_for


def _halves() -> list[tuple[str, float, float, bool]]:
    """Bands of each form's first page with the top of a field, in shares of its height: without
    fields, nothing can be misread.

    Every second one is of a dusty page. Of forms that the program placed, which are similar, each
    has one of its bands, in turn.
    """
    bands = ((0.12, 0.5), (0.25, 0.75), (0.5, 0.9))
    starts = {
        form_id: [field.box[1] / 297 for field in form.pages[0].fields]
        for form_id, form in FORMS.items()
    }
    found = []
    for number, form_id in enumerate(FORMS):
        own = [
            band for band in bands if any(band[0] <= start < band[1] for start in starts[form_id])
        ]
        found += [
            (form_id, *band)
            for band in ([own[number % len(own)]] if own and _is_placed(form_id) else own)
        ]
    return [(*one, number % 2 == 1) for number, one in enumerate(found)]


@pytest.mark.parametrize(("form_id", "top", "bottom", "dusty"), cases_by_form(_halves()))
def test_half_displaced_form_is_rejected(
    form_id: str, top: float, bottom: float, dusty: bool
) -> None:
    whole = _form_page(form_id, dusty=dusty)
    image, size = whole.copy(), len(whole)
    low, high, by = round(top * size), round(bottom * size), round(3 / 297 * size)
    image[low:high] = whole[low - by : high - by]
    assert (
        register_page(image, identify_page(image), template_image(FORMS[form_id], 1)).residual_mm
        > DEFAULT_GATE_MM
    )


def test_half_displaced_page_has_large_residual() -> None:
    page = _filled().copy()
    page[1700:3150] = _filled()[1664:3114]  # 3 mm
    assert register_page(page, identify_page(page), synthetic_blank()).residual_mm > 0.8


def test_page_without_markers_is_not_registered() -> None:
    with pytest.raises(RegistrationError) as caught:
        register_page(_filled(), Identification(None, {}, 0.0, (), False), synthetic_blank())
    assert caught.value.remedy


def test_crop_is_centred_on_field_and_white_outside_page() -> None:
    upright = synthetic_blank()
    box = Box(50, 60, 20, 10)
    assert np.array_equal(cut_box(upright, box), upright[480:560, 400:560])
    assert cut_box(upright, box, 2).shape == (14 * 8, 24 * 8)
    corner = cut_box(np.zeros_like(upright), Box(0, 0, 5, 5), 1)
    assert corner[:8].min() == corner[:, :8].min() == 255
    assert corner[8:, 8:].max() == 0


def test_box_is_mapped_to_image() -> None:
    damaged = distort("quarter_turn", _filled(), np.random.default_rng(2))
    registration = register_page(damaged.image, identify_page(damaged.image), synthetic_blank())
    box = Box(50, 100, 30, 10)
    ((x, y, w, h),) = boxes_to_px(registration, [box])
    outline = damaged.where(geometry.box_corners(box) * SOURCE_PX - 0.5)
    assert (
        np.abs(np.array([x, y, x + w, y + h]) - [*outline.min(axis=0), *outline.max(axis=0)]).max()
        <= 0.25 * PX_PER_MM + 2
    )


def _bent() -> Bend:
    return Bend(np.random.default_rng(3).normal(0, 0.3, (10, 2)), geometry.PAGE_BOX)


def test_curved_page_is_rectified_without_seams() -> None:
    """Equal to a map computed for all pixels at once."""
    page, homography, bend, step = _filled(), geometry.raster_homography(300 / 25.4), _bent(), 16
    x, y = np.meshgrid(
        np.arange(-step, 1680 + 2 * step, step), np.arange(-step, 2376 + 2 * step, step)
    )
    mm = (np.stack([x.ravel(), y.ravel()], axis=1) + 0.5) / PX_PER_MM
    there = (
        geometry.transform_points(homography, mm + bend.shift(mm))
        .astype(np.float32)
        .reshape(*x.shape, 2)
    )
    between = np.array([[1 / step, 0, 1], [0, 1 / step, 1]])
    from_x, from_y = cv2.split(
        cv2.warpAffine(there, between, (1680, 2376), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    )
    whole = cv2.remap(
        page, from_x, from_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=(255,)
    )
    assert np.array_equal(
        register_module._flatten(page, homography, bend, geometry.PAGE_BOX, PX_PER_MM), whole
    )
