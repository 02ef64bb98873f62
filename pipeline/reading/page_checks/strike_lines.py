"""Find pen lines that go over several fields.

Such lines strike out rows, close a table with a Z, mean "the same" down a column, tick three rows
at once, join rows, or cross out a page. Each reader sees only a stroke in its own field. Writing
ends with its field, so lines are followed over the page, also below print, and long ones that are
in two fields are reported.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain.form.field import FieldSpec
from pipeline.domain.issues import Issue, IssueCode
from pipeline.domain.model import Box, Reading, State
from pipeline.reading.imaging import geometry
from pipeline.reading.imaging.pixels import Components, Labels, Mask, odd_kernel
from pipeline.reading.imaging.print_contrast import CHECK_PX_PER_MM, PrintContrast, box_window
from pipeline.reading.page_checks.page_context import PageContext, find_bare_paper, find_pen_strokes

_STEPS_PER_MM = CHECK_PX_PER_MM / 2
"""Steps per mm: a shaky line is followed in steps of 0.5 mm, straight on or diagonally."""
_INK_GAIN, _PRINT_GAIN, _PAPER_GAIN = np.array((2, -1, -10_000), np.int16)
"""What a step gains on ink, on print and on paper.

Bare paper ends a line; print, below which ink is not seen, does not connect strokes by itself.
"""
_MIN_GAIN_AT_PRINT = 6
"""Least gain of a line on both sides of print that it goes through."""
_PEN_REACH_MM, _MIN_PEN_SHARE = (1.0, 3.0), 0.7
"""A stroke that goes on through print is at least so dark there as its ink nearby, mm.

Darkness is limited: frames have half of the most, and any pen upon them more.
"""
_MIN_LINE_MM, _MIN_TICK_MM, _MAX_TICK_FIELDS = 11.0, 13.0, 2
"""Least length of a line, of a tick, and the most ticks on a page, mm.

