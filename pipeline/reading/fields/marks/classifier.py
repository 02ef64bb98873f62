"""The networks that classify check boxes, from measured features and the other boxes of the sheet.

The boxes of a sheet are printed, copied and scanned alike, and marked by one writer. What its empty
and marked boxes look like is taken from a first classification of each box by itself. A box never
counts for itself.
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
"""The features of each box that are compared with the other boxes."""
COMPARED_COLUMNS = [
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
"""What the comparison with the other boxes gives."""
PRIOR_BOXES = 2.0
"""What boxes look like on other sheets counts as this many boxes."""
WEIGHT_POWER = 4.0
"""Other boxes count by this power of their probability: those of low confidence hardly."""
MAX_DEVIATION = 6.0
"""Maximum standard deviations that a box may differ from the others of its sheet."""
MIN_SHEET_BOXES = 8
"""With fewer boxes a sheet has no median."""
SPREAD_FLOOR = 0.02
"""Added to the standard deviation of the boxes of a sheet."""
MARK_CLASSES = (State.EMPTY, State.READ, State.CANCELLED)
"""Classes in the order of the model's columns: empty, marked, cancelled."""
NETWORK_LAYERS = ("mean", "scale", "hidden", "hidden_bias", "weights", "bias")
"""Names of a network's layers in its file."""


@dataclass(frozen=True, slots=True)
class MarkModel:
    """The networks: `first` for each box by itself, `second` with the others of its sheet.

    The scores of the second networks are averaged. `usual` (2, compared) is what empty and inked
    boxes look like on other sheets. The scores are multiplied by `sharpness` (fitted on held-out
    sheets). `doubt` is the share of answers with the highest confidence that may be wrong.
    """

    first: MarkNetwork
    second: tuple[MarkNetwork, ...]
    usual: Numbers
    sharpness: float
    doubt: float

    def second_features(self, values: Numbers, sheets: NDArray[np.int64]) -> Numbers:
        """Return the second networks' input: (boxes, features and `SHEET_FEATURES`)."""
        # A first classification of each box, to know which others are empty.
        first_p = np.exp(self.first.scores(values))
        empty_or_inked = np.stack([first_p[:, 0], 1 - first_p[:, 0]], axis=1)
        return np.hstack([values, compare_with_sheet(values, empty_or_inked, sheets, self.usual)])

    def scores(self, values: Numbers, sheets: NDArray[np.int64]) -> Numbers:
        """Return the second networks' mean scores."""
        features = self.second_features(values, sheets)
        return np.asarray(
            np.mean([network.scores(features) for network in self.second], axis=0), np.float64
        )

    def probabilities(
        self, values: Numbers, sheets: NDArray[np.int64], doubt: float = 0.0
    ) -> Numbers:
        """Return probabilities, one row a box, columns as in `MARK_CLASSES`.

        `values` are (boxes, features); boxes with the same number in `sheets`, if not 0, are of one
        sheet. `doubt` is spread over all classes.
        """
        scores = self.sharpness * self.scores(values, sheets)
        # A stable softmax, and the doubt in each answer.
        powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
        p = powers / powers.sum(axis=-1, keepdims=True)
        return np.asarray((1 - doubt) * p + doubt / len(MARK_CLASSES), np.float64)


@dataclass(frozen=True, slots=True)
class MarkNetwork:
    """One hidden layer of tanh units for features less `mean`, divided by `scale`.

    `hidden` is (features, units), `weights` (units, classes).
    """

    mean: Numbers
    scale: Numbers
    hidden: Numbers
    hidden_bias: Numbers
    weights: Numbers
    bias: Numbers

    @classmethod
    def stored(cls, layers: Mapping[str, object]) -> MarkNetwork:
        """Make a network from its layers by name."""
        return cls(*(np.array(layers[name], np.float64) for name in NETWORK_LAYERS))

    def scores(self, values: Numbers) -> Numbers:
        """Return log probabilities, one row a box, columns as in `MARK_CLASSES`."""
        # Standardize, then one hidden layer.
        units = np.tanh((values - self.mean) / self.scale @ self.hidden + self.hidden_bias)
        scores = units @ self.weights + self.bias
        # Normalize, so that the probabilities sum to 1.
        return np.asarray(scores - np.log(np.exp(scores).sum(axis=1, keepdims=True)), np.float64)


def compare_with_sheet(
    values: Numbers, p: Numbers, sheets: NDArray[np.int64], usual: Numbers
) -> Numbers:
    """Compare each box with the others of its sheet: (boxes, `SHEET_FEATURES`).

    A box without a sheet (0) is compared with other sheets only.

    Args:
        values: (boxes, features) as measured.
        p: (boxes, 2) of a first classification: empty, inked.
        sheets: which boxes are of one sheet.
        usual: (2, compared) what empty and inked boxes usually look like.
    """
    compared = values[:, COMPARED_COLUMNS]
    comparison = np.zeros((len(values), len(SHEET_FEATURES)))
    # Boxes without a sheet have no others.
    for sheet in np.unique(sheets):
        of_sheet = np.flatnonzero(sheets == sheet)
        if sheet == 0:
            for i in of_sheet:
                comparison[i] = _compare_sheet(compared[[i]], p[[i]], usual)
        else:
            comparison[of_sheet] = _compare_sheet(compared[of_sheet], p[of_sheet], usual)
    return comparison


def _compare_sheet(compared: Numbers, p: Numbers, usual: Numbers) -> Numbers:
    """Compare the boxes of one sheet."""
    # Boxes with an uncertain first answer hardly count.
    weights = p**WEIGHT_POWER

    # What the other empty and the other marked boxes look like.
    (empty, spread, empties), (inked, _, inks) = (
        _other_boxes(compared, weights[:, i], usual[i]) for i in (0, 1)
    )

    # The difference to the sheet's median, if there are enough boxes.
    middle = (
        compared - np.median(compared, axis=0)
        if len(compared) >= MIN_SHEET_BOXES
        else np.zeros_like(compared)
    )

    # The difference to empty boxes, also in standard deviations.
    above_empty = compared - empty
    deviation = (
        np.clip(above_empty / (spread + SPREAD_FLOOR), -MAX_DEVIATION, MAX_DEVIATION)
        / MAX_DEVIATION
    )
    return np.hstack(
        [
            above_empty,
            compared - inked,
            deviation,
            middle,
            np.log1p(empties)[:, None] / 4,
            np.log1p(inks)[:, None] / 4,
        ]
    )


def _other_boxes(
    compared: Numbers, weight: Numbers, usual: Numbers
) -> tuple[Numbers, Numbers, Numbers]:
    """Return mean, standard deviation and number of the other boxes, each by its weight."""
    # Weighted sums over all boxes less the box itself.
    count = weight.sum() - weight
    first = weight @ compared - weight[:, None] * compared
    second = weight @ compared**2 - weight[:, None] * compared**2
    total = np.maximum(count, 1e-9)[:, None]
    spread = np.sqrt(np.maximum(0.0, second / total - (first / total) ** 2))

    # The mean is drawn to that of other sheets; with few boxes the spread is assumed.
    mean = (PRIOR_BOXES * usual + first) / (PRIOR_BOXES + count)[:, None]
    return mean, np.where(count[:, None] > 2, spread, 0.3), count
