"""Registering sheets that came back with nothing written on them, and undoing it."""

from __future__ import annotations

from functools import partial

import streamlit as st

from pipeline.domain.law.permissions import Action, permitted_units
from pipeline.domain.model import Person
from pipeline.store.reports import sheet_accounting
from pipeline.store.schema.clock import utc_now
from ui import session
from ui.i18n import format_moment, t
from ui.markdown import md
from ui.session import requires_open_session
from ui.widgets.messages import Message, errors_to
from ui.workspace import AppContext

_MESSAGE = Message("unused_said", is_quiet=True)
_UNIT_KEY, _SERIALS_KEY = "unused_unit", "unused_serials"
_UNDO_MESSAGE = Message("unused_undo_said", is_quiet=True)
_MAX_REGISTRATIONS = 10


def unused_sheets(context: AppContext, person: Person) -> None:
    """Show the form and the latest registrations."""
    with st.expander(t("accounting.title"), icon=":material/inventory_2:"):
        st.caption(t("accounting.what"))
        _MESSAGE.show()
        with context.store.read() as conn:
            unknown_unit = (
                [sheet_accounting.NO_UNIT] if sheet_accounting.has_unknown_unit_sheets(conn) else []
            )
        st.selectbox(
            t("accounting.unit"),
            [*sorted(permitted_units(person, Action.PRINT)), *unknown_unit],
            key=_UNIT_KEY,
            format_func=_unit_text,
        )
        st.text_area(t("accounting.serials"), key=_SERIALS_KEY, height=90)
        st.button(
            t("accounting.do"), key="unused_do", on_click=partial(_save_unused, context, person)
        )
        _live_registrations(context, person)


@st.fragment(run_every="10s")
def _live_registrations(context: AppContext, person: Person) -> None:
    if session.current_person(context, active=False) is None:
        st.rerun()
    with context.store.read() as conn:
        registrations = sheet_accounting.list_unused_sheets(conn, person)
    for registration in registrations[:_MAX_REGISTRATIONS]:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(
                md(
                    "accounting.line",
                    unit=_unit_text(registration.unit),
                    count=registration.sheets,
                    by=registration.by,
                    at=format_moment(registration.at),
                )
            )
            st.button(
                t("accounting.undo"),
                key=f"unused-{registration.id}-{registration.unit}",
                on_click=partial(_undo_unused, context, person, registration.id),
            )
    _UNDO_MESSAGE.show()


def _unit_text(unit: str) -> str:
    return unit or t("accounting.unit_unknown")


@requires_open_session
def _save_unused(context: AppContext, person: Person) -> None:
    with errors_to(_MESSAGE.failed):
        with context.store.begin() as conn:
            count = sheet_accounting.save_unused_sheets(
                conn,
                person,
                str(st.session_state[_UNIT_KEY]),
                str(st.session_state[_SERIALS_KEY]),
                utc_now(),
            )
        _MESSAGE.done(t("accounting.noted", count=count))
        st.session_state[_SERIALS_KEY] = ""


@requires_open_session
def _undo_unused(context: AppContext, person: Person, registration_id: str) -> None:
    with errors_to(_UNDO_MESSAGE.failed), context.store.begin() as conn:
        sheet_accounting.undo_unused_sheets(conn, person, registration_id, utc_now())
