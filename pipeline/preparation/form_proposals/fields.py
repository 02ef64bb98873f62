"""Which boxes and rules of a blank form are written in: check boxes, combs, boxes, and lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from pipeline.domain.model import Box
from pipeline.preparation.form_proposals.shapes import Shapes, TextLine, is_inside, overlap

_MAX_MARK_MM, _MAX_MARK_RATIO = 13.0, 1.22
_MIN_CELL_MM, _MAX_CELL_MM = 3.0, 9.5
_MAX_CELL_GAP_MM, _CELL_TOLERANCE = 1.2, 0.22
_OVERLAP_MM = 0.4
"""Boxes with a line in common overlap by its width at most."""
_NARROW_MM = 7.5
"""Cells this narrow, and higher than wide, are for a digit each also where there are one or two."""
_MIN_CELLS, _MAX_CELLS = 3, 15
"""A longer row of small boxes is the grid of a list: a column for each day."""
_EMPTY_INK_SHARE = 0.012
_INSET_MM = 0.6
"""The frame's own ink is not looked at."""
_MIN_WRITE_HEIGHT_MM, _MIN_WRITE_WIDTH_MM = 4.0, 9.0
"""Least room to write in."""
_MIN_LINE_PITCH_MM, _MAX_LINE_PITCH_MM = 5.0, 13.0
_SAME_SIDE_MM = 3.0
_EDGE_MM = 1.0
"""A rule this near the side of a box is its frame."""
_MAX_LINE_MM = 0.7
"""Between two boxes that share a line."""
_LINES_MM = 17.0
"""A box this high is for several lines, of so many mm each:"""
LINE_HEIGHT_MM = 9.0


class Shape(StrEnum):
    """How a field is drawn."""

    MARK = "mark"
    COMB = "comb"
    BOX = "box"
    RULE = "rule"


@dataclass(frozen=True, slots=True)
class DrawnField:
    """A place to write. `label` is what is printed inside its frame."""

    shape: Shape
    box: Box
    cells: int = 0
    lines: int = 0
    label: str = ""


def find_drawn_fields(shapes: Shapes, lines: Sequence[TextLine]) -> list[DrawnField]:
    """Return the places to write, from the top left."""
    boxes = [box for box in _without_twins(shapes.boxes) if not _is_letter(box, lines)]
    leaves = [box for box in boxes if not any(is_inside(other, box) for other in boxes)]
    empty = [box for box in leaves if _is_empty(box, shapes)]
    combs, in_combs = _find_combs(empty)
    rest = [box for box in leaves if box not in in_combs]
    marks = [box for box in rest if box in empty and _is_mark(box) and not _has_twin(box, rest)]
    large = [box for box in rest if box not in marks]
    found = [*combs, *(DrawnField(Shape.MARK, box) for box in marks)]
    for box in large:
        found += _fields_in_box(box, shapes, lines, leaves)
    found = _join_stacked(found)
    found += _find_ruled(shapes, [*leaves, *boxes], lines)
    return sorted(found, key=lambda field: (field.box.y, field.box.x))


def _without_twins(boxes: Sequence[Box]) -> list[Box]:
    """Leave out a box just inside another: the inner line of a double frame."""
    kept: list[Box] = []
    for box in boxes:
        if not any(
            is_inside(box, other) and box.w > other.w - 3 and box.h > other.h - 3 for other in kept
        ):
            kept.append(box)
    return kept


def _is_letter(box: Box, lines: Sequence[TextLine]) -> bool:
    """Whether a small closed area is part of printed words."""
    return box.h < 5 and any(
        is_inside(box, line.box, 0.3) and len(line.text) > 2 and line.box.h < 2.5 * box.h
        for line in lines
    )


def _inset(box: Box, by: float = _INSET_MM) -> Box:
    by = min(by, box.w / 4, box.h / 4)
    return Box(box.x + by, box.y + by, box.w - 2 * by, box.h - 2 * by)


def _is_empty(box: Box, shapes: Shapes) -> bool:
    # Of a small box only the middle: it may be round.
    by = max(_INSET_MM, 0.18 * min(box.w, box.h)) if _is_mark(box) else _INSET_MM
    return shapes.ink_share(_inset(box, by)) < _EMPTY_INK_SHARE