On 250 filled pages the only longer lines are ticks through the digit above their box, 11.3 mm with
it; more of them are hatching.
"""
_MAX_PEN_MM = 1.8
"""No pen is wider, mm."""
_MAX_GAP_MM = 1.0
"""Pieces no farther apart than this are one line, mm."""
_TOUCH_DISTANCE_MM, _MIN_TOUCHING_STEPS = 1.0, 3
"""A line is in a field if at least this many steps are within this distance, mm."""
_MIN_SHARE_IN_TEXT = 0.8
"""A line with this share of its length in one field of text is writing of that field."""
_BRACKET_DISTANCE_MM = 3.0
"""Distance of a bracket from the fields that it joins, mm."""
_MAX_WRITING_MM = 10.0
"""No line of writing is higher, mm."""
_DRAWING_REACH_MM = 10.0
"""Lines at most twice this far apart are one drawing: hatching, a Z, large letters, mm."""
_MIN_OVERLAP_MM = 1.0
"""Least shared length of two stretches that overlap, mm."""
_COLUMN_WIDTH_MM, _ROW_WIDTH_MM = 15.0, 90.0
"""A drawing up to the first width is about one column, from the second about whole rows, mm."""

_NamedBoxes = Sequence[tuple[str, Box]]
_Gains = NDArray[np.int16]


def check(context: PageContext, readings: Mapping[str, Reading]) -> list[Issue]:
    """Return the issues of fields that a pen line goes over which is not their own."""
    names = find_strike_lines(context.all_fields, readings, context.contrast)
    return [
        Issue(IssueCode.LINE_ACROSS, spec.name) for spec in context.fields if spec.name in names
    ]


def find_strike_lines(
    specs: Sequence[FieldSpec], readings: Mapping[str, Reading], contrast: PrintContrast
) -> frozenset[str]:
    """Return the names of the fields that long lines go over.

    Written fields inside the drawing that the lines make count too. `specs` are the fields of
    the page, `readings` those that were read, and `contrast` that of the registered page.
    """
    boxes = [
        (spec.name, box) for spec in specs if spec.traits.filled_by_hand for box in spec.outlines
    ]
    # Follow thin ink, also below print, and label the long lines.
    strokes = find_pen_strokes(contrast)
    ink = _halve_mask(_keep_thin(strokes))
    gains = _line_gains(ink, _find_passable_print(contrast, strokes))
    labels = np.where(
        ink,
        _label_steps(
            np.asarray(gains >= _INK_GAIN * _MIN_LINE_MM * _STEPS_PER_MM, np.bool_), _MAX_GAP_MM
        ),
        0,
    )
    # Keep lines over several fields, except a few long ticks.
    lines = _lines_over_fields(
        labels, boxes, frozenset(spec.name for spec in specs if spec.traits.is_multiline)
    )
    check_box_fields = frozenset(spec.name for spec in specs if spec.traits.has_check_boxes)
    texts = [spec.area for spec in specs if spec.traits.is_handwriting and spec.traits.takes_format]
    lines = {
        line: names for line, names in lines.items() if not _is_within_any(labels, line, texts)
    }
    # A line in a check box and in one other field may be a tick that runs out of its box.
    ticks = [
        line
        for line, names in lines.items()
        if len(names) == 2
        and len(names & check_box_fields) == 1
        and gains[labels == line].max() < _INK_GAIN * _MIN_TICK_MM * _STEPS_PER_MM
    ]
    if len(ticks) <= _MAX_TICK_FIELDS:
        lines = {line: names for line, names in lines.items() if line not in ticks}
    if not lines:
        return frozenset()
    # Written fields inside the drawing that the lines make count too.
    written = frozenset(
        name for name, reading in readings.items() if reading.state is not State.EMPTY
    )
    drawn_over = _fields_in_drawings(np.isin(labels, list(lines)), boxes, written)
    return frozenset(drawn_over.union(*lines.values()))


def _find_passable_print(contrast: PrintContrast, strokes: Mask) -> Mask:
    """Return the steps in which print may hide a stroke.

    A frame is paler than most pens: where the page beside a stroke is as pale as its print, the
    stroke has ended.
    """
    # The darkest ink around, first close by: a line that goes on is about as dark.
    ink = np.where(strokes, contrast.darkness, np.float32(0))
    near, far = (
        cv2.dilate(ink, odd_kernel(2 * reach * CHECK_PX_PER_MM)) for reach in _PEN_REACH_MM
    )
    pen = np.where(near > 0, near, far)
    may_hide = np.asarray(contrast.darkness >= _MIN_PEN_SHARE * pen, np.bool_)
    return np.asarray(
        ~_halve_mask(find_bare_paper(contrast.template)) & _halve_mask(may_hide), np.bool_
    )


def _is_within_any(labels: Labels, line: int, texts: Sequence[Box]) -> bool:
    """Check whether nearly all of a line is in one field of text: letters that have grown together.

    The reader of text finds by itself what is struck out in it.
    """
    rows, columns = np.nonzero(labels == line)
    y, x = rows / _STEPS_PER_MM, columns / _STEPS_PER_MM
    return any(
        np.mean((x >= box.x) & (x <= box.x + box.w) & (y >= box.y) & (y <= box.y + box.h))
        >= _MIN_SHARE_IN_TEXT
        for box in texts
    )


def _keep_thin(ink: Mask) -> Mask:
    """Return pen strokes without wider areas such as filled boxes and cup stains."""
    pixels = ink.view(np.uint8)
    # Opening finds areas wider than a pen.
    is_wide = cv2.dilate(
        cv2.erode(pixels, odd_kernel(_MAX_PEN_MM * CHECK_PX_PER_MM)),
        odd_kernel(_MAX_PEN_MM * CHECK_PX_PER_MM + 2),
    )
    return np.asarray(ink & (is_wide == 0), np.bool_)


def _halve_mask(mask: Mask) -> Mask:
    """Return a mask of half the size in steps: true where any of its pixels is."""
    # Even sides; a pixel counts if any of its four does.
    height, width = (side // 2 * 2 for side in mask.shape)
    rows = mask[:height:2, :width] | mask[1:height:2, :width]
    return np.asarray(rows[:, ::2] | rows[:, 1::2], np.bool_)


def _line_gains(ink: Mask, under_print: Mask) -> _Gains:
    """Return the gain of the longest line through each place of ink, or of print between ink.

    Lines lead down, up or across, at no more than 45°.
    """
    # One array holds the four directions, so that one pass serves all.
    gains = np.where(ink, _INK_GAIN, np.where(under_print, _PRINT_GAIN, _PAPER_GAIN))
    (height, width), side = gains.shape, max(gains.shape)
    directions = np.full((side + 1, 4, side + 2), _PAPER_GAIN, np.int16)
    down, up = (
        directions[1 : height + 1, 0, 1 : width + 1],
        directions[height:0:-1, 1, 1 : width + 1],
    )
    right, left = (
        directions[1 : width + 1, 2, 1 : height + 1].T,
        directions[width:0:-1, 3, 1 : height + 1].T,
    )
    for direction in (down, up, right, left):
        direction[:] = gains
    _propagate_gains(directions)
    # Through print a line needs ink on both sides.
    both_ends = np.maximum(np.minimum(down, up), np.minimum(right, left))
    return np.where(
        ink | (under_print & (both_ends >= _MIN_GAIN_AT_PRINT)),
        np.maximum(down + up, right + left) - gains,
        0,
    )


def _propagate_gains(directions: _Gains) -> None:
    """Replace each gain (rows, directions, columns) by the best gain of a line that ends there.

    There is no line beyond the edges.
    """
    best = np.empty_like(directions[0, :, 1:-1])
    for previous_row, row in itertools.pairwise(directions):
        # The best of the three places before, but never less than nothing.
        np.maximum(previous_row[:, :-2], previous_row[:, 2:], out=best)
        np.maximum(best, previous_row[:, 1:-1], out=best)
        np.add(best, row[:, 1:-1], out=best)
        np.maximum(best, 0, out=row[:, 1:-1])


def _label_steps(steps: Mask, gap_mm: float) -> Labels:
    """Number the steps that are connected over gaps of twice `gap_mm`, from 1."""
    # Dilation joins pieces of one line.
    components = Components.of(
        cv2.dilate(steps.view(np.uint8), odd_kernel(2 * gap_mm * _STEPS_PER_MM)) > 0
    )
    return np.where(steps, components.labels, 0)


def _lines_over_fields(
    labels: Labels, boxes: _NamedBoxes, multiline_fields: frozenset[str]
) -> dict[int, set[str]]:
    """Return the lines over several fields, with the fields' names.

    A line higher than a line of writing may also be beside the fields. In `multiline_fields`
    lines of writing may touch each other.
    """
    # Lines over one field are its own writing.
    touched = _lines_in_boxes(labels, boxes, _TOUCH_DISTANCE_MM)
    multi_field_lines = {line: names for line, names in touched.items() if len(names) > 1}
    tall_lines = [
        line
        for line in _tall_lines(labels)
        if line not in multi_field_lines and multiline_fields.isdisjoint(touched[line])
    ]
    # Brackets are rare: most pages end here.
    if not tall_lines:
        return multi_field_lines
    beside = _lines_in_boxes(
        np.where(np.isin(labels, tall_lines), labels, 0), boxes, _BRACKET_DISTANCE_MM
    )
    return multi_field_lines | {line: names for line, names in beside.items() if len(names) > 1}


def _tall_lines(labels: Labels) -> list[int]:
    """Return the lines that are higher than a line of writing."""
    rows, columns = np.nonzero(labels)
    # Rows are in order: compare the first and the last of each line.
    lines, first = np.unique(labels[rows, columns], return_index=True)
    _, last = np.unique(labels[rows, columns][::-1], return_index=True)
    is_tall = rows[::-1][last] - rows[first] >= _MAX_WRITING_MM * _STEPS_PER_MM
    return [int(line) for line in lines[is_tall]]


def _lines_in_boxes(
    labels: Labels, boxes: _NamedBoxes, near_mm: float
) -> defaultdict[int, set[str]]:
    """Return the lines that are within a distance of fields, with the fields' names."""
    names_by_line: defaultdict[int, set[str]] = defaultdict(set)
    for name, box in boxes:
        # Count the steps of each line near the field.
        window = labels[box_window(geometry.widen_box(box, near_mm), _STEPS_PER_MM)]
        if window.any():
            for line in np.flatnonzero(
                np.bincount(window[window > 0]) >= _MIN_TOUCHING_STEPS
            ).tolist():
                names_by_line[line].add(name)
    return names_by_line


