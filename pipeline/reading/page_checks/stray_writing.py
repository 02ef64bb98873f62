"""Find writing outside all fields: nothing reads it, so the reviewer is warned of it.

Readers of single fields see writing beside their field, too, but not whose it is: what is written
in the next field, such as the foot of a big cross, is dropped from their issues, and a tail that
hangs down from it into an empty field is no text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from pipeline.domain.form.confidence import NEIGHBOURS_INK_P
from pipeline.domain.form.field import FieldSpec, LabelSide
from pipeline.domain.issues import Issue, IssueCode
from pipeline.domain.model import Box, Reading, State
from pipeline.domain.review.rules import prefill_from
from pipeline.forms.fiducials import CODE_BOXES, ORGANISATION_BOX, SERIAL_BOXES
from pipeline.forms.field_drawing import (
    FIRST_STYLE,
    PRINT_STYLES,
    PrintStyle,
    measure_side_label_width,
)
from pipeline.forms.letterhead import LAW_BOX, LOGO_BOX
from pipeline.reading.imaging import geometry
from pipeline.reading.imaging.geometry import box_distance
from pipeline.reading.imaging.pixels import Mask
from pipeline.reading.imaging.print_contrast import (
    CHECK_PX_PER_MM,
    PrintContrast,
    box_window,
    pixel_box,
    unprinted_mask,
)
from pipeline.reading.page_checks.page_context import (
    PEN_DARKNESS,
    InkShape,
    PageContext,
    connect_ink,
    find_pen_strokes,
    find_pen_words,
    ink_within,
    remove_specks,
)

PRINTED_MARKS = (*CODE_BOXES, *SERIAL_BOXES, ORGANISATION_BOX, LOGO_BOX, LAW_BOX)
"""What is printed on a sheet but not on its template, mm."""
_FROM_PRINT_MM, _FROM_EDGE_MM = 0.5, 5.0
"""Ink nearer to print or to the edge of the page than this is ignored, mm."""
_READ_AROUND_MM = 2.0
"""Margin around a field that its reader sees, mm."""
_FLOURISH_MM = 3.0
"""Margin that the flourish of a signature may take, mm."""
_FROM_WORD_MM = 1.5
"""Ink this near to a word that was read belongs to it, mm."""
_MIN_WRITING_MM2 = 3.0
"""Least ink outside all fields on a page that is examined, mm²."""
_WORD_GAP_MM = 2.5
"""Strokes this near to each other belong to the same word, mm."""
_MIN_WRITING_MM = 7.0
"""Least length of a word, mm."""
_BESIDE_FIELD = frozenset({IssueCode.STRAY_WRITING, IssueCode.OUTSIDE_BOXES})
"""Issues of readers that saw writing beside their field."""
_STROKE_GAP_MM, _MAX_STROKE_MM = 0.5, 500.0
"""Gaps over print that are bridged, and length of a stroke, as long as a page, mm."""
_MIN_INK_BESIDE_MM2 = 0.3
"""Less ink of a stroke beside a field is not seen as writing, mm²."""
_MIN_SHARE_IN_OTHER, _MAX_SHARE_IN_OWN = 0.6, 0.2
"""A stroke with these shares of its ink in another field, and in this one, is the other's."""
_TAIL_GAP_MM = 1.2
"""Half of the gap that the frames of two rows, one above the other, leave in a tail, mm."""
_MAX_TAILS = 4
"""Tails of letters from another field are read as at most so many characters."""
_CROSS_REACH_MM = 1.5
"""How far a cross leaves its box, mm."""


def check(context: PageContext, readings: Mapping[str, Reading]) -> list[Issue]:
    """Return the issues of fields that are next to writing which is in no field."""
    marks = () if context.page.blank else PRINTED_MARKS
    style = PRINT_STYLES[context.form.print_style]
    names = find_stray_writing(context.all_fields, readings, context.contrast, marks, style)
    return [
        Issue(IssueCode.STRAY_WRITING, spec.name)
        for spec in context.all_fields
        if spec.name in names
    ]


