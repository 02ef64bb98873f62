"""The pages of a pack that are no forms: heading, footer, tables, and the list of contents.

Lengths are mm; black on white, so that any printer will do.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import count, takewhile

from pipeline.domain.model import Box
from pipeline.forms.drawing import Colour, PaperDocument, TextStyle, draw_fitted
from pipeline.forms.letterhead import Letterhead, draw_logo
from pipeline.preparation import PAPER_LANGUAGE
from pipeline.texts import Words, catalogue

TITLE_STYLE = TextStyle(20, Colour.BLACK, bold=True)
SUBTITLE_STYLE = TextStyle(10, Colour.LABEL)
HEADING_STYLE = TextStyle(11.5, Colour.BLACK, bold=True)
BODY_STYLE = TextStyle(10, Colour.BLACK)
SMALL_STYLE = TextStyle(8.5, Colour.LABEL)
_TABLE_HEADER_STYLE = TextStyle(8.5, Colour.BLACK, bold=True)
_NOTE_STYLE = TextStyle(9.5, Colour.BLACK, bold=True)

# Every page.
LEFT_MM, RIGHT_MM, TOP_MM, BOTTOM_MM = 18.0, 192.0, 44.0, 276.0
WIDTH_MM = RIGHT_MM - LEFT_MM
_HEADER_ROW_MM = 6.0
_LOGO_BOX = Box(142, 17, 50, 15)

# The list of contents.
_CONTENTS_ROW_MM = 6.4
_NOTE_MM = 5.0
_CONTENTS_TABLE_TOP_MM, _HANDLING_RULES_MM = 76.0, 44.0

pack_text = Words(PAPER_LANGUAGE)
"""Return a text of a pack's pages."""


def pack_texts(key: str) -> list[str]:
    """Return the texts `<key>.1`, `<key>.2` and so on."""
    texts = catalogue(PAPER_LANGUAGE)
    # Numbered texts up to the first number without one.
    keys = (f"{key}.{number}" for number in count(1))
    return [texts[numbered] for numbered in takewhile(texts.__contains__, keys)]


@dataclass(frozen=True, slots=True)
class TextColumn:
    """A column of running text: its left edge and its width."""

    left: float = LEFT_MM
    width: float = WIDTH_MM


FULL_WIDTH = TextColumn()


@dataclass(frozen=True, slots=True)
class PackInfo:
    """What all pages of a pack show: the unit, its provider and logo, and the day of printing."""

    unit: str
    provider: str
    printed_on: date
    logo: bytes = b""

    @property
    def letterhead(self) -> Letterhead:
        """What the forms of the pack show."""
        return Letterhead(self.provider, self.logo, self.printed_on)

    @property
    def footer_text(self) -> str:
        """The line at the foot of a page."""
        return pack_text("pack_paper.footer", unit=self.unit, day=self.printed_on)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its heading and its width."""

    title: str
    width: float
    align_right: bool = False
    bold: bool = False


def begin_page(paper: PaperDocument, about: PackInfo, title: str, subtitle: str = "") -> None:
    """Begin a page with its heading and footer."""
    paper.add_page()
    paper.words(title, (LEFT_MM, 18), TITLE_STYLE)
    paper.words(
        " · ".join(filter(None, (about.provider, about.unit, subtitle))),
        (LEFT_MM, 28.5),
        SUBTITLE_STYLE,
    )
    draw_logo(paper, about.logo, _LOGO_BOX)
    paper.rule((LEFT_MM, 35.5), (RIGHT_MM, 35.5), Colour.BLACK, 0.5)
    paper.words(about.footer_text, (LEFT_MM, 284), SMALL_STYLE)


def draw_heading(paper: PaperDocument, text: str, y: float) -> float:
    """Draw a heading within a page and return where the content below it begins."""
    paper.words(text, (LEFT_MM, y), HEADING_STYLE)
    return y + 7.0


def draw_bullets(
    paper: PaperDocument,
    texts: Iterable[str],
    y: float,
    column: TextColumn = FULL_WIDTH,
    style: TextStyle = BODY_STYLE,
) -> float:
    """Draw texts one below the other, each with a square before it; return where they end."""
    for text in texts:
        # A square bullet, level with the first line.
        paper.area(Box(column.left, y + 1.3, 1.5, 1.5), Colour.BLACK)
        paper.paragraph(text, (column.left + 4, y), column.width - 4, style)
        y = paper.get_y() + 1.2
    return y


def draw_table(
    paper: PaperDocument,
    columns: Sequence[Column],
    rows: Iterable[Sequence[str]],
    y: float,
    row_mm: float = 7.0,
    *,
    boxed: bool = False,
) -> float:
    """Draw a ruled table and return where it ends; `boxed` adds lines between the columns.

    Words that do not fit their cell are set smaller, or in two lines.
    """
    top = y
    headings = [column.title for column in columns]
    _draw_table_row(paper, columns, headings, y, _HEADER_ROW_MM, is_header=True)
    y += _HEADER_ROW_MM
    end = LEFT_MM + sum(column.width for column in columns)
    paper.rule((LEFT_MM, y), (end, y), Colour.BLACK, 0.5)
    for row in rows:
        _draw_table_row(paper, columns, row, y, row_mm)
        y += row_mm
        paper.rule((LEFT_MM, y), (end, y), Colour.HINT, 0.2)
    # Lines between the columns, not at the edges.
    x = LEFT_MM
    for column in columns[:-1] if boxed else ():
        x += column.width
        paper.rule((x, top), (x, y), Colour.HINT, 0.2)
    return y


def count_fitting_rows(y: float, row_mm: float, bottom: float = BOTTOM_MM) -> int:
    """Return how many rows of a table that begins at `y` the page has room for."""
    return int((bottom - y - _HEADER_ROW_MM) // row_mm)


def _draw_table_row(
    paper: PaperDocument,
    columns: Sequence[Column],
    cells: Sequence[str],
    y: float,
    height: float,
    *,
    is_header: bool = False,
) -> None:
    """Draw the cells of a row, each in the middle of the row's height."""
    x = LEFT_MM
    for column, cell in zip(columns, cells, strict=True):
        style = (
            _TABLE_HEADER_STYLE
            if is_header
            else TextStyle(BODY_STYLE.size, BODY_STYLE.colour, column.bold)
        )
        box = Box(x + 1, y, column.width - 2, height)
        draw_fitted(paper, cell, box, style, align_right=column.align_right)
        x += column.width


