"""The printed text of pages of no known form: kept once, and searched by those with the right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, and_, select

from pipeline.domain.form.form import Forms
from pipeline.domain.law import permissions
from pipeline.domain.law.permissions import Action
from pipeline.domain.model import Person, PrintedWord
from pipeline.store.accounts import visibility
from pipeline.store.database.engines import insert_missing
from pipeline.store.event_log.events import record
from pipeline.store.paper.pages import Page
from pipeline.store.paper.protected_identity import find_covered_boxes
from pipeline.store.schema import paper
from pipeline.store.schema.depth import attachment, is_attachment, page_text

_page_table = paper.page
MAX_FOUND = 50
MIN_SEARCH_LENGTH = 3


@dataclass(frozen=True, slots=True)
class FoundText:
    """A page with the words that were searched for; without a title it is no attachment yet."""

    page: Page
    title: str
    day: str


def save_page_text(conn: Connection, page_id: str, words: Sequence[PrintedWord]) -> None:
    """Store the printed words of a page; a text that is there already stays."""
    if not words:
        return
    plain = " ".join(word[0] for word in words).casefold()
    row = {"page": page_id, "plain": plain, "words": [list(word) for word in words]}
    insert_missing(conn, page_text, [row])


def search_page_texts(
    conn: Connection, forms: Forms, person: Person, typed: str
) -> list[FoundText]:
    """Return the pages that the person may see and that hold all of these words, latest first.

    The words are searched in what was printed on the page, and in its title. A search is logged,
    without its words.

    Raises:
        NotAllowedError: the person does not correct entries.
    """
    permissions.require_permission(person, Action.CORRECT)
    words = [word.casefold() for word in typed.split()]
    if not words or max(map(len, words)) < MIN_SEARCH_LENGTH:
        return []
    found = (
        select(_page_table, attachment.c.title, attachment.c.day)
        .join(page_text, page_text.c.page == _page_table.c.id)
        .outerjoin(attachment, and_(attachment.c.page == _page_table.c.id, is_attachment))
        .where(
            *(page_text.c.plain.contains(word, autoescape=True) for word in words),
            visibility.visible_pages_condition(conn, person, Action.CORRECT),
        )
        .order_by(_page_table.c.scanned_at.desc(), _page_table.c.id)
        .limit(MAX_FOUND)
    )
    pages = [
        FoundText(Page.from_row(row), row["title"] or "", row["day"] or "")
        for row in conn.execute(found).mappings()
    ]
    # Text of a page that is covered for this person would tell what the cover hides
    shown = [one for one in pages if not find_covered_boxes(conn, forms, person, one.page)]
    record(conn, person.login, "search_text", "page_text", pages=len(shown))
    return shown
