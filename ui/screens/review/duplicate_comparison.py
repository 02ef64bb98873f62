"""Side by side: what a sheet says, and what it may be a duplicate of.

Another entry, a text copied from the care system, or an image of its screen.
"""

from __future__ import annotations

from collections.abc import Callable
from html import escape

import streamlit as st

from pipeline.domain.form.field import Meaning
from pipeline.domain.form.field_labels import accessible_names
from pipeline.domain.model import EntryState, Person
from pipeline.domain.review.rules import Answer
from pipeline.forms.fiducials import format_serial_or_id
from pipeline.review.rejections import ComparisonSource, is_value_in_text
from pipeline.store.entries import queue
from pipeline.store.entries.entry import Entry
from pipeline.store.entries.entry_view import EntryView, FieldView, load_entry_view
from pipeline.store.review import duplicate_entries
from ui.browser.page_view import data_url
from ui.i18n import format_day, t
from ui.markdown import plain
from ui.screens.review.field_input import describe_answer
from ui.widgets.images import find_covered_for, page_image
from ui.widgets.views import VIEW_KEY_PREFIX
from ui.workspace import AppContext

COMPARISON_KINDS = ("entry", "text", "picture")
_OTHER_VIEW_KEY = f"{VIEW_KEY_PREFIX}other"
_IMAGE_SUFFIXES = ["png", "jpg", "jpeg"]


def duplicate_comparison(
    context: AppContext, person: Person, view: EntryView, on_done: Callable[[], None]
) -> None:
    """Show the choice of what to compare with, the comparison, and the button that marks it."""
    st.header(t("returns.duplicate.title"), anchor=False)
    st.caption(t("returns.duplicate.what"))
    labels = {kind: t(f"returns.duplicate.kind.{kind}") for kind in COMPARISON_KINDS}
    kind = st.segmented_control(
        t("returns.duplicate.with"),
        COMPARISON_KINDS,
        default="entry",
        required=True,
        format_func=lambda value: plain(labels[value]),
        key=_widget_key(view, "kind"),
    )
    if kind == "text":
        text = st.text_area(t("returns.duplicate.text"), key=_widget_key(view, "text"), height=180)
        if text.strip():
            _compare_with_text(view, text)
    elif kind == "picture":
        file = st.file_uploader(
            t("returns.duplicate.picture"), type=_IMAGE_SUFFIXES, key=_widget_key(view, "picture")
        )
        if file is not None:
            # The browser names the type of what it uploads, and may name anything.
            alt, source = (
                escape(t("returns.duplicate.picture")),
                escape(data_url(file.getvalue(), file.type)),
            )
            st.html(f'<img class="ef-page" alt="{alt}" src="{source}">')
        _comparison_table(view, {}, "")
    else:
        _compare_with_entry(context, person, view)
    if kind != "entry" or not st.session_state.get(_widget_key(view, "other")):
        reset_comparison()
    st.text_input(
        t("returns.duplicate.why"), key=_widget_key(view, "why"), max_chars=200, autocomplete="off"
    )
    st.button(
        t("returns.duplicate.do"),
        key=f"mark-{view.entry.id}",
        type="primary",
        shortcut="Ctrl+Enter",
        on_click=on_done,
    )


def chosen_comparison(view: EntryView) -> tuple[ComparisonSource | None, str]:
    """Return what was chosen (or None), and the user's own words."""
    values = st.session_state
    reason = str(values.get(_widget_key(view, "why")) or "")
    kind = values.get(_widget_key(view, "kind"), "entry")
    if kind == "text":
        text = str(values.get(_widget_key(view, "text")) or "")
        return (ComparisonSource(text=text) if text.strip() else None), reason
    if kind == "picture":
        file = values.get(_widget_key(view, "picture"))
        return (ComparisonSource(picture=file.getvalue()) if file is not None else None), reason
    other = values.get(_widget_key(view, "other"))
    return (ComparisonSource(other_entry=other) if other else None), reason


def reset_comparison() -> None:
    """Note that no other entry is shown: the next view of its paper is another one."""
    st.session_state.pop(_OTHER_VIEW_KEY, None)


def own_answer(field: FieldView) -> Answer | None:
    """Return the answer of a field: decided, typed, or read if the reading may be shown."""
    if field.first_answer is not None:
        return field.first_answer
    if field.draft is not None:
        return field.draft
    return Answer(field.reading.value, field.reading.state) if field.reading is not None else None


def side_by_side(rows: list[tuple[str, str, str, str]], other: str, own: str = "") -> None:
    """Show a table of rows: label, own value, other value, and a CSS class of the row.

    `other` and `own` are the headings of the columns.
    """
    body = "".join(
        f'<tr class="{css_class}"><th scope="row">{escape(label)}</th>'
        f"<td>{escape(own_value)}</td><td>{escape(other_value)}</td></tr>"
        for label, own_value, other_value, css_class in rows
    )
    own_heading = escape(own or t("returns.duplicate.ours"))
    head = f"<td></td><th scope='col'>{own_heading}</th><th scope='col'>{escape(other)}</th>"
    table = f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>"
    st.html(f'<div class="ef-wide" tabindex="0"><table class="ef-versions">{table}</table></div>')


