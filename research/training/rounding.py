"""Round weights to whole numbers of 7 bits, so that the answers of a layer change least.

A factor per channel shares what is hard to round between activations and weights (Xiao et al., ICML
2023, "SmoothQuant"). Weights are rounded one channel after the other, and the channels still to
come compensate for what was lost (Frantar et al., ICLR 2023, "GPTQ").
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatMatrix = NDArray[np.float64]
TRAINED_FOLDER = "trained"
"""The folder of networks as trained, in floating point, next to those that read."""
MAX_WEIGHT = 63
"""The largest weight.

With 8 bits, processors that add products in pairs of 16 bits would saturate (2 · 255 · 127),
and a reading must not depend on the processor.
"""
WEIGHTS_SHARE = 0.6
MAX_FACTOR = 4.0
"""The largest factor: a channel that the seen lines hardly use may be another writer's."""
DAMPING = 0.01


@dataclass(frozen=True, slots=True)
class InputStatistics:
    """What a convolution was given.

    The largest value per channel (k,), and the sums of products of channels (k, k).
    """

    largest: FloatMatrix
    products: FloatMatrix


@dataclass(frozen=True, slots=True)
class RoundedWeights:
    """Weights (k, n) as whole numbers, with their scales.

    What one of them is worth in each column (n,), and what each channel is multiplied by before
    (k,).
    """

    weights: NDArray[np.int8]
    steps: NDArray[np.float32]
    factors: NDArray[np.float32]


def round_weights(weights: FloatMatrix, statistics: InputStatistics) -> RoundedWeights:
    """Round the weights (k, n) of a convolution so that its answers change least.

    Its answers to the inputs in `statistics` count.
    """
    # Scale of each channel: its inputs against its weights (SmoothQuant, Xiao et al. 2023).
    largest = (
        np.maximum(statistics.largest, 1e-6) ** (1 - WEIGHTS_SHARE)
        / np.maximum(np.abs(weights).max(1), 1e-6) ** WEIGHTS_SHARE
    )
    # Relative to the geometric mean, within limits.
    shared = np.clip(largest / np.exp(np.log(largest).mean()), 1 / MAX_FACTOR, MAX_FACTOR)
    # Scale the weights up where the inputs are scaled down.
    wanted = weights * shared[:, None]
    # One step per column, from its largest weight.
    steps = np.maximum(np.abs(wanted).max(0), 1e-9) / MAX_WEIGHT
    whole = _compensate_rounding(wanted, statistics.products / np.outer(shared, shared), steps)
    return RoundedWeights(
        whole.astype(np.int8), steps.astype(np.float32), (1 / shared).astype(np.float32)
    )


def _compensate_rounding(
    weights: FloatMatrix, products: FloatMatrix, steps: FloatMatrix
) -> FloatMatrix:
    """Round by GPTQ: channel after channel, the strongest first.

    The channels still to come compensate for each loss.
    """
    channels = len(weights)
    # Order channels by their energy, and damp the matrix of products.
    order = np.argsort(-np.diag(products))
    damped = products + np.eye(channels) * np.trace(products) / channels * DAMPING
    # Cholesky factor of the inverse, as in GPTQ (Frantar et al. 2023).
    inverse = np.linalg.cholesky(np.linalg.inv(damped[np.ix_(order, order)])).T
    left, whole = weights[order], np.empty_like(weights)
    for k, channel in enumerate(order):
        # Round one channel.
        whole[channel] = np.clip(np.round(left[k] / steps), -MAX_WEIGHT, MAX_WEIGHT)
        # Distribute the error over the channels that remain.
        lost = (left[k] - whole[channel] * steps) / inverse[k, k]
        left[k + 1 :] -= np.outer(inverse[k, k + 1 :], lost)
    return whole