def _fields_in_drawings(lines: Mask, boxes: _NamedBoxes, written: frozenset[str]) -> set[str]:
    """Return the names of the fields inside a drawing, made of lines near each other.

    All fields in its rectangle count if it goes down a column, else those in which something is
    `written`; those of whole rows if it goes across the page.
    """
    drawings = _label_steps(lines, _DRAWING_REACH_MM)
    names: set[str] = set()
    for drawing in range(1, int(drawings.max()) + 1):
        # The extent of the drawing in mm.
        rows, columns = (
            np.flatnonzero((drawings == drawing).any(axis=axis)) / _STEPS_PER_MM for axis in (1, 0)
        )
        width = np.ptp(columns)
        candidates = [
            (name, box) for name, box in boxes if width <= _COLUMN_WIDTH_MM or name in written
        ]
        # A wide drawing is about whole rows, a narrow one about its rectangle.
        if width >= _ROW_WIDTH_MM:
            names |= {
                name
                for name, box in candidates
                if _overlaps(box.y - _BRACKET_DISTANCE_MM, box.h + 2 * _BRACKET_DISTANCE_MM, rows)
            }
        else:
            names |= {
                name
                for name, box in candidates
                if _overlaps(box.y, box.h, rows) and _overlaps(box.x, box.w, columns)
            }
    return names


def _overlaps(start: float, length: float, places: NDArray[np.float64]) -> bool:
    """Check whether a stretch shares some length with that between the first and last place, mm."""
    return bool(min(start + length, places[-1]) - max(start, places[0]) >= _MIN_OVERLAP_MM)
