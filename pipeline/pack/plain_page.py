"""The look of the pack's pages that are no forms: heading, foot, and ruled tables. Lengths are mm; black on white, so that any printer will do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from pipeline.drawing import Colour, Paper, Style
from pipeline.model import Box

LEFT, RIGHT, TOP, BOTTOM = 18.0, 192.0, 44.0, 276.0
WIDTH = RIGHT - LEFT
TITLE = Style(20, Colour.BLACK, bold=True)
SUBTITLE = Style(10, Colour.LABEL)
HEADING = Style(11.5, Colour.BLACK, bold=True)
BODY = Style(10, Colour.BLACK)
SMALL = Style(8.5, Colour.LABEL)
_HEAD = Style(8.5, Colour.BLACK, bold=True)


@dataclass(frozen=True, slots=True)
class About:
    """What all pages of a pack say of it."""

    unit: str
    provider: str
    printed_on: date

    @property
    def foot(self) -> str:
        """The line at the foot of a page."""
        return f"Reservpaket  ·  {self.unit}  ·  utskrivet {self.printed_on}"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its head and its width. `right` sets its words to the right."""

    head: str
    width: float
    right: bool = False
    bold: bool = False


def begin(paper: Paper, about: About, title: str, line: str = "") -> None:
    """A new page with its heading and foot."""
    paper.add_page()
    paper.words(title, (LEFT, 18), TITLE)
    paper.words(" · ".join(filter(None, (about.provider, about.unit, line))), (LEFT, 28.5), SUBTITLE)
    paper.rule((LEFT, 35.5), (RIGHT, 35.5), Colour.BLACK, 0.5)
    paper.words(about.foot, (LEFT, 284), SMALL)


def heading(paper: Paper, text: str, y: float) -> float:
    """A heading within a page; answers where what it is over begins."""
    paper.words(text, (LEFT, y), HEADING)
    return y + 7.0


def lines(paper: Paper, texts: Iterable[str], y: float, width: float = WIDTH, left: float = LEFT, style: Style = BODY) -> float:
    """Points, one under the other, each with a square before it; answers where they end."""
    for text in texts:
        paper.area(Box(left, y + 1.3, 1.5, 1.5), Colour.BLACK)
        paper.paragraph(text, (left + 4, y), width - 4, style)
        y = paper.get_y() + 1.2
    return y


def table(paper: Paper, columns: Sequence[Column], rows: Iterable[Sequence[str]], y: float, row_mm: float = 7.0, *, boxed: bool = False) -> float:
    """A ruled table; answers where it ends. Words that do not fit their cell are set smaller. `boxed` has lines between the columns too."""
    top = y
    _row(paper, columns, [column.head for column in columns], y, 6.0, head=True)
    y += 6.0
    end = LEFT + sum(column.width for column in columns)
    paper.rule((LEFT, y), (end, y), Colour.BLACK, 0.5)
    for row in rows:
        _row(paper, columns, row, y, row_mm)
        y += row_mm
        paper.rule((LEFT, y), (end, y), Colour.HINT, 0.2)
    x = LEFT
    for column in columns[:-1] if boxed else ():
        x += column.width
        paper.rule((x, top), (x, y), Colour.HINT, 0.2)
    return y


def rows_that_fit(y: float, row_mm: float, bottom: float = BOTTOM) -> int:
    """How many rows of a table that begins at `y` the page has room for."""
    return int((bottom - y - 6.0) // row_mm)


def _row(paper: Paper, columns: Sequence[Column], cells: Sequence[str], y: float, height: float, *, head: bool = False) -> None:
    x = LEFT
    for column, cell in zip(columns, cells, strict=True):
        style = _fitting(paper, cell, column.width - 2, _HEAD if head else Style(BODY.size, BODY.colour, column.bold))
        at = y + (height - style.size * 0.3528) / 2
        if column.right:
            paper.words_right(cell, (x + column.width - 1, at), style)
        else:
            paper.words(cell, (x + 1, at), style)
        x += column.width


def _fitting(paper: Paper, text: str, width: float, style: Style) -> Style:
    wide = paper.width_of(text, style)
    return style if wide <= width else Style(max(5.0, style.size * width / wide), style.colour, style.bold)
