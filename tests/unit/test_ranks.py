"""Quantiles as NumPy has them."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.recognize.ranks import median, quantile


@pytest.mark.parametrize("size", [1, 2, 3, 50, 3001])
@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.95, 1.0])
def test_quantiles_are_those_of_numpy(size: int, share: float) -> None:
    values = np.random.default_rng(size).normal(size=(size, 1))
    assert quantile(values, share) == pytest.approx(float(np.quantile(values, share)))


def test_the_middle_of_a_picture() -> None:
    picture = np.random.default_rng(1).integers(0, 256, (40, 60), dtype=np.uint8)
    assert median(picture) == float(np.median(picture))


@pytest.mark.parametrize("share", [0.0, 0.05, 0.5, 0.95, 1.0])
@pytest.mark.parametrize("highest", [3, 256])
def test_quantiles_of_grey_are_counted_level_by_level(share: float, highest: int) -> None:
    picture = np.random.default_rng(highest).integers(0, highest, (61, 83), dtype=np.uint8)
    assert quantile(picture, share) == float(np.quantile(picture, share))
