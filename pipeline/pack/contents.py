"""The first page of a pack: what is in it, on which pages of the file, and how it is printed, kept and brought back. Lengths are mm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.drawing import Colour, Paper, Style
from pipeline.model import Box
from pipeline.pack.plain_page import BOTTOM, LEFT, WIDTH, About, Column, begin, heading, lines, rows_that_fit, table

_HEADS = (
    Column("Sida", 19, right=True),
    Column("Vad", 76, bold=True),
    Column("Ark", 17, right=True),
    Column("Så skrivs det ut, och var det ligger", 62),
)
_ROW_MM = 6.4
_HOW = (
    "Skriv ut på A4 i 100 procent (”Faktisk storlek”), aldrig ”Anpassa till sidan”. Enkelsidigt, svartvitt räcker. Häfta inte.",
    "Hela paketet ligger i en fil i den ordning som står här. Delarna finns också var för sig. Kopiera aldrig en blankett: varje ark har "
    "ett eget löpnummer. Räcker arken inte: gör ett paket till.",
    "Kontrollera första arket: de fyra svarta rutorna i hörnen ska synas hela.",
)
_AFTER = (
    "Förifyllda ark, körlistor och telefonkedjan innehåller personuppgifter. Förvara paketet inlåst, och låt alla på enheten veta var nyckeln finns.",
    "Filen utlamnade.csv är registret över löpnumren. Spara den på två ställen. När systemen är igång läses den in i Efterskrift.",
    "Byt paketet när klienter, personal eller blanketter har ändrats, och minst var tredje månad. Förstör de gamla förifyllda arken.",
)
_TABLE_TOP, _AFTER_MM = 76.0, 44.0


@dataclass(frozen=True, slots=True)
class Line:
    """A part of the pack: its first and last page in the file (None: in a file of its own), how many sheets, and what to do with them."""

    title: str
    pages: tuple[int, int] | None
    sheets: int
    how: str


def contents_pages(parts: int) -> int:
    """How many pages a list of so many parts takes."""
    first = rows_that_fit(_TABLE_TOP, _ROW_MM, BOTTOM - _AFTER_MM)
    return 1 if parts <= first else 2


def draw_contents(paper: Paper, about: About, parts: Sequence[Line], days: int, clients: int) -> None:
    """The page, or two where there are many parts. `days` and `clients` say what the numbers were reckoned for."""
    said = f"för {days} {'dag' if days == 1 else 'dagar'}"
    said += f" och {clients} {'klient' if clients == 1 else 'klienter'}" if clients else ""
    begin(paper, about, "Reservpaket vid driftstopp", said)
    paper.area(Box(LEFT, 39.5, WIDTH, 31.5), Colour.WHITE, Colour.BLACK, 0.4)
    paper.words("Så skriver du ut", (LEFT + 3, 42), Style(11.5, Colour.BLACK, bold=True))
    lines(paper, _HOW, 49, WIDTH - 6, LEFT + 3, Style(9.5, Colour.BLACK))
    first = rows_that_fit(_TABLE_TOP, _ROW_MM, BOTTOM - _AFTER_MM)
    rows = [_row(part) for part in parts]
    table(paper, _HEADS, rows[:first], _TABLE_TOP, _ROW_MM)
    if len(rows) > first:
        begin(paper, about, "Reservpaket vid driftstopp", "innehåll, fortsättning")
        table(paper, _HEADS, rows[first:], 42, _ROW_MM)
    lines(paper, _AFTER, heading(paper, "Förvara, lämna tillbaka och byt", BOTTOM - _AFTER_MM + 6))


def _row(part: Line) -> tuple[str, str, str, str]:
    if part.pages is None:
        return "egen fil", part.title, str(part.sheets), part.how
    first, last = part.pages
    return str(first) if first == last else f"{first}–{last}", part.title, str(part.sheets), part.how
