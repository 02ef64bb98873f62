"""Find what a blank form is drawn with: closed boxes, and rules to write on. Lengths are mm."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain.model import Box, Image, PrintedWord
from pipeline.reading.fields.printed_text import find_words
from pipeline.reading.imaging.geometry import PX_PER_MM

_BACKGROUND_MM, _CONTRAST = 6.0, 10
"""A pixel is ink if it is darker than its surroundings by this: thin grey rules, no grey fields."""
_MIN_SIDE_MM = 2.2
"""Smaller closed areas are those of letters."""
_MIN_RECTANGLE, _MIN_ROUND = 0.85, 0.72
"""Least share of its bounding box that a closed area fills: of a rectangle, and of a circle."""
_ROUND_MAX_MM = 7.0
_MIN_RULE_MM = 8.0
_MAX_RULE_MM = 0.8
"""Thickest rule: what is thicker is a bar."""
_DOT_MM, _DOT_GAP_MM = 0.7, 1.6
"""Dots of a dotted rule are no larger, and no further from each other."""
_MIN_FREE_MM, _MAX_FREE_MM = 4.2, 9.0
"""Free paper above a rule that is written on, and the highest box above one."""
_MIN_FREE_SHARE, _MAX_END_MM = 0.5, 4.0
"""Least share of a rule that is written on, and what may be left over at its end."""
_CLEAR_MM = 0.35
"""Around ink."""


@dataclass(frozen=True, slots=True)
class Shapes:
    """The closed boxes of a page (inside of the line), its level rules, and where ink is."""

    boxes: tuple[Box, ...]
    rules: tuple[Box, ...]
    ink: NDArray[np.uint8]

    def ink_share(self, box: Box) -> float:
        """Return how much of a box is ink."""
        part = self._cut(box)
        return float(part.mean()) / 255 if part.size else 0.0

    def free_above(self, rule: Box) -> Box | None:
        """Return the box to write in above a rule; None if print is on it."""
        top, bottom = rule.y - _MAX_FREE_MM - _CLEAR_MM, rule.y - _CLEAR_MM
        part = self._cut(Box(rule.x, max(0.0, top), rule.w, bottom - max(0.0, top)))
        if not part.size:
            return None
        # Of each column the free height: rows from the rule up to the first ink.
        upward = part[::-1] > 0
        heights = np.where(upward.any(axis=0), upward.argmax(axis=0), len(part))
        start, end = _longest_run(heights >= _MIN_FREE_MM * PX_PER_MM)
        # Words may be on its beginning; a rule below other print parts two sections.
        if end - start < max(_MIN_RULE_MM * PX_PER_MM, _MIN_FREE_SHARE * len(heights)):
            return None
        if len(heights) - end > _MAX_END_MM * PX_PER_MM:
            return None
        height = float(heights[start:end].min()) / PX_PER_MM
        return Box(
            rule.x + start / PX_PER_MM,
            rule.y - height,
            (end - start) / PX_PER_MM,
            height,
        )

    def _cut(self, box: Box) -> NDArray[np.uint8]:
        left, top, right, bottom = (
            max(0, round(side * PX_PER_MM)) for side in (box.x, box.y, box.x + box.w, box.y + box.h)
        )
        return self.ink[top:bottom, left:right]


def find_shapes(grey: Image) -> Shapes:
    """Return the shapes of a page, grey at `PX_PER_MM`."""
    block = round(_BACKGROUND_MM * PX_PER_MM) | 1
    ink = np.asarray(
        cv2.adaptiveThreshold(
            grey, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV, block, _CONTRAST
        ),
        np.uint8,
    )
    closed = np.asarray(cv2.morphologyEx(ink, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8)), np.uint8)
    boxes = _find_boxes(closed)
    return Shapes(tuple(boxes), tuple(_find_rules(ink)), ink)


def is_inside(inner: Box, outer: Box, margin: float = 0.4) -> bool:
    """Return whether a box is in another, which is larger."""
    return (
        inner.w * inner.h < outer.w * outer.h
        and inner.x >= outer.x - margin
        and inner.y >= outer.y - margin
        and inner.x + inner.w <= outer.x + outer.w + margin
        and inner.y + inner.h <= outer.y + outer.h + margin
    )


def overlap(start: float, length: float, other: float, other_length: float) -> float:
    """Return how long two intervals are the same; negative is the gap between them."""
    return min(start + length, other + other_length) - max(start, other)


def _find_boxes(ink: NDArray[np.uint8]) -> list[Box]:
    """Return the closed areas with the shape of a box or circle, from the top left."""
    contours, hierarchy = cv2.findContours(ink, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    if hierarchy is None:
        return []
    boxes = []
    for contour, (_, _, _, parent) in zip(contours, hierarchy[0], strict=True):
        x, y, w, h = cv2.boundingRect(contour)
        if parent < 0 or min(w, h) < _MIN_SIDE_MM * PX_PER_MM:
            continue
        share = cv2.contourArea(contour) / ((w - 1) * (h - 1))
        is_round = max(w, h) <= _ROUND_MAX_MM * PX_PER_MM and 0.8 <= w / h <= 1.25
        if share >= (_MIN_ROUND if is_round else _MIN_RECTANGLE):
            boxes.append(Box(*(side / PX_PER_MM for side in (x, y, w, h))))
    return sorted(boxes, key=lambda box: (box.y, box.x))


def _find_rules(ink: NDArray[np.uint8]) -> list[Box]:
    """Return solid and dotted level rules, from the top."""
    length = round(_MIN_RULE_MM * PX_PER_MM)
    solid = cv2.morphologyEx(ink, cv2.MORPH_OPEN, np.ones((1, length), np.uint8))
    gap = round(_DOT_GAP_MM * PX_PER_MM)
    dotted = cv2.morphologyEx(_find_dots(ink), cv2.MORPH_CLOSE, np.ones((1, gap), np.uint8))
    dotted = cv2.morphologyEx(dotted, cv2.MORPH_OPEN, np.ones((1, length), np.uint8))
    joined = cv2.morphologyEx(
        cv2.bitwise_or(solid, dotted), cv2.MORPH_CLOSE, np.ones((3, gap), np.uint8)
    )
    _, _, stats, _ = cv2.connectedComponentsWithStats(np.asarray(joined, np.uint8))
    rules = [
        Box(*(float(side) / PX_PER_MM for side in row[:4]))
        for row in stats[1:]
        if row[3] <= _MAX_RULE_MM * PX_PER_MM and row[2] >= length
    ]
    return sorted(rules, key=lambda rule: (rule.y, rule.x))


def _find_dots(ink: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the ink that is dots or short dashes, no higher than a dot."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(ink)
    limit = _DOT_MM * PX_PER_MM
    is_dot = (stats[:, 3] <= limit) & (stats[:, 2] <= 3 * limit)
    is_dot[0] = False
    return np.where(is_dot[labels], 255, 0).astype(np.uint8)


def _longest_run(flags: Sequence[bool] | NDArray[np.bool_]) -> tuple[int, int]:
    """Return start and end of the longest run of true values."""
    padded = np.concatenate([[False], np.asarray(flags, bool), [False]]).astype(np.int8)
    edges = np.diff(padded)
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    if not len(starts):
        return 0, 0
    longest = int((ends - starts).argmax())
    return int(starts[longest]), int(ends[longest])


# The printed words of a blank form, and the lines that they make. Lengths are mm.

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
