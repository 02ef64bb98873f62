"""Find the printed label of each place to write, and the label of check boxes that belong together.

Lengths are mm.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from statistics import median

from pipeline.domain.model import Box
from pipeline.preparation.form_proposals.fields import DrawnField, Shape
from pipeline.preparation.form_proposals.shapes import TextLine, overlap

_ABOVE_MM, _NEAR_ABOVE_MM = 6.5, 3.5
"""Farthest and usual distance of a label above."""
_LEFT_MM, _BELOW_MM = 30.0, 4.5
_MARK_LABEL_MM = 5.0
_GROUP_ABOVE_MM, _GROUP_LEFT_MM = 7.5, 60.0
_SAME_ROW_MM, _SAME_COLUMN_MM, _STACK_MM = 1.6, 1.6, 12.0
_OPTION_GAP_MM = 9.0
"""Farther from the words before it, a check box in the same row begins another group."""
_ROW_NUMBER = re.compile(r"((nr|rad) ?)?\d{1,2}[.:)]?", re.IGNORECASE)
_MAX_LABEL = 80
"""Letters of a label that are kept."""


@dataclass(frozen=True, slots=True)
class LabelledField:
    """A place to write with its label; `text` is the printed label with its hints."""

    drawn: DrawnField
    text: str = ""
    group_text: str = ""

    @property
    def box(self) -> Box:
        """The place."""
        return self.drawn.box


def label_fields(drawn: Sequence[DrawnField], lines: Sequence[TextLine]) -> list[LabelledField]:
    """Return the places with their labels; check boxes take theirs first."""
    free = [line for line in lines if not _ROW_NUMBER.fullmatch(line.text.strip())]
    boxes = [field.box for field in drawn]
    labelled: dict[int, LabelledField] = {}
    taken: list[TextLine] = []
    marks = [index for index, field in enumerate(drawn) if field.shape is Shape.MARK]
    side = _usual_side([drawn[index].box for index in marks], free)
    for index in marks:
        line = _find_beside_mark(drawn[index].box, free, side)
        if line is not None:
            taken.append(line)
        labelled[index] = LabelledField(drawn[index], _cut(line.text) if line else "")
    others = [line for line in free if line not in taken]
    for index, field in enumerate(drawn):
        if index in labelled:
            continue
        text = field.label or _find_label(field, others, boxes)
        labelled[index] = LabelledField(field, _cut(text))
    found = [labelled[index] for index in range(len(drawn))]
    return _add_group_labels(found, others, taken)


def _cut(text: str) -> str:
    return text[:_MAX_LABEL].strip()


def _usual_side(marks: Sequence[Box], lines: Sequence[TextLine]) -> int:
    """Return 1 if the words of check boxes are to the right of most of them, else -1."""
    right = sum(_beside(mark, lines, 1) is not None for mark in marks)
    left = sum(_beside(mark, lines, -1) is not None for mark in marks)
    return 1 if right >= left else -1


def _find_beside_mark(mark: Box, lines: Sequence[TextLine], side: int) -> TextLine | None:
    return _beside(mark, lines, side) or _beside(mark, lines, -side) or _above(mark, lines)


def _beside(mark: Box, lines: Sequence[TextLine], side: int) -> TextLine | None:
    near = []
    for line in lines:
        right = line.box.x - (mark.x + mark.w)
        left = mark.x - (line.box.x + line.box.w)
        gap = right if side > 0 else left
        if -0.6 <= gap <= _MARK_LABEL_MM and _shares_row(line.box, mark):
            near.append((gap, line))
    return min(near, key=lambda pair: pair[0])[1] if near else None


def _above(mark: Box, lines: Sequence[TextLine]) -> TextLine | None:
    """Return the heading right above a check box of a column."""
    near = [
        line
        for line in lines
        if 0 <= mark.y - (line.box.y + line.box.h) <= _NEAR_ABOVE_MM
        and overlap(line.box.x, line.box.w, mark.x, mark.w) > 0
        and line.box.w < 30
    ]
    return max(near, key=lambda line: line.box.y, default=None)


def _shares_row(box: Box, other: Box) -> bool:
    return overlap(box.y, box.h, other.y, other.h) > 0.4 * min(box.h, other.h)


def _find_label(field: DrawnField, lines: Sequence[TextLine], boxes: Sequence[Box]) -> str:
    """Return the words nearest to a place; empty if there are none.

    A box has them above, a rule on its left or below.
    """
    above = _lines_above(field.box, lines, boxes)
    left = _line_left(field.box, lines, boxes)
    if field.shape is Shape.RULE:
        below = _line_below(field.box, lines, boxes)
        return left or below or _join(above, _ABOVE_MM, field.box)
    return _join(above, _NEAR_ABOVE_MM, field.box) or left or _join(above, _ABOVE_MM, field.box)


def _lines_above(box: Box, lines: Sequence[TextLine], boxes: Sequence[Box]) -> list[TextLine]:
    """Return the lines above a place, the lowest first."""
    above = []
    for line in lines:
        gap = box.y - (line.box.y + line.box.h)
        if not -0.8 <= gap <= _ABOVE_MM:
            continue
        if line.box.x < box.x - 3 and overlap(line.box.x, line.box.w, box.x, box.w) < 3:
            continue
        if not box.x - 12 <= line.box.x <= box.x + box.w - 1:
            continue
        between = Box(max(box.x, line.box.x), line.box.y + line.box.h, 1, max(0.1, gap))
        if not _is_blocked(between, box, boxes):
            above.append(line)
    return sorted(above, key=lambda line: (-round(line.box.y), line.box.x))


def _join(above: Sequence[TextLine], limit: float, box: Box) -> str:
    """Return the words of the lowest line above a place, all that are in its width."""
    near = [line for line in above if box.y - (line.box.y + line.box.h) <= limit]
    if not near:
        return ""
    row = [line for line in near if _shares_row(line.box, near[0].box)]
    return " ".join(line.text for line in sorted(row, key=lambda line: line.box.x))


def _line_left(box: Box, lines: Sequence[TextLine], boxes: Sequence[Box]) -> str:
    near = []
    for line in lines:
        gap = box.x - (line.box.x + line.box.w)
        if not -1 <= gap <= _LEFT_MM or not _shares_row(line.box, box):
            continue
        between = Box(line.box.x + line.box.w, line.box.y, max(0.1, gap), line.box.h)
        if not _is_blocked(between, box, boxes):
            near.append((gap, line.text))
    return min(near)[1] if near else ""


def _line_below(box: Box, lines: Sequence[TextLine], boxes: Sequence[Box]) -> str:
    near = [
        line
        for line in lines
        if 0 <= line.box.y - (box.y + box.h) <= _BELOW_MM
        and box.x - 2 <= line.box.x <= box.x + box.w / 2
        and line.box.w <= box.w + 2
        and not any(
            0 < other.y + other.h - (line.box.y + line.box.h) < _BELOW_MM
            and overlap(other.x, other.w, line.box.x, line.box.w) > 0
            for other in boxes
            if other != box
        )
    ]
    return near[0].text if near else ""


def _is_blocked(between: Box, box: Box, boxes: Sequence[Box]) -> bool:
    """Whether another place lies between a label and the place."""
    return any(
        other != box
        and overlap(between.x, between.w, other.x, other.w) > 0
        and overlap(between.y, between.h, other.y, other.h) > 0
        for other in boxes
    )


def _add_group_labels(
    fields: Sequence[LabelledField], lines: Sequence[TextLine], taken: Sequence[TextLine]
) -> list[LabelledField]:
    """Add to check boxes in one row or column the label of their group, if they have one."""
    result = list(fields)
    for group in _group_marks(fields, taken):
        first = fields[group[0]].box
        text = _find_group_label(first, lines)
        for index in group:
            result[index] = replace(result[index], group_text=text if len(group) > 1 else "")
    return result


def _group_marks(fields: Sequence[LabelledField], taken: Iterable[TextLine]) -> list[list[int]]:
    """Return the indices of check boxes that are together: in a row, else below each other."""
    marks = [index for index, field in enumerate(fields) if field.drawn.shape is Shape.MARK]
    texts = list(taken)
    rows: list[list[int]] = []
    for index in sorted(marks, key=lambda index: (round(fields[index].box.y), fields[index].box.x)):
        box = fields[index].box
        if rows and _is_next_in_row(fields[rows[-1][-1]].box, box, texts):
            rows[-1].append(index)
        else:
            rows.append([index])
    # Rows whose first boxes are below each other are one group of several rows.
    groups: list[list[int]] = []
    for row in rows:
        box = fields[row[0]].box
        last = fields[groups[-1][-1]].box if groups else None
        first = fields[groups[-1][0]].box if groups else None
        is_below = (
            last is not None
            and first is not None
            and abs(first.x - box.x) <= _SAME_COLUMN_MM
            and 0 < box.y - last.y <= _STACK_MM
        )
        if is_below:
            groups[-1] += row
        else:
            groups.append(list(row))
    return groups


def _is_next_in_row(last: Box, box: Box, texts: Sequence[TextLine]) -> bool:
    if abs(last.y - box.y) > _SAME_ROW_MM or box.x <= last.x:
        return False
    ends = [
        text.box.x + text.box.w
        for text in texts
        if _shares_row(text.box, box) and last.x < text.box.x < box.x
    ]
    return box.x - max([*ends, last.x + last.w]) <= _OPTION_GAP_MM


def _find_group_label(first: Box, lines: Sequence[TextLine]) -> str:
    """Return the words above the first check box of a group, or on its left."""
    above = [
        line
        for line in lines
        if 0 <= first.y - (line.box.y + line.box.h) <= _GROUP_ABOVE_MM
        and abs(line.box.x - first.x) <= 4
    ]
    if above:
        nearest = max(above, key=lambda line: line.box.y)
        row = [
            line
            for line in lines
            if _shares_row(line.box, nearest.box)
            and nearest.box.x <= line.box.x <= nearest.box.x + 70
        ]
        row.sort(key=lambda line: line.box.x)
        return _cut(" ".join(line.text for line in _adjacent(row)))
    left = [
        line
        for line in lines
        if 0 <= first.x - (line.box.x + line.box.w) <= _GROUP_LEFT_MM
        and _shares_row(line.box, first)
    ]
    return _cut(max(left, key=lambda line: line.box.x).text) if left else ""


def _adjacent(row: Sequence[TextLine]) -> list[TextLine]:
    """Return the first lines of a row that follow each other closely."""
    kept = list(row[:1])
    for line in row[1:]:
        if line.box.x - (kept[-1].box.x + kept[-1].box.w) > 6:
            break
        kept.append(line)
    return kept


# Find the table of a blank form: places that come again row by row. Lengths are mm.

_MIN_ROWS, _MIN_COLUMNS = 3, 2
_TOLERANCE_MM = 0.7
_MIN_PITCH_MM, _MAX_PITCH_MM = 4.0, 60.0
_ENOUGH = 0.93
"""Of two distances that explain nearly as many places the smaller is the row's height."""
_SAME_LABEL, _MIN_SAME = 0.75, 0.7
"""How like the labels of a column are, and the share of its rows with such a label or none."""


