"""Side by side: what this sheet says, and what it may repeat: an entry of ours, a text copied from
the care system, or a picture of its screen.
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
from pipeline.store.entries import queue
from pipeline.store.entries.entry import Entry
from pipeline.store.entries.entry_view import EntryView, FieldView, load_entry_view
from pipeline.store.review import duplicate_entries
from pipeline.store.review.duplicate_entries import ComparisonSource, is_value_in_text
from ui.browser.page_view import data_url
from ui.i18n import format_day, t
from ui.screens.review.field_input import describe_answer
from ui.widgets.images import find_covered_for, page_image
from ui.widgets.view_log import VIEW_KEY_PREFIX
from ui.workspace import AppContext

COMPARISON_KINDS = ("other", "text", "picture")
_OTHER_VIEW_KEY = f"{VIEW_KEY_PREFIX}other"
_IMAGE_SUFFIXES = ["png", "jpg", "jpeg"]


def duplicate_comparison(
    context: AppContext, person: Person, view: EntryView, on_done: Callable[[], None]
) -> None:
    """Choose what it is compared with, look, and mark it."""
    st.header(t("returns.duplicate.title"), anchor=False)
    st.caption(t("returns.duplicate.what"))
    label = {kind: t(f"returns.duplicate.kind.{kind}") for kind in COMPARISON_KINDS}
    kind = st.segmented_control(
        t("returns.duplicate.with"),
        COMPARISON_KINDS,
        default="other",
        required=True,
        format_func=label.__getitem__,
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
            st.html(
                f'<img class="ef-page" alt="{escape(t("returns.duplicate.picture"))}" src="{data_url(file.getvalue(), file.type)}">'
            )
        _comparison_table(view, {}, "")
    else:
        _compare_with_entry(context, person, view)
    if kind != "other" or not st.session_state.get(_widget_key(view, "other")):
        reset_comparison()
    st.text_input(
        t("returns.duplicate.why"), key=_widget_key(view, "why"), max_chars=200, autocomplete="off"
    )
    st.button(
        t("returns.duplicate.do"),
        key=f"do-return-{view.entry.id}",
        type="primary",
        shortcut="Ctrl+Enter",
        on_click=on_done,
    )


def chosen_comparison(view: EntryView) -> tuple[ComparisonSource | None, str]:
    """What was chosen, and the person's own words; None while nothing is chosen."""
    held = st.session_state
    why, kind = (
        str(held.get(_widget_key(view, "why")) or ""),
        held.get(_widget_key(view, "kind"), "other"),
    )
    if kind == "text":
        text = str(held.get(_widget_key(view, "text")) or "")
        return (ComparisonSource(text=text) if text.strip() else None), why
    if kind == "picture":
        file = held.get(_widget_key(view, "picture"))
        return (ComparisonSource(picture=file.getvalue()) if file is not None else None), why
    other = held.get(_widget_key(view, "other"))
    return (ComparisonSource(other_entry=other) if other else None), why


def reset_comparison() -> None:
    """No other entry is shown: the next look at its paper is another one."""
    st.session_state.pop(_OTHER_VIEW_KEY, None)


def own_answer(field: FieldView) -> Answer | None:
    """What we have of a field: decided, typed, or read where the reading may be shown."""
    if field.first_answer is not None:
        return field.first_answer
    if field.draft is not None:
        return field.draft
    return Answer(field.reading.value, field.reading.state) if field.reading is not None else None


def side_by_side(rows: list[tuple[str, str, str, str]], other: str, own: str = "") -> None:
    """A table: label, ours, theirs, and a class of the row. `other` and `own` head the columns."""
    body = "".join(
        f'<tr class="{mark}"><th scope="row">{escape(label)}</th><td>{escape(mine)}</td><td>{escape(theirs)}</td></tr>'
        for label, mine, theirs, mark in rows
    )
    head = f"<tr><th></th><th scope='col'>{escape(own or t('returns.duplicate.ours'))}</th><th scope='col'>{escape(other)}</th></tr>"
    st.html(
        f'<div class="ef-wide" tabindex="0"><table class="ef-versions"><thead>{head}</thead><tbody>{body}</tbody></table></div>'
    )


