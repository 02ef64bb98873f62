"""The cached print of blanks: enough for all shipped forms, packed, bounded, and equal to that of
the whole images.
"""

from __future__ import annotations

import gc

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.domain.form.field import FieldSpec, Kind
from pipeline.domain.form.form import Forms
from pipeline.domain.model import Box, Image
from pipeline.domain.settings import ROOT
from pipeline.reading.imaging import geometry
from pipeline.reading.imaging.print_contrast import (
    CACHED_FORM_PAGES,
    CHECK_PX_PER_MM,
    OUTLINE_MM,
    TemplatePrint,
    box_window,
    measure_print_contrast,
    outline_visibility,
    template_darkness,
)
from pipeline.reading.page_checks.covered_areas import PATCH_SCALE, covered_share
from pipeline.reading.page_checks.image_quality import find_quality_issues
from pipeline.reading.page_checks.occlusion import find_occluded_fields
from pipeline.reading.register.template_images import template_image

OWN = Forms.load(ROOT / "forms")
FIELD = FieldSpec(
    name="klocka", label="klocka", kind=Kind.DIGITS, box=(15, 15, 12, 8), format="time"
)


def small_blank(at: int) -> Image:
    """A page of 40 × 40 mm with a frame."""
    out = np.full((320, 320), 255, np.uint8)
    cv2.rectangle(out, (120 + at % 3, 120), (216, 184), (100,), 2)
    return out


def test_cache_holds_all_current_forms_and_evicts_older_ones() -> None:
    current = {form_id: OWN.latest(form_id) for form_id, _ in OWN}
    assert sum(len(form.pages) for form in current.values()) <= CACHED_FORM_PAGES
    for at in range(3 * CACHED_FORM_PAGES):
        unfilled = small_blank(at)
        seen = measure_print_contrast(unfilled, unfilled)
        assert find_occluded_fields([FIELD], unfilled, unfilled, seen) == {}
        assert find_quality_issues([FIELD], unfilled, unfilled, seen) == ()
    gc.collect()
    assert sum(isinstance(each, TemplatePrint) for each in gc.get_objects()) <= CACHED_FORM_PAGES


def test_cached_print_is_small() -> None:
    form = OWN.latest("besokslista")
    kept = measure_print_contrast(template_image(form, 1), template_image(form, 1)).template
    assert (
        sum(
            each.nbytes
            for each in (kept.places, kept.expected, kept.print_at.density, kept.bare_at.density)
        )
        < 2_500_000
    )


def near(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(cv2.blur(picture, (10, 10)), np.float32)


@pytest.mark.parametrize("box", [Box(15, 15, 12, 8), Box(14, 14, 3, 3)])
def test_print_equals_that_of_exhaustive_search(box: Box) -> None:
    unfilled = small_blank(0)
    page = np.clip(
        unfilled * 0.9 + np.random.default_rng(2).normal(0, 4, unfilled.shape), 0, 255
    ).astype(np.uint8)
    seen = measure_print_contrast(page, unfilled)
    printed, bare = (where.pixels.mask for where in (seen.template.print_at, seen.template.bare_at))
    print_near, bare_near = (
        near(seen.darkness * there) / np.maximum(near(there.astype(np.float32)), np.float32(1e-3))
        for there in (printed, bare)
    )
    whole = np.zeros_like(seen.darkness)
    whole.ravel()[seen.template.places] = seen.template.expected
    outline = np.zeros_like(printed)
    outline[box_window(geometry.widen_box(box, OUTLINE_MM))] = True
    inside = geometry.widen_box(box, -OUTLINE_MM)
    if inside.w > 0:
        outline[box_window(inside)] = False
    outline &= printed
    assert outline.any()
    assert np.array_equal(
        outline_visibility(seen, box), ((print_near - bare_near)[outline]) / whole[outline]
    )


def test_darkness_of_blank_is_0_on_paper() -> None:
    dark = template_darkness(
        measure_print_contrast(small_blank(0), small_blank(0)).template.template_image
    )
    assert dark[:20].max() == 0
    assert dark[box_window(Box(15, 14.5, 10, 1))].max() > 0.3
    assert dark.shape == (40 * CHECK_PX_PER_MM, 40 * CHECK_PX_PER_MM)


@pytest.mark.parametrize(
    ("box", "share"),
    [
        (Box(2, 2, 4, 4), 0.5),
        (Box(-3, 2, 4, 4), 0.0),
        (Box(2.1, 3, 0.1, 0.1), 1.0),
        (Box(50, 2, 4, 4), 0.0),
    ],
)
def test_covered_share_of_box(box: Box, share: float) -> None:
    mask = np.zeros((round(10 * PATCH_SCALE), round(10 * PATCH_SCALE)), bool)
    mask[: round(4 * PATCH_SCALE), round(2 * PATCH_SCALE) :] = True
    assert covered_share(mask, box) == share
