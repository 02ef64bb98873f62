"""A decided entry: its image, its values, its history, and the ways to change it.

Nothing is overwritten. It is corrected and made void at the workbench.
"""

from __future__ import annotations

from functools import partial
from html import escape

import streamlit as st

from pipeline.domain.form.field_labels import accessible_names
from pipeline.domain.law.permissions import Action, is_allowed
from pipeline.domain.model import EntryState, Person
from pipeline.forms.fiducials import format_serial_or_id
from pipeline.review.corrections import Corrections
from pipeline.store.entries.entry import OPEN_STATES, Entry
from pipeline.store.entries.entry_view import EntryView, load_entry_view
from pipeline.store.lookup.by_serial import HistoryEvent, entry_history
from ui.i18n import code_text, format_moment, t, words_of_area
from ui.markdown import plain
from ui.screens.lookup.settled_lines import settled_lines
from ui.screens.lookup.versions import show_people, version_table
from ui.screens.progress.deadlines import entry_duties
from ui.screens.review.current_entry import clear_undo
from ui.screens.review.field_input import describe_answer
from ui.screens.review.in_place import open_in_place
from ui.screens.review.sheet_images import end_page_views, record_page_views, sheet_images
from ui.screens.review.workbench.correction_mode import CORRECTION, DECIDED_MESSAGE, VOIDING
from ui.session import requires_open_session
from ui.widgets.messages import carry_out
from ui.workspace import AppContext


def decided_entry(context: AppContext, person: Person, entry_id: str) -> None:
    """Show the image on the left; values, history and actions on the right."""
    with context.store.begin() as conn:
        # Checks the permission; viewing does not claim an open entry.
        history = entry_history(conn, person, entry_id)
        view = load_entry_view(conn, context.forms, person, entry_id)
        record_page_views(person, conn, view)
    left, right = st.columns([1.15, 1], gap="medium")
    with left, st.container(key="picture"):  # in sight while the right side scrolls
        sheet_images(context, view)
    with right, words_of_area(view.form.area):
        _values_section(context, person, view, history)


def _values_section(
    context: AppContext, person: Person, view: EntryView, history: list[HistoryEvent]
) -> None:
    entry = view.entry
    st.markdown(plain(_entry_heading(view)))
    if entry.reason:
        text = code_text("reject.reasons", entry.reason)
        if entry.state is not EntryState.REJECTED and any(one.is_correction for one in history):
            text = t("lookup.corrected_why", why=text)
        st.info(plain(text), icon=":material/info:")
    # Above the values, which may be many
    _entry_buttons(context, person, view, history)
    entry_duties(context, person, entry.id)
    settled_lines(view, [field for field in view.fields if field.first_answer is not None])
    show_people(context, view.entry)
    if not history:
        return
    st.markdown(f"**{t('lookup.history')}**")
    st.html("".join(_history_text(view, event) for event in reversed(history)))
    version_table(context, person, view)


def _entry_heading(view: EntryView) -> str:
    """Return which paper the entry is on, and its state."""
    entry = view.entry
    state = "lookup.void" if entry.voided else f"entry_state.{entry.state.name.lower()}"
    parts = (
        view.form.title,
        format_serial_or_id(entry.serial),
        t("review.row", row=entry.row) if entry.row else "",
        entry.unit,
        t(state),
    )
    return " · ".join(filter(None, parts))


def _entry_buttons(
    context: AppContext, person: Person, view: EntryView, history: list[HistoryEvent]
) -> None:
    entry = view.entry
    with st.container(horizontal=True):
        if entry.state is EntryState.REJECTED and not entry.voided:
            st.button(
                t("lookup.reopen"),
                key=f"reopen-{entry.id}",
                on_click=partial(_reopen, context, person, entry),
            )
        elif not entry.voided:
            if entry.state not in OPEN_STATES:
                st.button(
                    t("lookup.correct"),
                    key=f"correct-{entry.id}",
                    on_click=partial(open_in_place, CORRECTION, entry.id),
                )
            if is_allowed(person, Action.VOID) and (
                any(event.action == "exported" for event in history)
                or entry.state is EntryState.SIGNED
            ):
                st.button(
                    t("lookup.void_it"),
                    key=f"void-{entry.id}",
                    on_click=partial(open_in_place, VOIDING, entry.id),
                )


@requires_open_session
def _reopen(context: AppContext, person: Person, entry: Entry) -> None:
    reopen = partial(context.work(Corrections, person).reopen, entry.id, entry.revision)
    carry_out(context, DECIDED_MESSAGE, reopen, "lookup.reopened")
    clear_undo()
    end_page_views()


def _history_text(view: EntryView, event: HistoryEvent) -> str:
    kind = (
        "corrected"
        if event.is_correction
        else event.state
        if event.action == "decide"
        else event.action
    )
    heading = f"{format_moment(event.at)} · {event.by} · {code_text('happening', kind)}"
    labels = accessible_names(view.form, view.entry.row)
    specs, hidden = view.form.by_name, {field.spec.name for field in view.fields if field.is_hidden}
    changed = "; ".join(
        f"{labels[name]}: {describe_answer(specs[name], answer)}"
        for name, answer in event.answers.items()
        if name in labels and name not in hidden
    )
    details = f"<div class='ef-muted'>{escape(changed)}</div>" if event.is_correction else ""
    return f'<div class="ef-settled">{escape(heading)}{details}</div>'
