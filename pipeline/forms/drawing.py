"""Draw the lines, texts and codes of a printed page, and its strip of writing examples.

Lengths are mm from the top left, type sizes points. All colours where people write are pale (at
least 72 % luminance), so that they vanish when a scan is thresholded. The strip at the foot of
every page shows how to write: ten digits, a tick, and how to cancel a tick.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from enum import Enum
from functools import lru_cache
from typing import cast

import cv2
import segno

from pipeline.domain.model import Box, SheetCode
from pipeline.files.pdf_output import Document
from pipeline.forms.fiducials import MARKER_DICTIONARY, format_code

MM_PER_POINT = 0.3528
Point = tuple[float, float]
DIGIT_STROKES: dict[str, tuple[tuple[Point, ...], ...]] = {
    "0": (((0.5, 0.08), (0.2, 0.3), (0.2, 0.7), (0.5, 0.93), (0.8, 0.7), (0.8, 0.3), (0.5, 0.08)),),
    "1": (((0.28, 0.36), (0.58, 0.08)), ((0.58, 0.08), (0.58, 0.93))),
    "2": (
        ((0.2, 0.28), (0.45, 0.08), (0.76, 0.26), (0.6, 0.56), (0.2, 0.92)),
        ((0.2, 0.92), (0.82, 0.92)),
    ),
    "3": (
        ((0.22, 0.16), (0.5, 0.07), (0.74, 0.25), (0.46, 0.46)),
        ((0.46, 0.46), (0.8, 0.66), (0.58, 0.92), (0.2, 0.84)),
    ),
    "4": (((0.34, 0.08), (0.2, 0.58)), ((0.2, 0.58), (0.84, 0.58)), ((0.64, 0.3), (0.64, 0.93))),
    "5": (
        ((0.3, 0.08), (0.27, 0.44)),
        ((0.27, 0.44), (0.6, 0.4), (0.8, 0.66), (0.56, 0.93), (0.2, 0.86)),
        ((0.3, 0.08), (0.76, 0.08)),
    ),
    "6": (
        (
            (0.66, 0.07),
            (0.32, 0.36),
            (0.22, 0.7),
            (0.5, 0.93),
            (0.78, 0.72),
            (0.54, 0.52),
            (0.24, 0.68),
        ),
    ),
    "7": (((0.2, 0.08), (0.82, 0.08)), ((0.82, 0.08), (0.42, 0.93)), ((0.34, 0.5), (0.78, 0.5))),
    "8": (
        (
            (0.5, 0.47),
            (0.26, 0.27),
            (0.5, 0.07),
            (0.74, 0.27),
            (0.5, 0.47),
            (0.22, 0.7),
            (0.5, 0.93),
            (0.78, 0.7),
            (0.5, 0.47),
        ),
    ),
    "9": (
        ((0.76, 0.3), (0.5, 0.48), (0.25, 0.28), (0.5, 0.07), (0.76, 0.3)),
        ((0.76, 0.3), (0.7, 0.62), (0.5, 0.93)),
    ),
}
"""The strokes of digits as written in Sweden (1 with upstroke, 7 with bar, open 4).

