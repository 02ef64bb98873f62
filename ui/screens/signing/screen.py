"""Signera: the notes that wait for a signature, read and signed.

The user's own notes one at a time, and those of authors who cannot sign, also by author.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import streamlit as st

from pipeline.domain.errors import EfterskriftError
from pipeline.domain.law.permissions import Action, is_allowed
from pipeline.domain.model import EntryState, Person
from pipeline.forms.fiducials import format_serial, is_serial
from pipeline.review.session import MIN_VIEW_TIME
from pipeline.review.signing import Signing, SigningQueue
from pipeline.store.entries.entry import Entry, load_entry
from pipeline.store.entries.entry_view import EntryView, load_entry_view
from pipeline.store.review import signatures
from ui.browser.keyboard import keyboard
from ui.i18n import code_text, t, words_of_area
from ui.markdown import md, plain, plain_with_code
from ui.screens.lookup.settled_lines import settled_lines
from ui.screens.lookup.versions import show_people, version_table
from ui.screens.review.in_place import open_in_place, opened_screen, opened_subject
from ui.screens.review.sheet_images import end_page_views, record_page_views, sheet_images
from ui.screens.review.workbench.correction_mode import CORRECTION, DECIDED_MESSAGE
from ui.screens.review.workbench.screen import show_opened_mode
from ui.screens.signing.absent import show_absent
from ui.session import requires_open_session
from ui.widgets.heading import screen_heading
from ui.widgets.messages import Message, error_text
from ui.widgets.views import drawn_at, note_drawn, reset_drawn
from ui.workspace import AppContext

_MESSAGE = Message("signing_said")
_CHOSEN_KEY, _SKIPPED_KEY = "signing_entry", "signing_skipped"
_READ_KEY = "signing_read"
QUEUE_KINDS = ("own", "others", "absent")


class _SignKeys(NamedTuple):
    """Keys of the widgets of the signing form."""

    sign: str
    reason: str
    text: str


def show(context: AppContext, person: Person) -> None:
    """Show the screen."""
    # A note is corrected in place of the list, and signed afterwards
    corrected = opened_subject() if opened_screen() == CORRECTION else ""
    if corrected and corrected == st.session_state.get(_CHOSEN_KEY):
        show_opened_mode(context, person)
        return
    screen_heading(context, person, t("signing.title"), t("signing.what"))
    DECIDED_MESSAGE.show()
    _show_message("ok")
    waiting = context.work(Signing, person).load_queue()
    counts = {"own": len(waiting.own_entries), "others": len(waiting.other_entries)}
    label = {kind: t(f"signing.kind.{kind}", count=counts.get(kind, 0)) for kind in QUEUE_KINDS}
    chosen = st.segmented_control(
        t("signing.show"),
        QUEUE_KINDS,
        default="own",
        required=True,
        format_func=lambda value: plain(label[value]),
        key="signing_kind",
        label_visibility="collapsed",
    )
    queue = _order_queue(waiting.own_entries if chosen == "own" else waiting.other_entries)
    if not queue:
        _show_message("fault")
        others = len(waiting.other_entries) if chosen == "own" else 0
        _show_empty_queue(context, person, "own" if chosen == "own" else "others", others)
        return
    if chosen == "absent":
        show_absent(context, person, queue, _run_and_report)
        _show_message("fault")
        _undo_button(context, person)
        return
    current = next(
        (entry for entry in queue if entry.id == st.session_state.get(_CHOSEN_KEY)), queue[0]
    )
    if current.id != st.session_state.get(_CHOSEN_KEY):
        _choose_entry(current.id)
    _show_entry(context, person, waiting, current, len(queue), is_own=chosen == "own")


def _show_message(kind: str) -> None:
    """Show the message about the last action if it is of this kind, once."""
    if (message := st.session_state.get(_MESSAGE.key)) and message[0] == kind:
        del st.session_state[_MESSAGE.key]
        (st.success if kind == "ok" else st.warning)(plain_with_code(message[1]))


def _order_queue(entries: tuple[Entry, ...]) -> list[Entry]:
    """Return the entries with the skipped ones last."""
    skipped: list[str] = st.session_state.get(_SKIPPED_KEY, [])
    return sorted(entries, key=lambda entry: skipped.index(entry.id) if entry.id in skipped else -1)


def _choose_entry(entry_id: str | None) -> None:
    end_page_views()
    st.session_state[_CHOSEN_KEY] = entry_id
    reset_drawn()


def _show_entry(
    context: AppContext,
    person: Person,
    waiting: SigningQueue,
    entry: Entry,
    left_over: int,
    *,
    is_own: bool,
) -> None:
    rows = waiting.same_sheet_entries(entry)
    # A sheet of rows is read as a whole; each view is recorded before it is shown.
    with context.store.begin() as conn:
        views = [load_entry_view(conn, context.forms, person, row.id) for row in (rows or (entry,))]
        view = next(row_view for row_view in views if row_view.entry.id == entry.id)
        record_page_views(person, conn, view)
    left, right = st.columns([1.15, 1], gap="medium")
    with left, st.container(key="picture"):
        sheet_images(context, view)
    with right, words_of_area(view.form.area):
        st.header(plain(view.form.title), anchor=False)
        serial = format_serial(entry.serial) if entry.serial and is_serial(entry.serial) else ""
        row = t("review.row", row=entry.row) if entry.row else ""
        st.caption(
            " · ".join(
                [
                    *map(plain, filter(None, (entry.unit, serial, row))),
                    md("signing.left", count=left_over),
                ]
            )
        )
        if view.is_hidden:
            _show_message("fault")
            st.info(t("hidden.what"), icon=":material/visibility_off:")
            st.button(
                t("review.skip"),
                key=f"skip-{entry.id}",
                shortcut="Alt+S",
                on_click=partial(_skip_entry, entry.id),
            )
            return
        with st.container(key=_READ_KEY):
            decided = [field for field in view.fields if field.first_answer is not None]
            settled_lines(view, decided, are_empty_folded=True)
            show_people(context, entry)
        reasons = () if is_own else context.work(Signing, person).list_reasons(entry)
        _sign_form(context, person, view, reasons)
        if rows and not any(row_view.is_hidden for row_view in views):
            _sheet_section(context, person, views)
        with st.container(horizontal=True):
            st.button(
                t("review.skip"),
                key=f"skip-{entry.id}",
                shortcut="Alt+S",
                on_click=partial(_skip_entry, entry.id),
            )
            if is_allowed(person, Action.CORRECT):
                st.button(
                    t("lookup.correct"),
                    key=f"correct-{entry.id}",
                    on_click=partial(open_in_place, CORRECTION, entry.id),
                )
            _undo_button(context, person)
        version_table(context, person, view)


def _sign_form(
    context: AppContext, person: Person, view: EntryView, reasons: tuple[str, ...]
) -> None:
    """Show the signing form; `reasons` for signing another's note, none for the user's own."""
    entry, is_own = view.entry, not reasons
    keys = _SignKeys(
        *(f"{name}-{entry.id}-{entry.revision}" for name in ("sign", "sign_why", "sign_text"))
    )
    act = partial(_sign_entry, context, person, view, keys)
    with (
        st.container(key="sign_own" if is_own else "sign_others"),
        st.form(f"signing-{entry.id}-{entry.revision}", enter_to_submit=False, border=not is_own),
    ):
        _show_message("fault")
        if is_own:
            st.caption(t("signing.own_what"))
        else:
            st.markdown(md("signing.others_what", author=entry.author or t("people.unknown")))
            st.radio(
                t("signing.why"),
                reasons,
                index=None,
                format_func=lambda reason: plain(code_text("signing.reasons", reason)),
                key=keys.reason,
            )
            st.text_input(t("signing.text"), key=keys.text, max_chars=200, autocomplete="off")
        st.form_submit_button(
            t("signing.sign"), key=keys.sign, type="primary", shortcut="Ctrl+Enter", on_click=act
        )
    keyboard(
        f"signing-{entry.id}",
        [] if is_own else [keys.reason, keys.text],
        save=keys.sign,
        min_view_time=MIN_VIEW_TIME,
        read=_READ_KEY,
    )
    note_drawn(keys.sign)


def _sheet_section(context: AppContext, person: Person, views: list[EntryView]) -> None:
    """Show all of the user's rows of the sheet, to be read before one signature for all."""
    with st.expander(
        md("signing.sheet_title", count=len(views)),
        expanded=False,
        key=f"sheet-{views[0].entry.sheet}",
    ):
        for view in views:
            st.markdown(f"**{md('review.row', row=view.entry.row)}**")
            settled_lines(
                view,
                [
                    field
                    for field in view.fields
                    if field.first_answer is not None and field.spec.row is not None
                ],
            )
        revisions = [(view.entry.id, view.entry.revision) for view in views]
        st.button(
            md("signing.sheet_sign", count=len(views)),
            key=f"sign_sheet-{views[0].entry.sheet}",
            on_click=partial(_sign_sheet, context, person, revisions),
        )


