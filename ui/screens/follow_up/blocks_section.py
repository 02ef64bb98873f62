"""Uppföljning: clients whose paper a unit hides from all other units (spärr).

A block is set and lifted here.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st

from pipeline.domain.identity_numbers import MAX_LOCAL_PID_LENGTH, format_pid
from pipeline.domain.law.permissions import Action, permitted_units
from pipeline.domain.model import Person
from pipeline.store.paper.protected_identity import find_hidden_pids
from pipeline.store.registers import blocks, client_register
from pipeline.store.registers.blocks import Block
from pipeline.store.schema.clock import utc_now
from ui.i18n import format_moment, t
from ui.markdown import md, plain
from ui.screens.follow_up.actions import MESSAGE, run_and_report
from ui.session import requires_open_session
from ui.workspace import AppContext

_WIDGET_KEYS = {name: f"block_{name}" for name in ("unit", "pid", "why")}


def show(context: AppContext, person: Person, rows: Sequence[object]) -> None:
    """Show the list, and the form that sets a block."""
    if not rows:
        st.info(t("follow_up.empty.blocks"), icon=":material/info:")
    for block in rows:
        if isinstance(block, Block):
            _block_row(context, person, block)
    if permitted_units(person, Action.BLOCK):
        _new_block_form(context, person)


def _block_row(context: AppContext, person: Person, block: Block) -> None:
    with context.store.read() as conn:
        client = client_register.load_client(conn, block.client_pid)
        hidden = find_hidden_pids(conn, person, [block.client_pid])
    name = client.name if client and client.name else t("blocks.no_name")
    client_text = (
        t("client.protected") if hidden else f"**{name}** · {format_pid(block.client_pid)}"
    )
    with st.container(border=True):
        st.markdown(f"{plain(client_text)}  \n{plain(block.unit)}")
        st.caption(
            md("blocks.since", at=format_moment(block.set_at), by=block.set_by, reason=block.reason)
        )
        reason_key = f"lift_why-{block.id}"
        with (
            st.expander(t("blocks.lift"), key=f"lift-{block.id}"),
            st.form(f"lifting-{block.id}", border=False),
        ):
            st.text_input(t("blocks.why_lift"), key=reason_key, max_chars=200, autocomplete="off")
            st.form_submit_button(
                t("blocks.do_lift"),
                key=f"do_lift-{block.id}",
                on_click=partial(_lift_block, context, person, block, reason_key),
            )


def _new_block_form(context: AppContext, person: Person) -> None:
    with st.expander(t("blocks.new"), key="block_new"), st.form("blocking", border=False):
        st.selectbox(
            t("blocks.unit"),
            sorted(permitted_units(person, Action.BLOCK)),
            key=_WIDGET_KEYS["unit"],
        )
        st.text_input(
            t("blocks.pid"),
            key=_WIDGET_KEYS["pid"],
            max_chars=MAX_LOCAL_PID_LENGTH + 4,
            autocomplete="off",
        )
        st.text_input(
            t("blocks.why"),
            key=_WIDGET_KEYS["why"],
            max_chars=200,
            autocomplete="off",
            placeholder=t("blocks.why_example"),
        )
        st.form_submit_button(
            t("blocks.do"),
            key="do_block",
            type="primary",
            on_click=partial(_set_block, context, person),
        )


@requires_open_session
def _set_block(context: AppContext, person: Person) -> None:
    unit, pid, reason = (
        str(st.session_state.get(_WIDGET_KEYS[name]) or "").strip()
        for name in ("unit", "pid", "why")
    )
    if not pid or not reason:
        MESSAGE.failed(t("blocks.lacks"))
        return
    run_and_report(
        context,
        "blocks.is_set",
        lambda conn: blocks.set_block(conn, person, unit, pid, reason, utc_now()),
    )


@requires_open_session
def _lift_block(context: AppContext, person: Person, block: Block, key: str) -> None:
    reason = str(st.session_state.get(key) or "").strip()
    if not reason:
        MESSAGE.failed(t("blocks.lacks_why"))
        return
    run_and_report(
        context,
        "blocks.is_lifted",
        lambda conn: blocks.lift_block(
            conn, person, block.unit, block.client_pid, reason, utc_now()
        ),
    )
