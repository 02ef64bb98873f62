"""A page that does not lie flat is followed from its marks, or refused."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.domain.form.form import Forms
from pipeline.domain.settings import ROOT
from pipeline.reading.identify.identify import identify_page
from pipeline.reading.read_page import DEFAULT_GATE_MM
from pipeline.reading.register.page_fit import fit_plate
from pipeline.reading.register.register import register_page
from pipeline.reading.register.template_images import template_image
from research.evaluation.damage.curved_paper import photograph_curved
from research.evaluation.damage.damaged_page import DamagedPage
from research.evaluation.damage.series import fill_sheet

FORM = Forms.load(ROOT / "forms").latest("besokslista")
PLACES = np.stack(np.meshgrid(np.linspace(20, 190, 9), np.linspace(40, 260, 12)), axis=-1).reshape(
    -1, 2
)
PX_PER_MM = 300 / 25.4


def _photograph(shape: str, rise_mm: float) -> DamagedPage:
    page = fill_sheet("besokslista", 0).printed
    return photograph_curved(page, np.random.default_rng(4), shape=shape, rise_mm=rise_mm)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shape", "rise_mm"),
    [
        ("wave", 8),
        *(
            pytest.param(*case, marks=pytest.mark.nightly)
            for case in [("curl", 40), ("arch", 20), ("crossed", 10)]
        ),
    ],
)
def test_photograph_of_curved_page_is_registered(shape: str, rise_mm: float) -> None:
    photo = _photograph(shape, rise_mm)
    found = register_page(photo.image, identify_page(photo.image), template_image(FORM, 1))
    true, beside = (
        photo.where((PLACES + step) * PX_PER_MM - 0.5) for step in ((0.0, 0.0), (1.0, 0.0))
    )
    errors = np.linalg.norm(found.to_px(PLACES) - true, axis=1) / np.linalg.norm(
        beside - true, axis=1
    )
    assert found.residual_mm <= 0.5
    assert errors.max() <= DEFAULT_GATE_MM


@pytest.mark.slow
def test_curved_page_is_not_taken_for_another_form() -> None:
    photo = _photograph("wave", 8)
    other = template_image(Forms.load(ROOT / "forms").latest("matvarden"), 1)
    assert register_page(photo.image, identify_page(photo.image), other).residual_mm > (
        DEFAULT_GATE_MM
    )


def test_plate_goes_through_places_and_on_beyond_them() -> None:
    rng = np.random.default_rng(1)
    places = rng.uniform(0, 200, (80, 2))
    shifts = np.column_stack([np.sin(places[:, 0] / 30), places[:, 1] / 100])
    plate = fit_plate(places, shifts)
    assert np.abs(plate.shift(places) - shifts).max() <= 0.1
    assert np.allclose(plate.shift(np.array([[100.0, 260.0]]))[0, 1], 2.6, atol=0.2)
