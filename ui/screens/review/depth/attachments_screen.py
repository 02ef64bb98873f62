"""Bilagor: the loose pages after a sheet get a title and a day each, and go with its entry.

All pages are seen at once, beside the one whose title has the focus. An empty title means the same
as in the line above, so that several pages of one document take no more keys than one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import streamlit as st

from pipeline.domain.errors import EfterskriftError, InvalidAnswerError, ReviewError, StoreError
from pipeline.domain.form.rules import ATTACHMENT_FORM
from pipeline.domain.model import Client, Person
from pipeline.domain.review.attachment_title import propose_day, propose_title
from pipeline.domain.review.field_values import normalize_value
from pipeline.forms.fiducials import format_serial_or_id
from pipeline.review.attachments import MAX_TITLE_LENGTH, AttachmentChoice, Attachments
from pipeline.review.session import MIN_VIEW_TIME
from pipeline.store.entries import queue
from pipeline.store.entries.attached_pages import AttachedPage, page_words
from pipeline.store.entries.entry import Entry, load_entry, make_entry_id
from pipeline.store.paper.pages import Page
from pipeline.store.registers.client_register import load_client, restrict_client
from ui.browser.keyboard import keyboard
from ui.browser.page_view import PageArea, SheetView, data_url, page_view
from ui.i18n import t
from ui.markdown import md, plain
from ui.screens.review import current_entry
from ui.screens.review.depth.target_search import (
    chosen_target,
    forget_target,
    target_search,
)
from ui.screens.review.in_place import (
    back_button,
    close_in_place,
    in_place_heading,
    opened_subject,
)
from ui.session import requires_open_session
from ui.widgets.images import find_covered_for, page_image, thumbnail
from ui.widgets.messages import Message, error_text, errors_to
from ui.widgets.views import VIEW_KEY_PREFIX, drawn_at, note_drawn, reset_drawn
from ui.workspace import AppContext

_MESSAGE = Message("attachments_wrong")
_LAST_KEY = "attachments_last"
_WRONG_DAYS_KEY = "attachments_wrong_days"
"""How often a day was wrong, and the widget of the last one."""
_VIEWED_KEY = f"{VIEW_KEY_PREFIX}attachments"
_SAVE_KEY = "attachments_save"
_A4_MM = (210.0, 297.0)


@dataclass(frozen=True, slots=True)
class _Group:
    """An entry with its attachments and the loose pages that may become some."""

    entry: Entry
    client: Client | None
    loose: tuple[Page, ...]
    attached: tuple[AttachedPage, ...]

    @property
    def pages(self) -> tuple[Page, ...]:
        """All pages that are shown, in their order."""
        return (*self.loose, *(one.page for one in self.attached))


def show(context: AppContext, person: Person) -> None:
    """Show the attachments of the entry that was opened."""
    try:
        group = _load_group(context, person, opened_subject())
    except EfterskriftError as error:
        # The entry was taken meanwhile: Granska shows why, since this screen has nothing to show.
        _close()
        current_entry.set_warning(error_text(error))
        st.rerun()
    form = context.forms[(group.entry.form, group.entry.version)]
    title = plain(t("attachments.title", form=form.title))
    in_place_heading(context, person, title, plain(_describe_entry(group)))
    _MESSAGE.show()
    left, right = st.columns([1, 1], gap="medium")
    with left, st.container(key="picture"):
        _show_pictures(context, person, group)
    with right:
        _show_loose(context, person, group)
        _show_attached(context, person, group)
        target_search(context, person, group.entry)
        back_button("attachments_back", _close)
    note_drawn(_turn(group))


def _load_group(context: AppContext, person: Person, entry_id: str) -> _Group:
    """Load what is shown, and record the views before anything is."""
    attachments = context.work(Attachments, person)
    with context.store.read() as conn:
        entry = load_entry(conn, entry_id)
        client = load_client(conn, entry.client_pid) if entry.client_pid else None
        shown_client = restrict_client(conn, client, person) if client else None
    loose = tuple(attachments.list_proposed_pages(entry))
    group = _Group(entry, shown_client, loose, attachments.list_attached(entry))
    viewed: set[str] = st.session_state.setdefault(_VIEWED_KEY, set())
    with context.store.begin() as conn:
        for page in group.pages:
            if page.id not in viewed:
                queue.record_page_view(conn, person, page.id)
                viewed.add(page.id)
    return group


def _describe_entry(group: _Group) -> str:
    client = group.client
    named = f"{client.name} {client.pid}".strip() if client else t("attachments.client_unknown")
    return f"{named} · {group.entry.unit} · {format_serial_or_id(group.entry.serial)}"


def _turn(group: _Group) -> str:
    return f"attachments-{group.entry.id}-{len(group.loose)}-{len(group.attached)}"


def _show_pictures(context: AppContext, person: Person, group: _Group) -> None:
    shown = []
    for page in group.pages:
        try:
            picture = page_image(context, page, find_covered_for(context, person, page))
        except StoreError:
            picture = None
        if picture is not None:
            shown.append((page, picture))
    places: dict[str, PageArea] = {
        f"{name}-{page.id}": (number, 0.0, 0.0, 1.0, 1.0)
        for number, (page, _) in enumerate(shown)
        for name in ("att_title", "att_day")
    }
    page_view(
        SheetView(
            turn=_turn(group),
            pictures=[picture for _, picture in shown],
            captions=[
                t("picture.caption", place=page.source_name, number=page.source_page)
                for page, _ in shown
            ],
            places=places,
            size_mm=_A4_MM,
        )
    )


def _show_loose(context: AppContext, person: Person, group: _Group) -> None:
    """Show a line for each loose page: its picture, whether it belongs here, title and day."""
    if not group.loose:
        if not group.attached:
            st.info(t("attachments.no_loose"), icon=":material/info:")
        return
    st.markdown(md("attachments.how", count=len(group.loose)))
    with context.store.read() as conn:
        words = page_words(conn, [page.id for page in group.loose])
    target = chosen_target(group.entry)
    with st.form(f"attachments-{_turn(group)}", enter_to_submit=False, border=False):
        for number, page in enumerate(group.loose, 1):
            found = words.get(page.id, ())
            picture, keep, title, day = st.columns(
                [0.9, 0.25, 2.9, 1.45], vertical_alignment="center"
            )
            with picture:
                _thumbnail(context, person, page, number)
            keep.checkbox(
                md("attachments.number", number=number),
                True,
                key=f"att_keep-{page.id}",
                label_visibility="collapsed",
            )
            title.text_input(
                md("attachments.name", number=number),
                propose_title(found),
                key=f"att_title-{page.id}",
                max_chars=MAX_TITLE_LENGTH,
                placeholder=t("attachments.name_as_above" if number > 1 else "attachments.name_is"),
                autocomplete="off",
                label_visibility="collapsed",
            )
            day.text_input(
                md("attachments.day", number=number),
                propose_day(found),
                key=f"att_day-{page.id}",
                max_chars=10,
                placeholder=t("attachments.day_is"),
                autocomplete="off",
                label_visibility="collapsed",
            )
        st.form_submit_button(
            t("attachments.save" if target == group.entry.id else "attachments.save_there"),
            key=_SAVE_KEY,
            type="primary",
            shortcut="Ctrl+Enter",
            on_click=partial(_attach, context, person, group, target),
        )
    fields = [f"{name}-{page.id}" for page in group.loose for name in ("att_title", "att_day")]
    # A wrong day gets the focus
    count, wrong = st.session_state.get(_WRONG_DAYS_KEY, (0, None))
    keyboard(
        f"{_turn(group)}-{count}" if count else _turn(group),
        fields,
        focus=wrong if wrong in fields else None,
        save=_SAVE_KEY,
        min_view_time=MIN_VIEW_TIME,
    )


def _thumbnail(context: AppContext, person: Person, page: Page, number: int) -> None:
    try:
        picture = thumbnail(context, page, find_covered_for(context, person, page))
    except StoreError:
        picture = None
    if picture is not None:
        alt = t("attachments.picture", number=number)
        st.html(f'<img class="ef-thumb" alt="{alt}" src="{data_url(picture)}">')


def _show_attached(context: AppContext, person: Person, group: _Group) -> None:
    if not group.attached:
        return
    st.subheader(md("attachments.attached", count=len(group.attached)), anchor=False)
    target = chosen_target(group.entry)
    for one in group.attached:
        with st.container(horizontal=True, vertical_alignment="center", border=True):
            words = ", ".join(filter(None, (f"{one.number}. {one.title}", one.day)))
            st.markdown(plain(words), width="stretch")
            if target != group.entry.id:
                st.button(
                    t("attachments.move"),
                    key=f"att_move-{one.page.id}",
                    on_click=partial(_move, context, person, one.page.id, target),
                )
            st.button(
                t("attachments.take_off"),
                key=f"att_off-{one.page.id}",
                on_click=partial(_detach, context, person, [one.page.id]),
            )
    last = set(st.session_state.get(_LAST_KEY, ())) & {one.page.id for one in group.attached}
    if last:
        st.button(
            md("attachments.undo", count=len(last)),
            key="attachments_undo",
            shortcut="Alt+Z",
            on_click=partial(_detach, context, person, sorted(last)),
        )


def _typed_choices(context: AppContext, pages: Sequence[Page]) -> list[AttachmentChoice]:
    """Return what was typed for the pages that belong here; an empty title repeats the last one.

    It does so within one document only: a page with another day is something else.

    Raises:
        InvalidAnswerError: the day of the page in `fields` is none.
        ReviewError: a page with a day of its own has no title.
    """
    choices: list[AttachmentChoice] = []
    for number, page in enumerate(pages, 1):
        if not st.session_state.get(f"att_keep-{page.id}"):
            continue
        title = str(st.session_state.get(f"att_title-{page.id}") or "").strip()
        day = _typed_day(context, page)
        if not title and choices:
            if day not in ("", choices[-1].day):
                raise ReviewError("attachment_other_day", number=number)
            title, day = choices[-1].title, choices[-1].day
        choices.append(AttachmentChoice(page.id, title, day))
    return choices


def _typed_day(context: AppContext, page: Page) -> str:
    typed = str(st.session_state.get(f"att_day-{page.id}") or "").strip()
    if not typed:
        return ""
    spec = context.forms[ATTACHMENT_FORM].by_name["handelsedatum"]
    try:
        return str(normalize_value(spec, typed))
    except InvalidAnswerError as error:
        raise InvalidAnswerError(error.key, fields=(page.id,)) from None


@requires_open_session
def _attach(context: AppContext, person: Person, group: _Group, target: str) -> None:
    """Attach the chosen pages; a key that was pressed before they could be seen is ignored."""
    attachments = context.work(Attachments, person)
    if not attachments.has_been_seen(drawn_at(_turn(group))):
        return
    try:
        choices = _typed_choices(context, group.loose)
        attachments.attach(target, choices)
    except InvalidAnswerError as error:
        number = [page.id for page in group.loose].index(error.fields[0]) + 1
        _MESSAGE.failed(t("attachments.wrong_day", number=number))
        count, _ = st.session_state.get(_WRONG_DAYS_KEY, (0, None))
        st.session_state[_WRONG_DAYS_KEY] = (count + 1, f"att_day-{error.fields[0]}")
        return
    except EfterskriftError as error:
        _MESSAGE.failed(error_text(error))
        return
    st.session_state[_LAST_KEY] = [choice.page_id for choice in choices]
    _leave_entries_of([choice.page_id for choice in choices])
    reset_drawn()
    current_entry.set_toast(t("attachments.saved", count=len(choices)))


@requires_open_session
def _detach(context: AppContext, person: Person, page_ids: Sequence[str]) -> None:
    detach = partial(context.work(Attachments, person).detach, page_ids)
    _run(detach, t("attachments.taken_off", count=len(page_ids)))


@requires_open_session
def _move(context: AppContext, person: Person, page_id: str, target: str) -> None:
    move = partial(context.work(Attachments, person).move, page_id, target)
    _run(move, t("attachments.moved"))


def _run(action: Callable[[], object], done: str) -> None:
    with errors_to(_MESSAGE.failed):
        action()
        current_entry.set_toast(done)
    reset_drawn()


def _leave_entries_of(page_ids: Sequence[str]) -> None:
    """Leave the entry of a loose page, which is gone when the page is attached."""
    if current_entry.current_entry_id() in {make_entry_id(page_id, None) for page_id in page_ids}:
        current_entry.open_entry(None)


def _close() -> None:
    close_in_place(_LAST_KEY, _MESSAGE.key, _VIEWED_KEY, _WRONG_DAYS_KEY)
    forget_target()
