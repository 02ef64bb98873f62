"""Attach pages to an entry: they get a title and a day, go with it, and are not typed.

An attached page is a page of the entry's sheet: what hides, moves, exports or archives the sheet
does the same to its attachments. A page can be attached while nobody has answered anything on it,
and as long as its entry is neither signed nor sent. After that, or where its entry is one of many
rows, it becomes an attachment of its own (`set_own_attachment`): an entry of the form `bilaga`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import Connection

from pipeline.domain.errors import ReviewError
from pipeline.domain.form.form import EntriesPer, Forms
from pipeline.domain.form.rules import ATTACHMENT_FORM, FREE_NOTE_FORM
from pipeline.domain.law.permissions import Action, naming, require_permission
from pipeline.domain.model import EntryState, Outcome, Person
from pipeline.domain.review.rules import form_area
from pipeline.store.accounts import visibility
from pipeline.store.database.store import lock_keys
from pipeline.store.entries.attached_pages import AttachedPage, list_attached_pages, list_followers
from pipeline.store.entries.entry import (
    Entry,
    advance_entry,
    is_claimed_by_other,
    list_sheet_entries,
    load_entry_as_seen,
    load_visible_entry,
    stale_decision_error,
)
from pipeline.store.entries.sheet_entries import make_entries
from pipeline.store.entries.triage import sort_entry
from pipeline.store.event_log.events import client_log_subject, record
from pipeline.store.exports.run_items import latest_exports
from pipeline.store.paper.pages import STATE_READ, Page, list_sheet_pages, load_page
from pipeline.store.review.loose_pages import (
    add_attachment,
    delete_entry,
    end_attachment,
    is_referred_to,
    last_attachment_number,
    list_client_sheets,
    list_entries_of_sheets,
    load_attachment,
)

MAX_TITLE_LENGTH: Final = 120
_OPEN_TO_PAGES = frozenset({EntryState.REVIEW, EntryState.SECOND, EntryState.CONFIRMED})
"""States of an entry that a page may be attached to or taken from."""


@dataclass(frozen=True, slots=True)
class AttachmentChoice:
    """A page with the title and the day that a person gives it; `day` may be empty."""

    page_id: str
    title: str
    day: str


def list_proposed_pages(
    conn: Connection, person: Person, entry: Entry, now: datetime
) -> list[Page]:
    """Return the pages after an entry's sheet in the stack that the person may attach to it.

    Raises:
        NotAllowedError: the person does not review the entry.
    """
    visibility.require_visible_entry(conn, person, Action.REVIEW, entry)
    pages = list_followers(conn, list_sheet_pages(conn, entry.sheet))
    # Loose pages that are visible and that nobody has answered or has open
    entries = list_entries_of_sheets(conn, [page.id for page in pages])
    free = {one.sheet for one in entries if _is_free(one, person, now)}
    return [
        page
        for page in pages
        if page.id in free and visibility.can_see_page(conn, person, Action.REVIEW, page)
    ]


def attach_pages(
    conn: Connection,
    forms: Forms,
    person: Person,
    entry_id: str,
    choices: Sequence[AttachmentChoice],
    now: datetime,
) -> None:
    """Attach pages to an entry, after those that it has.

    Raises:
        NotAllowedError: the person does not review the entry or a page.
        ReviewError: the entry takes no more pages; a title is missing or a day is none; or a page
            is no loose page that nobody has answered anything on. Then nothing is attached.
    """
    entry = _require_open_entry(conn, forms, person, entry_id)
    lock_keys(conn, entry.sheet, *sorted(choice.page_id for choice in choices))
    first = last_attachment_number(conn, entry.sheet) + 1
    for number, choice in enumerate(choices, first):
        page = load_page(conn, choice.page_id)
        visibility.require_visible_page(conn, person, Action.REVIEW, page)
        if page.sheet == entry.sheet:
            raise ReviewError("page_not_loose")
        take_free_entry(conn, person, page, now)
        row = {
            "page": page.id,
            "sheet": entry.sheet,
            "number": number,
            "title": _require_title(choice),
            "day": choice.day,
            "by": person.login,
            "at": now,
        }
        add_attachment(conn, row, entry.unit, entry.area)
        record(conn, person.login, "attach_page", page.id, unit=entry.unit, entry=entry.id)


def detach_page(
    conn: Connection, forms: Forms, person: Person, page_id: str, now: datetime
) -> None:
    """Take a page off the entry that it is attached to: it is a page of its own again.

    Raises:
        NotAllowedError: the person does not review the entry.
        ReviewError: the page is not attached, or its entry is signed or sent.
    """
    with naming(page_id):
        require_permission(person, Action.REVIEW)
    sheet = load_attachment(conn, page_id).sheet
    (entry,) = list_sheet_entries(conn, sheet)
    _require_open_entry(conn, forms, person, entry.id)
    lock_keys(conn, sheet, page_id)
    if not end_attachment(conn, load_page(conn, page_id), person.login, now):
        raise stale_decision_error()
    record(conn, person.login, "detach_page", page_id, unit=entry.unit, entry=entry.id)
    make_entries(conn, load_page(conn, page_id), None)


def move_attachment(
    conn: Connection, forms: Forms, person: Person, page_id: str, to_entry: str, now: datetime
) -> None:
    """Attach a page to another entry instead, with the same title and day.

    Raises:
        NotAllowedError, ReviewError: as `detach_page` and `attach_pages`.
    """
    with naming(page_id):
        require_permission(person, Action.REVIEW)
    row = load_attachment(conn, page_id)
    detach_page(conn, forms, person, page_id, now)
    choice = AttachmentChoice(page_id, row.title, row.day)
    attach_pages(conn, forms, person, to_entry, [choice], now)


def set_own_attachment(
    conn: Connection,
    forms: Forms,
    person: Person,
    entry_id: str,
    revision: int,
    *,
    on: bool,
) -> None:
    """Let a loose page be an attachment of its own, or be typed as a free note after all.

    Of an attachment only its client, title and day are asked.

    Raises:
        NotAllowedError: the person does not review this entry.
        StaleDecisionError: it has been decided since the person saw `revision`.
        ReviewError: it is no loose page.
    """
    entry = load_entry_as_seen(conn, person, entry_id, revision, {EntryState.REVIEW})
    form = forms.get(ATTACHMENT_FORM if on else FREE_NOTE_FORM)
    is_loose = load_page(conn, entry.page).outcome is Outcome.UNIDENTIFIED
    if form is None or not is_loose or entry.row is not None or entry.form == form.id:
        raise ReviewError("page_not_loose")
    advance_entry(
        conn,
        entry,
        form=form.id,
        version=form.version,
        criticality=form.criticality,
        area=form_area(form),
        claimed_by=entry.claimed_by,
        claimed_until=entry.claimed_until,
    )
    sort_entry(conn, forms, entry_id)
    record(conn, person.login, "change_form", entry_id, unit=entry.unit, form=form.id)


def take_free_entry(conn: Connection, person: Person, page: Page, now: datetime) -> None:
    """Remove the entry of a loose page, a free note that nobody has answered.

    Raises:
        NotAllowedError: the person does not review the page.
        ReviewError: the page is no loose page, or somebody has begun with it.
    """
    visibility.require_visible_page(conn, person, Action.REVIEW, page)
    free = _free_entry(conn, person, page, now)
    if free is None:
        raise ReviewError("page_not_loose")
    delete_entry(conn, free.id)


def find_attachment_entries(
    conn: Connection, forms: Forms, person: Person, sheets: Sequence[str]
) -> list[Entry]:
    """Return the entries of these sheets that the person may attach pages to.

    Raises:
        NotAllowedError: the person does not review.
    """
    require_permission(person, Action.REVIEW)
    entries = list_entries_of_sheets(conn, sheets)
    visible = visibility.filter_visible_entries(
        conn, person, Action.REVIEW, [entry.id for entry in entries]
    )
    return [entry for entry in entries if entry.id in visible and _takes_pages(conn, forms, entry)]


def find_client_sheets(conn: Connection, person: Person, pid: str) -> list[str]:
    """Return the sheets about a client that may take pages, the latest first.

    Raises:
        NotAllowedError: the person does not review.
        BlockedClientError: the client is behind a block.
    """
    with naming(client_log_subject(conn, pid)):
        require_permission(person, Action.REVIEW)
    record(conn, person.login, "look_up_client", client_log_subject(conn, pid))
    visibility.require_unblocked_client(conn, person, pid)
    is_visible = visibility.visible_entries_condition(conn, person, Action.REVIEW)
    return list_client_sheets(conn, pid, _OPEN_TO_PAGES, is_visible)


def list_entry_attachments(
    conn: Connection, person: Person, entry: Entry
) -> tuple[AttachedPage, ...]:
    """Return the attachments of an entry that the person may see.

    Raises:
        NotAllowedError: the person may not see the entry.
    """
    visibility.require_visible_entry(conn, person, Action.VIEW_PAGE, entry)
    return tuple(
        attached
        for attached in list_attached_pages(conn, entry.sheet)
        if visibility.can_see_page(conn, person, Action.VIEW_PAGE, attached.page)
    )


def _require_title(choice: AttachmentChoice) -> str:
    """Return the title of an attachment as it is stored; its day must be none or a day."""
    title = " ".join(choice.title.split())[:MAX_TITLE_LENGTH]
    if not title:
        raise ReviewError("attachment_no_title")
    if choice.day:
        try:
            date.fromisoformat(choice.day)
        except ValueError as error:
            raise ReviewError("attachment_no_day") from error
    return title


def _require_open_entry(conn: Connection, forms: Forms, person: Person, entry_id: str) -> Entry:
    entry = load_visible_entry(conn, person, Action.REVIEW, entry_id)
    if not _takes_pages(conn, forms, entry):
        raise ReviewError("entry_takes_no_pages")
    return entry


def _takes_pages(conn: Connection, forms: Forms, entry: Entry) -> bool:
    """Whether pages may be attached to an entry or taken off it.

    Not where it is one of several on its sheet, whose image shows them all, nor once it has been
    signed or sent: what was signed or sent does not change afterwards.
    """
    form = forms.get((entry.form, entry.version))
    return (
        form is not None
        and form.entries is EntriesPer.SHEET
        and entry.row is None
        and entry.voided is None
        and entry.state in _OPEN_TO_PAGES
        and not latest_exports(conn, [entry.id])
    )


def _free_entry(conn: Connection, person: Person, page: Page, now: datetime) -> Entry | None:
    """Return the entry of a loose page that nobody has answered or has open; else None."""
    if (
        page.state != STATE_READ
        or page.outcome is not Outcome.UNIDENTIFIED
        or page.sheet != page.id
    ):
        return None
    match list_sheet_entries(conn, page.id):
        case [entry] if _is_free(entry, person, now):
            return None if is_referred_to(conn, person.login, entry.id) else entry
    return None


def _is_free(entry: Entry, person: Person, now: datetime) -> bool:
    return (
        entry.row is None
        and entry.state is EntryState.REVIEW
        and entry.voided is None
        and not is_claimed_by_other(entry, person, now)
    )
