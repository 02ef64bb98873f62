"""A group of check boxes of which one is to be marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.errors import ReadingError
from pipeline.domain.form.field import BoxMm
from pipeline.domain.model import Alternatives, Reading, State
from pipeline.reading.fields.field_image import FieldImage
from pipeline.reading.fields.ink import find_px_per_mm
from pipeline.reading.fields.marks.classifier import MARK_CLASSES
from pipeline.reading.fields.marks.reader import classify_marks

OPTION_MARGIN_MM = 1.5
"""How much paper around each box is looked at, where the field and the neighbouring boxes leave
room.
"""
MIN_ALTERNATIVE_P = 0.01
"""Options with a lower probability are no alternatives."""
FILLED_P = 0.5
"""From this probability on a box is filled."""
MAX_ALTERNATIVES = 4
"""Most alternatives that are kept."""


def read_choices(crops: Sequence[FieldImage]) -> list[Reading]:
    """The value of the one marked option; None with `EMPTY` when none is, with `ILLEGIBLE` when
    several are.

    A filled box is not marked. Where none is marked and one or more are filled, one of them may
    be meant: then too the choice is `ILLEGIBLE`.

    The crop shows the field's rectangle; each option's box is cut out of it by its place
    relative to the field's, mm.

    Raises:
        ReadingError: an option lies outside its field's picture.
    """
    boxes = [_cut_option(crop, option.box) for crop in crops for option in crop.spec.options]
    answers = classify_marks(boxes)
    readings, start = [], 0
    for crop in crops:
        end = start + len(crop.spec.options)
        readings.append(
            _choose_option([option.value for option in crop.spec.options], answers[start:end])
        )
        start = end
    return readings


def _cut_option(crop: FieldImage, box: BoxMm) -> FieldImage:
    scale = find_px_per_mm(crop)
    left = box[0] - crop.spec.box[0] + crop.margin_mm
    top = box[1] - crop.spec.box[1] + crop.margin_mm
    margin = _option_margin(crop, box, left, top)
    x0, y0 = round((left - margin) * scale), round((top - margin) * scale)
    x1, y1 = round((left + box[2] + margin) * scale), round((top + box[3] + margin) * scale)
    if x0 < 0 or y0 < 0 or x1 > crop.image.shape[1] + 1 or y1 > crop.image.shape[0] + 1:
        raise ReadingError("box_choice_lies_outside_field", name=crop.spec.name)
    image = crop.image[y0:y1, x0:x1]
    blank = None if crop.template_image is None else crop.template_image[y0:y1, x0:x1]
    spec = crop.spec.model_copy(update={"box": box, "options": ()})
    return replace(
        crop,
        image=np.ascontiguousarray(image),
        template_image=blank,
        spec=spec,
        px_per_mm=scale,
        margin_mm=margin,
    )


def _option_margin(crop: FieldImage, box: BoxMm, left: float, top: float) -> float:
    """As much as the picture has around the box and at most half of the way to the next option, mm."""
    height, width = (side / find_px_per_mm(crop) for side in crop.image.shape)
    room = [left, top, width - left - box[2], height - top - box[3]]
    gaps = [_box_gap(box, option.box) / 2 for option in crop.spec.options if option.box != box]
    return float(max(0.0, min(OPTION_MARGIN_MM, *room, *gaps)))


def _box_gap(a: BoxMm, b: BoxMm) -> float:
    across = max(a[0], b[0]) - min(a[0] + a[2], b[0] + b[2])
    down = max(a[1], b[1]) - min(a[1] + a[3], b[1] + b[3])
    return max(across, down, 0.0)


def _choose_option(values: Sequence[str], p: NDArray[np.float64]) -> Reading:
    """Each box on its own: none, exactly one, or more are marked with the product of the boxes'
    probabilities.
    """
    marked = p[:, MARK_CLASSES.index(State.READ)]
    unmarked = 1.0 - marked
    none = float(unmarked.prod())
    alone = [float(marked[i] * np.delete(unmarked, i).prod()) for i in range(len(values))]
    several = max(0.0, 1.0 - none - sum(alone))
    best = int(np.argmax(alone))
    if several > max(none, alone[best]):
        return Reading(
            None, several / 2, State.ILLEGIBLE, _list_alternatives(values, marked / marked.sum())
        )
    if none > alone[best]:
        filled = p[:, MARK_CLASSES.index(State.CANCELLED)]
        if filled.max() >= FILLED_P:
            return Reading(None, none / 2, State.ILLEGIBLE, _list_alternatives(values, filled / 2))
        return Reading(None, none, State.EMPTY, _list_alternatives(values, alone))
    rest = [
        (None, none),
        *(
            (value, p_one)
            for i, (value, p_one) in enumerate(zip(values, alone, strict=True))
            if i != best
        ),
    ]
    return Reading(
        values[best],
        alone[best],
        State.READ,
        tuple(
            sorted((o for o in rest if o[1] > MIN_ALTERNATIVE_P), key=lambda o: -o[1])[
                :MAX_ALTERNATIVES
            ]
        ),
    )


def _list_alternatives(
    values: Sequence[str], p: Sequence[float] | NDArray[np.float64]
) -> Alternatives:
    found = sorted(
        ((value, float(one)) for value, one in zip(values, p, strict=True)),
        key=lambda item: -item[1],
    )
    return tuple(item for item in found if item[1] > MIN_ALTERNATIVE_P)[:MAX_ALTERNATIVES]
