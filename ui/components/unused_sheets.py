"""Registering sheets that came back with nothing written on them, and taking that back."""

from __future__ import annotations

from functools import partial

import streamlit as st

from pipeline.errors import EfterskriftError
from pipeline.model import Person
from pipeline.store import accounting
from pipeline.store.clock import utc_now
from ui.components.faults import fault_text
from ui.session import while_open
from ui.site import Site
from ui.text import moment, t

_UNIT, _TYPED, _SAID = "unused_unit", "unused_serials", "unused_said"
_MOST = 10


def unused_sheets(here: Site, person: Person) -> None:
    """The form and what stands registered, newest first."""
    with st.expander(t("accounting.title"), icon=":material/inventory_2:"):
        st.caption(t("accounting.what"))
        if said := st.session_state.pop(_SAID, None):
            st.info(said, icon=":material/info:")
        with here.store.read() as conn:
            astray = [accounting.NO_UNIT] if accounting.any_astray(conn) else []
        st.selectbox(t("accounting.unit"), [*sorted(person.units), *astray], key=_UNIT, format_func=_unit_said)
        st.text_area(t("accounting.serials"), key=_TYPED, height=90)
        st.button(t("accounting.do"), key="unused_do", on_click=partial(_note, here, person))
        with here.store.read() as conn:
            lots = accounting.unused_lots(conn, person)
        for lot in lots[:_MOST]:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.caption(t("accounting.line", unit=_unit_said(lot.unit), count=lot.sheets, by=lot.by, at=moment(lot.at)))
                st.button(t("accounting.undo"), key=f"unused-{lot.id}-{lot.unit}", on_click=partial(_undo, here, person, lot.id))


def _unit_said(unit: str) -> str:
    return unit or t("accounting.unit_unknown")


@while_open
def _note(here: Site, person: Person) -> None:
    try:
        with here.store.begin() as conn:
            count = accounting.return_unused(conn, person, str(st.session_state[_UNIT]), str(st.session_state[_TYPED]), utc_now())
    except EfterskriftError as error:
        st.session_state[_SAID] = fault_text(error)
    else:
        st.session_state[_SAID], st.session_state[_TYPED] = t("accounting.noted", count=count), ""


@while_open
def _undo(here: Site, person: Person, lot: str) -> None:
    try:
        with here.store.begin() as conn:
            accounting.undo_unused(conn, person, lot, utc_now())
    except EfterskriftError as error:
        st.session_state[_SAID] = fault_text(error)
