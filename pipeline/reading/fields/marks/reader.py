"""Read check boxes: empty, marked, or filled solid, which cancels a mark.

On answer sheets with bubbles a filled box is a mark. Small networks classify the features of a box
and how they differ from the other boxes of its sheet, fitted by `research/training/marks/train.py`.
A mark next to the box or a circle around it had both answers in training, so its p is low and a
person decides.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from pipeline.domain.errors import MissingProgramError
from pipeline.domain.model import Reading, State
from pipeline.domain.settings import ROOT
from pipeline.reading.fields.field_image import FieldImage, group_alike
from pipeline.reading.fields.ink import Ink, find_inks
from pipeline.reading.fields.marks import classifier
from pipeline.reading.fields.marks import features as marks_features
from pipeline.reading.fields.marks.box_detection import detect_box
from pipeline.reading.fields.marks.classifier import MARK_CLASSES, MarkModel, MarkNetwork, Numbers
from pipeline.reading.fields.marks.features import MAX_MARK_MM, measure_contrasts, measure_shapes
from pipeline.reading.fields.marks.lighting import even_lighting
from pipeline.reading.fields.marks.rules import is_dash, is_scribbled_over, passes_through

_MARKED, _CANCELLED = MARK_CLASSES.index(State.READ), MARK_CLASSES.index(State.CANCELLED)
QUESTIONABLE_MARK_P = 0.5
"""How much of its p a mark keeps that is a dash, a scribble, or a line passing through the box (a
fold, or one that strikes out the row); the rest goes to empty and cancelled alike.
"""
MARK_FEATURES = (*marks_features.SHAPE_FEATURES, *marks_features.CONTRAST_FEATURES)
"""The features of one box."""


def read_marks(crops: Sequence[FieldImage]) -> list[Reading]:
    """Return True (`READ`) for a mark, False for an empty (`EMPTY`) or filled box (`CANCELLED`).

    How surely the clearest ones are right is left to calibration, so their scores have no limit.
    """
    return [to_mark_reading(row) for row in classify_marks(crops)]


def classify_marks(crops: Sequence[FieldImage], doubt: float = 0.0) -> Numbers:
    """Return (boxes, 3): the probability of empty, marked, cancelled, with a `doubt` in each.

    Where a filled box means a mark, none is cancelled.

    Raises:
        MissingProgramError: the model's file is missing.
    """
    if not crops:
        return np.zeros((0, len(MARK_CLASSES)))

    # Measure each box, and classify all of a sheet together.
    sheets = np.array([crop.sheet_number for crop in crops], np.int64)
    features, inks = measure_boxes(crops)
    p = load_mark_model().probabilities(features, sheets, doubt)

    # Lower the confidence of marks that may be something else.
    filled_is_mark = np.array([crop.spec.filled == "marked" for crop in crops])
    is_questionable = np.array(
        [
            crop.template_image is not None and _is_questionable(ink)
            for crop, ink in zip(crops, inks, strict=True)
        ]
    )
    lowered = is_questionable & ~filled_is_mark & (p.argmax(axis=1) == _MARKED)
    p[lowered] *= QUESTIONABLE_MARK_P
    p[lowered, :_CANCELLED] += (1 - QUESTIONABLE_MARK_P) / 2

    # On answer sheets a filled box is a mark.
    p[filled_is_mark, _MARKED] += p[filled_is_mark, _CANCELLED]
    p[filled_is_mark, _CANCELLED] = 0.0
    return p


def _is_questionable(ink: Ink) -> bool:
    """Return whether the ink in a box, if there is any, may be no mark."""
    return bool(ink.mask.any()) and (passes_through(ink) or is_dash(ink) or is_scribbled_over(ink))


def measure_boxes(crops: Sequence[FieldImage]) -> tuple[Numbers, list[Ink]]:
    """Return the `MARK_FEATURES` of boxes, one row a box, and the ink in and around each."""
    # Evenly lit boxes; those that are cut alike are measured together.
    found = [crop if crop.template_image is not None else detect_box(crop) for crop in crops]
    lit = even_lighting(found)
    inks = find_inks(lit, MAX_MARK_MM)
    features = np.empty((len(crops), len(MARK_FEATURES)))
    for group in group_alike(lit):
        known = np.array([crops[i].template_image is not None for i in group])
        boxes = [inks[i] for i in group]
        contrasts = measure_contrasts([lit[i] for i in group], boxes, MAX_MARK_MM)
        features[group] = np.hstack([measure_shapes(boxes), known[:, None], contrasts])
    return features, inks


def to_mark_reading(p: Numbers) -> Reading:
    """Return the likeliest state as a reading.

    The alternative is the other value, with the probability of all states that mean it.
    """
    best = int(p.argmax())
    marked = float(p[_MARKED])
    value = MARK_CLASSES[best] is State.READ
    return Reading(
        value, float(p[best]), MARK_CLASSES[best], ((not value, 1.0 - marked if value else marked),)
    )


@lru_cache(maxsize=1)
def load_mark_model() -> MarkModel:
    """Load the fitted model of `data/models/marks.json`.

    Raises:
        MissingProgramError: it is missing or belongs to other features.
    """
    path = ROOT / "data" / "models" / "marks.json"
    try:
        stored = json.loads(path.read_text("utf-8"))
        second = tuple(MarkNetwork.stored(layers) for layers in stored["second"])
        usual = np.array(stored["usual"], np.float64)
        model = MarkModel(
            MarkNetwork.stored(stored["first"]),
            second,
            usual,
            float(stored["sharpness"]),
            float(stored["doubt"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MissingProgramError("model_data_models_marks_json") from error
    # A model of other features is useless.
    if tuple(stored.get("features", ())) != (*MARK_FEATURES, *classifier.SHEET_FEATURES):
        raise MissingProgramError("model_data_models_marks_json_belongs_another_version")
    return model
