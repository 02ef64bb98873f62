"""Read a group of check boxes of which one is to be marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.errors import ReadingError
from pipeline.domain.form.field import BoxMm
from pipeline.domain.model import Alternatives, Reading, State
from pipeline.reading.fields.field_image import FieldImage
from pipeline.reading.fields.ink import find_inks, find_px_per_mm
from pipeline.reading.fields.marks.classifier import MARK_CLASSES
from pipeline.reading.fields.marks.features import MAX_MARK_MM
from pipeline.reading.fields.marks.reader import classify_marks, even_lighting, load_mark_model
from pipeline.reading.fields.marks.rules import is_covered, is_scribbled_over

OPTION_MARGIN_MM = 1.5
"""Paper around each box that is cut out, if the field and the neighbouring boxes leave room."""
MIN_ALTERNATIVE_P = 0.01
"""Options with a lower probability are no alternatives."""
FILLED_P = 0.5
"""From this probability on a box counts as filled."""
WRITTEN_P, CLEAN_P = 0.05, 0.9
"""From these probabilities of a mark on a box may be written in, and holds a clear mark."""
SCRIBBLED_MARK_SHARE = 0.02
"""How much of its p a mark keeps that is scribbled out, beside a clear one; the rest is cancelled.
"""
MAX_ALTERNATIVES = 4
"""Maximum number of alternatives."""


def read_choices(crops: Sequence[FieldImage]) -> list[Reading]:
    """Return the value of the one marked option of each field.

    None with `EMPTY` if none is marked, with `ILLEGIBLE` if several are. A filled box is not
    marked, and beside a clear mark a box that is scribbled out is not. If none is marked and one or
    more are filled, one of them may be meant: then too the choice is `ILLEGIBLE`. Each option's box
    is cut out of the field's image by its place relative to the field, mm.

    Raises:
        ReadingError: an option is outside its field's image.
    """
    # Classify all boxes of all fields together.
    boxes = [_cut_option(crop, option.box) for crop in crops for option in crop.spec.options]
    answers = classify_marks(boxes, load_mark_model().doubt)
    readings, start = [], 0
    for crop in crops:
        end = start + len(crop.spec.options)
        values = [option.value for option in crop.spec.options]
        p = _cancel_scribbles(boxes[start:end], answers[start:end])
        readings.append(_choose_option(values, p))
        start = end
    return readings


def _cancel_scribbles(boxes: Sequence[FieldImage], p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the boxes' probabilities; what is scribbled out beside one clear mark is cancelled."""
    marked, cancelled = MARK_CLASSES.index(State.READ), MARK_CLASSES.index(State.CANCELLED)
    written = np.flatnonzero(p[:, marked] >= WRITTEN_P).tolist()
    if len(written) < 2 or any(boxes[i].template_image is None for i in written):
        return p
    lit = even_lighting([boxes[i] for i in written])
    inks = dict(zip(written, find_inks(lit, MAX_MARK_MM), strict=True))
    scribbled = [i for i, ink in inks.items() if is_covered(ink)]
    clean = [
        i
        for i, ink in inks.items()
        if p[i, marked] >= CLEAN_P and i not in scribbled and not is_scribbled_over(ink)
    ]
    # Anything of low confidence besides leaves the question to a person.
    if len(clean) != 1 or len(clean) + len(scribbled) != len(written):
        return p
    out = p.copy()
    out[scribbled, cancelled] += (1 - SCRIBBLED_MARK_SHARE) * out[scribbled, marked]
    out[scribbled, marked] *= SCRIBBLED_MARK_SHARE
    return out


