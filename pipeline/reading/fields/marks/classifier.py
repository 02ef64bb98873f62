"""The networks behind `marks`: numbers measured in a check box, and what the other boxes of its
sheet look like, to probabilities.

Check boxes held against the others of their sheet: printed, copied and scanned alike, and marked
in one hand.

What the empty and what the marked boxes of a sheet look like is taken from a first opinion of
each box. A box never counts for itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.model import State
from pipeline.reading.fields.marks import features

Numbers = NDArray[np.float64]
COMPARED_FEATURES = (
    "covered",
    "covered, gaps closed",
    "paper left",
    "log area",
    "darkness inside",
    "thickness",
    "at the centre",
    "mean darkness",
    "darkened",
    "lightest tenth",
    "half",
    "likeness",
    "darkest of bare paper",
    "bare paper darkened",
)
"""Of the numbers measured in each box, those that are compared."""
_COMPARED_COLUMNS = [
    (*features.SHAPE_FEATURES, *features.CONTRAST_FEATURES).index(name)
    for name in COMPARED_FEATURES
]
SHEET_FEATURES = (
    *(f"{name}, above empty ones" for name in COMPARED_FEATURES),
    *(f"{name}, above marked ones" for name in COMPARED_FEATURES),
    *(f"{name}, in spreads of empty ones" for name in COMPARED_FEATURES),
    *(f"{name}, above the middle" for name in COMPARED_FEATURES),
    "empty others",
    "marked others",
)
PRIOR_BOXES = 2.0
"""What boxes look like on other sheets counts as so many boxes."""
WEIGHT_POWER = 4.0
"""Others count by the fourth power of their probability: doubtful ones hardly."""
MAX_DEVIATION = 6.0
"""Most deviations that a box may differ from the others of its sheet."""
MIN_SHEET_BOXES = 8
"""With fewer boxes a sheet has no middle."""
SPREAD_FLOOR = 0.02
"""Least deviation that boxes of a sheet are taken to have."""
MARK_CLASSES = (State.EMPTY, State.READ, State.CANCELLED)
"""In the order of the model's columns: empty, marked, cancelled."""
NETWORK_LAYERS = ("mean", "scale", "hidden", "hidden_bias", "weights", "bias")


def compare_with_sheet(
    values: Numbers, p: Numbers, sheets: NDArray[np.int64], usual: Numbers
) -> Numbers:
    """(boxes, `FEATURES`): all zero but for what is known from other sheets where a box has no
    sheet (0).

    Args:
        values: (boxes, features) as measured.
        p: (boxes, 2) a first opinion: empty, inked.
        sheets: which boxes are of one sheet.
        usual: (2, compared) what empty and inked boxes usually look like.
    """
    compared = values[:, _COMPARED_COLUMNS]
    found = np.zeros((len(values), len(SHEET_FEATURES)))
    for sheet in np.unique(sheets):
        at = np.flatnonzero(sheets == sheet)
        if sheet == 0:
            for i in at:
                found[i] = _compare_sheet(compared[[i]], p[[i]], usual)
        else:
            found[at] = _compare_sheet(compared[at], p[at], usual)
    return found


def compared_columns(values: Numbers) -> Numbers:
    """The columns of `COMPARED`."""
    return np.asarray(values[:, _COMPARED_COLUMNS], np.float64)


def _compare_sheet(compared: Numbers, p: Numbers, usual: Numbers) -> Numbers:
    weights = p**WEIGHT_POWER
    (empty, spread, empties), (inked, _, inks) = (
        _other_boxes(compared, weights[:, i], usual[i]) for i in (0, 1)
    )
    middle = (
        compared - np.median(compared, axis=0)
        if len(compared) >= MIN_SHEET_BOXES
        else np.zeros_like(compared)
    )
    above = compared - empty
    far = np.clip(above / (spread + SPREAD_FLOOR), -MAX_DEVIATION, MAX_DEVIATION) / MAX_DEVIATION
    return np.hstack(
        [
            above,
            compared - inked,
            far,
            middle,
            np.log1p(empties)[:, None] / 4,
            np.log1p(inks)[:, None] / 4,
        ]
    )


def _other_boxes(
    compared: Numbers, weight: Numbers, usual: Numbers
) -> tuple[Numbers, Numbers, Numbers]:
    """Mean and standard deviation of the other boxes, each box by its weight, and how many they
    are.
    """
    count = weight.sum() - weight
    first = weight @ compared - weight[:, None] * compared
    second = weight @ compared**2 - weight[:, None] * compared**2
    own = np.maximum(count, 1e-9)[:, None]
    spread = np.sqrt(np.maximum(0.0, second / own - (first / own) ** 2))
    mean = (PRIOR_BOXES * usual + first) / (PRIOR_BOXES + count)[:, None]
    return mean, np.where(count[:, None] > 2, spread, 0.3), count


@dataclass(frozen=True, slots=True)
class MarkNetwork:
    """One hidden layer of tanh units for features less `mean`, divided by `scale`. `hidden` is
    (features, units), `weights` (units, classes).
    """

    mean: Numbers
    scale: Numbers
    hidden: Numbers
    hidden_bias: Numbers
    weights: Numbers
    bias: Numbers

    @classmethod
    def stored(cls, layers: Mapping[str, object]) -> MarkNetwork:
        """From its layers by name."""
        return cls(*(np.array(layers[name], np.float64) for name in NETWORK_LAYERS))

    def scores(self, values: Numbers) -> Numbers:
        """One row a box, columns as in `CLASSES`; the logarithms of the probabilities but for a
        constant.
        """
        units = np.tanh((values - self.mean) / self.scale @ self.hidden + self.hidden_bias)
        scores = units @ self.weights + self.bias
        return np.asarray(scores - np.log(np.exp(scores).sum(axis=1, keepdims=True)), np.float64)


@dataclass(frozen=True, slots=True)
class MarkModel:
    """`first` looks at each box alone; the networks of `second` also see the others of its sheet,
    and their scores are averaged.

    `usual` (2, compared) is what empty and inked boxes look like on other sheets. The scores are
    multiplied by `sharpness` (fitted on sheets set aside), and `doubt` is spread over all
    classes: the part of the surest answers that may be wrong.
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
        return np.hstack([values, compare_with_sheet(values, opinion, sheets, self.usual)])

    def scores(self, values: Numbers, sheets: NDArray[np.int64]) -> Numbers:
        """The second networks' mean scores."""
        seen = self.seen(values, sheets)
        return np.asarray(
            np.mean([network.scores(seen) for network in self.second], axis=0), np.float64
        )

    def probabilities(self, values: Numbers, sheets: NDArray[np.int64]) -> Numbers:
        """One row a box, columns as in `CLASSES`. `values` (boxes, features); boxes with the same
        number in `sheets`, if not 0, are of one sheet.
        """
        scores = self.sharpness * self.scores(values, sheets)
        powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
        p = powers / powers.sum(axis=-1, keepdims=True)
        return np.asarray((1 - self.doubt) * p + self.doubt / len(MARK_CLASSES), np.float64)
