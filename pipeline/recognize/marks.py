"""Check boxes: empty, marked, or filled solid, which is how a person takes a mark back; or marks it, on answer sheets with bubbles.

Small networks on `mark_features` and `mark_contrast`, and on how the box differs from the others of its sheet (`mark_sheet`), fitted by
`pipeline/training/marks.py`. A mark beside the box or a circle around it was given both answers there, so its p comes out low and a person decides.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from pipeline.errors import MissingProgramError
from pipeline.model import Reading, State
from pipeline.recognize import mark_contrast, mark_features, mark_sheet
from pipeline.recognize.crop import Crop
from pipeline.recognize.frame import framed
from pipeline.recognize.ink import Ink, find_ink
from pipeline.recognize.lighting import levelled
from pipeline.recognize.mark_features import WIDEST_MARK_MM, features
from pipeline.recognize.mark_network import CLASSES, MarkModel, MarkNetwork, Numbers
from pipeline.settings import ROOT

_EMPTY, _MARKED, _CANCELLED = (CLASSES.index(state) for state in (State.EMPTY, State.READ, State.CANCELLED))
FEATURES = (*mark_features.FEATURES, *mark_contrast.FEATURES)
STRUCK_P = 0.6
"""How far what is seen in a box counts where a line through the whole row crosses it; the rest says that it is empty."""
BEYOND_MM, LEVEL_MM, THIN_MM = (0.9, 0.6), 1.5, 1.2
"""Such a line goes on so far to the left and right of the box (there words are printed), rises or falls no more on that way, and is no thicker."""
UNBROKEN = 0.95


def recognize(crops: Sequence[Crop]) -> list[Reading]:
    """True (`READ`) for a mark, False for an empty box (`EMPTY`) and for a filled one (`CANCELLED`)."""
    return [mark_reading(row) for row in mark_probabilities(crops)]


def mark_probabilities(crops: Sequence[Crop]) -> Numbers:
    """(boxes, 3): the probability of empty, marked, cancelled. Where a filled box means a mark, none is cancelled.

    A box in a row that is struck through with one line has both answers.

    Raises:
        MissingProgramError: the model's file is missing.
    """
    if not crops:
        return np.zeros((0, len(CLASSES)))
    sheets = np.array([crop.sheet for crop in crops], np.int64)
    inks = [_seen_ink(crop) for crop in crops]
    p = mark_model().probabilities(np.stack([_numbers(crop, *seen) for crop, seen in zip(crops, inks, strict=True)]), sheets)
    filled = np.array([crop.spec.filled == "marked" for crop in crops])
    p[filled, _MARKED] += p[filled, _CANCELLED]
    p[filled, _CANCELLED] = 0.0
    struck = np.array([crop.blank is not None and _is_struck(ink) for crop, (_, ink) in zip(crops, inks, strict=True)]) & ~filled
    p[struck] *= STRUCK_P
    p[struck, _EMPTY] += 1.0 - STRUCK_P
    return p


def _is_struck(ink: Ink) -> bool:
    """Whether a level stroke goes right through the box and on beyond both of its sides, as through a row that no longer counts."""
    left, top, right, bottom = ink.field
    start, end = left - round(BEYOND_MM[0] * ink.px_per_mm), right + round(BEYOND_MM[1] * ink.px_per_mm)
    if start < 0 or end >= ink.mask.shape[1]:
        return False
    pairs = itertools.product(_strokes_across(ink, start), _strokes_across(ink, end))
    return any(top < min(pair) <= max(pair) < bottom and _is_level(ink, (start, end), pair) for pair in pairs)


def _strokes_across(ink: Ink, column: int) -> list[float]:
    """How far down thin strokes cross a column of the picture, px."""
    inked = np.flatnonzero(ink.mask[:, column])
    runs = np.split(inked, np.flatnonzero(np.diff(inked) > 1) + 1)
    return [float(run.mean()) for run in runs if 0 < len(run) <= THIN_MM * ink.px_per_mm]


def _is_level(ink: Ink, ends: tuple[int, int], heights: tuple[float, float]) -> bool:
    """Whether an unbroken and nearly level stroke goes from one place to another."""
    if abs(heights[1] - heights[0]) > LEVEL_MM * ink.px_per_mm:
        return False
    columns = np.arange(ends[0], ends[1] + 1)
    about = np.interp(columns, ends, heights).round().astype(int)[:, None] + np.arange(-2, 3)
    inked = ink.mask[np.clip(about, 0, ink.mask.shape[0] - 1), columns[:, None]].any(axis=1)
    return bool(inked.mean() >= UNBROKEN)


def measured(crop: Crop) -> Numbers:
    """The `FEATURES` of one box."""
    return _numbers(crop, *_seen_ink(crop))


def _seen_ink(crop: Crop) -> tuple[Crop, Ink]:
    """The box evenly lit, and the ink in and around it."""
    seen = levelled(crop if crop.blank is not None else framed(crop))
    return seen, find_ink(seen, WIDEST_MARK_MM)


def _numbers(crop: Crop, seen: Crop, ink: Ink) -> Numbers:
    return np.concatenate([features(ink, form_known=crop.blank is not None), mark_contrast.contrast(seen, ink, WIDEST_MARK_MM)])


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
    remedy = "It is part of the project: restore it with `git checkout data/models`."
    try:
        stored = json.loads(path.read_text("utf-8"))
        second = tuple(MarkNetwork.stored(layers) for layers in stored["second"])
        usual = np.array(stored["usual"], np.float64)
        model = MarkModel(MarkNetwork.stored(stored["first"]), second, usual, float(stored["sharpness"]), float(stored["doubt"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MissingProgramError("The model data/models/marks.json is missing or damaged.", remedy) from error
    if tuple(stored.get("features", ())) != (*FEATURES, *mark_sheet.FEATURES):
        raise MissingProgramError("The model data/models/marks.json belongs to another version of the program.", remedy)
    return model
