"""Check boxes: empty, marked, or filled solid, which is how a person takes a mark back; or marks it, on answer sheets with bubbles.

Small networks on `mark_features` and `mark_contrast`, and on how the box differs from the others of its sheet (`mark_sheet`), fitted by
`pipeline/training/marks.py`. A mark beside the box or a circle around it was given both answers there, so its p comes out low and a person decides.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from pipeline.errors import MissingProgramError
from pipeline.model import Reading, State
from pipeline.recognize import mark_contrast, mark_features, mark_sheet
from pipeline.recognize.box_dashes import is_dash
from pipeline.recognize.box_scribbles import is_scribbled
from pipeline.recognize.crop import Crop
from pipeline.recognize.frame import framed
from pipeline.recognize.ink import Ink, find_ink
from pipeline.recognize.lighting import levelled
from pipeline.recognize.mark_features import WIDEST_MARK_MM, features
from pipeline.recognize.mark_network import CLASSES, MarkModel, MarkNetwork, Numbers
from pipeline.recognize.passing_lines import passes_through
from pipeline.settings import ROOT

_MARKED, _CANCELLED = CLASSES.index(State.READ), CLASSES.index(State.CANCELLED)
PASSING_P = 0.5
"""How far a mark counts that is a dash, a scribble, or a line passing through the box, a fold or one that strikes out the row; the rest says empty or
marked alike."""
FEATURES = (*mark_features.FEATURES, *mark_contrast.FEATURES)


def recognize(crops: Sequence[Crop]) -> list[Reading]:
    """True (`READ`) for a mark, False for an empty box (`EMPTY`) and for a filled one (`CANCELLED`)."""
    return [mark_reading(row) for row in mark_probabilities(crops)]


def mark_probabilities(crops: Sequence[Crop]) -> Numbers:
    """(boxes, 3): the probability of empty, marked, cancelled. Where a filled box means a mark, none is cancelled.

    Raises:
        MissingProgramError: the model's file is missing.
    """
    if not crops:
        return np.zeros((0, len(CLASSES)))
    sheets = np.array([crop.sheet for crop in crops], np.int64)
    seen = [_seen(crop) for crop in crops]
    p = mark_model().probabilities(np.stack([_measured(crop, *one) for crop, one in zip(crops, seen, strict=True)]), sheets)
    filled = np.array([crop.spec.filled == "marked" for crop in crops])
    odd = [crop.blank is not None and _may_be_none(ink) for crop, (_, ink) in zip(crops, seen, strict=True)]
    passed = np.array(odd) & ~filled
    passed &= p.argmax(axis=1) == _MARKED
    p[passed] *= PASSING_P
    p[passed, :_CANCELLED] += (1 - PASSING_P) / 2
    p[filled, _MARKED] += p[filled, _CANCELLED]
    p[filled, _CANCELLED] = 0.0
    return p


def _may_be_none(ink: Ink) -> bool:
    return passes_through(ink) or is_dash(ink) or is_scribbled(ink)


def measured(crop: Crop) -> Numbers:
    """The `FEATURES` of one box."""
    return _measured(crop, *_seen(crop))


def _seen(crop: Crop) -> tuple[Crop, Ink]:
    """The box evenly lit, and the ink in and around it."""
    level = levelled(crop if crop.blank is not None else framed(crop))
    return level, find_ink(level, WIDEST_MARK_MM)


def _measured(crop: Crop, level: Crop, ink: Ink) -> Numbers:
    return np.concatenate([features(ink, form_known=crop.blank is not None), mark_contrast.contrast(level, ink, WIDEST_MARK_MM)])


def mark_reading(p: Numbers) -> Reading:
    """The likeliest state; the alternative is the other value, with the probability of all states that mean it."""
    best = int(p.argmax())
    marked = float(p[_MARKED])
    value = CLASSES[best] is State.READ
    return Reading(value, float(p[best]), CLASSES[best], ((not value, 1.0 - marked if value else marked),))


@lru_cache(maxsize=1)
def mark_model() -> MarkModel:
    """The fitted model of `data/models/marks.json`.

    Raises:
        MissingProgramError: it is missing or belongs to other features.
    """
    path = ROOT / "data" / "models" / "marks.json"
    try:
        stored = json.loads(path.read_text("utf-8"))
        second = tuple(MarkNetwork.stored(layers) for layers in stored["second"])
        usual = np.array(stored["usual"], np.float64)
        model = MarkModel(MarkNetwork.stored(stored["first"]), second, usual, float(stored["sharpness"]), float(stored["doubt"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MissingProgramError("model_data_models_marks_json") from error
    if tuple(stored.get("features", ())) != (*FEATURES, *mark_sheet.FEATURES):
        raise MissingProgramError("model_data_models_marks_json_belongs_another_version")
    return model