@requires_open_session
def _sign_entry(context: AppContext, person: Person, view: EntryView, keys: _SignKeys) -> None:
    signing, entry = context.work(Signing, person), view.entry
    if not signing.has_been_seen(drawn_at(keys.sign)):
        return
    reason = st.session_state.get(keys.reason) or ""
    comment = str(st.session_state.get(keys.text) or "")
    sign = partial(signing.sign, entry.id, entry.revision, reason=reason, text=comment)
    _run_and_report(t("signing.done"), sign)


@requires_open_session
def _sign_sheet(context: AppContext, person: Person, revisions: list[tuple[str, int]]) -> None:
    sign = partial(context.work(Signing, person).sign_sheet, revisions)
    _run_and_report(t("signing.sheet_done"), sign)


def _run_and_report(success: str, action: Callable[[], object]) -> None:
    try:
        action()
    except EfterskriftError as error:
        _MESSAGE.failed(error_text(error))
        reset_drawn()  # what is shown now may be another version
    else:
        _MESSAGE.done(success)
        _choose_entry(None)


def _skip_entry(entry_id: str) -> None:
    skipped: list[str] = st.session_state.get(_SKIPPED_KEY, [])
    st.session_state[_SKIPPED_KEY] = [other_id for other_id in skipped if other_id != entry_id] + [
        entry_id
    ]
    _choose_entry(None)


def _undo_button(context: AppContext, person: Person) -> None:
    last = context.store.query(signatures.list_last_signed, person)
    st.button(
        md("signing.undo", count=len(last) or 1),
        key="undo_signature",
        shortcut="Alt+Z",
        disabled=not last,
        on_click=partial(_undo_signatures, context, person, last),
    )


@requires_open_session
def _undo_signatures(context: AppContext, person: Person, last: list[Entry]) -> None:
    """Take back all that was signed with the last press."""
    if not last:
        return

    shown = [(entry.id, entry.revision) for entry in last]
    withdraw = partial(context.work(Signing, person).withdraw, shown)
    _run_and_report(t("signing.undone", count=len(last)), withdraw)
    if context.store.query(load_entry, last[0].id).state is EntryState.CONFIRMED:
        _choose_entry(last[0].id)


def _show_empty_queue(context: AppContext, person: Person, kind: str, others: int) -> None:
    """Say that nothing is left, and how much waits in the list of what others wrote."""
    with st.container(border=True):
        st.markdown(t(f"signing.empty.{kind}"))
        if others:
            st.info(md("signing.others_wait", count=others), icon=":material/group:")
        st.caption(t("signing.empty_next"))
        _undo_button(context, person)