@dataclass(frozen=True, slots=True)
class FoundTable:
    """The places of the first row, those of the others, the number of rows and their distance."""

    first_row: tuple[int, ...]
    other_rows: frozenset[int]
    count: int
    height: float


def find_table(fields: Sequence[LabelledField]) -> FoundTable | None:
    """Return the largest table; its places are indices of `fields`."""
    buckets = _bucket(fields)
    most, best = 0, (0.0, list[list[int]]())
    for pitch in _pitches(fields, buckets):
        chains = [chain for bucket in buckets for chain in _chains(fields, bucket, pitch)]
        chains = [chain for chain in chains if _repeats(fields, chain)]
        size = sum(map(len, chains))
        if size >= _ENOUGH * most:
            most, best = max(size, most), (pitch, chains)
    pitch, chains = best
    chains = _in_one_table(fields, chains, pitch)
    if len(chains) < _MIN_COLUMNS:
        return None
    # The whole distance from first to last row is measured better than a single step.
    height = median(
        (fields[chain[-1]].box.y - fields[chain[0]].box.y) / (len(chain) - 1) for chain in chains
    )
    first = sorted((chain[0] for chain in chains), key=lambda index: _place(fields[index]))
    others = frozenset(index for chain in chains for index in chain[1:])
    return FoundTable(tuple(first), others, max(map(len, chains)), round(height, 2))


