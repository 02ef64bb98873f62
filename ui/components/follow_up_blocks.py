"""Uppföljning: clients whose paper a unit keeps from all other units (spärr), and setting and lifting that."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st

from pipeline.identity import LONGEST_LOCAL, shown_pid
from pipeline.model import Person
from pipeline.store import blocks, registers
from pipeline.store.blocks import Block
from pipeline.store.clock import utc_now
from pipeline.store.protection import hidden_numbers
from ui.components.follow_up_act import tell, tried
from ui.session import while_open
from ui.site import Site
from ui.text import moment, t

_KEYS = {name: f"block_{name}" for name in ("unit", "pid", "why")}


def show(here: Site, person: Person, found: Sequence[object]) -> None:
    """The list, and the form that sets a block."""
    if not found:
        st.info(t("follow_up.empty.blocks"), icon=":material/info:")
    for one in found:
        if isinstance(one, Block):
            _block(here, person, one)
    if person.units:
        _new(here, person)


def _block(here: Site, person: Person, one: Block) -> None:
    with here.store.read() as conn:
        client = registers.client(conn, one.client_pid)
        hidden = hidden_numbers(conn, person, [one.client_pid])
    named = f"**{client.name if client and client.name else t('blocks.no_name')}** · {shown_pid(one.client_pid)}"
    with st.container(border=True):
        st.markdown(f"{t('client.protected') if hidden else named}  \n{one.unit}")
        st.caption(t("blocks.since", at=moment(one.set_at), by=one.set_by, reason=one.reason))
        why = f"lift_why-{one.id}"
        with st.expander(t("blocks.lift"), key=f"lift-{one.id}"), st.form(f"lifting-{one.id}", border=False):
            st.text_input(t("blocks.why_lift"), key=why, max_chars=200, autocomplete="off")
            st.form_submit_button(t("blocks.do_lift"), key=f"do_lift-{one.id}", on_click=partial(_lift, here, person, one, why))


def _new(here: Site, person: Person) -> None:
    with st.expander(t("blocks.new"), key="block_new"), st.form("blocking", border=False):
        st.selectbox(t("blocks.unit"), sorted(person.units), key=_KEYS["unit"])
        st.text_input(t("blocks.pid"), key=_KEYS["pid"], max_chars=LONGEST_LOCAL + 4, autocomplete="off")
        st.text_input(t("blocks.why"), key=_KEYS["why"], max_chars=200, autocomplete="off", placeholder=t("blocks.why_example"))
        st.form_submit_button(t("blocks.do"), key="do_block", type="primary", on_click=partial(_set, here, person))


@while_open
def _set(here: Site, person: Person) -> None:
    unit, pid, why = (str(st.session_state.get(_KEYS[name]) or "").strip() for name in ("unit", "pid", "why"))
    if not pid or not why:
        tell("fault", t("blocks.lacks"))
        return
    tried(here, "blocks.is_set", lambda conn: blocks.set_block(conn, person, unit, pid, why, utc_now()))


@while_open
def _lift(here: Site, person: Person, one: Block, key: str) -> None:
    why = str(st.session_state.get(key) or "").strip()
    if not why:
        tell("fault", t("blocks.lacks_why"))
        return
    tried(here, "blocks.is_lifted", lambda conn: blocks.lift_block(conn, person, one.unit, one.client_pid, why, utc_now()))
