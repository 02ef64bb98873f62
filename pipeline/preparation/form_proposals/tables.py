"""Find the table of a blank form: places that come again row by row. Lengths are mm."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from statistics import median

from pipeline.preparation.form_proposals.fields import Shape
from pipeline.preparation.form_proposals.labels import LabelledField

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
