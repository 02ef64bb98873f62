"""Kö: what a manager lets be reviewed first, how deep it is typed, and by which rules.

Counts only: no paper is shown here.
"""

from __future__ import annotations

from datetime import date
from functools import partial

import streamlit as st

from pipeline.domain.form.form import Depth, Form
from pipeline.domain.identity_numbers import PidKind, format_pid, normalize_pid
from pipeline.domain.law.permissions import Action, permitted_units, require_permission
from pipeline.domain.model import Person, PriorityKind
from pipeline.store.entries import queue_order
from pipeline.store.entries.entry_depth import list_allowed_depths, list_unit_depths, set_unit_depth
from pipeline.store.entries.queue_order import PriorityOverride
from pipeline.store.review import batch_items
from pipeline.store.schema.clock import utc_now
from ui.i18n import format_day, format_moment, t
from ui.markdown import md, plain
from ui.screens.progress.triage_section import triage_section
from ui.session import requires_open_session
from ui.widgets.heading import screen_heading
from ui.widgets.messages import Message, commit, errors_to
from ui.widgets.tables import show_table
from ui.workspace import AppContext

_KIND_KEY, _UNIT_KEY, _DAY_KEY = "pull_kind", "pull_unit", "pull_day"
_MESSAGE = Message("pull_said", is_quiet=True)
_CLIENT_KEY = "pull_client"
_PRIORITY_KINDS = (PriorityKind.CLIENT, PriorityKind.DAY, PriorityKind.UNIT)


def show(context: AppContext, person: Person) -> None:
    """Show the screen."""
    screen_heading(context, person, t("queue.title"), t("queue.what"))
    require_permission(person, Action.PULL)
    st.caption(t(f"queue.order.{context.settings.queue_order.value}"))
    left, right = st.columns(2, gap="large")
    with left:
        _priority_form(context, person)
    with right:
        _priorities_list(context, person)
        _batch_review_section(context, person)
        depth_section(context, person)
    triage_section(context, person)


def _priority_form(context: AppContext, person: Person) -> None:
    st.header(t("queue.pull"), anchor=False)
    _MESSAGE.show()
    kind = st.segmented_control(
        t("queue.kind"),
        _PRIORITY_KINDS,
        default=_PRIORITY_KINDS[0],
        required=True,
        format_func=lambda kind: t(f"queue.kinds.{kind.value}"),
        key=_KIND_KEY,
    )
    st.selectbox(t("queue.unit"), sorted(permitted_units(person, Action.PULL)), key=_UNIT_KEY)
    if kind is PriorityKind.CLIENT:
        st.text_input(
            t("queue.client"), key=_CLIENT_KEY, placeholder=t("queue.number"), autocomplete="off"
        )
    elif kind is PriorityKind.DAY:
        st.date_input(
            t("queue.day"),
            value=context.settings.outage_start or "today",
            format="YYYY-MM-DD",
            key=_DAY_KEY,
        )
    st.button(
        t("queue.do"), key="pull", type="primary", on_click=partial(_prioritize, context, person)
    )


@requires_open_session
def _prioritize(context: AppContext, person: Person) -> None:
    kind, unit = PriorityKind(st.session_state[_KIND_KEY]), str(st.session_state[_UNIT_KEY])
    day = st.session_state.get(_DAY_KEY)
    key = {
        PriorityKind.DAY: day.isoformat() if isinstance(day, date) else "",
        PriorityKind.CLIENT: str(st.session_state.get(_CLIENT_KEY, "")),
    }.get(kind, "")
    if kind is PriorityKind.CLIENT and not _is_number(key):
        _MESSAGE.done(t("queue.number_wrong"))
        return
    commit(
        context,
        _MESSAGE,
        lambda conn: queue_order.prioritize(conn, person, kind, unit, key, utc_now()),
        lambda priority: t(
            "queue.pulled" if priority.waiting else "queue.pulled_none", count=priority.waiting
        ),
    )


def _is_number(text: str) -> bool:
    """Return whether a typed number can be a client's: a check digit has to be right."""
    number = normalize_pid(text)
    return number.valid or number.kind is PidKind.LOCAL


def _priorities_list(context: AppContext, person: Person) -> None:
    st.header(t("queue.front"), anchor=False)
    priorities = context.store.query(queue_order.list_priorities, person)
    if not priorities:
        st.caption(t("queue.nothing"))
    for priority in priorities:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            with st.container(gap=None):
                what_markdown = plain(_priority_text(priority))
                st.markdown(f"**{t(f'queue.kinds.{priority.kind.value}')}** {what_markdown}")
                st.caption(
                    " · ".join(
                        (
                            plain(priority.unit),
                            md("queue.waiting", count=priority.waiting),
                            md("queue.by", by=priority.by, at=format_moment(priority.at)),
                        )
                    )
                )
            st.button(
                t("queue.undo"),
                key=f"undo-{priority.id}",
                on_click=partial(_undo_priority, context, person, priority.id),
            )


