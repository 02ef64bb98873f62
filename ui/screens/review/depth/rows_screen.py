"""Rader utan avvikelse: the rows of a sheet that say nothing unusual are confirmed in one step.

The user sees the sheet, and of each row whose it is and what was read. What the machine is not sure
of is typed in its row, and what is above the rows once. Rows about whose client there is a
question are named, and reviewed one by one afterwards.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from types import MappingProxyType

import streamlit as st
from sqlalchemy import Connection

from pipeline.domain.errors import StoreError
from pipeline.domain.form.field import Meaning
from pipeline.domain.form.field_labels import accessible_names
from pipeline.domain.model import Person
from pipeline.domain.review.rules import Answer
from pipeline.review.rows import MIN_SHEET_VIEW_TIME, RowReview, SeenRow, SheetRow
from pipeline.store.entries import queue
from pipeline.store.paper.pages import Page
from ui.browser.keyboard import keyboard
from ui.browser.page_view import PageArea, SheetView, page_view, relative_area
from ui.i18n import t
from ui.markdown import md, plain
from ui.screens.review import current_entry
from ui.screens.review.entry_form import field_crops
from ui.screens.review.field_input import (
    describe_answer,
    field_input,
    given_answer,
    widget_key,
)
from ui.screens.review.in_place import (
    back_button,
    close_in_place,
    in_place_heading,
    opened_subject,
)
from ui.session import requires_open_session
from ui.widgets.images import find_covered_for, is_registered, page_image
from ui.widgets.messages import Message, errors_to
from ui.widgets.views import VIEW_KEY_PREFIX, drawn_at, note_drawn, reset_drawn
from ui.workspace import AppContext

_MESSAGE = Message("rows_wrong")
_VIEWED_KEY = f"{VIEW_KEY_PREFIX}rows"
_SAVE_KEY = "rows_save"
_MAX_SHOWN_VALUES = 8


def show(context: AppContext, person: Person) -> None:
    """Show the rows of the sheet that was opened."""
    sheet = opened_subject()
    rows, pages = context.work(RowReview, person).open(sheet, partial(_log_view, person, sheet))
    st.session_state[_VIEWED_KEY] = sheet
    turn = f"rows-{sheet}-{len(rows)}"
    title = plain(rows[0].form.title if rows else t("rows.title"))
    in_place_heading(context, person, title, md("rows.how"))
    _MESSAGE.show()
    left, right = st.columns([1.15, 1], gap="medium")
    with left, st.container(key="picture"):
        _show_sheet(context, person, rows, pages, turn)
    with right:
        _show_rows(context, person, rows, turn)
        back_button("rows_back", _close)
    note_drawn(turn)


def _log_view(person: Person, sheet: str, conn: Connection, pages: Sequence[Page]) -> None:
    if st.session_state.get(_VIEWED_KEY) != sheet:
        for page in pages:
            queue.record_page_view(conn, person, page.id)


def _show_sheet(
    context: AppContext,
    person: Person,
    rows: Sequence[SheetRow],
    pages: Sequence[Page],
    turn: str,
) -> None:
    shown = []
    for page in pages:
        try:
            picture = page_image(context, page, find_covered_for(context, person, page))
        except StoreError:
            picture = None
        if picture is not None:
            shown.append((page, picture))
    numbers = {
        page.page_no: number for number, (page, _) in enumerate(shown) if is_registered(page)
    }
    form = rows[0].form if rows else None
    places = {
        f"row_keep-{row.entry.id}": area
        for row in rows
        if form and (area := _row_area(row, numbers))
    }
    page_view(
        SheetView(
            turn=turn,
            pictures=[picture for _, picture in shown],
            captions=[
                t("picture.caption", place=page.source_name, number=page.source_page)
                for page, _ in shown
            ],
            places=places,
            size_mm=form.pages[0].size if form else (210.0, 297.0),
        )
    )


def _row_area(row: SheetRow, numbers: dict[int | None, int]) -> PageArea | None:
    """Return where a row is in the pictures, None if its page has no registered picture."""
    for page_no, page in enumerate(row.form.pages, 1):
        boxes = [spec.box for spec in page.all_fields if spec.row == row.entry.row]
        if not boxes or page_no not in numbers:
            continue
        left, top = min(box[0] for box in boxes), min(box[1] for box in boxes)
        right = max(box[0] + box[2] for box in boxes)
        bottom = max(box[1] + box[3] for box in boxes)
        return relative_area(
            (left, top, right - left, bottom - top), numbers[page_no], page.size, 2.0
        )
    return None


def _show_rows(context: AppContext, person: Person, rows: Sequence[SheetRow], turn: str) -> None:
    blank = [row for row in rows if row.looks_blank]
    ready = [row for row in rows if row not in blank and (row.can_be_confirmed or row.can_be_typed)]
    others = [row for row in rows if row not in (*blank, *ready)]
    drafts = {
        field.spec.name: field.draft
        for row in reversed(rows)
        for field in row.view.fields
        if field.spec.row is None and field.draft is not None
    }
    if not ready:
        st.info(t("rows.none"), icon=":material/info:")
    else:
        with st.form(turn, enter_to_submit=False, border=False):
            fields = _show_inputs(context, ready[0], _head_names(ready), drafts)
            for row in ready:
                st.checkbox(plain(_row_text(row)), True, key=f"row_keep-{row.entry.id}")
                names = set(row.deviations) - _head_names(ready)
                fields += [f"row_keep-{row.entry.id}", *_show_inputs(context, row, names)]
            st.form_submit_button(
                t("rows.save"),
                key=_SAVE_KEY,
                type="primary",
                shortcut="Ctrl+Enter",
                on_click=partial(_confirm, context, person, ready, turn),
            )
        keyboard(turn, fields, save=_SAVE_KEY, min_view_time=MIN_SHEET_VIEW_TIME)
    if blank:
        st.caption(md("rows.blank", rows=", ".join(str(row.entry.row) for row in blank)))
        st.button(
            md("rows.close_blank", count=len(blank)),
            key="rows_close_blank",
            on_click=partial(_close_blank, context, person, blank, turn),
        )
    for row in others:
        labels = accessible_names(row.form, row.entry.row)
        doubt = [labels.get(name, name) for name in row.deviations]
        text = ", ".join(doubt) or t("rows.client_open")
        st.caption(md("rows.alone", row=row.entry.row, fields=text))


def _head_names(rows: Sequence[SheetRow]) -> set[str]:
    """Return the fields above the rows that have to be typed; they are asked once."""
    return {name for row in rows for name in row.deviations if row.form.by_name[name].row is None}


def _show_inputs(
    context: AppContext,
    row: SheetRow,
    names: Collection[str],
    drafts: Mapping[str, Answer] = MappingProxyType({}),
) -> list[str]:
    """Show the fields of a row that have to be typed, and return the keys of their widgets.

    `drafts` are what was typed in any row of what is above the rows.
    """
    asked = [
        replace(field, draft=drafts.get(field.spec.name, field.draft))
        for field in row.view.fields
        if field.spec.name in names
    ]
    crops = field_crops(context, row.view) if asked else {}
    for field in asked:
        field_input(row.view, field, crops[field.spec.name])
    return [widget_key(row.view, field) for field in asked]


def _typed(rows: Sequence[SheetRow], row: SheetRow) -> dict[str, Answer]:
    """Return what was typed in a row, and above the rows."""
    heads = _head_names(rows)
    answers = {
        field.spec.name: given_answer(source.view, field)
        for source, names in ((rows[0], heads), (row, set(row.deviations) - heads))
        for field in source.view.fields
        if field.spec.name in names
    }
    return {name: answer for name, answer in answers.items() if answer is not None}


def _row_text(row: SheetRow) -> str:
    """Return whose row it is and what was read in it, in words."""
    labels = accessible_names(row.form, row.entry.row)
    specs = [
        spec
        for spec in row.form.entry_fields(row.entry.row)
        if spec.row is not None
        and spec.name in row.answers
        and spec.means is not Meaning.CLIENT_PID
        and row.answers[spec.name].value not in (None, False)
    ]
    values = [
        labels[spec.name]
        if row.answers[spec.name].value is True
        else f"{labels[spec.name]} {describe_answer(spec, row.answers[spec.name])}"
        for spec in specs[:_MAX_SHOWN_VALUES]
    ]
    client = f"{row.client.name} {row.client.pid}" if row.client else t("rows.client_open")
    return " · ".join([f"{row.entry.row}. {client}", *values])


@requires_open_session
def _confirm(context: AppContext, person: Person, rows: Sequence[SheetRow], turn: str) -> None:
    """Confirm the rows that are ticked; a key pressed before the sheet was seen is ignored."""
    seen = [
        SeenRow(row.entry.id, row.entry.revision, _typed(rows, row))
        for row in rows
        if st.session_state.get(f"row_keep-{row.entry.id}")
    ]
    with errors_to(_MESSAGE.failed):
        confirmed = context.work(RowReview, person).confirm(seen, drawn_at(turn))
        if confirmed is None:
            _MESSAGE.failed(t("rows.look_first"))
            return
        _close()
        _leave_decided(t("rows.saved", count=len(confirmed)))


@requires_open_session
def _close_blank(context: AppContext, person: Person, rows: Sequence[SheetRow], turn: str) -> None:
    """Reject the rows as empty in one step."""
    with errors_to(_MESSAGE.failed):
        if not context.work(RowReview, person).close_blank(rows, drawn_at(turn)):
            _MESSAGE.failed(t("rows.look_first"))
            return
        reset_drawn()
        _leave_decided(t("rows.closed_blank", count=len(rows)))


def _leave_decided(text: str) -> None:
    """Leave the entry on the screen, which may be one of those that are decided now."""
    current_entry.open_entry(None)
    current_entry.allow_undo()
    current_entry.set_toast(text)


def _close() -> None:
    close_in_place(_MESSAGE.key, _VIEWED_KEY)