Each is a smooth line through points in a unit box.
"""
CROSS_DOWNSTROKE: tuple[Point, ...] = ((0.14, 0.16), (0.86, 0.86))
CROSS_UPSTROKE: tuple[Point, ...] = ((0.86, 0.12), (0.14, 0.88))
_STRIP_TOP_MM = 275.6
_CELL_SIZE_MM = (4.6, 6.2)
_MARK_MM = 4.6


class Colour(Enum):
    """The colours of print: red, green, blue, 0–255."""

    BLACK = (0, 0, 0)
    TEXT = (38, 50, 52)
    LABEL = (70, 84, 86)
    HINT = (122, 136, 138)
    NOTE = (88, 102, 104)
    TITLE = (0, 92, 100)
    FRAME = (143, 200, 202)
    RULE = (176, 216, 217)
    GROUND = (240, 247, 247)
    WHITE = (255, 255, 255)


@dataclass(frozen=True, slots=True)
class TextStyle:
    """The style of a text; `size` in points."""

    size: float
    colour: Colour = Colour.TEXT
    bold: bool = False


def line_top(middle: float, style: TextStyle) -> float:
    """Return the top of a line of text whose capitals have their middle at a height, mm."""
    # The middle of the capitals is 0.42 em below the top of the line (baseline at 0.75 em).
    return middle - style.size * MM_PER_POINT * 0.42


LEGIBLE_PT = 7.5
"""The least size of text that must be read."""
_LINE_PITCH = 1.1
"""Between two lines of a text in a box, em."""


class PaperDocument(Document):
    """A PDF/A document of A4 pages without margins, which embeds its typeface."""

    def __init__(self, title: str, printed_on: date) -> None:
        super().__init__(title, made_at=datetime.combine(printed_on, time(12), UTC))
        self.set_auto_page_break(False)
        self.set_margin(0)
        self.c_margin = 0
        self._heights: dict[tuple[str, float, TextStyle], float] = {}

    def words(self, text: str, at: Point, style: TextStyle) -> float:
        """Print one line with the top of its capitals' line at `at`; return its width, mm."""
        self._apply_style(style)
        # The baseline is 0.75 em below the top.
        (x, y), line = at, self._one_line(text)
        self.text(x, y + style.size * MM_PER_POINT * 0.75, line)
        return float(self.get_string_width(line))

    def words_right(self, text: str, at: Point, style: TextStyle) -> None:
        """Print one line that ends at `at`."""
        self.words(text, (at[0] - self.width_of(text, style), at[1]), style)

    def words_centred(self, text: str, box: Box, style: TextStyle) -> None:
        """Print one line in the middle of a box."""
        x = box.x + (box.w - self.width_of(text, style)) / 2
        self.words(text, (x, line_top(box.y + box.h / 2, style)), style)

    def paragraph(self, text: str, at: Point, width: float, style: TextStyle) -> None:
        """Print a text with line breaks at `width`."""
        self._apply_style(style)
        self.set_xy(*at)
        # Line height 1.25 em.
        self.multi_cell(width, style.size * MM_PER_POINT * 1.25, self.fit(text), align="L")

    def height_of(self, text: str, width: float, style: TextStyle) -> float:
        """Return the height of a text with line breaks at `width`, mm.

        It is measured once: every sheet of a form measures the same law.
        """
        if (text, width, style) not in self._heights:
            self._apply_style(style)
            line = style.size * MM_PER_POINT * 1.25
            height = self.multi_cell(width, line, text, dry_run=True, output="HEIGHT")
            self._heights[text, width, style] = cast(float, height)
        return self._heights[text, width, style]

    def width_of(self, text: str, style: TextStyle) -> float:
        """Return the width of one line, mm."""
        self._apply_style(style)
        return float(self.get_string_width(self._one_line(text)))

    def area(
        self, box: Box, fill: Colour, frame: Colour | None = None, stroke: float = 0.25
    ) -> None:
        """Draw a filled rectangle, with or without a frame."""
        self.set_fill_color(*fill.value)
        if frame:
            self.set_draw_color(*frame.value)
            self.set_line_width(stroke)
        self.rect(box.x, box.y, box.w, box.h, style="DF" if frame else "F")

    def rule(self, start: Point, end: Point, colour: Colour, stroke: float) -> None:
        """Draw a straight line."""
        self.set_draw_color(*colour.value)
        self.set_line_width(stroke)
        self.line(*start, *end)

    def pen(self, points: Sequence[Point], colour: Colour, stroke: float) -> None:
        """Draw a line through points with round ends, as a pen does."""
        self.set_draw_color(*colour.value)
        self.set_line_width(stroke)
        # Round caps and joins (PDF line style 1).
        with self.local_context(stroke_cap_style=1, stroke_join_style=1):
            self.polyline(list(points))

    def cross(self, box: Box) -> None:
        """Draw the cross of a ticked check box."""
        x, y, w, h = box.x, box.y, box.w, box.h
        self.pen([(x + 1, y + 1), (x + w - 1, y + h - 1)], Colour.BLACK, 0.5)
        self.pen([(x + w - 1, y + 1), (x + 1, y + h - 1)], Colour.BLACK, 0.5)

    def marker(self, number: int, box: Box) -> None:
        """Draw an ArUco marker. Its outermost cells are the black border."""
        # One pixel per cell: 4 × 4 bits and a border of one cell on each side.
        bits = cv2.aruco.getPredefinedDictionary(MARKER_DICTIONARY).generateImageMarker(number, 6)
        self.draw_cells([[bool(cell == 0) for cell in row] for row in bits], box)

    def code(self, code: SheetCode, box: Box) -> None:
        """Draw the QR code, error correction Q, without its quiet zone."""
        self.draw_cells(_qr_cells(format_code(code)), box)

    def _one_line(self, text: str) -> str:
        # Line ends become blanks, so that no two words become one.
        return self.fit(text).replace("\n", " ")

    def _apply_style(self, style: TextStyle) -> None:
        self.set_style(style.size, style.colour.value, bold=style.bold)


@lru_cache(maxsize=1024)
def _qr_cells(text: str) -> list[list[bool]]:
    """Return the cells of a QR code. A page has its code twice, and a pack each page twice."""
    # Exactly level Q, also where the symbol would have room for level H.
    symbol = segno.make_qr(text, error="q", boost_error=False)
    return [[bool(cell) for cell in row] for row in symbol.matrix]


