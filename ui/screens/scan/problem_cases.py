"""The cases on the list of pages with problems: each a page and its kind of problem."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from pipeline.domain.issues import IssueCode
from pipeline.domain.law.permissions import Action, is_allowed
from pipeline.domain.model import Outcome, Person
from pipeline.store.entries import photocopies
from pipeline.store.paper import page_lists, pages
from pipeline.store.paper.pages import Page
from ui.i18n import code_text, t
from ui.widgets.problem_text import issue_texts
from ui.workspace import AppContext

CASE_KINDS = (
    "failed",
    IssueCode.IMAGE_AWAY.value,
    "duplicate",
    "apart",
    "empty",
    "unidentified",
    "incomplete",
    "noted",
    "laid",
    "repeated",
    "blank",
    "closed",
)
"""In order: those that need a decision come first."""


@dataclass(frozen=True, slots=True)
class ProblemCase:
    """A page and its kind of problem.

    `missing_pages` are the pages of its sheet that have not been scanned, `fronts` the front sides
    that it may belong to.
    """

    kind: str
    page: Page
    missing_pages: tuple[int, ...] = ()
    fronts: tuple[Page, ...] = ()


def list_cases(conn: Connection, person: Person) -> list[ProblemCase]:
    """Return all cases of the user's units."""
    problem_cases = [
        ProblemCase(_case_kind(page), page) for page in pages.list_problem_pages(conn, person)
    ]
    apart = [
        ProblemCase("apart", side.page, fronts=side.fronts)
        for side in photocopies.list_separated_sides(conn, person)
    ]
    # A sheet whose sides may be separated is not reported as incomplete too.
    separated = {page.id for case in apart for page in (case.page, *case.fronts)}
    incomplete = [
        ProblemCase("incomplete", sheet.pages[0], sheet.missing_pages)
        for sheet in page_lists.list_incomplete_sheets(conn, person)
        if sheet.pages[0].id not in separated
    ]
    repeated_cases = [
        ProblemCase("repeated", page) for page in page_lists.list_repeated_pages(conn, person)
    ]
    blank_cases = [ProblemCase("blank", page) for page in page_lists.list_blank_pages(conn, person)]
    assigned = [
        ProblemCase("laid", side.page, fronts=side.fronts)
        for side in photocopies.list_assigned_sides(conn, person)
    ]
    closed = [ProblemCase("closed", page) for page in page_lists.list_closed_pages(conn, person)]
    return [*problem_cases, *apart, *incomplete, *assigned, *repeated_cases, *blank_cases, *closed]


def can_act_on(person: Person, case: ProblemCase) -> bool:
    """Return whether the user has something to do: what waits under Granska is for who reviews."""
    if case.kind in {"unidentified", "noted"}:
        return is_allowed(person, Action.REVIEW, case.page.unit)
    return case.kind not in {"laid", "repeated", "blank", "closed"}


def _case_kind(page: Page) -> str:
    if page.state == pages.STATE_FAILED:
        return "failed"
    if page.state == pages.STATE_QUEUED:
        return IssueCode.IMAGE_AWAY.value
    if page.duplicate_of:
        return "duplicate"
    if page.outcome is Outcome.UNIDENTIFIED:
        return "unidentified"
    return "noted" if page.problems else "empty"


def reason_text(context: AppContext, case: ProblemCase) -> str:
    """Return what is wrong with the page, in the user's words."""
    page = case.page
    if case.missing_pages:
        return t(
            "problems.missing",
            count=len(case.missing_pages),
            pages=", ".join(map(str, case.missing_pages)),
        )
    if page.reason:
        return code_text("issue", page.reason)
    form = context.forms.get((page.form or "", page.version or 0))
    return "\n\n".join(issue_texts(page.problems, form))