def _compare_with_entry(context: AppContext, person: Person, view: EntryView) -> None:
    numbers = [
        said.value
        for field in view.fields
        if field.spec.means is Meaning.CLIENT_PID
        and (said := own_answer(field))
        and isinstance(said.value, str)
    ]
    days = [
        said.value
        for field in view.fields
        if field.spec.means is Meaning.EVENT_DATE
        and (said := own_answer(field))
        and isinstance(said.value, str)
    ]
    with context.store.read() as conn:
        found = duplicate_entries.find_similar_entries(conn, person, view.entry, numbers, days)
    if not found:
        st.caption(t("returns.duplicate.none"))
        return
    by_id = {one.id: one for one in found}
    chosen = st.selectbox(
        t("returns.duplicate.which"),
        list(by_id),
        index=None,
        format_func=lambda entry_id: entry_title(context, by_id[entry_id]),
        key=_widget_key(view, "other"),
    )
    if chosen:
        show_comparison(context, person, view, chosen)


def show_comparison(context: AppContext, person: Person, view: EntryView, other_id: str) -> None:
    """This entry and another in a table, with the other's paper below. Looking at the paper is
    recorded, once for each showing.
    """
    with context.store.begin() as conn:
        other = load_entry_view(conn, context.forms, person, other_id)
        if st.session_state.get(_OTHER_VIEW_KEY) != other_id:
            for page in other.pages:
                queue.record_page_view(conn, person, page.id)
    st.session_state[_OTHER_VIEW_KEY] = other_id
    theirs = {
        field.spec.column: describe_answer(field.spec, said)
        for field in other.fields
        if not field.is_hidden and (said := own_answer(field))
    }
    _comparison_table(view, theirs, t("returns.duplicate.other"))
    for page in other.pages:
        picture = page_image(context, page, find_covered_for(context, person, page))
        if picture is not None:
            st.html(
                f'<img class="ef-page" alt="{escape(t("picture.alt"))}" src="{data_url(picture)}">'
            )


def entry_title(context: AppContext, entry: Entry) -> str:
    """What an entry is called in a list: its name, and where it is."""
    state = (
        t("lookup.void")
        if entry.voided
        else t(f"entry_state.{EntryState(entry.state).name.lower()}")
    )
    return f"{entry_name(context, entry)} · {state}"


def entry_name(context: AppContext, entry: Entry) -> str:
    """Form, day, row and number of the sheet."""
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
        said = own_answer(field)
        if said is None or field.is_hidden or not field.spec.traits.filled_by_hand:
            continue
        found = is_value_in_text(field.spec, said, text)
        words = (
            ""
            if found is None
            else t("returns.duplicate.found" if found else "returns.duplicate.not_found")
        )
        rows.append(
            (
                labels[field.spec.name],
                describe_answer(field.spec, said),
                words,
                "ef-same" if found else "ef-differs" if found is False else "",
            )
        )
    side_by_side(rows, t("returns.duplicate.in_text"))


def _comparison_table(view: EntryView, theirs: dict[str, str], title: str) -> None:
    rows, labels = [], accessible_names(view.form, view.entry.row)
    for field in view.fields:
        said = own_answer(field)
        if (
            not field.spec.traits.filled_by_hand
            or field.is_hidden
            or (said is None and field.spec.column not in theirs)
        ):
            continue
        mine = (
            describe_answer(field.spec, said)
            if said is not None
            else t("returns.duplicate.not_typed")
        )
        other = theirs.get(field.spec.column, "")
        same = bool(other) and said is not None and mine == other
        rows.append(
            (
                labels[field.spec.name],
                mine,
                other,
                "ef-same" if same else "ef-differs" if other and said is not None else "",
            )
        )
    side_by_side(rows, title)


def _widget_key(view: EntryView, name: str) -> str:
    return f"duplicate_{name}-{view.entry.id}-{view.entry.revision}"