def fit_text(
    paper: PaperDocument, text: str, box: Box, style: TextStyle
) -> tuple[TextStyle, list[str]]:
    """Return the style and lines of a text in a box.

    It is set smaller where it is too wide, in two lines where it would be smaller than is legible.
    If even these have no room it is one line smaller than `LEGIBLE_PT`: nothing is cut.
    """
    size = style.size * box.w / max(paper.width_of(text, style), box.w)
    legible = replace(style, size=LEGIBLE_PT)
    if size < LEGIBLE_PT and box.h >= 2 * LEGIBLE_PT * MM_PER_POINT * _LINE_PITCH:
        words = text.split()
        # As many words on the first line as it has room for; no word is divided, and no number
        # from what it counts.
        for count in range(len(words) - 1, 0, -1):
            lines = [" ".join(words[:count]), " ".join(words[count:])]
            if not words[count - 1][-1].isdigit() and all(
                paper.width_of(line, legible) <= box.w for line in lines
            ):
                return legible, lines
    return replace(style, size=size), [text]


def draw_fitted(
    paper: PaperDocument,
    text: str,
    box: Box,
    style: TextStyle,
    *,
    align_right: bool = False,
) -> None:
    """Print a text as `fit_text` has it, in the middle of a box's height."""
    style, lines = fit_text(paper, text, box, style)
    pitch = style.size * MM_PER_POINT * _LINE_PITCH
    first = box.y + (box.h - pitch * (len(lines) - 1)) / 2
    for number, line in enumerate(lines):
        top = line_top(first + number * pitch, style)
        if align_right:
            paper.words_right(line, (box.x + box.w, top), style)
        else:
            paper.words(line, (box.x, top), style)


_CAPTION = TextStyle(7.5, Colour.LABEL)
_HEADING = TextStyle(7.5, Colour.TITLE, bold=True)


def draw_examples(paper: PaperDocument) -> None:
    """Draw the strip between the lower left marker and the lower right code."""
    paper.words("Så fyller du i", (21, _STRIP_TOP_MM - 4.6), _HEADING)
    paper.words(
        "Svart eller blå penna. En siffra i varje ruta, skriv inte på linjerna.",
        (40, _STRIP_TOP_MM - 4.6),
        _CAPTION,
    )
    # One example of each digit in a row of boxes.
    for index, digit in enumerate(DIGIT_STROKES):
        _draw_digit(paper, digit, Box(21 + index * _CELL_SIZE_MM[0], _STRIP_TOP_MM, *_CELL_SIZE_MM))
    _draw_mark_example(paper, 79, "Kryss", ticked=True)
    _draw_mark_example(paper, 102, "Ångrat kryss: fyll rutan", ticked=False)


def _draw_digit(paper: PaperDocument, digit: str, cell: Box) -> None:
    paper.area(cell, Colour.WHITE, Colour.FRAME, 0.25)
    # Room for the box's lines around the digit.
    inner = Box(cell.x + 0.9, cell.y + 0.9, cell.w - 1.8, cell.h - 1.8)
    for stroke in DIGIT_STROKES[digit]:
        paper.pen(scale_to_box(inner, interpolate_curve(stroke)), Colour.TEXT, 0.38)


def _draw_mark_example(paper: PaperDocument, x: float, caption: str, *, ticked: bool) -> None:
    box = Box(x, _STRIP_TOP_MM + 0.8, _MARK_MM, _MARK_MM)
    if ticked:
        paper.area(box, Colour.WHITE, Colour.FRAME, 0.35)
        for stroke in (CROSS_DOWNSTROKE, CROSS_UPSTROKE):
            paper.pen(scale_to_box(box, stroke), Colour.TEXT, 0.42)
    else:
        paper.area(box, Colour.TEXT, Colour.TEXT, 0.35)
    paper.words(caption, (x + _MARK_MM + 1.4, _STRIP_TOP_MM + 2), _CAPTION)


def scale_to_box(box: Box, points: Sequence[Point]) -> list[Point]:
    """Scale points of a unit box to a box."""
    return [(box.x + x * box.w, box.y + y * box.h) for x, y in points]


def interpolate_curve(points: Sequence[Point], steps: int = 8) -> list[Point]:
    """Return a Catmull–Rom spline through the points; a closed line is closed smoothly."""
    if len(points) < 3:
        # Two points: a straight line.
        return list(points)
    # The curve needs one more knot at either end.
    is_closed = points[0] == points[-1]
    before, after = (points[-2], points[1]) if is_closed else (points[0], points[-1])
    knots = [before, *points, after]
    # Each segment is a cubic of the four knots around it, sampled evenly.
    return [
        _catmull_rom(knots[i : i + 4], step / steps)
        for i in range(len(points) - 1)
        for step in range(steps + 1)
    ]


def _catmull_rom(knots: Sequence[Point], t: float) -> Point:
    a, b, c, d = knots
    # Uniform Catmull–Rom basis with tension ½.
    x, y = (
        0.5
        * (
            2 * b[i]
            + (c[i] - a[i]) * t
            + (2 * a[i] - 5 * b[i] + 4 * c[i] - d[i]) * t**2
            + (3 * b[i] - a[i] - 3 * c[i] + d[i]) * t**3
        )
        for i in (0, 1)
    )
    return x, y
