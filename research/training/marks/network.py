"""Fit a network with one hidden layer to features of check boxes.

Adam (Kingma & Ba 2015) on the cross entropy with weight decay.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.reading.fields.marks.classifier import MARK_CLASSES, MarkNetwork, Numbers

HIDDEN_UNITS = 40
BATCH_SIZE = 1024
TRAINING_ROUNDS = 20
LEARNING_RATE = 0.004
ADAM_BETAS = (0.9, 0.999)
WEIGHT_DECAY = 3e-4
INPUT_NOISE = 0.03
"""Noise on the features in standard deviations, so that no answer depends on one number."""


@dataclass(frozen=True, slots=True)
class Examples:
    """`values` (n, features), `wanted` (n, classes), `weight` (n,)."""

    values: Numbers
    wanted: Numbers
    weight: Numbers


def fit_network(examples: Examples, seed: int, rounds: int = TRAINING_ROUNDS) -> MarkNetwork:
    """Fit a network to examples.

    Where either of two answers is right (both 1), the wanted share is the network's own:
    expectation maximisation.
    """
    random = np.random.default_rng(seed)
    # Standardise the features.
    values, mean, scale = (
        examples.values,
        examples.values.mean(axis=0),
        examples.values.std(axis=0) + 1e-3,
    )
    normal, count = (values - mean) / scale, values.shape[1]
    # Initial weights with variance 1/inputs.
    hidden, weights = (
        random.normal(0, count**-0.5, (count, HIDDEN_UNITS)),
        random.normal(0, HIDDEN_UNITS**-0.5, (HIDDEN_UNITS, len(MARK_CLASSES))),
    )
    layers = [hidden, np.zeros(HIDDEN_UNITS), weights, np.zeros(len(MARK_CLASSES))]
    # First and second moments of Adam (Kingma and Ba 2015).
    first, second = ([np.zeros_like(layer) for layer in layers] for _ in range(2))
    batches = max(1, len(normal) // BATCH_SIZE)
    for step in range(1, rounds * batches + 1):
        # A new order in every round.
        if step % batches == 1 or batches == 1:
            order = random.permutation(len(normal))
        part = order[(step - 1) % batches :: batches]
        # Noise on the input regularises.
        shaken = normal[part] + random.normal(0, INPUT_NOISE, (len(part), count))
        # Cosine decay of the rate, with Adam's correction of the initial bias.
        rate = LEARNING_RATE * 0.5 * (1 + np.cos(np.pi * step / (rounds * batches)))
        rate *= np.sqrt(1 - ADAM_BETAS[1] ** step) / (1 - ADAM_BETAS[0] ** step)
        for i, slope in enumerate(
            _gradients(layers, shaken, examples.wanted[part], examples.weight[part])
        ):
            first[i] = ADAM_BETAS[0] * first[i] + (1 - ADAM_BETAS[0]) * slope
            second[i] = ADAM_BETAS[1] * second[i] + (1 - ADAM_BETAS[1]) * slope**2
            layers[i] = layers[i] - rate * first[i] / (np.sqrt(second[i]) + 1e-8)
    return MarkNetwork(mean, scale, *layers)


def _gradients(
    layers: list[Numbers], normal: Numbers, wanted: Numbers, weight: Numbers
) -> list[Numbers]:
    hidden, hidden_bias, weights, bias = layers
    # Forward pass: one hidden layer with tanh, softmax on top.
    units = np.tanh(normal @ hidden + hidden_bias)
    p = softmax(units @ weights + bias)
    # Gradient of the weighted cross-entropy, propagated back.
    scores = (p - share_target(wanted, p)) * (weight / weight.sum())[:, None]
    below = scores @ weights.T * (1 - units**2)
    return [
        normal.T @ below + WEIGHT_DECAY * hidden,
        below.sum(axis=0),
        units.T @ scores + WEIGHT_DECAY * weights,
        scores.sum(axis=0),
    ]


def softmax(scores: Numbers) -> Numbers:
    """Return probabilities, a row per box."""
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True), np.float64)


def share_target(wanted: Numbers, p: Numbers) -> Numbers:
    """Return the wanted answer, shared as the network shares it where either of two is right."""
    # Both answers are right: share the target as the network does now.
    either = wanted.sum(axis=1) > 1.5
    shared = wanted * p
    return np.where(either[:, None], shared / shared.sum(axis=1, keepdims=True), wanted)


def cross_entropy(wanted: Numbers, p: Numbers) -> NDArray[np.float64]:
    """Return the cross entropy of each box."""
    return np.asarray(-(share_target(wanted, p) * np.log(p + 1e-12)).sum(axis=1), np.float64)
