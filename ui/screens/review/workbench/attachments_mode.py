"""Bilagor: the loose pages after a sheet get a title and a day each, and go with its entry.

Where the machine knows what they are, they come up before the entry itself, and one key attaches
them. An empty title means the same as in the line above, so that several pages of one document take
no more keys than one. They may go to another entry, found by the serial that is printed on its
sheet or by the client's personal number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.domain.errors import AnswerError, EfterskriftError, InvalidAnswerError, StoreError
from pipeline.domain.form.form import Form
from pipeline.domain.identity_numbers import normalize_pid
from pipeline.domain.model import Person
from pipeline.domain.review.attachment_title import MAX_TITLE_LENGTH, AttachmentChoice
from pipeline.forms.fiducials import format_serial_or_id, is_serial, normalize_serial
from pipeline.review.attachments import AttachmentProposal, Attachments
from pipeline.store.entries.attached_pages import AttachedPage
from pipeline.store.entries.entry import Entry, load_entry, make_entry_id
from pipeline.store.entries.entry_view import EntryView
from pipeline.store.paper.pages import Page
from pipeline.store.registers.client_register import load_client, restrict_client
from ui.i18n import t
from ui.screens.review import current_entry
from ui.screens.review.entry_actions import (
    attachments_target,
    is_loose_note,
    is_loose_page,
    is_untouched,
)
from ui.screens.review.entry_header import outage_of
from ui.screens.review.in_place import opened_screen
from ui.screens.review.sheet_images import page_caption, record_views
from ui.screens.review.workbench.mode import (
    mode_card,
    page_card,
    page_crop,
    text_field,
    tick_field,
)
from ui.screens.review.workbench_state import Card, HeldEntry, bench_state
from ui.widgets.images import find_covered_for, page_image
from ui.widgets.messages import error_text
from ui.workspace import AppContext

NAME = "attachments"
_ELSEWHERE = "open:elsewhere"
_MAX_SHOWN = 16
"""Pages that are shown at once: the browser holds 24 images. Those after them come next."""


@dataclass(slots=True)
class _Target:
    """Another entry to attach to: whether it is asked for, what was found, and what was chosen."""

    is_asked: bool = False
    found: tuple[Entry, ...] = ()
    chosen: Entry | None = None


def attachments_due(context: AppContext, person: Person, view: EntryView) -> str:
    """Return the entry that gets attachments before this one is answered; empty without any.

    It is the entry itself, or for a loose page that of the sheet before. What anybody has begun to
    type is typed.
    """
    is_own = is_loose_page(view) and not is_loose_note(view)
    if not is_untouched(view) or is_own:
        return ""
    if (target := attachments_target(context, person, view)) is None:
        return ""
    proposals = context.work(Attachments, person).list_proposals(target)
    known = {each.page.id for each in proposals if each.belongs}
    is_due = bool(known) if target is view.entry else view.pages[0].id in known
    return target.id if is_due else ""


def load_attachments(context: AppContext, person: Person, entry_id: str) -> AttachmentsMode:
    """Load an entry with its attachments, and the loose pages that may become some."""
    attachments = context.work(Attachments, person)
    entry = context.store.query(load_entry, entry_id)
    loose = tuple(attachments.list_proposals(entry)[:_MAX_SHOWN])
    area = context.forms[(entry.form, entry.version)].area
    attached = attachments.list_attached(entry)
    return AttachmentsMode(context, person, entry, loose, attached, f"{NAME}:{entry_id}", area)


@dataclass(frozen=True, slots=True)
class AttachmentsMode:
    """The loose pages after an entry's sheet, and those that are attached to it."""

    context: AppContext
    person: Person
    entry: Entry
    loose: tuple[AttachmentProposal, ...]
    attached: tuple[AttachedPage, ...]
    key: str
    area: str

    def card(self, held: HeldEntry) -> tuple[Card, list[bytes]]:
        """Return the card, and the images of the pages."""
        pages = [*(each.page for each in self.loose), *(each.page for each in self.attached)]
        with self.context.store.begin() as conn:
            record_views(self.person, self.key, conn, pages)
        shown = [(page, image) for page in pages if (image := self._image(page)) is not None]
        places = {page.id: _place(number, image) for number, (page, image) in enumerate(shown)}
        target = _target_of(held)
        fields = [*self._loose_fields(held, places), *self._attached_fields(target, places)]
        card = mode_card(
            self,
            held,
            t("attachments.title", form=self._form(target.chosen or self.entry).title),
            origin=self._origin(target.chosen or self.entry),
            notices=[self._how()],
            question=self._question(target),
            fields=fields,
            focus=held.focus or next(iter(held.errors), "") or _first_title(fields),
            pages=[page_card(image, page_caption(page)) for page, image in shown],
            actions=[{"kind": _ELSEWHERE, "label": t("attachments.elsewhere"), "key": "Alt+J"}],
            layout="lines",
            words=self._words(target),
        )
        return card, [image for _, image in shown]

    def act(self, held: HeldEntry, message: Mapping[str, Any]) -> bool:
        """Attach what is ticked, go to the entry itself, or ask for another entry."""
        target, kind = _target_of(held), message["kind"]
        if kind == "draft":
            return False
        held.warning = ""
        if message.get("what") == _ELSEWHERE or (kind == "skip" and target.is_asked):
            target.is_asked = kind != "skip"
            held.refuse({})
            return False
        if kind == "skip":
            bench_state().left_faces |= {self.key}
            return True
        if kind != "save":
            return False
        if target.is_asked:
            self._find_target(held, target, message.get("question") or {})
            return False
        return self._save(held, target.chosen or self.entry, message)

    def _save(self, held: HeldEntry, target: Entry, message: Mapping[str, Any]) -> bool:
        """Attach, move and take off; return whether that was done, or was said to be nothing."""
        attachments = self.context.work(Attachments, self.person)
        if not held.attempts and not attachments.has_been_seen(held.shown_since(message)):
            return False
        values = message["values"]
        choices = [
            AttachmentChoice(
                each.page.id,
                str(values.get(f"title-{each.page.id}") or ""),
                str(values.get(f"day-{each.page.id}") or ""),
            )
            for each in self.loose
            if values.get(f"keep-{each.page.id}")
        ]
        pages = [each.page.id for each in self.attached]
        off = [page for page in pages if values.get(f"on-{page}") is False]
        moved = [page for page in pages if values.get(f"move-{page}")]
        try:
            attachments.attach(target.id, choices, taken_off=off, moved=moved)
        except AnswerError as error:
            kind = "day" if isinstance(error, InvalidAnswerError) else "title"
            held.refuse({f"{kind}-{page}": error_text(error) for page in error.fields})
            return False
        except EfterskriftError as error:
            held.stop(error_text(error), "")
            return False
        if off or len(choices) < len(self.loose):
            bench_state().left_faces |= {self.key}
        self._note_done([choice.page_id for choice in choices], off, moved)
        return True

    def _note_done(self, attached: list[str], off: list[str], moved: list[str]) -> None:
        """Say what was done; the entry of a loose page is gone when the page is attached."""
        if current_entry.current_entry_id() in {make_entry_id(page, None) for page in attached}:
            current_entry.open_entry(None)
        if attached:
            bench_state().attached = (self.entry.id, attached)
        done = [
            t(f"attachments.{name}", count=len(pages))
            for name, pages in (("saved", attached), ("taken_off", off), ("moved", moved))
            if pages
        ]
        if done:
            current_entry.set_toast(" ".join(done))

    def _find_target(self, held: HeldEntry, target: _Target, given: Mapping[str, str]) -> None:
        """Search for another entry by what was typed, or take the one that was chosen."""
        typed = given.get("name", "").strip()
        held.refuse({})
        if not typed:
            found = {entry.id: entry for entry in target.found}
            target.chosen = found.get(given.get("choice", ""))
            target.is_asked = False
            return
        serial, pid = normalize_serial(typed), normalize_pid(typed)
        attachments = self.context.work(Attachments, self.person)
        try:
            is_one = is_serial(serial)
            sheets = [serial] if is_one else attachments.find_client_sheets(pid.value12)
            entries = attachments.find_entries(sheets)
        except EfterskriftError as error:
            held.warning = error_text(error)
            return
        target.found = tuple(entry for entry in entries if entry.id != self.entry.id)
        if not target.found:
            held.warning = t("attachments.target_none")

    def _loose_fields(
        self, held: HeldEntry, places: Mapping[str, dict[str, Any]]
    ) -> list[dict[str, Any]]:
        """Return a tick, a title and a day for each page; all are ticked where none is known."""
        knows = any(each.belongs for each in self.loose)
        outage = outage_of(self.context, self._form(self.entry), self.entry.unit)
        short = {"form": "day", "days": [day.isoformat() for day in outage]} if outage else None
        fields = []
        for number, each in enumerate(self.loose, 1):
            page, place = each.page.id, places.get(each.page.id, {})
            label, area = t("attachments.number", number=number), place.get("area")
            title, day = f"title-{page}", f"day-{page}"
            above = "attachments.name_as_above" if number > 1 else "attachments.name_is"
            fields += [
                tick_field(
                    f"keep-{page}", label, is_ticked=each.belongs or not knows, text=label, **place
                ),
                text_field(
                    title,
                    t("attachments.name", number=number),
                    each.title,
                    needs=not each.title,
                    area=area,
                    error=held.errors.get(title, ""),
                    placeholder=t(above),
                    maxlength=MAX_TITLE_LENGTH,
                ),
                text_field(
                    day,
                    t("attachments.day", number=number),
                    each.day,
                    area=area,
                    error=held.errors.get(day, ""),
                    placeholder=t("attachments.day_is"),
                    short=short,
                ),
            ]
        return fields

    def _attached_fields(
        self, target: _Target, places: Mapping[str, dict[str, Any]]
    ) -> list[dict[str, Any]]:
        """Return a tick for each attachment: it stays here, or it is moved to the other entry."""
        fields = []
        for each in self.attached:
            page, is_here = each.page.id, target.chosen is None
            words = ", ".join(filter(None, (f"{each.number}. {each.title}", each.day)))
            name = f"on-{page}" if is_here else f"move-{page}"
            text = words if is_here else t("attachments.move", title=words)
            fields.append(
                tick_field(name, text, is_ticked=is_here, text=text, **places.get(page, {}))
            )
        return fields

    def _question(self, target: _Target) -> dict[str, Any] | None:
        """Return the question which other entry is meant, with what the last search found."""
        if not target.is_asked:
            return None
        choices = [{"value": entry.id, "label": self._describe(entry)} for entry in target.found]
        if target.chosen is not None:
            choices.append({"value": "", "label": t("attachments.here_again")})
        return {
            "kind": "target",
            "field": "",
            "number": "",
            "title": t("attachments.elsewhere"),
            "choices": choices,
            "name": {"label": t("attachments.target"), "max": 14},
        }

    def _words(self, target: _Target) -> dict[str, str]:
        if target.is_asked:
            return {"save": t("lookup.search"), "skip": t("reject.back")}
        save = "attachments.save" if self.loose else "depth.save"
        skip = "attachments.back" if opened_screen() == NAME else "attachments.not_now"
        return {
            "save": t(save if target.chosen is None else "attachments.save_there"),
            "skip": t(skip),
        }

    def _how(self) -> str:
        key = "how" if self.loose else "how_attached" if self.attached else "no_loose"
        return t(f"attachments.{key}", count=len(self.loose))

    def _describe(self, entry: Entry) -> str:
        serial = format_serial_or_id(entry.serial)
        parts = (self._form(entry).title, serial, entry.event_on or "", entry.unit)
        return " · ".join(filter(None, parts))

    def _origin(self, entry: Entry) -> str:
        """Return whose entry it is, as far as the person may know, and where it is from."""
        with self.context.store.read() as conn:
            client = load_client(conn, entry.client_pid) if entry.client_pid else None
            shown = restrict_client(conn, client, self.person) if client else None
        named = f"{shown.name} {shown.pid}".strip() if shown else t("attachments.client_unknown")
        return f"{named} · {entry.unit} · {format_serial_or_id(entry.serial)}"

    def _form(self, entry: Entry) -> Form:
        return self.context.forms[(entry.form, entry.version)]

    def _image(self, page: Page) -> bytes | None:
        try:
            covered = find_covered_for(self.context, self.person, page)
            return page_image(self.context, page, covered)
        except StoreError:
            return None  # its file is lost: the rest is of use without it


def _target_of(held: HeldEntry) -> _Target:
    held.memo = held.memo or _Target()
    target: _Target = held.memo
    return target


def _place(number: int, image: bytes) -> dict[str, Any]:
    """Return where a page is shown: small in its line, and large as the page of this number."""
    label = t("attachments.picture", number=number + 1)
    return {"crop": page_crop(image, label), "area": [number, 0, 0, 1, 1]}


def _first_title(fields: list[dict[str, Any]]) -> str:
    """Return the first title that nobody has proposed, else the first one."""
    titles = [field for field in fields if field["kind"] == "text" and "maxlength" in field]
    open_titles = [field for field in titles if field["needs"]]
    return next((str(field["name"]) for field in open_titles or titles), "")
