"""Weights as whole numbers of 7 bits, so that the answers of a layer change least.

A factor a channel shares what is hard to round between activations and weights (Xiao et al., ICML 2023, "SmoothQuant"). Weights are rounded one
channel after the other, and the channels still to come make up for what was lost (Frantar et al., ICLR 2023, "GPTQ").
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
TRAINED = "trained"
"""The folder of networks as they were trained, in floating numbers, beside those that read."""
TOP = 63
"""With 8 bits, processors that add products in pairs of 16 bits would saturate (2 · 255 · 127), and a reading must not depend on the processor."""
WEIGHTS_SHARE = 0.6
MOST = 4.0
"""No factor is larger: a channel that the lines seen hardly use may be another hand's."""
DAMPING = 0.01


@dataclass(frozen=True, slots=True)
class Seen:
    """What a convolution was given: the largest value a channel (k,), and the sums of products of channels (k, k)."""

    largest: Matrix
    products: Matrix


@dataclass(frozen=True, slots=True)
class Rounded:
    """Weights (k, n) as whole numbers, what one of them is worth in each column (n,), and what each channel is multiplied by before (k,)."""

    weights: NDArray[np.int8]
    steps: NDArray[np.float32]
    factors: NDArray[np.float32]


def rounding(weights: Matrix, seen: Seen) -> Rounded:
    """Round the weights (k, n) of a convolution so that its answers to what was seen change least."""
    largest = np.maximum(seen.largest, 1e-6) ** (1 - WEIGHTS_SHARE) / np.maximum(np.abs(weights).max(1), 1e-6) ** WEIGHTS_SHARE
    shared = np.clip(largest / np.exp(np.log(largest).mean()), 1 / MOST, MOST)
    wanted = weights * shared[:, None]
    steps = np.maximum(np.abs(wanted).max(0), 1e-9) / TOP
    whole = _made_up_for(wanted, seen.products / np.outer(shared, shared), steps)
    return Rounded(whole.astype(np.int8), steps.astype(np.float32), (1 / shared).astype(np.float32))


def _made_up_for(weights: Matrix, products: Matrix, steps: Matrix) -> Matrix:
    """GPTQ: channel after channel, the strongest first, each loss made up for by the channels still to come."""
    channels = len(weights)
    order = np.argsort(-np.diag(products))
    damped = products + np.eye(channels) * np.trace(products) / channels * DAMPING
    inverse = np.linalg.cholesky(np.linalg.inv(damped[np.ix_(order, order)])).T
    left, whole = weights[order], np.empty_like(weights)
    for k, channel in enumerate(order):
        whole[channel] = np.clip(np.round(left[k] / steps), -TOP, TOP)
        lost = (left[k] - whole[channel] * steps) / inverse[k, k]
        left[k + 1 :] -= np.outer(inverse[k, k + 1 :], lost)
    return whole
