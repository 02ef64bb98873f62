"""Lines cut into stretches of a few words, as they stand in a field: what people write there is seldom a whole line of running text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.random import Generator

from pipeline.model import Image
from pipeline.recognize.line_picture import piece_of
from pipeline.training.alignment import Placed, placed
from pipeline.training.handwriting_data import Line

WORDS = (1, 2, 3, 4)
"""So many words are in a stretch."""
DARK = 128
NEAR = 0.6
"""A gap between two words is looked for so far from where the network saw it, in heights of the line."""
NARROWEST = 0.08
"""A gap is at least so wide, in heights of the line; where there is none, two words stay together."""


def stretches(lines: Sequence[Line], rng: Generator) -> list[Line]:
    """Each line cut at some of its gaps, wherever the network can be led to see what the line says."""
    return [part for word in placed(lines) for part in _parts(word, rng)]


def _parts(line: Placed, rng: Generator) -> Iterator[Line]:
    text, start_px, start = line.line.text, 0, 0
    left = int(rng.choice(WORDS))
    for at, sign in enumerate(text):
        left -= sign == " "
        if sign == " " and left <= 0 and (cut := _gap(line.line.picture, line.middles[at])) is not None:
            yield from _part(line.line, text[start:at], start_px, cut)
            start_px, start, left = cut, at + 1, int(rng.choice(WORDS))
    if start:
        yield from _part(line.line, text[start:], start_px, line.line.picture.shape[1])


def _part(line: Line, text: str, start: int, end: int) -> Iterator[Line]:
    picture = piece_of(line.picture, start, end)
    if picture is not None and text.strip():
        yield Line(picture, text.strip(), line.writer)


def _gap(picture: Image, middle: float) -> int | None:
    """The middle of the widest run of white columns near a place (px), if it is wide enough."""
    reach = NEAR * picture.shape[0]
    first, last = max(0, round(middle - reach)), min(picture.shape[1], round(middle + reach))
    white = ~(picture[:, first:last] < DARK).any(axis=0)
    edges = np.flatnonzero(np.diff(white.astype(np.int8), prepend=0, append=0))
    runs = [(int(b - a), int(a)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
    width, at = max(runs, default=(0, 0))
    return first + at + width // 2 if width >= NARROWEST * picture.shape[0] else None
