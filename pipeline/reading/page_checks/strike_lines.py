"""Pen lines that go over several fields: rows struck out, a table closed with a Z, "the same" drawn
down a column, one tick for three rows, rows that are joined, a whole page crossed out. Each
reader sees a stroke in its own field, and reads it or passes it over.

Writing ends with its field. So lines are followed over the page, also beneath print, and those
that are long and lie in two fields are such lines.
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
from pipeline.reading.imaging.cache import Mask
from pipeline.reading.imaging.components import Components, Labels
from pipeline.reading.imaging.print_contrast import CHECK_PX_PER_MM, PrintContrast, box_window
from pipeline.reading.page_checks.pen_strokes import find_bare_paper, find_pen_strokes
from pipeline.reading.page_context import PageContext

_STEPS_PER_MM = CHECK_PX_PER_MM / 2
"""Steps per mm: a shaky line is followed by steps of half a millimetre, straight on or aslant."""
_INK_GAIN, _PRINT_GAIN, _PAPER_GAIN = np.array((2, -1, -10_000), np.int16)
"""What a step gains: bare paper ends a line, and print, beneath which ink is not seen, leads from
no stroke to another by itself.
"""
_MIN_GAIN_AT_PRINT = 6
"""What a line has gained at least on both sides of print that it leads through."""
_MIN_LINE_MM, _MIN_TICK_MM, _MAX_TICK_FIELDS = 11.0, 13.0, 2
"""Of 250 filled pages no other line is so long but ticks that run through the digit above their
box, 11.3 mm with it; more of them are hatching.
"""
_MAX_PEN_MM = 1.8
"""No pen is broader."""
_MAX_GAP_MM = 1.0
"""Pieces of a line no farther apart than this are one line, mm."""
_TOUCH_DISTANCE_MM, _MIN_TOUCHING_STEPS = 1.0, 3
"""A line lies in a field with so many steps in it or so close to it."""
_BRACKET_DISTANCE_MM = 3.0
"""A bracket stands so far beside the fields that it joins."""
_MAX_WRITING_MM = 10.0
"""No line of writing is so high."""
_DRAWING_REACH_MM = 10.0
"""Lines at most twice as far from each other are of one drawing: a hatching, a Z, large letters."""
_MIN_OVERLAP_MM = 1.0
"""Least shared height of two lines beside each other, mm."""
_COLUMN_WIDTH_MM, _ROW_WIDTH_MM = 15.0, 90.0
"""A drawing is about one column, or it is as wide as half of the page and about whole rows."""

_NamedBoxes = Sequence[tuple[str, Box]]
_Gains = NDArray[np.int16]


def check(context: PageContext, readings: Mapping[str, Reading]) -> list[Issue]:
    """The issues of fields that a pen line goes over which is not their own."""
    found = find_strike_lines(context.all_fields, readings, context.contrast)
    return [
        Issue(IssueCode.LINE_ACROSS, spec.name) for spec in context.fields if spec.name in found
    ]


def find_strike_lines(
    specs: Sequence[FieldSpec], fields: Mapping[str, Reading], seen: PrintContrast
) -> frozenset[str]:
    """The names of the fields that long lines lie in, and of those that are read as something in
    the rectangle around them.

    `specs` are the fields of the page, `fields` their readings as far as they are read, `seen`
    the page laid on its form.
    """
    boxes = [
        (spec.name, box) for spec in specs if spec.traits.filled_by_hand for box in spec.outlines
    ]
    ink = _halve_mask(_keep_thin(find_pen_strokes(seen)))
    gains = _line_gains(ink, ~_halve_mask(find_bare_paper(seen.template)))
    numbers = np.where(
        ink,
        _label_steps(
            np.asarray(gains >= _INK_GAIN * _MIN_LINE_MM * _STEPS_PER_MM, np.bool_), _MAX_GAP_MM
        ),
        0,
    )
    lines = _lines_over_fields(
        numbers, boxes, frozenset(spec.name for spec in specs if spec.traits.is_multiline)
    )
    ticked = frozenset(spec.name for spec in specs if spec.traits.has_check_boxes)
    ticks = [
        line
        for line, names in lines.items()
        if _is_tick(names, ticked)
        and gains[numbers == line].max() < _INK_GAIN * _MIN_TICK_MM * _STEPS_PER_MM
    ]
    if len(ticks) <= _MAX_TICK_FIELDS:
        lines = {line: names for line, names in lines.items() if line not in ticks}
    if not lines:
        return frozenset()
    written = frozenset(
        name for name, reading in fields.items() if reading.state is not State.EMPTY
    )
    around = _fields_in_drawings(np.isin(numbers, list(lines)), boxes, written)
    return frozenset(around.union(*lines.values()))


def _is_tick(names: set[str], ticked: frozenset[str]) -> bool:
    """Whether a line lies in the box of a mark and in one other field."""
    return len(names) == 2 and len(names & ticked) == 1


def _keep_thin(ink: Mask) -> Mask:
    """Strokes of a pen, without what is broader, as filled boxes and the rings that cups leave."""
    pixels = ink.view(np.uint8)
    broad = cv2.dilate(
        cv2.erode(pixels, _square_kernel(_MAX_PEN_MM * CHECK_PX_PER_MM)),
        _square_kernel(_MAX_PEN_MM * CHECK_PX_PER_MM + 2),
    )
    return np.asarray(ink & (broad == 0), np.bool_)


def _square_kernel(side: float) -> NDArray[np.uint8]:
    return np.ones((round(side) | 1,) * 2, np.uint8)


def _halve_mask(mask: Mask) -> Mask:
    """A mask in steps, half as many as pixels: where any pixel of it is."""
    height, width = (side // 2 * 2 for side in mask.shape)
    rows = mask[:height:2, :width] | mask[1:height:2, :width]
    return np.asarray(rows[:, ::2] | rows[:, 1::2], np.bool_)


def _line_gains(ink: Mask, hidden: Mask) -> _Gains:
    """How much the longest line gains that leads down, up or across, at no more than 45°, through
    each place of ink or of print between ink.
    """
    gains = np.where(ink, _INK_GAIN, np.where(hidden, _PRINT_GAIN, _PAPER_GAIN))
    (height, width), side = gains.shape, max(gains.shape)
    ways = np.full((side + 1, 4, side + 2), _PAPER_GAIN, np.int16)
    down, up = ways[1 : height + 1, 0, 1 : width + 1], ways[height:0:-1, 1, 1 : width + 1]
    right, left = ways[1 : width + 1, 2, 1 : height + 1].T, ways[width:0:-1, 3, 1 : height + 1].T
    for way in (down, up, right, left):
        way[:] = gains
    _propagate_gains(ways)
    ends = np.maximum(np.minimum(down, up), np.minimum(right, left))
    return np.where(
        ink | (hidden & (ends >= _MIN_GAIN_AT_PRINT)),
        np.maximum(down + up, right + left) - gains,
        0,
    )


def _propagate_gains(ways: _Gains) -> None:
    """Put in the place of each gain (rows, ways, columns) what the best line has gained that comes
    down to it; at the edges there is none.
    """
    best = np.empty_like(ways[0, :, 1:-1])
    for above, here in itertools.pairwise(ways):
        np.maximum(above[:, :-2], above[:, 2:], out=best)
        np.maximum(best, above[:, 1:-1], out=best)
        np.add(best, here[:, 1:-1], out=best)
        np.maximum(best, 0, out=here[:, 1:-1])


def _label_steps(steps: Mask, gap_mm: float) -> Labels:
    """The steps that hang together over gaps of twice `gap_mm`, numbered from 1."""
    parts = Components.of(
        cv2.dilate(steps.view(np.uint8), _square_kernel(2 * gap_mm * _STEPS_PER_MM)) > 0
    )
    return np.where(steps, parts.labels, 0)


def _lines_over_fields(
    numbers: Labels, boxes: _NamedBoxes, notes: frozenset[str]
) -> dict[int, set[str]]:
    """The lines that lie in several fields, and those higher than a line of writing that lie beside
    several: their numbers, each with the names of the fields. `notes` are fields of many lines
    of writing, which may hang together.
    """
    touched = _lines_in_boxes(numbers, boxes, _TOUCH_DISTANCE_MM)
    within = {line: names for line, names in touched.items() if len(names) > 1}
    upright = [
        line
        for line in _tall_lines(numbers)
        if line not in within and notes.isdisjoint(touched[line])
    ]
    if not upright:  # as on most pages
        return within
    beside = _lines_in_boxes(
        np.where(np.isin(numbers, upright), numbers, 0), boxes, _BRACKET_DISTANCE_MM
    )
    return within | {line: names for line, names in beside.items() if len(names) > 1}


def _tall_lines(numbers: Labels) -> list[int]:
    """The lines that are higher than a line of writing."""
    rows, columns = np.nonzero(numbers)
    lines, first = np.unique(numbers[rows, columns], return_index=True)
    _, last = np.unique(numbers[rows, columns][::-1], return_index=True)
    high = rows[::-1][last] - rows[first] >= _MAX_WRITING_MM * _STEPS_PER_MM
    return [int(line) for line in lines[high]]


def _lines_in_boxes(
    numbers: Labels, boxes: _NamedBoxes, near_mm: float
) -> defaultdict[int, set[str]]:
    """The lines that lie in fields or so near to them: their numbers, each with the names of the
    fields.
    """
    found: defaultdict[int, set[str]] = defaultdict(set)
    for name, box in boxes:
        here = numbers[box_window(geometry.widen_box(box, near_mm), _STEPS_PER_MM)]
        if here.any():
            for line in np.flatnonzero(np.bincount(here[here > 0]) >= _MIN_TOUCHING_STEPS).tolist():
                found[line].add(name)
    return found


def _fields_in_drawings(lines: Mask, boxes: _NamedBoxes, written: frozenset[str]) -> set[str]:
    """The names of the fields that lie in the rectangle around a drawing, which is made of lines
    near each other: all of them if it goes down a column, else those in which something is
    `written`; those of whole rows if it goes across the page.
    """
    drawings = _label_steps(lines, _DRAWING_REACH_MM)
    found: set[str] = set()
    for drawing in range(1, int(drawings.max()) + 1):
        rows, columns = (
            np.flatnonzero((drawings == drawing).any(axis=axis)) / _STEPS_PER_MM for axis in (1, 0)
        )
        width = np.ptp(columns)
        asked = [(name, box) for name, box in boxes if width <= _COLUMN_WIDTH_MM or name in written]
        if width >= _ROW_WIDTH_MM:
            found |= {
                name
                for name, box in asked
                if _overlaps(box.y - _BRACKET_DISTANCE_MM, box.h + 2 * _BRACKET_DISTANCE_MM, rows)
            }
        else:
            found |= {
                name
                for name, box in asked
                if _overlaps(box.y, box.h, rows) and _overlaps(box.x, box.w, columns)
            }
    return found


def _overlaps(start: float, length: float, places: NDArray[np.float64]) -> bool:
    """Whether a stretch shares some length with that from the first of some places to the last, mm."""
    return bool(min(start + length, places[-1]) - max(start, places[0]) >= _MIN_OVERLAP_MM)
