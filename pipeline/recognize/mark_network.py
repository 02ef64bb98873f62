"""The networks behind `marks`: numbers measured in a check box, and what the other boxes of its sheet look like, to probabilities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.model import State
from pipeline.recognize.mark_sheet import beside_others

CLASSES = (State.EMPTY, State.READ, State.CANCELLED)
"""In the order of the model's columns: empty, marked, cancelled."""
LAYERS = ("mean", "scale", "hidden", "hidden_bias", "weights", "bias")
Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MarkNetwork:
    """One hidden layer of tanh units for features less `mean`, divided by `scale`. `hidden` is (features, units), `weights` (units, classes)."""

    mean: Numbers
    scale: Numbers
    hidden: Numbers
    hidden_bias: Numbers
    weights: Numbers
    bias: Numbers

    @classmethod
    def stored(cls, layers: Mapping[str, object]) -> MarkNetwork:
        """From its layers by name."""
        return cls(*(np.array(layers[name], np.float64) for name in LAYERS))

    def scores(self, values: Numbers) -> Numbers:
        """One row a box, columns as in `CLASSES`; the logarithms of the probabilities but for a constant."""
        units = np.tanh((values - self.mean) / self.scale @ self.hidden + self.hidden_bias)
        scores = units @ self.weights + self.bias
        return np.asarray(scores - np.log(np.exp(scores).sum(axis=1, keepdims=True)), np.float64)


@dataclass(frozen=True, slots=True)
class MarkModel:
    """`first` looks at each box alone; the networks of `second` also see the others of its sheet, and their scores are averaged.

    `usual` (2, compared) is what empty and inked boxes look like on other sheets. The scores are multiplied by `sharpness` (fitted on sheets set
    aside), and `doubt` is spread over all classes: the part of the surest answers that may be wrong.
    """

    first: MarkNetwork
    second: tuple[MarkNetwork, ...]
    usual: Numbers
    sharpness: float
    doubt: float

    def seen(self, values: Numbers, sheets: NDArray[np.int64]) -> Numbers:
        """What the second networks see of each box: (boxes, features and `mark_sheet.FEATURES`)."""
        alone = np.exp(self.first.scores(values))
        opinion = np.stack([alone[:, 0], 1 - alone[:, 0]], axis=1)
        return np.hstack([values, beside_others(values, opinion, sheets, self.usual)])

    def scores(self, values: Numbers, sheets: NDArray[np.int64]) -> Numbers:
        """The second networks' mean scores."""
        seen = self.seen(values, sheets)
        return np.asarray(np.mean([network.scores(seen) for network in self.second], axis=0), np.float64)

    def probabilities(self, values: Numbers, sheets: NDArray[np.int64]) -> Numbers:
        """One row a box, columns as in `CLASSES`. `values` (boxes, features); boxes with the same number in `sheets`, if not 0, are of one sheet."""
        scores = self.sharpness * self.scores(values, sheets)
        powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
        p = powers / powers.sum(axis=-1, keepdims=True)
        return np.asarray((1 - self.doubt) * p + self.doubt / len(CLASSES), np.float64)
