"""Check boxes: empty, marked, or filled solid, which is how a person takes a mark back; or marks
it, on answer sheets with bubbles.

Small networks on `mark_features` and `mark_contrast`, and on how the box differs from the others
of its sheet (`mark_sheet`), fitted by `research/training/marks/train.py`. A mark beside the box
or a circle around it was given both answers there, so its p comes out low and a person decides.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from pipeline.domain.errors import MissingProgramError
from pipeline.domain.model import Reading, State
from pipeline.domain.settings import ROOT
from pipeline.reading.fields.field_image import FieldImage
from pipeline.reading.fields.ink import Ink, even_lighting, find_ink
from pipeline.reading.fields.marks import classifier
from pipeline.reading.fields.marks import features as marks_features
from pipeline.reading.fields.marks.box_detection import detect_box
from pipeline.reading.fields.marks.classifier import MARK_CLASSES, MarkModel, MarkNetwork, Numbers
from pipeline.reading.fields.marks.features import MAX_MARK_MM, measure_shape
from pipeline.reading.fields.marks.rules import is_dash, is_scribbled_over, passes_through

_MARKED, _CANCELLED = MARK_CLASSES.index(State.READ), MARK_CLASSES.index(State.CANCELLED)
QUESTIONABLE_MARK_P = 0.5
"""How far a mark counts that is a dash, a scribble, or a line passing through the box, a fold or
one that strikes out the row; the rest says empty or marked alike.
"""
MARK_FEATURES = (*marks_features.SHAPE_FEATURES, *marks_features.CONTRAST_FEATURES)


def read_marks(crops: Sequence[FieldImage]) -> list[Reading]:
    """True (`READ`) for a mark, False for an empty box (`EMPTY`) and for a filled one
    (`CANCELLED`).
    """
    return [to_mark_reading(row) for row in classify_marks(crops)]


def classify_marks(crops: Sequence[FieldImage]) -> Numbers:
    """(boxes, 3): the probability of empty, marked, cancelled. Where a filled box means a mark,
    none is cancelled.

    Raises:
        MissingProgramError: the model's file is missing.
    """
    if not crops:
        return np.zeros((0, len(MARK_CLASSES)))
    sheets = np.array([crop.sheet_number for crop in crops], np.int64)
    seen = [_find_box_ink(crop) for crop in crops]
    p = load_mark_model().probabilities(
        np.stack([_measure_features(crop, *one) for crop, one in zip(crops, seen, strict=True)]),
        sheets,
    )
    filled = np.array([crop.spec.filled == "marked" for crop in crops])
    odd = [
        crop.template_image is not None and _is_questionable(ink)
        for crop, (_, ink) in zip(crops, seen, strict=True)
    ]
    passed = np.array(odd) & ~filled
    passed &= p.argmax(axis=1) == _MARKED
    p[passed] *= QUESTIONABLE_MARK_P
    p[passed, :_CANCELLED] += (1 - QUESTIONABLE_MARK_P) / 2
    p[filled, _MARKED] += p[filled, _CANCELLED]
    p[filled, _CANCELLED] = 0.0
    return p


def _is_questionable(ink: Ink) -> bool:
    return passes_through(ink) or is_dash(ink) or is_scribbled_over(ink)


def measure_box(crop: FieldImage) -> Numbers:
    """The `FEATURES` of one box."""
    return _measure_features(crop, *_find_box_ink(crop))


def _find_box_ink(crop: FieldImage) -> tuple[FieldImage, Ink]:
    """The box evenly lit, and the ink in and around it."""
    level = even_lighting(crop if crop.template_image is not None else detect_box(crop))
    return level, find_ink(level, MAX_MARK_MM)


def _measure_features(crop: FieldImage, level: FieldImage, ink: Ink) -> Numbers:
    return np.concatenate(
        [
            measure_shape(ink, form_known=crop.template_image is not None),
            marks_features.measure_contrast(level, ink, MAX_MARK_MM),
        ]
    )


def to_mark_reading(p: Numbers) -> Reading:
    """The likeliest state; the alternative is the other value, with the probability of all states
    that mean it.
    """
    best = int(p.argmax())
    marked = float(p[_MARKED])
    value = MARK_CLASSES[best] is State.READ
    return Reading(
        value, float(p[best]), MARK_CLASSES[best], ((not value, 1.0 - marked if value else marked),)
    )


@lru_cache(maxsize=1)
def load_mark_model() -> MarkModel:
    """The fitted model of `data/models/marks.json`.

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
    if tuple(stored.get("features", ())) != (*MARK_FEATURES, *classifier.SHEET_FEATURES):
        raise MissingProgramError("model_data_models_marks_json_belongs_another_version")
    return model