def drop_writing_of_neighbours(
    context: PageContext, readings: Mapping[str, Reading]
) -> dict[str, Reading]:
    """Return the readings without issues about writing that is in another field.

    Such an issue stays where any stroke beside the field is in no other one, or none is seen.
    """
    flagged = [spec for spec in context.fields if _sees_more(readings[spec.name])]
    if not flagged:
        return dict(readings)
    strokes = list(
        connect_ink(find_pen_strokes(context.contrast), _STROKE_GAP_MM, 0.0, _MAX_STROKE_MM)
    )
    cleared = {
        spec.name for spec in flagged if _is_all_of_others(spec, context.all_fields, strokes)
    }
    return {
        name: replace(
            reading, issues=tuple(code for code in reading.issues if code not in _BESIDE_FIELD)
        )
        if name in cleared
        else reading
        for name, reading in readings.items()
    }


def drop_text_of_neighbours(
    context: PageContext, readings: Mapping[str, Reading]
) -> dict[str, Reading]:
    """Return the readings without short texts of which all strokes are of other fields."""
    read = [
        spec
        for spec in context.fields
        if spec.traits.is_handwriting
        and spec.traits.takes_format
        and _may_be_tails(readings[spec.name], prefill_from(spec))
    ]
    if not read:
        return dict(readings)
    strokes = list(
        connect_ink(find_pen_strokes(context.contrast), _TAIL_GAP_MM, 0.0, _MAX_STROKE_MM)
    )
    empty = {spec.name for spec in read if _has_only_tails(spec, context.all_fields, strokes)}
    return {
        name: replace(Reading.empty(NEIGHBOURS_INK_P), box_px=reading.box_px)
        if name in empty
        else reading
        for name, reading in readings.items()
    }


def _may_be_tails(reading: Reading, sure_from: float) -> bool:
    is_short = 0 < len(str(reading.value or "")) <= _MAX_TAILS
    return reading.state is State.READ and reading.p < sure_from and is_short


def _sees_more(reading: Reading) -> bool:
    """Check whether a reader saw writing beside its field that may be of another one.

    Beside a number it may be one more digit, in whatever box.
    """
    return IssueCode.STRAY_WRITING in reading.issues or (
        IssueCode.OUTSIDE_BOXES in reading.issues and reading.state is State.EMPTY
    )


def _is_all_of_others(
    spec: FieldSpec, specs: Sequence[FieldSpec], strokes: Sequence[InkShape]
) -> bool:
    """Check whether there are strokes beside a field, and all of them are of other fields."""
    seen = geometry.widen_box(spec.area, _READ_AROUND_MM)
    others = _areas_near(spec, specs)
    beside = False
    for stroke in strokes:
        own = ink_within(stroke, spec.area)
        around = ink_within(stroke, seen) - own
        total = np.count_nonzero(stroke[2])
        if around < _MIN_INK_BESIDE_MM2 * CHECK_PX_PER_MM**2:
            continue
        if own > _MIN_SHARE_IN_OTHER * total and own + around == total:
            # Its own writing, all of which the reader saw.
            continue
        most = max((ink_within(stroke, other) for other in others), default=0)
        if most < _MIN_SHARE_IN_OTHER * total or own > _MAX_SHARE_IN_OWN * total:
            return False
        beside = True
    return beside


def _has_only_tails(
    spec: FieldSpec, specs: Sequence[FieldSpec], strokes: Sequence[InkShape]
) -> bool:
    """Check whether strokes are seen in or beside a field, and none of them is its own.

    What hangs in from the row above, or reaches up from below, does not come to the field's middle.
    """
    seen, others = geometry.widen_box(spec.area, _READ_AROUND_MM), _areas_near(spec, specs)
    found = False
    for stroke in strokes:
        if ink_within(stroke, seen) < _MIN_INK_BESIDE_MM2 * CHECK_PX_PER_MM**2:
            continue
        total = np.count_nonzero(stroke[2])
        most = max((ink_within(stroke, other) for other in others), default=0)
        halves = [ink_within(stroke, half) for half in _halves(spec.area)]
        if (
            most < _MIN_SHARE_IN_OTHER * total
            or sum(halves) > _MAX_SHARE_IN_OWN * total
            or min(halves) > 0
        ):
            return False
        found = True
    return found