def _place(field: LabelledField) -> tuple[float, float]:
    return round(field.box.y), field.box.x


def _bucket(fields: Sequence[LabelledField]) -> list[list[int]]:
    """Return the places of one kind and size below each other, in columns from the top."""
    columns: defaultdict[tuple[object, ...], list[list[int]]] = defaultdict(list)
    for index, field in sorted(enumerate(fields), key=lambda pair: pair[1].box.y):
        kind = (field.drawn.shape, field.drawn.cells)
        for column in columns[kind]:
            other = fields[column[0]].box
            if (
                abs(other.x - field.box.x) <= _TOLERANCE_MM
                and abs(other.w - field.box.w) <= 1.2
                and abs(other.h - field.box.h) <= 1.2
            ):
                column.append(index)
                break
        else:
            columns[kind].append([index])
    return [column for kind in columns.values() for column in kind if len(column) >= _MIN_ROWS]


def _pitches(fields: Sequence[LabelledField], buckets: Sequence[Sequence[int]]) -> list[float]:
    """Return the distances that may be a row's height, the smallest last."""
    found: list[float] = []
    for bucket in buckets:
        tops = [fields[index].box.y for index in bucket]
        for step in (1, 2, 3):
            for top, later in zip(tops, tops[step:], strict=False):
                pitch = later - top
                if _MIN_PITCH_MM <= pitch <= _MAX_PITCH_MM and not any(
                    abs(pitch - known) < _TOLERANCE_MM / 2 for known in found
                ):
                    found.append(pitch)
    return sorted(found, reverse=True)


