"""Attach loose pages to an entry, or split one between clients.

An attached page gets a title and a day, goes with the entry, and is not typed.

An attached page is a page of the entry's sheet: what hides, moves, exports or archives the sheet
does the same to its attachments. A page can be attached while nobody has answered anything on it,
and as long as its entry is neither signed nor sent. After that, or where its entry is one of many
rows, it becomes an attachment of its own (`Attachments.set_own`): an entry of the form `bilaga`.

Each marked part of a split page is an entry of its own. The page stays one sheet, whose parts are
its rows. A part is shown by its cut-out alone, so that a person who may see one client's part does
not see the others'.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
from sqlalchemy import Connection

from pipeline.domain.errors import ReviewError
from pipeline.domain.form.form import EntriesPer
from pipeline.domain.form.rules import ATTACHMENT_FORM, FREE_NOTE_FORM
from pipeline.domain.law.permissions import (
    Action,
    require_permission,
    require_permission_for,
)
from pipeline.domain.model import EntryState, Outcome, State
from pipeline.domain.review.attachment_title import (
    AttachmentChoice,
    complete_choices,
    propose_day,
    propose_title,
)
from pipeline.domain.review.rules import form_area
from pipeline.domain.review.shared_page import names_several
from pipeline.files.images import decode_image
from pipeline.files.page_files import PNG
from pipeline.review.session import Review
from pipeline.store.accounts import visibility
from pipeline.store.database.image_files import Images
from pipeline.store.database.store import lock_keys
from pipeline.store.entries.attached_pages import (
    AttachedPage,
    add_attachment,
    add_page_parts,
    delete_entry,
    end_attachment,
    end_parts,
    find_sheet_before,
    is_referred_to,
    last_attachment_number,
    last_part_row,
    list_attached_pages,
    list_client_sheets,
    list_drafted_sheets,
    list_entries_of_sheets,
    list_followers,
    list_parts,
    load_attachment,
    page_words,
)
from pipeline.store.entries.entry import (
    Entry,
    advance_entry,
    is_claimed_by_other,
    list_sheet_entries,
    load_entry_as_seen,
    load_visible_entry,
    stale_decision_error,
)
from pipeline.store.entries.sheet_entries import add_parts, make_entries
from pipeline.store.entries.triage import sort_entry
from pipeline.store.event_log.events import client_log_subject, record
from pipeline.store.exports.run_items import latest_exports
from pipeline.store.paper.pages import (
    STATE_READ,
    Page,
    list_sheet_pages,
    load_page,
    load_sheet_readings,
    load_visible_page,
)
from pipeline.store.registers.client_register import list_clients

_JPEG_OPTIONS = (int(cv2.IMWRITE_JPEG_QUALITY), 90)
MIN_SIDE: Final = 0.02
"""The least width and height of a part, as a share of the page. Source: reasoned."""
MAX_PARTS: Final = 60
_OPEN_TO_PAGES = frozenset({EntryState.REVIEW, EntryState.SECOND, EntryState.CONFIRMED})
"""States of an entry that a page may be attached to or taken from."""


@dataclass(frozen=True, slots=True)
class AttachmentProposal:
    """A loose page after a sheet, with the title and the day that its print says.

    `belongs` is whether it is a known kind of document or follows one, is not about several
    clients, and nobody has typed in it.
    """

    page: Page
    title: str
    day: str
    belongs: bool


@dataclass(frozen=True, slots=True)
class PageArea:
    """A part of a page, as shares of its image, and the name of its cut-out in the image folder."""

    x: float
    y: float
    w: float
    h: float
    image_sha256: str


def cut_area(images: Images, page: Page, box: tuple[float, float, float, float]) -> PageArea:
    """Store the picture of a part of a page, x, y, width and height as shares, and return it."""
    x, y, w, h = box
    image = decode_image(images.get(page.image_sha256 or ""), page.media_type or PNG)
    height, width = image.shape[:2]
    part = image[
        int(y * height) : max(int(y * height) + 1, round((y + h) * height)),
        int(x * width) : max(int(x * width) + 1, round((x + w) * width)),
    ]
    data = cv2.imencode(".jpg", part, _JPEG_OPTIONS)[1].tobytes()
    return PageArea(x, y, w, h, images.put(data))


class Attachments(Review):
    """What a person does with loose pages: they are attached to an entry, or split."""

    def list_proposed_pages(self, entry: Entry) -> list[Page]:
        """Return the pages after an entry's sheet in the stack that the person may attach to it.

        Raises:
            NotAllowedError: the person does not review the entry.
        """
        with self.store.read() as conn:
            visibility.require_visible_entry(conn, self.person, Action.REVIEW, entry)
            pages = list_followers(conn, list_sheet_pages(conn, entry.sheet))
            # Loose pages that are visible and that nobody has answered or has open
            entries = list_entries_of_sheets(conn, [page.id for page in pages])
            free = {one.sheet for one in entries if self._is_free(one)}
            return [
                page
                for page in pages
                if page.id in free
                and visibility.can_see_page(conn, self.person, Action.REVIEW, page)
            ]

    def list_proposals(self, entry: Entry) -> list[AttachmentProposal]:
        """Return the pages of `list_proposed_pages`, each with its proposed title and day.

        Raises:
            NotAllowedError: the person does not review the entry.
        """
        pages = self.list_proposed_pages(entry)
        with self.store.read() as conn:
            words = page_words(conn, [page.id for page in pages])
            typed = list_drafted_sheets(conn, [page.id for page in pages])
        proposals, follows = [], False
        for page in pages:
            printed = words.get(page.id, ())
            title, day = propose_title(printed), propose_day(printed)
            follows = follows or bool(title)
            belongs = follows and page.id not in typed and not self.is_shared(page)
            proposals.append(AttachmentProposal(page, title, day, belongs))
        return proposals

    def is_shared(self, page: Page) -> bool:
        """Return whether what was read on a loose page is about several clients of its unit.

        Raises:
            NotAllowedError: the person does not review the page.
        """
        with self.store.read() as conn:
            visibility.require_visible_page(conn, self.person, Action.REVIEW, page)
            readings = load_sheet_readings(conn, [page.id]).get(page.id, {})
            lines = [str(one.value) for one in readings.values() if one.state is State.READ]
            return bool(lines) and names_several(lines, list_clients(conn, [page.unit]))

    def find_entry_before(self, page: Page) -> Entry | None:
        """Return the entry of the sheet before a loose page if it takes pages, else None.

        Raises:
            NotAllowedError: the person does not review.
        """
        sheet = self.store.query(find_sheet_before, page)
        return next(iter(self.find_entries([sheet] if sheet else [])), None)

    def list_attached(self, entry: Entry) -> tuple[AttachedPage, ...]:
        """Return the attachments of an entry that the person may see.

        Raises:
            NotAllowedError: the person may not see the entry.
        """
        with self.store.read() as conn:
            visibility.require_visible_entry(conn, self.person, Action.VIEW_PAGE, entry)
            return tuple(
                attached
                for attached in list_attached_pages(conn, entry.sheet)
                if visibility.can_see_page(conn, self.person, Action.VIEW_PAGE, attached.page)
            )

    def find_entries(self, sheets: Sequence[str]) -> list[Entry]:
        """Return the entries of these sheets that the person may attach pages to.

        Raises:
            NotAllowedError: the person does not review.
        """
        with self.store.read() as conn:
            require_permission(self.person, Action.REVIEW)
            entries = list_entries_of_sheets(conn, sheets)
            visible = visibility.filter_visible_entries(
                conn, self.person, Action.REVIEW, [entry.id for entry in entries]
            )
            return [
                entry for entry in entries if entry.id in visible and self._takes_pages(conn, entry)
            ]

    def find_client_sheets(self, pid: str) -> list[str]:
        """Return the sheets about a client that may take pages, the latest first.

        Raises:
            NotAllowedError: the person does not review.
            BlockedClientError: the client is behind a block.
        """
        with self.store.begin() as conn:
            require_permission_for(client_log_subject(conn, pid), self.person, Action.REVIEW)
            record(conn, self.person.login, "look_up_client", client_log_subject(conn, pid))
            visibility.require_unblocked_client(conn, self.person, pid)
            is_visible = visibility.visible_entries_condition(conn, self.person, Action.REVIEW)
            return list_client_sheets(conn, pid, _OPEN_TO_PAGES, is_visible)

    def attach(
        self,
        entry_id: str,
        choices: Sequence[AttachmentChoice],
        *,
        taken_off: Sequence[str] = (),
        moved: Sequence[str] = (),
    ) -> None:
        """Attach pages to an entry, after those that it has, as `complete_choices` reads them.

        Pages that are `taken_off` are loose again; those that are `moved` are attached to this
        entry instead, with the title and day that they have.

        Raises:
            NotAllowedError: the person does not review an entry or a page.
            MissingAnswerError, InvalidAnswerError: as `complete_choices`.
            ReviewError: an entry takes no more pages, or a page is no loose page that nobody has
                answered anything on. Then nothing is attached.
        """
        completed = complete_choices(choices)
        with self.store.begin() as conn:
            for page_id in taken_off:
                self._detach(conn, page_id)
            kept = [self._detach(conn, page_id) for page_id in moved]
            self._attach(conn, entry_id, [*kept, *completed])

    def detach(self, page_ids: Sequence[str]) -> None:
        """Take pages off the entry that they are attached to: each is a page of its own again.

        Raises:
            NotAllowedError: the person does not review the entry.
            ReviewError: a page is not attached, or its entry is signed or sent.
        """
        with self.store.begin() as conn:
            for page_id in page_ids:
                self._detach(conn, page_id)

    def set_own(self, entry_id: str, revision: int, *, on: bool) -> None:
        """Let a loose page be an attachment of its own, or be typed as a free note after all.

        Of an attachment only its client, title and day are asked.

        Raises:
            NotAllowedError: the person does not review this entry.
            StaleDecisionError: it has been decided since the person saw `revision`.
            ReviewError: it is no loose page.
        """
        with self.store.begin() as conn:
            entry = load_entry_as_seen(conn, self.person, (entry_id, revision), {EntryState.REVIEW})
            form = self.forms.get(ATTACHMENT_FORM if on else FREE_NOTE_FORM)
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
            sort_entry(conn, self.forms, entry_id)
            record(conn, self.person.login, "change_form", entry_id, unit=entry.unit, form=form.id)

    def split(self, page_id: str, areas: Sequence[PageArea]) -> list[str]:
        """Make an entry of each of these parts of a loose page, and return their ids.

        A page that is split already gets further parts.

        Raises:
            NotAllowedError: the person does not review this page.
            ReviewError: the page is no loose page, somebody has begun with it, or an area is none.
        """
        with self.store.begin() as conn:
            page = load_visible_page(conn, self.person, Action.REVIEW, page_id)
            _require_areas(areas)
            lock_keys(conn, page_id)
            first, now = last_part_row(conn, page_id) + 1, self.clock()
            if not list_parts(conn, page_id):
                self._take_free_entry(conn, page)
            rows = range(first, first + len(areas))
            values = [
                {
                    "page": page_id,
                    "row": row,
                    "x": area.x,
                    "y": area.y,
                    "w": area.w,
                    "h": area.h,
                    "image_sha256": area.image_sha256,
                    "by": self.person.login,
                    "at": now,
                }
                for row, area in zip(rows, areas, strict=True)
            ]
            add_page_parts(conn, values)
            record(conn, self.person.login, "split_page", page_id, unit=page.unit, parts=len(areas))
            return add_parts(conn, page, rows)

    def join(self, page_id: str) -> None:
        """Undo a split while nobody has begun with a part: the page is one entry again.

        Raises:
            NotAllowedError: the person does not review this page.
            ReviewError: the page is not split, or somebody has begun with a part.
        """
        with self.store.begin() as conn:
            page = load_visible_page(conn, self.person, Action.REVIEW, page_id)
            lock_keys(conn, page_id)
            if not list_parts(conn, page_id):
                raise ReviewError("page_not_split")
            if not end_parts(conn, page_id, self.person.login, self.clock()):
                raise ReviewError("page_part_begun")
            record(conn, self.person.login, "join_page", page_id, unit=page.unit)
            make_entries(conn, page, None)

    def _attach(self, conn: Connection, entry_id: str, choices: Sequence[AttachmentChoice]) -> None:
        entry = self._require_open_entry(conn, entry_id)
        lock_keys(conn, entry.sheet, *sorted(choice.page_id for choice in choices))
        first, now = last_attachment_number(conn, entry.sheet) + 1, self.clock()
        for number, choice in enumerate(choices, first):
            page = load_visible_page(conn, self.person, Action.REVIEW, choice.page_id)
            if page.sheet == entry.sheet:
                raise ReviewError("page_not_loose")
            self._take_free_entry(conn, page)
            row = {
                "page": page.id,
                "sheet": entry.sheet,
                "number": number,
                "title": choice.title,
                "day": choice.day,
                "by": self.person.login,
                "at": now,
            }
            add_attachment(conn, row, entry.unit, entry.area)
            record(conn, self.person.login, "attach_page", page.id, unit=entry.unit, entry=entry.id)

    def _detach(self, conn: Connection, page_id: str) -> AttachmentChoice:
        """Take a page off its entry, and return how it was attached."""
        require_permission_for(page_id, self.person, Action.REVIEW)
        row = load_attachment(conn, page_id)
        (entry,) = list_sheet_entries(conn, row.sheet)
        self._require_open_entry(conn, entry.id)
        lock_keys(conn, row.sheet, page_id)
        if not end_attachment(conn, load_page(conn, page_id), self.person.login, self.clock()):
            raise stale_decision_error()
        record(conn, self.person.login, "detach_page", page_id, unit=entry.unit, entry=entry.id)
        make_entries(conn, load_page(conn, page_id), None)
        return AttachmentChoice(page_id, row.title, row.day)

    def _take_free_entry(self, conn: Connection, page: Page) -> None:
        """Remove the entry of a loose page, a free note that nobody has answered.

        Raises:
            NotAllowedError: the person does not review the page.
            ReviewError: the page is no loose page, or somebody has begun with it.
        """
        visibility.require_visible_page(conn, self.person, Action.REVIEW, page)
        is_loose = (
            page.state == STATE_READ
            and page.outcome is Outcome.UNIDENTIFIED
            and page.sheet == page.id
        )
        match list_sheet_entries(conn, page.id):
            case [entry] if is_loose and self._is_free(entry):
                if not is_referred_to(conn, self.person.login, entry.id):
                    delete_entry(conn, entry.id)
                    return
        raise ReviewError("page_not_loose")

    def _require_open_entry(self, conn: Connection, entry_id: str) -> Entry:
        entry = load_visible_entry(conn, self.person, Action.REVIEW, entry_id)
        if not self._takes_pages(conn, entry):
            raise ReviewError("entry_takes_no_pages")
        return entry

    def _takes_pages(self, conn: Connection, entry: Entry) -> bool:
        """Whether pages may be attached to an entry or taken off it.

        Not where it is one of several on its sheet, whose image shows them all, nor once it has
        been signed or sent: what was signed or sent does not change afterwards.
        """
        form = self.forms.get((entry.form, entry.version))
        return (
            form is not None
            and form.entries is EntriesPer.SHEET
            and entry.row is None
            and entry.voided is None
            and entry.state in _OPEN_TO_PAGES
            and not latest_exports(conn, [entry.id])
        )

    def _is_free(self, entry: Entry) -> bool:
        """Whether nobody has answered an entry or has it open."""
        return (
            entry.row is None
            and entry.state is EntryState.REVIEW
            and entry.voided is None
            and not is_claimed_by_other(entry, self.person, self.clock())
        )


def _require_areas(areas: Sequence[PageArea]) -> None:
    if not areas or len(areas) > MAX_PARTS:
        raise ReviewError("page_no_parts")
    for area in areas:
        is_inside = (
            area.x >= 0 and area.y >= 0 and area.x + area.w <= 1.001 and area.y + area.h <= 1.001
        )
        if not is_inside or min(area.w, area.h) < MIN_SIDE:
            raise ReviewError("page_part_size")
