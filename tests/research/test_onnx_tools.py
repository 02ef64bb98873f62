"""Quantized weights: no overflow on any processor, and rounding by the layer's activations."""

from __future__ import annotations

import numpy as np
import pytest

from research.training.rounding import (
    MAX_FACTOR,
    MAX_WEIGHT,
    FloatMatrix,
    InputStatistics,
    RoundedWeights,
    round_weights,
)


def _layer(seed: int) -> tuple[FloatMatrix, FloatMatrix]:
    """Weights (64, 32) and activations (64, 500) with equal and unequal channels, as in a
    network.
    """
    rng = np.random.default_rng(seed)
    mixed = (
        rng.normal(size=(64, 12)) @ rng.normal(size=(12, 500)) + rng.normal(size=(64, 500)) * 0.3
    )
    return rng.normal(size=(64, 32)), mixed * np.exp(rng.normal(size=(64, 1)))


def _seen(given: FloatMatrix) -> InputStatistics:
    return InputStatistics(np.abs(given).max(1), given @ given.T)


def _off(weights: FloatMatrix, given: FloatMatrix, rounded: RoundedWeights) -> float:
    """Relative error of the rounded layer's output."""
    wanted = weights.T @ given
    got = (rounded.weights * rounded.steps).T @ (given * rounded.factors[:, None])
    return float(np.linalg.norm(got - wanted) / np.linalg.norm(wanted))


@pytest.mark.parametrize("seed", range(5))
def test_sum_of_two_products_fits_16_bits(seed: int) -> None:
    weights, given = _layer(seed)
    rounded = round_weights(weights, _seen(given))
    assert 2 * 255 * np.abs(rounded.weights.astype(int)).max() < 2**15


@pytest.mark.parametrize("seed", range(5))
def test_rounding_by_activations_is_closer_than_rounding_to_nearest(seed: int) -> None:
    weights, given = _layer(seed)
    steps = np.abs(weights).max(0) / MAX_WEIGHT
    plain = RoundedWeights(
        np.round(weights / steps).astype(np.int8), steps.astype(np.float32), np.ones(64, np.float32)
    )
    assert _off(weights, given, round_weights(weights, _seen(given))) < 0.8 * _off(
        weights, given, plain
    )


def test_rarely_active_channel_is_not_amplified() -> None:
    weights, given = _layer(0)
    given[7] = 0.0
    factors = round_weights(weights, _seen(given)).factors
    assert factors.max() <= MAX_FACTOR + 1e-6
    assert factors.min() >= 1 / MAX_FACTOR - 1e-6
