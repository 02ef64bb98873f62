"""Check boxes: empty, marked, or filled solid, which is how a person takes a mark back.

Softmax regression on `mark_features`, fitted by `pipeline/training/marks.py` on drawn marks. A mark beside the box or a circle around it was
given both answers there, so its p comes out low and a person decides.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import MissingProgramError
from pipeline.model import Reading, State
from pipeline.recognize.crop import Crop
from pipeline.recognize.frame import framed
from pipeline.recognize.ink import find_ink
from pipeline.recognize.mark_features import FEATURES, WIDEST_MARK_MM, features
from pipeline.settings import ROOT

CLASSES = (State.EMPTY, State.READ, State.CANCELLED)
"""In the order of the model's columns: empty, marked, cancelled."""


@dataclass(frozen=True, slots=True)
class MarkModel:
    """Weights (features, classes) for features less `mean`, divided by `scale`."""

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    weights: NDArray[np.float64]
    bias: NDArray[np.float64]

    def probabilities(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """One row a box, columns as in `CLASSES`."""
        scores = (values - self.mean) / self.scale @ self.weights + self.bias
        powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=-1, keepdims=True), np.float64)


def recognize(crops: Sequence[Crop]) -> list[Reading]:
    """True (`READ`) for a mark, False for an empty box (`EMPTY`) and for a filled one (`CANCELLED`)."""
    return [mark_reading(row) for row in mark_probabilities(crops)]


def mark_probabilities(crops: Sequence[Crop]) -> NDArray[np.float64]:
    """(boxes, 3): the probability of empty, marked, cancelled.

    Raises:
        MissingProgramError: the model's file is missing.
    """
    if not crops:
        return np.zeros((0, len(CLASSES)))
    seen = [crop if crop.blank is not None else framed(crop) for crop in crops]
    return mark_model().probabilities(np.stack([features(find_ink(crop, WIDEST_MARK_MM)) for crop in seen]))


def mark_reading(p: NDArray[np.float64]) -> Reading:
    """The likeliest state; the alternative is the other value, with the probability of all states that mean it."""
    best = int(p.argmax())
    marked = float(p[CLASSES.index(State.READ)])
    value = CLASSES[best] is State.READ
    return Reading(value, float(p[best]), CLASSES[best], ((not value, 1.0 - marked if value else marked),))


@lru_cache(maxsize=1)
def mark_model() -> MarkModel:
    """The fitted model of `data/models/marks.json`.

    Raises:
        MissingProgramError: it is missing or belongs to other features.
    """
    path = ROOT / "data" / "models" / "marks.json"
    remedy = "It is part of the project: restore it with `git checkout data/models`."
    try:
        stored = json.loads(path.read_text("utf-8"))
        parts = [np.array(stored[key], np.float64) for key in ("mean", "scale", "weights", "bias")]
    except (OSError, ValueError, KeyError) as error:
        raise MissingProgramError("The model data/models/marks.json is missing or damaged.", remedy) from error
    if tuple(stored.get("features", ())) != FEATURES:
        raise MissingProgramError("The model data/models/marks.json belongs to another version of the program.", remedy)
    return MarkModel(*parts)
