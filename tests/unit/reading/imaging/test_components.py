"""Connected components are the same with 16-bit and 32-bit labels."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from pipeline.reading.imaging.pixels import Components


@pytest.mark.parametrize("connectivity", [4, 8])
def test_components_are_labelled_as_with_32_bits(connectivity: int) -> None:
    rng = np.random.default_rng(1)
    for share in (0.0, 0.05, 0.4, 0.8):
        mask = rng.random((61, 83)) < share
        found = Components.of(mask, connectivity)
        count, labels, stats, centres = cv2.connectedComponentsWithStats(
            mask.astype(np.uint8), connectivity=connectivity
        )
        assert len(found) == count
        assert np.array_equal(found.labels, labels)
        assert np.array_equal(found.stats, stats)
        assert np.array_equal(found.centres, centres, equal_nan=True)


def test_more_components_than_16_bit_labels_are_distinguished() -> None:
    mask = np.zeros((600, 600), bool)
    mask[::2, ::2] = True
    found = Components.of(mask)
    assert len(found) == 90_001
    assert np.array_equal(found.pixels(np.arange(90_001) > 0), mask)


def test_only_selected_components_are_in_mask() -> None:
    mask = np.zeros((9, 20), bool)
    mask[1:3, 1:4] = mask[5:8, 10:18] = True
    found = Components.of(mask)
    large = found.pixels(found.column(cv2.CC_STAT_AREA) == 24)
    assert large.dtype == np.bool_
    assert np.array_equal(large, mask & (np.arange(20) > 5))


@pytest.mark.parametrize("size", [(0, 0), (0, 7), (7, 0)])
def test_empty_mask_has_no_components(size: tuple[int, int]) -> None:
    found = Components.of(np.zeros(size, bool))
    assert len(found) == 1
    assert found.column(cv2.CC_STAT_AREA).tolist() == [0]
    assert found.labels.shape == found.pixels([True]).shape == size