def _halves(area: Box) -> tuple[Box, Box]:
    half = area.h / 2
    return Box(area.x, area.y, area.w, half), Box(area.x, area.y + half, area.w, half)


def _areas_near(spec: FieldSpec, specs: Sequence[FieldSpec]) -> list[Box]:
    """Return the areas of the other fields near a field; a cross may leave its box."""
    seen = geometry.widen_box(spec.area, _READ_AROUND_MM)
    return [
        geometry.widen_box(other.area, _CROSS_REACH_MM if other.traits.has_check_boxes else 0.0)
        for other in specs
        if other.name != spec.name and box_distance(other.area, seen) <= _READ_AROUND_MM
    ]


def find_stray_writing(
    specs: Sequence[FieldSpec],
    readings: Mapping[str, Reading],
    contrast: PrintContrast,
    printed_marks: Sequence[Box] = (),
    style: PrintStyle = FIRST_STYLE,
) -> frozenset[str]:
    """Return the names of the fields that are nearest to writing outside all fields.

    `specs` are all fields of the page, `readings` those that were read, `contrast` that of the
    registered page, and `printed_marks` what else is printed on a sheet but not on its
    template, mm; `style` is the style of print.
    """
    # Ink that is neither read, nor print, nor the edge of the page.
    ink = np.asarray(
        (contrast.darkness > PEN_DARKNESS) & unprinted_mask(contrast.template, _FROM_PRINT_MM).mask,
        np.bool_,
    )
    for box in _read_areas(specs, readings, printed_marks, style):
        ink[box_window(box)] = False
    edge = round(_FROM_EDGE_MM * CHECK_PX_PER_MM)
    ink[:edge], ink[-edge:], ink[:, :edge], ink[:, -edge:] = False, False, False, False
    written_fields = [spec for spec in specs if spec.traits.filled_by_hand]
    if not written_fields or np.count_nonzero(ink) < _MIN_WRITING_MM2 * CHECK_PX_PER_MM**2:
        return frozenset()
    # Words in what remains are reported at the nearest field.
    return frozenset(
        min(written_fields, key=lambda spec: box_distance(spec.area, box)).name
        for box in find_pen_words(remove_specks(ink), _WORD_GAP_MM, _MIN_WRITING_MM)
    )


def _read_areas(
    specs: Sequence[FieldSpec],
    readings: Mapping[str, Reading],
    printed_marks: Sequence[Box],
    style: PrintStyle,
) -> list[Box]:
    """Return the areas that a reader covers or that are printed, mm."""
    # Fields with their surroundings, words that were read, and printed marks.
    areas = [
        geometry.widen_box(
            _printed_area(spec, style),
            _FLOURISH_MM if spec.traits.is_signature else _READ_AROUND_MM,
        )
        for spec in specs
    ]
    word_areas = [
        geometry.widen_box(Box(*word.box), _FROM_WORD_MM)
        for reading in readings.values()
        for word in reading.words
    ]
    return [
        *areas,
        *word_areas,
        *(geometry.widen_box(mark, _READ_AROUND_MM) for mark in printed_marks),
    ]


def _printed_area(spec: FieldSpec, style: PrintStyle) -> Box:
    """Return a field's area, with its label if the template does not show the label."""
    area = spec.area
    # The label of a printed field is printed to its left.
    if spec.traits.filled_by_hand or spec.label_side is not LabelSide.LEFT:
        return area
    label_width = measure_side_label_width(spec, style, in_table=spec.row is not None)
    return Box(area.x - label_width, area.y, area.w + label_width, area.h)


# Find numbers that are written above or below a row of digit boxes.
#
# They are on the label above or in the gap below, where the reader of the boxes does not look.

