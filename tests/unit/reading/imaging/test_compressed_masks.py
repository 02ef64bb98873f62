"""Packed masks and maps are unpacked unchanged."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.reading.imaging.pixels import CompressedMap, CompressedMask

SIZES = [(13, 21), (8, 8), (1, 3), (0, 5)]


@pytest.mark.parametrize("size", SIZES)
def test_mask_is_unpacked_unchanged(size: tuple[int, int]) -> None:
    mask = np.random.default_rng(1).random(size) < 0.3
    found = CompressedMask(mask).mask
    assert np.array_equal(found, mask)
    assert found.dtype == np.bool_


@pytest.mark.parametrize("size", SIZES)
def test_map_is_unpacked_unchanged(size: tuple[int, int]) -> None:
    values = np.clip(np.random.default_rng(1).normal(0, 1, size), 0, None).astype(np.float32)
    found = CompressedMap(values).map
    assert np.array_equal(found, values)
    assert found.dtype == np.float32
    found += 1
    assert np.array_equal(CompressedMap(values).map, values)
