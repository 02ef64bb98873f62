"""Uneven illumination is corrected, also in a large field with little memory."""

from __future__ import annotations

import tracemalloc

import numpy as np

from pipeline.domain.form.field import FieldSpec, Kind
from pipeline.reading.fields.field_image import FieldImage
from pipeline.reading.fields.marks.reader import _plane_solver, _plane_terms, even_lighting

PX = 8.0


def test_linear_illumination_is_evened_out() -> None:
    light = np.linspace(250, 190, 160)[None, :] + np.linspace(0, -20, 120)[:, None]
    spec = FieldSpec(name="mark", label="mark", kind=Kind.MARK, box=(0, 0, 20, 15))
    (lit,) = even_lighting([FieldImage(light.astype(np.uint8), spec, None, PX)])
    even = lit.image
    assert even.max() - even.min() <= 4


def test_cell_greys_are_replaced_by_fitted_plane() -> None:
    terms, grey = _plane_terms(120, 160, 8), np.random.default_rng(1).uniform(100, 250, 300)
    assert np.allclose(
        _plane_solver(120, 160, 8) @ grey, np.linalg.lstsq(terms, grey, rcond=None)[0]
    )


def test_large_field_has_no_quadratic_memory_use() -> None:
    tracemalloc.start()
    try:
        assert _plane_solver(720, 721, 8).shape == (3, 8100)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()
