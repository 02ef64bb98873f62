"""The strokes, words and codes that a printed page is made of. Every length is mm from the top left, every type size points.

All colours that lie where people write are pale (at least 72 % luminance), so that they vanish when a scan is thresholded.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from enum import Enum

import cv2
import segno

from pipeline.document import Document
from pipeline.fiducials import MARKER_DICTIONARY, code_text
from pipeline.model import Box, SheetCode

_SEAM_MM = 0.02
"""Neighbouring black cells overlap by this much; otherwise a renderer shows hairlines between them."""

Point = tuple[float, float]


class Colour(Enum):
    """Red, green, blue, 0–255."""

    BLACK = (0, 0, 0)
    TEXT = (38, 50, 52)
    LABEL = (70, 84, 86)
    HINT = (122, 136, 138)
    TITLE = (0, 92, 100)
    FRAME = (143, 200, 202)
    RULE = (176, 216, 217)
    GROUND = (240, 247, 247)
    WHITE = (255, 255, 255)


@dataclass(frozen=True, slots=True)
class Style:
    """How words look."""

    size: float
    colour: Colour = Colour.TEXT
    bold: bool = False


class Paper(Document):
    """A PDF/A document of A4 pages without margins, which embeds its typeface."""

    def __init__(self, title: str, printed_on: date) -> None:
        super().__init__(title, made_at=datetime.combine(printed_on, time(12), UTC))
        self.set_auto_page_break(False)
        self.set_margin(0)
        self.c_margin = 0

    def words(self, text: str, at: Point, style: Style) -> float:
        """Print one line with the top of its capitals' line at `at`; answers its width, mm."""
        self._dress(style)
        (x, y), line = at, self._line(text)
        self.text(x, y + style.size * 0.3528 * 0.75, line)
        return float(self.get_string_width(line))

    def words_right(self, text: str, at: Point, style: Style) -> None:
        """Print one line that ends at `at`."""
        self.words(text, (at[0] - self.width_of(text, style), at[1]), style)

    def words_centred(self, text: str, box: Box, style: Style) -> None:
        """Print one line in the middle of a box."""
        x = box.x + (box.w - self.width_of(text, style)) / 2
        self.words(text, (x, box.y + box.h / 2 - style.size * 0.3528 * 0.42), style)

    def paragraph(self, text: str, at: Point, width: float, style: Style) -> None:
        """Print words that break at `width`."""
        self._dress(style)
        self.set_xy(*at)
        self.multi_cell(width, style.size * 0.3528 * 1.25, self.fit(text), align="L")

    def width_of(self, text: str, style: Style) -> float:
        """Width of one line, mm."""
        self._dress(style)
        return float(self.get_string_width(self._line(text)))

    def area(self, box: Box, fill: Colour, frame: Colour | None = None, stroke: float = 0.25) -> None:
        """A filled rectangle, with or without a frame."""
        self.set_fill_color(*fill.value)
        if frame:
            self.set_draw_color(*frame.value)
            self.set_line_width(stroke)
        self.rect(box.x, box.y, box.w, box.h, style="DF" if frame else "F")

    def rule(self, start: Point, end: Point, colour: Colour, stroke: float) -> None:
        """A straight line."""
        self.set_draw_color(*colour.value)
        self.set_line_width(stroke)
        self.line(*start, *end)

    def pen(self, points: Sequence[Point], colour: Colour, stroke: float) -> None:
        """A line through points, as a pen draws it."""
        self.set_draw_color(*colour.value)
        self.set_line_width(stroke)
        with self.local_context(stroke_cap_style=1, stroke_join_style=1):
            self.polyline(list(points))

    def marker(self, number: int, box: Box) -> None:
        """An ArUco marker. Its outermost cells are the black border."""
        bits = cv2.aruco.getPredefinedDictionary(MARKER_DICTIONARY).generateImageMarker(number, 6)
        self._cells([[bool(cell == 0) for cell in row] for row in bits], box)

    def code(self, code: SheetCode, box: Box) -> None:
        """The QR code, error correction Q, without its quiet zone."""
        symbol = segno.make_qr(code_text(code), error="q", boost_error=False)
        self._cells([[bool(cell) for cell in row] for row in symbol.matrix], box)

    def _cells(self, rows: Sequence[Sequence[bool]], box: Box) -> None:
        self.set_fill_color(*Colour.BLACK.value)
        pitch = box.w / len(rows)
        for y, row in enumerate(rows):
            seam = _SEAM_MM if y + 1 < len(rows) else 0.0
            for start, length in _runs(row):
                self.rect(box.x + start * pitch, box.y + y * pitch, length * pitch, pitch + seam, style="F")

    def _line(self, text: str) -> str:
        """As it is set in one line: nothing is dropped in silence that the typeface lacks, and no two words become one."""
        return self.fit(text).replace("\n", " ")

    def _dress(self, style: Style) -> None:
        self.dress(style.size, style.colour.value, bold=style.bold)


def _runs(row: Iterable[bool]) -> list[tuple[int, int]]:
    """Start and length of each run of black cells."""
    runs: list[tuple[int, int]] = []
    for x, black in enumerate(row):
        if black and runs and sum(runs[-1]) == x:
            runs[-1] = (runs[-1][0], runs[-1][1] + 1)
        elif black:
            runs.append((x, 1))
    return runs