_LABEL_GAP_MM = 1.0
"""Gaps of this length on each side of print are bridged, mm."""
_MIN_DIGIT_HEIGHT, _MAX_DIGIT_HEIGHT = 0.25, 1.6
"""Least and greatest height of a digit on a label, in heights of the boxes.

The label hides a part of the digit.
"""
_MIN_DIGIT_MM2 = 0.8
"""Least ink of a digit, mm²."""
_MAX_ROW_DISTANCE = 1.0
"""Greatest distance of a digit's middle from the boxes, in heights of the boxes."""
_MAX_DISTANCE_RATIO = 3
"""Boxes at most this many times as far away as the nearest may be meant too."""
_OWN_INK_MARGIN_MM, _MIN_OWN_INK = 0.8, 0.6
"""A stroke belongs to a field with this share of its ink within this margin, mm."""


def check_numbers(context: PageContext, readings: Mapping[str, Reading]) -> list[Issue]:
    """Return the issues of empty rows of digit boxes with a number above or below them."""
    names = find_numbers_off_boxes(context.all_fields, readings, context.contrast)
    return [Issue(IssueCode.OUTSIDE_BOXES, name) for name in sorted(names)]


def find_numbers_off_boxes(
    specs: Sequence[FieldSpec], readings: Mapping[str, Reading], contrast: PrintContrast
) -> frozenset[str]:
    """Return the names of empty rows of digit boxes with something as high as a digit near them.

    `specs` are the fields of the page, `readings` those that were read, and `contrast` that of
    the registered page.
    """
    # Only empty rows of digit boxes can miss a number.
    rows = [spec for spec in specs if spec.traits.digits_only and spec.name in readings]
    empty = {spec.name for spec in rows if readings[spec.name].state is State.EMPTY}
    if not empty:
        return frozenset()
    # Connected ink that is as large as a digit and in no field.
    max_height = max(spec.area.h for spec in rows)
    field_ink = _field_ink_mask(specs, contrast)
    names: set[str] = set()
    for top, left, pixels in connect_ink(
        find_pen_strokes(contrast),
        _LABEL_GAP_MM,
        2 * _LABEL_GAP_MM,
        _MAX_DIGIT_HEIGHT * max_height + 2 * _LABEL_GAP_MM,
    ):
        area = np.count_nonzero(pixels)
        window = slice(top, top + pixels.shape[0]), slice(left, left + pixels.shape[1])
        if (
            area >= _MIN_DIGIT_MM2 * CHECK_PX_PER_MM**2
            and np.count_nonzero(pixels & field_ink[window]) < _MIN_OWN_INK * area
        ):
            names.update(_nearest_rows(_stroke_box(top, left, pixels), rows))
    return frozenset(names & empty)


def _field_ink_mask(specs: Sequence[FieldSpec], contrast: PrintContrast) -> Mask:
    """Return where ink belongs to a field."""
    # Fields with a margin: ink there is read or flagged elsewhere.
    mask = np.zeros(contrast.darkness.shape, np.bool_)
    for spec in specs:
        mask[box_window(geometry.widen_box(spec.area, _OWN_INK_MARGIN_MM))] = True
    return mask


def _stroke_box(top: int, left: int, pixels: Mask) -> Box:
    # Bounding box of the ink.
    rows, columns = np.flatnonzero(pixels.any(axis=1)), np.flatnonzero(pixels.any(axis=0))
    height, width = rows[-1] + 1 - rows[0], columns[-1] + 1 - columns[0]
    return pixel_box(left + int(columns[0]), top + int(rows[0]), int(width), int(height))


def _nearest_rows(stroke: Box, rows: Sequence[FieldSpec]) -> set[str]:
    """Return the names of the rows nearest above and below a stroke.

    Only rows count whose digits may be as high as the stroke.
    """
    x, y = stroke.x + stroke.w / 2, stroke.y + stroke.h / 2
    # Distances to the rows above and below; inside a row it is negative.
    distances = [
        (max(row.area.y - y, y - row.area.y - row.area.h), row)
        for row in rows
        if row.area.x <= x <= row.area.x + row.area.w
    ]
    # Rows near enough for the height of the stroke.
    near = [
        (distance, row.name)
        for distance, row in distances
        if 0 < distance <= _MAX_ROW_DISTANCE * row.area.h
        and stroke.h >= _MIN_DIGIT_HEIGHT * row.area.h
    ]
    return {name for distance, name in near if distance <= _MAX_DISTANCE_RATIO * min(near)[0]}
