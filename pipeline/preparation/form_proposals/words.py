"""The printed words of a blank form, and the lines that they make. Lengths are mm."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from pipeline.domain.model import Box, Image, PrintedWord
from pipeline.preparation.form_proposals.shapes import Shapes, overlap
from pipeline.reading.fields.printed_text import find_words
from pipeline.reading.imaging.geometry import PX_PER_MM

_SCALE = 1.5
"""Print of 7 points is read best at 300 dpi."""
_MIN_CONFIDENCE = 35.0
"""A wrong letter in a label is corrected by a person; a label that is missing costs more."""
# Words anywhere: a form has no paragraphs.
_LAYOUT = "--psm 11"
_FRAME_MM = 0.9
_GAP_SHARE = 1.1
"""Widest space between the words of a line, as a share of their height."""
_MIN_INK_WORDS = 0.8
"""Share of a file's own words that must be on ink, or they belong to another picture."""


@dataclass(frozen=True, slots=True)
class TextLine:
    """Words next to each other."""

    text: str
    box: Box


def read_words(grey: Image, shapes: Shapes) -> list[TextLine]:
    """Return the words of a page (grey at `PX_PER_MM`) by OCR, without its lines and frames.

    Raises:
        MissingProgramError: Tesseract is not installed.
    """
    # Lines and frames are taken for letters.
    plain = grey.copy()
    for rule in shapes.rules:
        _whiten(plain, Box(rule.x, rule.y - 0.15, rule.w, rule.h + 0.3))
    for box in shapes.boxes:
        for side in _frame_of(box):
            _whiten(plain, side)
    large = cv2.resize(plain, None, fx=_SCALE, fy=_SCALE, interpolation=cv2.INTER_CUBIC)
    scale = _SCALE * PX_PER_MM
    return [
        TextLine(text, Box(*(side / scale for side in box)))
        for text, box in find_words(np.asarray(large, np.uint8), _LAYOUT, _MIN_CONFIDENCE)
        if 0.9 <= box[3] / scale <= 12
    ]


def place_own_words(
    words: Iterable[PrintedWord], size: tuple[float, float], shapes: Shapes
) -> list[TextLine]:
    """Return the words that a file has as text; empty if they are not where its print is."""
    width, height = size
    placed = [
        TextLine(text, Box(x * width, y * height, w * width, h * height))
        for text, x, y, w, h in words
        if any(map(str.isalnum, text))
    ]
    on_ink = sum(shapes.ink_share(word.box) > 0.04 for word in placed)
    return placed if placed and on_ink >= _MIN_INK_WORDS * len(placed) else []


def join_lines(words: Sequence[TextLine], boxes: Sequence[Box] = ()) -> list[TextLine]:
    """Join words to lines; a frame between two words, or a wide space, parts them."""
    lines: list[list[TextLine]] = []
    for word in sorted(words, key=lambda word: (word.box.x, word.box.y)):
        fitting = [line for line in lines if _continues(line[-1].box, word.box, boxes)]
        if fitting:
            min(fitting, key=lambda line: word.box.x - line[-1].box.x).append(word)
        else:
            lines.append([word])
    joined = [TextLine(" ".join(word.text for word in line), _around(line)) for line in lines]
    return sorted(joined, key=lambda line: (line.box.y, line.box.x))


def _continues(last: Box, word: Box, boxes: Sequence[Box]) -> bool:
    gap = word.x - (last.x + last.w)
    height = max(last.h, word.h)
    if not -0.5 * height <= gap <= _GAP_SHARE * height:
        return False
    if overlap(last.y, last.h, word.y, word.h) < 0.4 * min(last.h, word.h):
        return False
    middle = word.y + word.h / 2
    between = last.x + last.w, word.x
    return not any(
        box.y <= middle <= box.y + box.h
        and (
            between[0] - 0.5 <= box.x <= between[1] + 0.5
            or between[0] - 0.5 <= box.x + box.w <= between[1] + 0.5
        )
        for box in boxes
    )


def _around(line: Sequence[TextLine]) -> Box:
    left, top = min(word.box.x for word in line), min(word.box.y for word in line)
    right = max(word.box.x + word.box.w for word in line)
    bottom = max(word.box.y + word.box.h for word in line)
    return Box(left, top, right - left, bottom - top)


def _frame_of(box: Box) -> list[Box]:
    """Return the four lines around a box."""
    wide, high = box.w + 2 * _FRAME_MM, box.h + 2 * _FRAME_MM
    left, top = box.x - _FRAME_MM, box.y - _FRAME_MM
    return [
        Box(left, top, wide, _FRAME_MM),
        Box(left, box.y + box.h, wide, _FRAME_MM),
        Box(left, top, _FRAME_MM, high),
        Box(box.x + box.w, top, _FRAME_MM, high),
    ]


def _whiten(picture: Image, box: Box) -> None:
    left, top, right, bottom = (
        max(0, round(side * PX_PER_MM)) for side in (box.x, box.y, box.x + box.w, box.y + box.h)
    )
    # The paper's own grey: a white line on a grey field is ink too.
    part = picture[top:bottom, left:right]
    if part.size:
        part[...] = np.uint8(np.percentile(part, 90))
