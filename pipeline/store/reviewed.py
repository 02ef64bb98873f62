"""What people have confirmed, sheet by sheet, with the pages that it was read from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, select

from pipeline import access
from pipeline.access import Action
from pipeline.identity import is_temporary
from pipeline.model import IssuedSheet, Person, State
from pipeline.store import registers, sight, tables
from pipeline.store.answers import Decided, How, decided
from pipeline.store.entries import DECIDED, Entry, entries
from pipeline.store.issued import issued_sheet
from pipeline.store.pages import Page
from pipeline.store.sheets import sheet_pages

_entry = tables.entry


@dataclass(frozen=True, slots=True)
class ReviewedSheet:
    """A sheet with the settled answers of its confirmed entries by field. `area` is the unit's area of law, `issued` what was printed on it."""

    sheet: str
    form: str
    version: int
    unit: str
    area: str
    pages: tuple[Page, ...]
    answers: Mapping[str, Decided]
    issued: IssuedSheet | None = None


def reviewed_sheets(conn: Connection, person: Person) -> list[ReviewedSheet]:
    """Sheets that the person may see of which an entry is confirmed, exported or receipted; void ones are left out.

    What nobody could read, or whose page was missing, is no answer; nor is a temporary identity, which stands on no paper.

    Raises:
        NotAllowedError: the person does not look after the program.
    """
    access.require(person, Action.MANAGE)
    areas = registers.units(conn)
    settled = _entry.c.state.in_([state.value for state in DECIDED])
    query = select(_entry).where(settled, _entry.c.voided.is_(None), sight.visible_entries(conn, person)).order_by(_entry.c.id)
    by_sheet: dict[str, list[Entry]] = defaultdict(list)
    for one in entries(conn, query):
        by_sheet[one.sheet].append(one)
    return [_sheet(conn, found, areas.get(found[0].unit, "")) for found in by_sheet.values()]


def _sheet(conn: Connection, found: list[Entry], area: str) -> ReviewedSheet:
    """What rows say of the sheet's head is one answer: the first row's, who was asked."""
    answers: dict[str, Decided] = {}
    for one in found:
        for name, answer in decided(conn, one.id).items():
            written = answer.how is not How.PAGE_MISSING and answer.answer.state is not State.ILLEGIBLE and not is_temporary(str(answer.answer.value))
            if answer.settled and written:
                answers.setdefault(name, answer)
    first = found[0]
    issued = issued_sheet(conn, first.serial) if first.serial else None
    return ReviewedSheet(first.sheet, first.form, first.version, first.unit, area, tuple(sheet_pages(conn, first.sheet)), answers, issued)
