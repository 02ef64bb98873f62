"""The look of the pack's pages that are no forms: heading, foot, and ruled tables. Lengths are mm;
black on white, so that any printer will do.

The first page of a pack: what is in it, on which pages of the file, and how it is printed, kept
and brought back. Lengths are mm.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from pipeline.domain.model import Box
from pipeline.forms.drawing import Colour, PaperDocument, TextStyle

TITLE_STYLE = TextStyle(20, Colour.BLACK, bold=True)
SUBTITLE_STYLE = TextStyle(10, Colour.LABEL)
HEADING_STYLE = TextStyle(11.5, Colour.BLACK, bold=True)
BODY_STYLE = TextStyle(10, Colour.BLACK)
SMALL_STYLE = TextStyle(8.5, Colour.LABEL)
_TABLE_HEADER_STYLE = TextStyle(8.5, Colour.BLACK, bold=True)
_CONTENTS_ROW_MM = 6.4
_PRINTING_RULES = (
    "Skriv ut på A4 i 100 procent (”Faktisk storlek”), aldrig ”Anpassa till sidan”. Enkelsidigt, svartvitt räcker. Häfta inte.",
    "Hela paketet ligger i en fil i den ordning som står här. Delarna finns också var för sig. Kopiera aldrig en blankett: varje ark har "
    "ett eget löpnummer. Räcker arken inte: gör ett paket till.",
    "Kontrollera första arket: de fyra svarta rutorna i hörnen ska synas hela.",
)
_HANDLING_RULES = (
    "Förifyllda ark, körlistor och telefonkedjan innehåller personuppgifter. Förvara paketet inlåst, och låt alla på enheten veta var nyckeln finns.",
    "Filen utlamnade.csv är registret över löpnumren. Spara den på två ställen. När systemen är igång läses den in i Efterskrift.",
    "Byt paketet när klienter, personal eller blanketter har ändrats, och minst var tredje månad. Förstör de gamla förifyllda arken.",
)


LEFT_MM, RIGHT_MM, TOP_MM, BOTTOM_MM = 18.0, 192.0, 44.0, 276.0


WIDTH_MM = RIGHT_MM - LEFT_MM


@dataclass(frozen=True, slots=True)
class PackInfo:
    """What all pages of a pack say of it."""

    unit: str
    provider: str
    printed_on: date

    @property
    def footer_text(self) -> str:
        """The line at the foot of a page."""
        return f"Reservpaket  ·  {self.unit}  ·  utskrivet {self.printed_on}"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its head and its width. `right` sets its words to the right."""

    title: str
    width: float
    align_right: bool = False
    bold: bool = False


def begin_page(paper: PaperDocument, about: PackInfo, title: str, line: str = "") -> None:
    """A new page with its heading and foot."""
    paper.add_page()
    paper.words(title, (LEFT_MM, 18), TITLE_STYLE)
    paper.words(
        " · ".join(filter(None, (about.provider, about.unit, line))),
        (LEFT_MM, 28.5),
        SUBTITLE_STYLE,
    )
    paper.rule((LEFT_MM, 35.5), (RIGHT_MM, 35.5), Colour.BLACK, 0.5)
    paper.words(about.footer_text, (LEFT_MM, 284), SMALL_STYLE)


def draw_heading(paper: PaperDocument, text: str, y: float) -> float:
    """A heading within a page; answers where what it is over begins."""
    paper.words(text, (LEFT_MM, y), HEADING_STYLE)
    return y + 7.0


def draw_bullets(
    paper: PaperDocument,
    texts: Iterable[str],
    y: float,
    width: float = WIDTH_MM,
    left: float = LEFT_MM,
    style: TextStyle = BODY_STYLE,
) -> float:
    """Points, one under the other, each with a square before it; answers where they end."""
    for text in texts:
        paper.area(Box(left, y + 1.3, 1.5, 1.5), Colour.BLACK)
        paper.paragraph(text, (left + 4, y), width - 4, style)
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
    """A ruled table; answers where it ends. Words that do not fit their cell are set smaller.
    `boxed` has lines between the columns too.
    """
    top = y
    _draw_table_row(paper, columns, [column.title for column in columns], y, 6.0, head=True)
    y += 6.0
    end = LEFT_MM + sum(column.width for column in columns)
    paper.rule((LEFT_MM, y), (end, y), Colour.BLACK, 0.5)
    for row in rows:
        _draw_table_row(paper, columns, row, y, row_mm)
        y += row_mm
        paper.rule((LEFT_MM, y), (end, y), Colour.HINT, 0.2)
    x = LEFT_MM
    for column in columns[:-1] if boxed else ():
        x += column.width
        paper.rule((x, top), (x, y), Colour.HINT, 0.2)
    return y