def _cut_option(crop: FieldImage, box: BoxMm) -> FieldImage:
    """Return the image of one option's box.

    Raises:
        ReadingError: it is outside its field's image.
    """
    scale = find_px_per_mm(crop)
    # Where the box is in the field's image, mm, then px.
    left = box[0] - crop.spec.box[0] + crop.margin_mm
    top = box[1] - crop.spec.box[1] + crop.margin_mm
    margin = _option_margin(crop, box, left, top)
    x0, y0 = round((left - margin) * scale), round((top - margin) * scale)
    x1, y1 = round((left + box[2] + margin) * scale), round((top + box[3] + margin) * scale)
    if x0 < 0 or y0 < 0 or x1 > crop.image.shape[1] + 1 or y1 > crop.image.shape[0] + 1:
        raise ReadingError("choice_box_outside_field", name=crop.spec.name)
    image = crop.image[y0:y1, x0:x1]
    template = None if crop.template_image is None else crop.template_image[y0:y1, x0:x1]
    spec = crop.spec.model_copy(update={"box": box, "options": ()})
    return replace(
        crop,
        image=np.ascontiguousarray(image),
        template_image=template,
        spec=spec,
        px_per_mm=scale,
        margin_mm=margin,
    )


def _option_margin(crop: FieldImage, box: BoxMm, left: float, top: float) -> float:
    """Return the margin around an option, mm.

    As much as the image has around the box, and at most half of the way to the next option.
    """
    height, width = (side / find_px_per_mm(crop) for side in crop.image.shape)
    # Paper to the field's edges, and half of the gaps to other options.
    room = [left, top, width - left - box[2], height - top - box[3]]
    # Half of the gap, so that images of neighbours do not overlap.
    gaps = [_box_gap(box, option.box) / 2 for option in crop.spec.options if option.box != box]
    return float(max(0.0, min(OPTION_MARGIN_MM, *room, *gaps)))


def _box_gap(a: BoxMm, b: BoxMm) -> float:
    """Return the distance between two boxes along one axis, mm."""
    # Negative where the boxes overlap along an axis.
    across = max(a[0], b[0]) - min(a[0] + a[2], b[0] + b[2])
    down = max(a[1], b[1]) - min(a[1] + a[3], b[1] + b[3])
    return max(across, down, 0.0)


def _choose_option(values: Sequence[str], p: NDArray[np.float64]) -> Reading:
    """Combine the boxes: none, exactly one, or more are marked.

    Each box counts on its own, so that their probabilities are multiplied.
    """
    # The probabilities of none, of exactly one, and of several marked boxes.
    marked = p[:, MARK_CLASSES.index(State.READ)]
    unmarked = 1.0 - marked
    none = float(unmarked.prod())
    only = [float(marked[i] * np.delete(unmarked, i).prod()) for i in range(len(values))]
    several = max(0.0, 1.0 - none - sum(only))
    best = int(np.argmax(only))

    # Several are marked.
    if several > max(none, only[best]):
        return Reading(
            None, several / 2, State.ILLEGIBLE, _list_alternatives(values, marked / marked.sum())
        )

    # None is marked, but perhaps a filled one is meant.
    if none > only[best]:
        filled_p = p[:, MARK_CLASSES.index(State.CANCELLED)]
        if filled_p.max() >= FILLED_P:
            return Reading(
                None, none / 2, State.ILLEGIBLE, _list_alternatives(values, filled_p / 2)
            )
        return Reading(None, none, State.EMPTY, _list_alternatives(values, only))

    # One is marked; the alternatives are none and the others.
    others = [pair for i, pair in enumerate(zip(values, only, strict=True)) if i != best]
    likely = [pair for pair in ((None, none), *others) if pair[1] > MIN_ALTERNATIVE_P]
    likely.sort(key=lambda pair: -pair[1])
    return Reading(values[best], only[best], State.READ, tuple(likely[:MAX_ALTERNATIVES]))


def _list_alternatives(
    values: Sequence[str], p: Sequence[float] | NDArray[np.float64]
) -> Alternatives:
    """Return the likely values, best first."""
    pairs = [(value, float(value_p)) for value, value_p in zip(values, p, strict=True)]
    pairs.sort(key=lambda pair: -pair[1])
    return tuple(pair for pair in pairs if pair[1] > MIN_ALTERNATIVE_P)[:MAX_ALTERNATIVES]
