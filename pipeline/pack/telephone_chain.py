"""The telephone chain (telefonkedja): who calls whom when nothing else works. From a CSV, or blank lines to write on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.csv_table import TableKind, read_table, table_of
from pipeline.drawing import Paper
from pipeline.pack.plain_page import TOP, About, Column, begin, lines, rows_that_fit, table

COLUMNS = ("namn", "telefon", "roll", "ringer")
_KIND = TableKind(COLUMNS[:2], ";".join(COLUMNS), "error.table_row.remedy.callers")
_HEADS = (
    Column("Nr", 9, right=True, bold=True),
    Column("Namn", 46, bold=True),
    Column("Roll", 34),
    Column("Telefon", 34, bold=True),
    Column("Ringer i sin tur", 29),
    Column("Nådd, kl.", 22),
)
_ROW_MM = 8.6
_HOW = (
    "Ring uppifrån och ned. Skriv klockslaget när du har fått tag i personen. Svarar ingen: ring nästa och försök igen efter 15 minuter.",
    "Säg: vad som har hänt, om datorerna får användas, var pärmen med reservpaketet finns och när nästa besked kommer.",
)
_SPARE = 4
"""Lines left for persons that the list lacks."""


@dataclass(frozen=True, slots=True)
class Called:
    """A person in the chain. `calls` says whom the person calls in turn."""

    name: str
    phone: str
    title: str = ""
    calls: str = ""


def load_chain(path: Path) -> tuple[Called, ...]:
    """Read a chain: columns namn, telefon and, if wanted, roll and ringer; separated by semicolon, comma or tab.

    Raises:
        UsageError: the file cannot be read, lacks a column or has a wrong row. The text names rows, never what stands in them.
    """
    return _chain(read_table(path, _KIND))


def chain_of(data: bytes, source: str) -> tuple[Called, ...]:
    """As `load_chain`, of a file's content; `source` names it in errors."""
    return _chain(table_of(data, source, _KIND))


def chain_pages(chain: Sequence[Called]) -> int:
    """How many pages the chain takes."""
    return len(list(_pages(chain)))


def draw_chain(paper: Paper, about: About, chain: Sequence[Called]) -> None:
    """The pages. Without anybody in the list all lines are blank."""
    pages = list(_pages(chain))
    for number, rows in enumerate(pages, start=1):
        begin(paper, about, "Telefonkedja", f"sida {number} av {len(pages)}" if len(pages) > 1 else "")
        table(paper, _HEADS, rows, lines(paper, _HOW, TOP - 4) + 3, _ROW_MM)


def _chain(rows: Iterable[tuple[int, dict[str, str]]]) -> tuple[Called, ...]:
    return tuple(Called(row["namn"], row["telefon"], row.get("roll", ""), row.get("ringer", "")) for _, row in rows)


def _pages(chain: Sequence[Called]) -> Iterator[Sequence[Sequence[str]]]:
    room = rows_that_fit(TOP + 21, _ROW_MM)
    rows = [(str(place), one.name, one.title, one.phone, one.calls, "") for place, one in enumerate(chain, start=1)]
    spare = max(_SPARE, -(len(rows) + _SPARE) % room + _SPARE)
    rows += [(str(len(rows) + place), "", "", "", "", "") for place in range(1, spare + 1)]
    for start in range(0, len(rows), room):
        yield rows[start : start + room]