def _is_mark(box: Box) -> bool:
    short, long = sorted((box.w, box.h))
    return long <= _MAX_MARK_MM and long / short <= _MAX_MARK_RATIO


def _has_twin(box: Box, others: Sequence[Box]) -> bool:
    """Whether a box as large as a word shares a side with another: such are written in."""
    return box.w > _NARROW_MM and any(
        overlap(box.y, box.h, other.y, other.h) > 0.8 * box.h
        and -_MAX_CELL_GAP_MM <= overlap(box.x, box.w, other.x, other.w) <= _OVERLAP_MM
        for other in others
    )


def _find_combs(empty: Sequence[Box]) -> tuple[list[DrawnField], list[Box]]:
    """Return rows of cells side by side, and the cells of these and of longer rows."""
    cells = [box for box in empty if _MIN_CELL_MM <= box.w <= _MAX_CELL_MM and box.h >= 4]
    combs, used = list[DrawnField](), list[Box]()
    for first in cells:
        if any(_continues_comb([other], first) for other in cells):
            continue
        row = [first]
        while following := next((box for box in cells if _continues_comb(row, box)), None):
            row.append(following)
        is_narrow = first.w <= _NARROW_MM and first.h > _MAX_MARK_RATIO * first.w
        if len(row) < (1 if is_narrow else _MIN_CELLS):
            continue
        used += row
        if len(row) <= _MAX_CELLS:
            combs.append(DrawnField(Shape.COMB, _around(row), cells=len(row)))
    return combs, used


def _continues_comb(row: Sequence[Box], box: Box) -> bool:
    last, pitch = row[-1], row[0].w
    gap = box.x - (last.x + last.w)
    return (
        -_OVERLAP_MM <= gap <= _MAX_CELL_GAP_MM
        and abs(box.y - last.y) <= 0.6
        and abs(box.h - last.h) <= 0.8
        and abs(box.w - pitch) <= _CELL_TOLERANCE * pitch
    )


def _around(boxes: Sequence[Box]) -> Box:
    left, top = min(box.x for box in boxes), min(box.y for box in boxes)
    right, bottom = max(box.x + box.w for box in boxes), max(box.y + box.h for box in boxes)
    return Box(left, top, right - left, bottom - top)


def _fields_in_box(
    box: Box, shapes: Shapes, lines: Sequence[TextLine], leaves: Sequence[Box]
) -> list[DrawnField]:
    """Return the place to write in a box: all of it, or what the words in it leave."""
    if box.h < _MIN_WRITE_HEIGHT_MM or box.w < _MIN_CELL_MM:
        return []
    rules = [
        rule
        for rule in shapes.rules
        if rule.w >= 0.6 * box.w
        and rule.x >= box.x - _EDGE_MM
        and rule.x + rule.w <= box.x + box.w + _EDGE_MM
        and box.y + _EDGE_MM < rule.y < box.y + box.h - _EDGE_MM
    ]
    inside = [line for line in lines if is_inside(line.box, box, 0.8)]
    if not inside:
        # Print that was not read, or a picture.
        without_rules = shapes.ink_share(_inset(box)) - sum(r.w * r.h for r in rules) / (
            box.w * box.h
        )
        if without_rules > 3 * _EMPTY_INK_SHARE:
            return []
        return [_box_field(box, rules)]
    return _field_beside_words(box, inside, rules, leaves)


def _field_beside_words(
    box: Box, inside: Sequence[TextLine], rules: Sequence[Box], leaves: Sequence[Box]
) -> list[DrawnField]:
    words = _around([line.box for line in inside])
    label = " ".join(line.text for line in inside)
    below = box.y + box.h - (words.y + words.h)
    beside = box.x + box.w - (words.x + words.w)
    text_share = words.w * words.h / (box.w * box.h)
    if len(inside) > 3 or text_share > 0.6:
        return []
    if below >= _MIN_WRITE_HEIGHT_MM and words.y - box.y <= 0.4 * box.h:
        top = words.y + words.h + 0.3
        free = Box(box.x, top, box.w, box.y + box.h - top)
        return [_box_field(free, [rule for rule in rules if rule.y > top], label)]
    # Words on the left, and room beside them, unless they are a column's heading.
    is_left = words.x - box.x <= 4 and box.h >= 5
    if is_left and beside >= max(_MIN_WRITE_WIDTH_MM, 0.3 * box.w):
        if _is_heading(box, leaves):
            return []
        left = words.x + words.w + 1
        return [_box_field(Box(left, box.y, box.x + box.w - left, box.h), (), label)]
    return []