@dataclass(frozen=True, slots=True)
class ContentsLine:
    """A part of the pack in the list of contents.

    `pages` are its first and last page in the file with all parts; None if it has a file of its
    own.
    """

    title: str
    pages: tuple[int, int] | None
    sheets: int
    instruction: str


@dataclass(frozen=True, slots=True)
class ContentsScope:
    """What the numbers of sheets were computed for."""

    days: int
    clients: int


def count_contents_pages(parts: int, notes: int) -> int:
    """Return the number of pages of the contents of so many parts and notes on their age."""
    return 1 if parts <= _count_contents_rows(notes) else 2


def _count_contents_rows(notes: int) -> int:
    """Return the rows on the first page, above the notes and the rules for handling the pack."""
    bottom = BOTTOM_MM - _HANDLING_RULES_MM - notes * _NOTE_MM
    return count_fitting_rows(_CONTENTS_TABLE_TOP_MM, _CONTENTS_ROW_MM, bottom)


def draw_contents(
    paper: PaperDocument,
    about: PackInfo,
    parts: Sequence[ContentsLine],
    scope: ContentsScope,
    notes: Sequence[str],
) -> None:
    """Draw how to print and keep the pack, and its contents: one page, or two for many parts.

    `notes` say how old the pack and its documents may become, and what it lacks; they are always on
    the first page.
    """
    title, subtitle = (
        pack_text("pack_paper.contents.title"),
        pack_text("pack_paper.contents.days", count=scope.days),
    )
    if scope.clients:
        subtitle += pack_text("pack_paper.contents.clients", count=scope.clients)
    begin_page(paper, about, title, subtitle)
    # How to print, in a frame above the table.
    paper.area(Box(LEFT_MM, 39.5, WIDTH_MM, 31.5), Colour.WHITE, Colour.BLACK, 0.4)
    paper.words(pack_text("pack_paper.contents.printing"), (LEFT_MM + 3, 42), HEADING_STYLE)
    inside, style = TextColumn(LEFT_MM + 3, WIDTH_MM - 6), TextStyle(9.5, Colour.BLACK)
    draw_bullets(paper, pack_texts("pack_paper.printing_rule"), 49, inside, style)
    # The parts; what has no room on the first page is on the second, with the rules.
    columns = (
        Column(pack_text("pack_paper.contents.page"), 19, align_right=True),
        Column(pack_text("pack_paper.contents.part"), 76, bold=True),
        Column(pack_text("pack_paper.contents.sheets"), 17, align_right=True),
        Column(pack_text("pack_paper.contents.instruction"), 62),
    )
    first = _count_contents_rows(len(notes))
    rows = [_contents_cells(part) for part in parts]
    draw_table(paper, columns, rows[:first], _CONTENTS_TABLE_TOP_MM, _CONTENTS_ROW_MM)
    rules_top = BOTTOM_MM - _HANDLING_RULES_MM + 6
    for number, note in enumerate(notes):
        place = (LEFT_MM, rules_top - (len(notes) - number) * _NOTE_MM - 1)
        paper.words(note, place, _NOTE_STYLE)
    if len(rows) > first:
        begin_page(paper, about, title, pack_text("pack_paper.contents.continued"))
        draw_table(paper, columns, rows[first:], 42, _CONTENTS_ROW_MM)
    draw_bullets(
        paper,
        pack_texts("pack_paper.handling_rule"),
        draw_heading(paper, pack_text("pack_paper.contents.handling"), rules_top),
    )


def _contents_cells(part: ContentsLine) -> tuple[str, str, str, str]:
    if part.pages is None:
        pages = pack_text("pack_paper.contents.own_file")
    else:
        first, last = part.pages
        pages = str(first) if first == last else f"{first}–{last}"
    return pages, part.title, str(part.sheets), part.instruction