def _compare_with_entry(context: AppContext, person: Person, view: EntryView) -> None:
    # Similar entries are about the same client or the same day.
    numbers = _values_meaning(view, Meaning.CLIENT_PID)
    days = _values_meaning(view, Meaning.EVENT_DATE)
    similar = context.store.query(
        duplicate_entries.find_similar_entries, person, view.entry, numbers, days
    )
    if not similar:
        st.caption(t("returns.duplicate.none"))
        return
    by_id = {entry.id: entry for entry in similar}
    chosen = st.selectbox(
        t("returns.duplicate.which"),
        list(by_id),
        index=None,
        placeholder=t("returns.duplicate.choose"),
        format_func=lambda entry_id: entry_title(context, by_id[entry_id]),
        key=_widget_key(view, "other"),
    )
    if chosen:
        show_comparison(context, person, view, chosen)


def _values_meaning(view: EntryView, meaning: Meaning) -> list[str]:
    answers = [own_answer(field) for field in view.fields if field.spec.means is meaning]
    return [answer.value for answer in answers if answer and isinstance(answer.value, str)]


def show_comparison(context: AppContext, person: Person, view: EntryView, other_id: str) -> None:
    """Show this entry and another in a table, with the other's paper below.

    The view of the paper is recorded once for each showing.
    """
    with context.store.begin() as conn:
        other = load_entry_view(conn, context.forms, person, other_id)
        if st.session_state.get(_OTHER_VIEW_KEY) != other_id:
            for page in other.pages:
                queue.record_page_view(conn, person, page.id)
    st.session_state[_OTHER_VIEW_KEY] = other_id
    other_values = {
        field.spec.column: describe_answer(field.spec, answer)
        for field in other.fields
        if not field.is_hidden and (answer := own_answer(field))
    }
    _comparison_table(view, other_values, t("returns.duplicate.other"))
    for page in other.pages:
        picture = page_image(context, page, find_covered_for(context, person, page))
        if picture is not None:
            st.html(
                f'<img class="ef-page" alt="{escape(t("picture.alt"))}" src="{data_url(picture)}">'
            )


def entry_title(context: AppContext, entry: Entry) -> str:
    """Return an entry's name in a list with its state."""
    state = (
        t("lookup.void")
        if entry.voided
        else t(f"entry_state.{EntryState(entry.state).name.lower()}")
    )
    return f"{entry_name(context, entry)} · {state}"


def entry_name(context: AppContext, entry: Entry) -> str:
    """Return form, day, row and serial of an entry."""
    form = context.forms.get((entry.form, entry.version))
    row = t("review.row", row=entry.row) if entry.row else ""
    return " · ".join(
        filter(
            None,
            (
                form.title if form else entry.form,
                format_day(entry.event_on) if entry.event_on else "",
                row,
                format_serial_or_id(entry.serial),
            ),
        )
    )


def _compare_with_text(view: EntryView, text: str) -> None:
    rows, labels = [], accessible_names(view.form, view.entry.row)
    for field in view.fields:
        answer = own_answer(field)
        if answer is None or field.is_hidden or not field.spec.traits.filled_by_hand:
            continue
        is_found = is_value_in_text(field.spec, answer, text)
        finding = (
            ""
            if is_found is None
            else t("returns.duplicate.found" if is_found else "returns.duplicate.not_found")
        )
        rows.append(
            (
                labels[field.spec.name],
                describe_answer(field.spec, answer),
                finding,
                "ef-same" if is_found else "ef-differs" if is_found is False else "",
            )
        )
    side_by_side(rows, t("returns.duplicate.in_text"))


def _comparison_table(view: EntryView, other_values: dict[str, str], title: str) -> None:
    rows, labels = [], accessible_names(view.form, view.entry.row)
    for field in view.fields:
        answer = own_answer(field)
        # Printed and hidden fields are left out, and those without any answer.
        if (
            not field.spec.traits.filled_by_hand
            or field.is_hidden
            or (answer is None and field.spec.column not in other_values)
        ):
            continue
        own_value = (
            describe_answer(field.spec, answer)
            if answer is not None
            else t("returns.duplicate.not_typed")
        )
        other_value = other_values.get(field.spec.column, "")
        is_same = bool(other_value) and answer is not None and own_value == other_value
        rows.append(
            (
                labels[field.spec.name],
                own_value,
                other_value,
                "ef-same"
                if is_same
                else "ef-differs"
                if other_value and answer is not None
                else "",
            )
        )
    side_by_side(rows, title)


def _widget_key(view: EntryView, name: str) -> str:
    return f"duplicate_{name}-{view.entry.id}-{view.entry.revision}"