def _chains(
    fields: Sequence[LabelledField], bucket: Sequence[int], pitch: float
) -> list[list[int]]:
    """Return the longest runs of a column whose places are one distance from each other."""
    rest, chains = list(bucket), list[list[int]]()
    while rest:
        chain = [rest.pop(0)]
        while True:
            wanted = fields[chain[-1]].box.y + pitch
            following = [i for i in rest if abs(fields[i].box.y - wanted) <= _TOLERANCE_MM]
            if not following:
                break
            chain.append(following[0])
            rest.remove(following[0])
        if len(chain) >= _MIN_ROWS:
            chains.append(chain)
    return chains


def _repeats(fields: Sequence[LabelledField], chain: Sequence[int]) -> bool:
    """Whether all rows have the same label or none: else they are fields of their own."""
    texts = [fields[index].text for index in chain]
    said = Counter(filter(None, texts))
    if not said:
        return True
    usual = said.most_common(1)[0][0]
    # A heading above the first row is a label that the others lack.
    later = texts[1:]
    same = sum(
        not text
        or (SequenceMatcher(None, text.casefold(), usual.casefold()).ratio() >= _SAME_LABEL)
        for text in later
    )
    return same >= _MIN_SAME * len(later)


def _in_one_table(
    fields: Sequence[LabelledField], chains: Sequence[list[int]], pitch: float
) -> list[list[int]]:
    """Keep the columns with about as many rows as most, that begin in the same row."""
    if not chains:
        return []
    longest = max(map(len, chains))
    full = [chain for chain in chains if len(chain) >= 0.7 * longest]
    top = median(fields[chain[0]].box.y for chain in full)
    in_row = [chain for chain in full if abs(fields[chain[0]].box.y - top) < pitch - _TOLERANCE_MM]
    # Check boxes alone below each other are the options of a choice.
    if all(fields[chain[0]].drawn.shape is Shape.MARK for chain in in_row) and longest < 5:
        return []
    return in_row
