"""Several handwritten lines on a ruled area: told apart by the known pitch of the rules, read in one batch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.model import Image, Reading, State
from pipeline.recognize.crop import Crop
from pipeline.recognize.handwriting import read_lines
from pipeline.recognize.ink import find_ink
from pipeline.recognize.line_picture import Line, banded, line_of

BELOW_RULE = 0.12
"""A line reaches this part of the pitch below its rule: commas and tails hang there."""


def recognize(crops: Sequence[Crop]) -> list[Reading]:
    """Texts of ruled areas, lines joined with a line feed, empty lines at the end dropped, empty ones between kept."""
    areas = [_lines(crop) for crop in crops]
    answers = iter(read_lines([line for area in areas for line in area]))
    return [_joined([next(answers) for _ in area]) for area in areas]


def counted_lines(image: Image) -> int:
    """How many lines of writing a picture of unknown scale shows, from the swing of ink over its rows; at least 1."""
    dark = (255.0 - image.astype(np.float64)).mean(axis=1)
    rows = dark - np.quantile(dark, 0.05)
    reach = max(1, len(rows) // 60)
    smooth = np.convolve(rows, np.ones(reach) / reach, mode="same")
    above = smooth > 0.35 * smooth.max()
    return max(1, int((above[1:] & ~above[:-1]).sum() + above[0]))


def _lines(crop: Crop) -> list[Line]:
    ink = find_ink(crop)
    _, top, _, bottom = ink.field
    count = crop.spec.lines or 1
    pitch = (bottom - top) / count
    edges = [top - BELOW_RULE * pitch, *(top + (i + BELOW_RULE) * pitch for i in range(1, count)), bottom + 2 * BELOW_RULE * pitch]
    return [line_of(ink, band) for band in banded(ink.mask, edges)]


def _joined(lines: list[Reading]) -> Reading:
    if all(line.state is State.EMPTY for line in lines):
        return Reading.empty(min(line.p for line in lines))
    while lines[-1].state is State.EMPTY:
        lines.pop()
    value = "\n".join(str(line.value or "") for line in lines)
    characters: list[float] = []
    p = 1.0
    for number, line in enumerate(lines):
        characters += [1.0, *line.characters] if number else line.characters
        p *= line.p
    if not value.strip():
        return Reading(None, 0.5, State.ILLEGIBLE)
    return Reading(value, p, State.READ, _alternatives(lines, p), tuple(characters))


def _alternatives(lines: Sequence[Reading], p: float) -> tuple[tuple[str, float], ...]:
    """The whole text with the best alternative of one line each, best first."""
    values = [str(line.value or "") for line in lines]
    found = []
    for i, line in enumerate(lines):
        if line.alternatives and line.p > 0:
            other, other_p = line.alternatives[0]
            found.append(("\n".join([*values[:i], str(other), *values[i + 1 :]]), p * min(1.0, other_p / line.p)))
    return tuple(sorted(found, key=lambda item: -item[1])[:4])
