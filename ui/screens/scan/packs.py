"""Packs of printed sheets: which are in reserve, and that one has been opened."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import partial

import streamlit as st
from sqlalchemy import Connection

from pipeline.domain.dates import today_in_sweden
from pipeline.domain.law.permissions import Action, permitted_units
from pipeline.domain.model import Person
from pipeline.store.registers import packs
from pipeline.store.registers.packs import Pack
from pipeline.store.schema.clock import utc_now
from ui import session
from ui.i18n import format_day, format_moment, t
from ui.markdown import md, plain
from ui.session import requires_open_session
from ui.widgets.messages import Message, errors_to
from ui.workspace import AppContext

_MESSAGE = Message("pack_said", is_quiet=True)
_DAY_KEY = "pack_day"
_MAX_PACKS = 20


def pack_list(context: AppContext, person: Person) -> None:
    """Show the newest packs with what opens them."""
    with st.expander(t("packs.title"), icon=":material/inventory:"):
        st.caption(t("packs.what"))
        st.date_input(
            t("packs.day"),
            value=today_in_sweden(),
            max_value=today_in_sweden(),
            format="YYYY-MM-DD",
            key=_DAY_KEY,
        )
        _live_packs(context, person)


@st.fragment(run_every="10s")
def _live_packs(context: AppContext, person: Person) -> None:
    if session.current_person(context, active=False) is None:
        st.rerun()
    _MESSAGE.show()
    with context.store.read() as conn:
        found = packs.list_packs(conn, person, permitted_units(person, Action.PRINT))
    if not found:
        st.caption(t("packs.none"))
    for pack in found[:_MAX_PACKS]:
        _pack_line(context, person, pack)
    if len(found) > _MAX_PACKS:
        st.caption(md("packs.more", count=len(found) - _MAX_PACKS))


def _pack_line(context: AppContext, person: Person, pack: Pack) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        printed_at = format_moment(pack.printed_at)
        st.caption(
            md("packs.line", unit=pack.unit, count=pack.sheets, at=printed_at)
            + f" {plain(_state_text(pack))}"
        )
        if pack.opened_on:
            st.button(
                t("accounting.undo"),
                key=f"undo_pack-{pack.id}",
                on_click=partial(_undo, context, person, pack.id),
            )
        elif not pack.is_open:
            st.button(
                t("packs.open"),
                key=f"open_pack-{pack.id}",
                on_click=partial(_open, context, person, pack.id),
            )


def _state_text(pack: Pack) -> str:
    if pack.opened_on:
        return t("packs.opened_on", day=format_day(pack.opened_on))
    return t("packs.opened_by_scan" if pack.scanned else "packs.in_reserve")


@requires_open_session
def _open(context: AppContext, person: Person, pack_id: str) -> None:
    day = st.session_state.get(_DAY_KEY)
    _run(
        context,
        lambda conn: packs.open_pack(
            conn, person, pack_id, day if isinstance(day, date) else today_in_sweden(), utc_now()
        ),
    )


@requires_open_session
def _undo(context: AppContext, person: Person, pack_id: str) -> None:
    _run(context, lambda conn: packs.undo_open_pack(conn, person, pack_id, utc_now()))


def _run(context: AppContext, action: Callable[[Connection], None]) -> None:
    with errors_to(_MESSAGE.failed), context.store.begin() as conn:
        action(conn)
