"""Slå upp: a sheet by its serial, entries by what is known, and one's own last decisions."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st
from sqlalchemy import Connection

from pipeline.domain.form.form import Form
from pipeline.domain.law.permissions import Action, is_allowed
from pipeline.domain.model import EntryState, Person
from pipeline.forms.fiducials import format_serial, format_serial_or_id, is_serial, normalize_serial
from pipeline.review.session import ReviewSession
from pipeline.store.entries import queue
from pipeline.store.entries import sheet_entries as sheets
from pipeline.store.entries.attached_pages import FoundText, search_page_texts
from pipeline.store.entries.entry import OPEN_STATES, Entry
from pipeline.store.entries.second_reviewer import filter_excluded_as_second
from pipeline.store.exports.run_items import latest_exports
from pipeline.store.lookup import by_serial
from pipeline.store.lookup.by_serial import FoundSheet
from ui.browser.keyboard import keyboard
from ui.i18n import t
from ui.markdown import md, plain, plain_with_code
from ui.screens.lookup.decided_entry import decided_entry
from ui.screens.lookup.entry_list import close_chosen
from ui.screens.lookup.own_decisions import show_own_decisions
from ui.screens.lookup.search import close_search, show_search
from ui.screens.review import current_entry
from ui.screens.review.in_place import close_in_place, open_in_place
from ui.screens.review.sheet_images import end_page_views
from ui.screens.review.workbench.correction_mode import DECIDED_MESSAGE, VOIDING
from ui.screens.review.workbench_state import bench_state
from ui.session import requires_open_session
from ui.widgets.heading import screen_heading
from ui.widgets.images import show_page
from ui.widgets.messages import errors_to
from ui.widgets.views import VIEW_KEY_PREFIX
from ui.workspace import AppContext

_SERIAL_KEY, _LOGGED_KEY = "lookup_serial", "lookup_logged"
_CHOSEN_KEY = "lookup_chosen"
_VIEWS = ("serial", "search", "own")
_VIEW_KEY = "lookup_viewed"
"""The view that was chosen last: a correction is in place of its widget for a while."""


def show(context: AppContext, person: Person) -> None:
    """Show the lookup and its results, in place of the review."""
    # Every list below leads to the same place, and the state of all of them ends there.
    review = partial(_open_in_review, context, person)
    screen_heading(context, person, t("lookup.title"), t("lookup.what"))
    DECIDED_MESSAGE.show()
    st.button(
        t("lookup.back"),
        key="lookup_back",
        shortcut="Escape",
        on_click=_close_lookup,
        icon=":material/arrow_back:",
    )
    views = _VIEWS if is_allowed(person, Action.CORRECT) else _VIEWS[-1:]
    chosen = st.segmented_control(
        t("lookup.view"),
        views,
        default=st.session_state.get(_VIEW_KEY, views[0]),
        required=True,
        format_func=lambda name: t(f"lookup.view.{name}"),
        key="lookup_view",
        label_visibility="collapsed",
        on_change=close_chosen,
    )
    st.session_state[_VIEW_KEY] = chosen
    if chosen == "search":
        show_search(context, person, review)
    elif chosen == "own":
        show_own_decisions(context, person, review)
    else:
        _show_by_serial(context, person, review)


def _show_by_serial(context: AppContext, person: Person, review: Callable[[str], None]) -> None:
    """Show the look-up of a sheet, and the search for printed words."""
    with (
        st.form("lookup", border=False),
        st.container(horizontal=True, vertical_alignment="bottom"),
    ):
        typed = st.text_input(
            t("lookup.serial"),
            key="lookup_typed",
            placeholder=t("lookup.example"),
            max_chars=12,
            autocomplete="off",
            width=260,
        )
        is_sent = st.form_submit_button(t("lookup.search"), key="lookup_search", type="primary")
    keyboard("lookup", ["lookup_typed"])
    text_search(context, person)
    if is_sent:
        _set_serial(typed)
    serial = st.session_state.get(_SERIAL_KEY)
    if not serial:
        return
    if not is_serial(serial):
        st.warning(t("lookup.wrong"), icon=":material/error:")
        return
    _show_results(context, person, serial, review)


def _set_serial(typed: str) -> None:
    for key in (_CHOSEN_KEY, _LOGGED_KEY):
        st.session_state.pop(key, None)
    end_page_views()
    st.session_state[_SERIAL_KEY] = normalize_serial(typed)


def _show_results(
    context: AppContext, person: Person, serial: str, review: Callable[[str], None]
) -> None:
    with context.store.begin() as conn:
        found_sheets = by_serial.find_sheets(
            conn, person, serial, first=st.session_state.get(_LOGGED_KEY) != serial
        )
        ids = [entry.id for sheet in found_sheets for entry in sheet.entries]
        for_others = filter_excluded_as_second(conn, person.login, ids)
        exported = latest_exports(conn, ids)
        inconsistencies = [
            _inconsistency_texts(conn, _sheet_form(context, sheet), sheet) for sheet in found_sheets
        ]
    st.session_state[_LOGGED_KEY] = serial
    if not found_sheets:
        st.info(md("lookup.nothing", serial=format_serial(serial)), icon=":material/info:")
        return
    for number, (sheet, texts) in enumerate(zip(found_sheets, inconsistencies, strict=True), 1):
        page, form = sheet.pages[0], _sheet_form(context, sheet)
        copy = t("lookup.copy", number=number) if len(found_sheets) > 1 else ""
        st.header(
            " · ".join(
                filter(
                    None,
                    (
                        plain(form.title) if form else "",
                        plain(format_serial(serial)),
                        plain(page.unit),
                        plain(copy),
                    ),
                )
            ),
            anchor=False,
        )
        for text in texts:
            st.warning(plain_with_code(text), icon=":material/difference:")
        for entry in sheet.entries:
            _entry_row(
                person,
                entry,
                review,
                is_for_other=entry.id in for_others,
                is_exported=entry.id in exported,
            )
        _missing_row_form(context, person, sheet, review)
    chosen = st.session_state.get(_CHOSEN_KEY)
    # An open entry may be reviewed by this user: its values must not be seen before (blind keying).
    viewable = {
        entry.id
        for sheet in found_sheets
        for entry in sheet.entries
        if entry.state not in OPEN_STATES
    }
    if chosen in viewable:
        decided_entry(context, person, chosen)


def _sheet_form(context: AppContext, sheet: FoundSheet) -> Form | None:
    page = sheet.pages[0]
    return context.forms.get((page.form or "", page.version or 0))


def _inconsistency_texts(conn: Connection, form: Form | None, sheet: FoundSheet) -> list[str]:
    """Return warnings about rows that differ from the head of the sheet."""
    rows_by_field = by_serial.find_inconsistent_rows(conn, form, sheet.entries) if form else {}
    return [
        t("lookup.rows_unlike", field=form.by_name[name].full_label, rows=", ".join(map(str, rows)))
        for name, rows in rows_by_field.items()
        if form
    ]


def _entry_row(
    person: Person,
    entry: Entry,
    review: Callable[[str], None],
    *,
    is_for_other: bool,
    is_exported: bool,
) -> None:
    row = t("review.row", row=entry.row) if entry.row else t("lookup.whole_sheet")
    state = (
        t("lookup.void")
        if entry.voided
        else t(f"entry_state.{EntryState(entry.state).name.lower()}")
    )
    with st.container(
        border=True, horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"
    ):
        st.markdown(
            f"**{plain(row[:1].upper())}{plain(row[1:])}** · {plain(state)}", width="stretch"
        )
        if entry.state in OPEN_STATES:
            if is_exported and is_allowed(person, Action.VOID, entry.unit):
                st.button(
                    t("lookup.void_it"),
                    key=f"lookup_void-{entry.id}",
                    on_click=partial(_choose_entry, entry.id, to_void=True),
                )
            why = t("review.for_another", count=1) if is_for_other else None
            st.button(
                t("lookup.review"),
                key=f"lookup_review-{entry.id}",
                disabled=is_for_other,
                help=plain(why),
                on_click=partial(review, entry.id),
            )
        else:
            st.button(
                t("lookup.look"),
                key=f"lookup_look-{entry.id}",
                on_click=partial(_choose_entry, entry.id),
            )


def _missing_row_form(
    context: AppContext, person: Person, sheet: FoundSheet, review: Callable[[str], None]
) -> None:
    """Offer to add a row that was read as empty; it becomes an entry and is reviewed at once."""
    form = _sheet_form(context, sheet)
    rows = (
        [row for row in form.rows() if row not in {entry.row for entry in sheet.entries}]
        if form
        else []
    )
    if not rows:
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        key = f"lookup_row-{sheet.sheet}"
        if rows != [None]:
            st.selectbox(
                t("lookup.missing_row"),
                rows,
                key=key,
                format_func=lambda row: t("review.row", row=row),
                width=260,
            )
        st.button(
            t("lookup.add_row"),
            key=f"add-{key}",
            on_click=partial(_add_row, context, person, sheet, rows, key, review),
        )


@requires_open_session
def _add_row(
    context: AppContext,
    person: Person,
    sheet: FoundSheet,
    rows: list[int | None],
    key: str,
    review: Callable[[str], None],
) -> None:
    row = st.session_state.get(key, rows[0])
    form = context.forms[(sheet.pages[0].form or "", sheet.pages[0].version or 0)]
    # The page of the form that has the row; its first page for a whole sheet.
    page_no = next(
        number
        for number, page in enumerate(form.pages, 1)
        if row is None or any(spec.row == row for spec in page.all_fields)
    )
    page = next((page for page in sheet.pages if page.page_no == page_no), sheet.pages[0])
    with errors_to(DECIDED_MESSAGE.failed):
        entry_id = context.store.change(sheets.add_row, person, page.id, row, context.forms)
        review(entry_id)


@requires_open_session
def _open_in_review(context: AppContext, person: Person, entry_id: str) -> None:
    """Go back to the review with this entry; the one that was open there is released undecided."""
    _close_lookup()
    open_id = current_entry.current_entry_id()
    if open_id and open_id != entry_id:
        context.work(ReviewSession, person).release(open_id)
    current_entry.open_entry(entry_id)
    # Who has looked up an entry wants that one, not the other rows of its sheet.
    bench_state().shown_as_rows[entry_id.rpartition("-")[0]] = False


def _choose_entry(entry_id: str, *, to_void: bool = False) -> None:
    end_page_views()
    st.session_state[_CHOSEN_KEY] = entry_id
    if to_void:
        open_in_place(VOIDING, entry_id)


def _close_lookup() -> None:
    close_in_place(_SERIAL_KEY, _LOGGED_KEY, _CHOSEN_KEY, _VIEW_KEY, DECIDED_MESSAGE.key)
    end_page_views()
    close_text_search()
    close_search()


# Loose pages and attachments by the words that are printed on them.

_FOUND_KEY, _SHOWN_KEY = "text_found", "text_shown"
_VIEWED_KEY = f"{VIEW_KEY_PREFIX}text"


def text_search(context: AppContext, person: Person) -> None:
    """Show the search, what was found, and the page that was chosen."""
    with st.expander(t("text_search.title")):
        with (
            st.form("text_search", border=False),
            st.container(horizontal=True, vertical_alignment="bottom"),
        ):
            typed = st.text_input(
                t("text_search.words"),
                key="text_search_typed",
                max_chars=80,
                autocomplete="off",
                width=320,
            )
            is_sent = st.form_submit_button(t("lookup.search"), key="text_search_do")
        if is_sent:
            st.session_state[_FOUND_KEY] = context.store.change(
                search_page_texts, context.forms, person, typed
            )
            # A page that was open may be found again, but was opened for the words before.
            st.session_state.pop(_SHOWN_KEY, None)
        found: list[FoundText] | None = st.session_state.get(_FOUND_KEY)
        if found is None:
            return
        if not found:
            st.caption(t("text_search.none"))
        for one in found:
            _found_row(one)
        shown = next(
            (one for one in found if one.page.id == st.session_state.get(_SHOWN_KEY)), None
        )
        if shown is not None:
            _show_page(context, person, shown)


def close_text_search() -> None:
    """Forget what was found."""
    for key in (_FOUND_KEY, _SHOWN_KEY, _VIEWED_KEY):
        st.session_state.pop(key, None)


def _found_row(found: FoundText) -> None:
    page = found.page
    place = t("picture.caption", place=page.source_name, number=page.source_page)
    title = found.title or t("text_search.loose")
    words = (title, found.day, format_serial_or_id(page.sheet), page.unit, place)
    st.button(
        plain(" · ".join(filter(None, words))),
        key=f"text_found-{page.id}",
        on_click=partial(st.session_state.__setitem__, _SHOWN_KEY, page.id),
    )


def _show_page(context: AppContext, person: Person, found: FoundText) -> None:
    page = found.page
    if st.session_state.get(_VIEWED_KEY) != page.id:
        context.store.change(queue.record_page_view, person, page.id)
        st.session_state[_VIEWED_KEY] = page.id
    show_page(context, person, page)