def count_fitting_rows(y: float, row_mm: float, bottom: float = BOTTOM_MM) -> int:
    """How many rows of a table that begins at `y` the page has room for."""
    return int((bottom - y - 6.0) // row_mm)


def _draw_table_row(
    paper: PaperDocument,
    columns: Sequence[Column],
    cells: Sequence[str],
    y: float,
    height: float,
    *,
    head: bool = False,
) -> None:
    x = LEFT_MM
    for column, cell in zip(columns, cells, strict=True):
        style = _shrink_to_fit(
            paper,
            cell,
            column.width - 2,
            _TABLE_HEADER_STYLE
            if head
            else TextStyle(BODY_STYLE.size, BODY_STYLE.colour, column.bold),
        )
        at = y + (height - style.size * 0.3528) / 2
        if column.align_right:
            paper.words_right(cell, (x + column.width - 1, at), style)
        else:
            paper.words(cell, (x + 1, at), style)
        x += column.width


def _shrink_to_fit(paper: PaperDocument, text: str, width: float, style: TextStyle) -> TextStyle:
    wide = paper.width_of(text, style)
    return (
        style
        if wide <= width
        else TextStyle(max(5.0, style.size * width / wide), style.colour, style.bold)
    )


_CONTENTS_COLUMNS = (
    Column("Sida", 19, align_right=True),
    Column("Vad", 76, bold=True),
    Column("Ark", 17, align_right=True),
    Column("Så skrivs det ut, och var det ligger", 62),
)


_CONTENTS_TABLE_TOP_MM, _HANDLING_RULES_MM = 76.0, 44.0


@dataclass(frozen=True, slots=True)
class ContentsLine:
    """A part of the pack: its first and last page in the file (None: in a file of its own), how
    many sheets, and what to do with them.
    """

    title: str
    pages: tuple[int, int] | None
    sheets: int
    instruction: str


def count_contents_pages(parts: int) -> int:
    """How many pages a list of so many parts takes."""
    first = count_fitting_rows(
        _CONTENTS_TABLE_TOP_MM, _CONTENTS_ROW_MM, BOTTOM_MM - _HANDLING_RULES_MM
    )
    return 1 if parts <= first else 2


def draw_contents(
    paper: PaperDocument, about: PackInfo, parts: Sequence[ContentsLine], days: int, clients: int
) -> None:
    """The page, or two where there are many parts. `days` and `clients` say what the numbers were
    reckoned for.
    """
    said = f"för {days} {'dag' if days == 1 else 'dagar'}"
    said += f" och {clients} {'klient' if clients == 1 else 'klienter'}" if clients else ""
    begin_page(paper, about, "Reservpaket vid driftstopp", said)
    paper.area(Box(LEFT_MM, 39.5, WIDTH_MM, 31.5), Colour.WHITE, Colour.BLACK, 0.4)
    paper.words("Så skriver du ut", (LEFT_MM + 3, 42), TextStyle(11.5, Colour.BLACK, bold=True))
    draw_bullets(
        paper, _PRINTING_RULES, 49, WIDTH_MM - 6, LEFT_MM + 3, TextStyle(9.5, Colour.BLACK)
    )
    first = count_fitting_rows(
        _CONTENTS_TABLE_TOP_MM, _CONTENTS_ROW_MM, BOTTOM_MM - _HANDLING_RULES_MM
    )
    rows = [_contents_cells(part) for part in parts]
    draw_table(paper, _CONTENTS_COLUMNS, rows[:first], _CONTENTS_TABLE_TOP_MM, _CONTENTS_ROW_MM)
    if len(rows) > first:
        begin_page(paper, about, "Reservpaket vid driftstopp", "innehåll, fortsättning")
        draw_table(paper, _CONTENTS_COLUMNS, rows[first:], 42, _CONTENTS_ROW_MM)
    draw_bullets(
        paper,
        _HANDLING_RULES,
        draw_heading(paper, "Förvara, lämna tillbaka och byt", BOTTOM_MM - _HANDLING_RULES_MM + 6),
    )


def _contents_cells(part: ContentsLine) -> tuple[str, str, str, str]:
    if part.pages is None:
        return "egen fil", part.title, str(part.sheets), part.instruction
    first, last = part.pages
    return (
        str(first) if first == last else f"{first}–{last}",
        part.title,
        str(part.sheets),
        part.instruction,
    )
