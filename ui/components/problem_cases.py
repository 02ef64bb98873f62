"""Pages that somebody may want to look into, by what is the matter with them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from pipeline.model import Outcome, Person
from pipeline.store import copied, page_lists, pages
from pipeline.store.pages import Page

KINDS = ("failed", "duplicate", "apart", "empty", "unidentified", "incomplete", "noted", "laid", "repeated", "blank")
"""Those that need a decision first."""


@dataclass(frozen=True, slots=True)
class Case:
    """A page and what is the matter with it; `missing` are the pages of its sheet that have not come, `fronts` first sides that it may belong to."""

    kind: str
    page: Page
    missing: tuple[int, ...] = ()
    fronts: tuple[Page, ...] = ()


def cases(conn: Connection, person: Person) -> list[Case]:
    """All cases of the person's units."""
    troubled = [Case(_kind(page), page) for page in pages.problem_pages(conn, person)]
    apart = [Case("apart", one.page, fronts=one.fronts) for one in copied.sides_apart(conn, person)]
    asked = {page.id for one in apart for page in (one.page, *one.fronts)}
    some = (sheet for sheet in page_lists.incomplete_sheets(conn, person) if sheet.pages[0].id not in asked)
    incomplete = [Case("incomplete", sheet.pages[0], sheet.missing) for sheet in some]
    repeated = [Case("repeated", page) for page in page_lists.repeated_pages(conn, person)]
    blank = [Case("blank", page) for page in page_lists.blank_pages(conn, person)]
    laid = [Case("laid", one.page, fronts=one.fronts) for one in copied.laid_sides(conn, person)]
    return [*troubled, *apart, *incomplete, *laid, *repeated, *blank]


def _kind(page: Page) -> str:
    if page.state == "failed":
        return "failed"
    if page.duplicate_of:
        return "duplicate"
    if page.outcome is Outcome.UNIDENTIFIED:
        return "unidentified"
    return "noted" if page.problems else "empty"
