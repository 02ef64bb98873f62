"""Which pages of a sheet have come or are missing, and which area of law its paper is of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache

from sqlalchemy import Connection, select, update

from pipeline.domain.form.form import Form
from pipeline.domain.form.rules import load_form_rules
from pipeline.domain.model import Outcome
from pipeline.domain.review.rules import Answer
from pipeline.domain.settings import ROOT
from pipeline.store.paper.pages import Page
from pipeline.store.schema import paper
from pipeline.store.schema.review import ATTACHED_PAGES

_page_table = paper.page


def list_sheet_pages(conn: Connection, sheet: str) -> list[Page]:
    """Return the pages of a sheet that have come, by page number, without its attachments."""
    return list_pages_by_sheet(conn, [sheet]).get(sheet, [])


def list_pages_by_sheet(conn: Connection, sheets: Sequence[str]) -> dict[str, list[Page]]:
    """Return the same of each of these sheets, in their order, without those that have none."""
    query = (
        select(_page_table)
        .where(_page_table.c.sheet.in_(sheets), _page_table.c.id.not_in(ATTACHED_PAGES))
        .order_by(_page_table.c.page_no, _page_table.c.id)
    )
    pages: dict[str, list[Page]] = defaultdict(list)
    for row in conn.execute(query).mappings():
        pages[row["sheet"]].append(Page.from_row(row))
    return {sheet: pages[sheet] for sheet in sheets if sheet in pages}


def missing_pages_by_sheet(conn: Connection, sheets: Iterable[str]) -> dict[str, tuple[int, ...]]:
    """Return the numbers of the pages that have not come, of each of these sheets.

    This includes sheets that are known by a page's id, such as copies. An unidentified page misses
    none.
    """
    found = list_pages_by_sheet(conn, sorted(sheets))
    return {sheet: missing_page_numbers(pages) for sheet, pages in found.items()}


def missing_page_numbers(sheet_pages: Iterable[Page]) -> tuple[int, ...]:
    """Return the missing page numbers of a sheet of which these pages have come."""
    pages = [page for page in sheet_pages if page.outcome is Outcome.READ]
    count = max((p.pages or 1 for p in pages), default=0)
    return tuple(sorted(set(range(1, count + 1)) - {p.page_no or 1 for p in pages}))


# The area of law of a form's paper, and of notes on which people tick what they are about.

FREE_NOTE_FORM = ("fri-anteckning", 1)
"""The form of a page without a known code (okänd handling): a person keys what it says.

It is class A until a person has looked at it.
"""
ATTACHMENT_FORM = ("bilaga", 1)
"""The form of an attachment that belongs to no other sheet; also printed as a cover of several."""


@cache
def choice_forms() -> frozenset[str]:
    """Return the program's forms of every area of law whose answers choose the entry's area.

    It is that of the unit until a person has confirmed what is ticked.
    """
    rules = load_form_rules(ROOT / "forms").items()
    return frozenset(form_id for form_id, each in rules if each.every_area and each.areas)


def form_area(form: Form | None) -> str | None:
    """Return the area of law of a form; None where that of the unit applies.

    That is the case for unknown forms and for forms that every unit uses, such as the free note.
    """
    return None if form is None or form.rules.every_area else form.area.value


def confirmed_area(form: Form, answers: Mapping[str, Answer]) -> str | None:
    """Return the area of law of an entry with these answers.

    A note of every area gives its own; if it gives no valid one, that of its unit applies.
    """
    answer = answers.get(form.rules.area_field) if form.rules.every_area else None
    return form.rules.areas.get(answer.value) if answer else form_area(form)


def record_area(form: Form, answers: Mapping[str, Answer], area: str) -> str:
    """Return the area of law that the record of an entry is of: LSS where the paper says so.

    LSS has a personal file of its own. Who may see the entry follows from its area alone, so that
    no entry leaves those who work with it.

    Args:
        form: the entry's form.
        answers: its answers by field.
        area: the entry's area.
    """
    answer = None if form.rules.every_area else answers.get(form.rules.area_field)
    return form.rules.areas.get(answer.value, area) if answer else area


def set_confirmed_area(conn: Connection, form_id: str, sheet: str, area: str | None) -> None:
    """Set the area of the pages of a note of every area.

    A person who may not see the note's text may not see its image either.
    """
    if form_id in choice_forms():
        conn.execute(update(paper.page).where(paper.page.c.sheet == sheet).values(area=area))