def _is_heading(box: Box, leaves: Sequence[Box]) -> bool:
    """Whether a box of the same width is right below."""
    return any(
        abs(other.x - box.x) < 1
        and abs(other.w - box.w) < 1.5
        and -_OVERLAP_MM <= other.y - (box.y + box.h) <= _MAX_CELL_GAP_MM
        for other in leaves
    )


def _box_field(box: Box, rules: Sequence[Box], label: str = "") -> DrawnField:
    if rules:
        return DrawnField(Shape.BOX, box, lines=len(rules) + 1, label=label)
    lines = max(2, round(box.h / LINE_HEIGHT_MM)) if box.h >= _LINES_MM else 0
    return DrawnField(Shape.BOX, box, lines=lines, label=label)


def _join_stacked(found: Sequence[DrawnField]) -> list[DrawnField]:
    """Join wide empty boxes right below each other, without words of their own, to lines."""
    joined: list[DrawnField] = []
    for field in sorted(found, key=lambda field: (field.box.y, field.box.x)):
        above = next(
            (
                index
                for index, other in enumerate(joined)
                if other.shape is Shape.BOX is field.shape
                and field.box.w > 80
                and not field.label
                and not field.lines
                and abs(other.box.x - field.box.x) < 1
                and abs(other.box.w - field.box.w) < 1.5
                and -_OVERLAP_MM <= field.box.y - (other.box.y + other.box.h) <= _MAX_LINE_MM
                and field.box.h <= _MAX_LINE_PITCH_MM
                and not any(_is_beside(field.box, third.box) for third in found)
            ),
            None,
        )
        if above is None:
            joined.append(field)
        else:
            other = joined[above]
            box = _around([other.box, field.box])
            joined[above] = DrawnField(
                Shape.BOX, box, lines=max(1, other.lines) + 1, label=other.label
            )
    return joined


def _is_beside(box: Box, other: Box) -> bool:
    """Whether another box is in the same row."""
    return other != box and overlap(box.y, box.h, other.y, other.h) > 0.5 * min(box.h, other.h)


def _find_ruled(
    shapes: Shapes, boxes: Sequence[Box], lines: Sequence[TextLine]
) -> list[DrawnField]:
    """Return the rules that are written on; level ones below each other are a field of lines."""
    free = []
    for rule in shapes.rules:
        if _is_frame(rule, boxes):
            continue
        if (box := shapes.free_above(rule)) is not None:
            free.append(box)
    groups: list[list[Box]] = []
    for box in sorted(free, key=lambda box: (round(box.x / _SAME_SIDE_MM), box.y)):
        if groups and _continues_lines(groups[-1][-1], box, lines):
            groups[-1].append(box)
        else:
            groups.append([box])
    return [
        DrawnField(Shape.RULE, _around(group), lines=len(group) if len(group) > 1 else 0)
        for group in groups
    ]


def _is_frame(rule: Box, boxes: Sequence[Box]) -> bool:
    """Whether a rule is the upper or lower side of boxes, or a line to write on inside one."""
    middle = rule.y + rule.h / 2
    along = 0.0
    for box in boxes:
        shared = overlap(rule.x, rule.w, box.x, box.w)
        if shared <= 0:
            continue
        near = min(abs(middle - box.y), abs(middle - box.y - box.h)) <= _EDGE_MM
        inside = box.y < middle < box.y + box.h and rule.w >= 0.6 * box.w and box.h < 150
        if inside:
            return True
        if near:
            along += shared
    return along > 0.3 * rule.w


def _continues_lines(last: Box, box: Box, lines: Sequence[TextLine]) -> bool:
    pitch = box.y + box.h - (last.y + last.h)
    if not _MIN_LINE_PITCH_MM <= pitch <= _MAX_LINE_PITCH_MM:
        return False
    if abs(box.x + box.w - last.x - last.w) > _SAME_SIDE_MM or abs(box.x - last.x) > _SAME_SIDE_MM:
        return False
    # Words before the second rule make it a field of its own.
    return not any(
        overlap(line.box.y, line.box.h, box.y, box.h) > 0.5 * line.box.h
        and -2 <= box.x - (line.box.x + line.box.w) <= 40
        for line in lines
    )
