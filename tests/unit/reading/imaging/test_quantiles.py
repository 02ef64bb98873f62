"""Quantiles equal those of NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.reading.imaging.pixels import is_quantile_below, median, quantile, row_quantiles


@pytest.mark.parametrize("size", [1, 2, 3, 50, 600, 601, 3001])
@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.95, 1.0])
def test_quantiles_equal_numpy(size: int, share: float) -> None:
    values = np.random.default_rng(size).normal(size=(size, 1))
    assert quantile(values, share) == pytest.approx(float(np.quantile(values, share)))


def test_median_of_image() -> None:
    picture = np.random.default_rng(1).integers(0, 256, (40, 60), dtype=np.uint8)
    assert median(picture) == float(np.median(picture))


@pytest.mark.parametrize("share", [0.0, 0.05, 0.5, 0.95, 1.0])
@pytest.mark.parametrize("highest", [3, 256])
def test_quantiles_of_grey_levels(share: float, highest: int) -> None:
    picture = np.random.default_rng(highest).integers(0, highest, (61, 83), dtype=np.uint8)
    assert quantile(picture, share) == float(np.quantile(picture, share))


@pytest.mark.parametrize("size", [1, 2, 11, 300])
@pytest.mark.parametrize("share", [0.0, 0.35, 0.8, 1.0])
def test_is_quantile_below_limit(size: int, share: float) -> None:
    values = np.random.default_rng(size).integers(0, 20, size).astype(np.float32)
    at = float(np.quantile(values, share))
    for limit in (*np.linspace(-1.13, 21.17, 89), at - 1e-3, at + 1e-3):
        assert is_quantile_below(values, share, limit) == (at < limit)


@pytest.mark.parametrize("size", [1, 2, 41])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 1.0])
def test_quantiles_of_rows_equal_those_of_each(size: int, share: float) -> None:
    rows = np.random.default_rng(2).normal(size=(30, size)).astype(np.float32)
    assert row_quantiles(rows, share).tolist() == [quantile(row, share) for row in rows]