def _priority_text(priority: PriorityOverride) -> str:
    if priority.kind is PriorityKind.DAY:
        return format_day(priority.key)
    if priority.kind is PriorityKind.CLIENT:
        return format_pid(priority.key) if priority.key else t("client.protected")
    return priority.key


@requires_open_session
def _undo_priority(context: AppContext, person: Person, priority_id: str) -> None:
    with errors_to(_MESSAGE.failed), context.store.begin() as conn:
        queue_order.undo_priority(conn, person, priority_id, utc_now())


def _batch_review_section(context: AppContext, person: Person) -> None:
    st.header(t("queue.groups"), anchor=False)
    st.caption(t("queue.groups_what"))
    units = context.store.query(batch_items.batch_review_by_unit, person)
    for unit, is_on in units.items():
        st.toggle(
            plain(unit),
            value=is_on,
            key=f"groups-{unit}",
            on_change=partial(_switch_batch_review, context, person, unit),
        )


@requires_open_session
def _switch_batch_review(context: AppContext, person: Person, unit: str) -> None:
    context.store.change(
        batch_items.set_batch_review,
        person,
        unit,
        utc_now(),
        on=bool(st.session_state[f"groups-{unit}"]),
    )


# Hur mycket som skrivs in: a manager chooses, for a unit and a form, how deep it is entered.

_DEPTH_UNIT_KEY, _FORM_KEY, _DEPTH_KEY = "depth_unit", "depth_form", "depth_depth"
_DEPTH_MESSAGE = Message("depth_said", icon=":material/tune:")


def depth_section(context: AppContext, person: Person) -> None:
    """Show what the units have chosen, and let the user choose."""
    st.header(t("depth.title"), anchor=False)
    st.caption(t("depth.what"))
    chosen = context.store.query(list_unit_depths, person)
    if chosen:
        rows = [
            (unit, context.forms.latest(form).title, t(f"depth.name.{depth.value}"))
            for (unit, form), depth in sorted(chosen.items())
        ]
        show_table(("depth.unit", "depth.form", "depth.depth"), rows)
    _DEPTH_MESSAGE.show()
    unit = st.selectbox(
        t("depth.unit"), sorted(permitted_units(person, Action.PULL)), key=_DEPTH_UNIT_KEY
    )
    forms = _forms_with_choice(context)
    form_id = st.selectbox(
        t("depth.form"),
        sorted(forms, key=lambda name: forms[name].title),
        index=None,
        key=_FORM_KEY,
        format_func=lambda name: forms[name].title,
        placeholder=t("depth.form_which"),
    )
    if unit is None or form_id is None:
        return
    form, current = forms[form_id], chosen.get((unit, form_id))
    options = [None, *list_allowed_depths(context.forms, form)]
    # The key changes with what is chosen, so that the choice in force is always the one shown.
    key = f"{_DEPTH_KEY}-{unit}-{form_id}-{current}"
    st.radio(
        t("depth.depth"),
        options,
        index=options.index(current) if current in options else 0,
        key=key,
        format_func=lambda depth: plain(_depth_name(form, depth)),
    )
    st.button(
        t("depth.save"),
        key="depth_save",
        on_click=partial(_save_depth, context, person, unit, form_id, key),
    )


def _forms_with_choice(context: AppContext) -> dict[str, Form]:
    """Return the newest version of each form that can be typed in more than one depth."""
    latest = {form_id: context.forms.latest(form_id) for form_id, _ in context.forms}
    return {
        form_id: form
        for form_id, form in latest.items()
        if len(list_allowed_depths(context.forms, form)) > 1
    }


def _depth_name(form: Form, depth: Depth | None) -> str:
    if depth is None:
        return t("depth.as_form", depth=t(f"depth.name.{form.depth.value}"))
    return t(f"depth.name.{depth.value}")


@requires_open_session
def _save_depth(context: AppContext, person: Person, unit: str, form_id: str, key: str) -> None:
    depth: Depth | None = st.session_state.get(key)
    commit(
        context,
        _DEPTH_MESSAGE,
        lambda conn: set_unit_depth(conn, context.forms, person, unit, form_id, depth, utc_now()),
        "depth.saved",
    )
