"""Uppföljning: entries about clients who are not in the register.

When the register has the client, the entry is moved by a correction.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st
from sqlalchemy import Connection

from pipeline.domain.form.field import Meaning
from pipeline.domain.identity_numbers import MAX_LOCAL_PID_LENGTH, format_pid, is_temporary_pid
from pipeline.domain.law.permissions import Action, is_allowed
from pipeline.domain.model import EntryState, Person
from pipeline.domain.review.rules import Answer
from pipeline.registers.client_check import ClientStatement, ConflictChoice
from pipeline.review import corrections
from pipeline.store.entries.temporary_identities import TemporaryIdentity
from pipeline.store.schema.clock import utc_now
from ui.i18n import code_text, format_moment, t, words_of_area
from ui.markdown import md, plain
from ui.screens.follow_up.actions import MESSAGE, run_and_report
from ui.screens.review.current_entry import clear_undo
from ui.screens.review.duplicate_comparison import entry_title
from ui.session import requires_open_session
from ui.workspace import AppContext

_OTHER_CLIENT = ""
"""Chosen instead of a number: a client who is not among those listed."""


def show(context: AppContext, person: Person, rows: Sequence[object]) -> None:
    """Show the list."""
    if not rows:
        st.info(t("follow_up.empty.identities"), icon=":material/info:")
    for row in rows:
        if isinstance(row, TemporaryIdentity):
            _identity_row(context, person, row)


def _identity_row(context: AppContext, person: Person, identity: TemporaryIdentity) -> None:
    area = context.forms[(identity.entry.form, identity.entry.version)].area
    with st.container(border=True), words_of_area(area):
        kind = t(
            "identities.temporary" if is_temporary_pid(identity.number) else "identities.number"
        )
        st.markdown(
            f"**{plain(identity.name) or t('identities.no_name')}** · {plain(kind)} "
            f"{format_pid(identity.number)}  \n{plain(entry_title(context, identity.entry))}"
        )
        st.caption(
            md(
                "identities.since",
                reason=code_text("guard.outside_reasons", identity.reason),
                at=format_moment(identity.at),
            )
        )
        if identity.entry.state is EntryState.SECOND:
            st.caption(t("identities.waits"))
        elif is_allowed(person, Action.CORRECT, identity.entry.unit):
            _move_form(context, person, identity)


def _move_form(context: AppContext, person: Person, identity: TemporaryIdentity) -> None:
    keys = {
        name: f"move_{name}-{identity.id}-{identity.entry.revision}"
        for name in ("to", "pid", "why")
    }
    chosen: str | None = _OTHER_CLIENT
    if identity.candidates:
        titles = {
            client.pid: f"{client.name}, {format_pid(client.pid)}, {client.unit}"
            for client in identity.candidates
        }
        titles[_OTHER_CLIENT] = t("identities.other")
        chosen = st.radio(
            t("identities.who"),
            list(titles),
            index=None,
            format_func=lambda value: plain(titles[value]),
            key=keys["to"],
        )
    with (
        st.expander(
            t("identities.move"), expanded=bool(identity.candidates), key=f"move-{identity.id}"
        ),
        st.form(f"moving-{identity.id}", border=False),
    ):
        if chosen == _OTHER_CLIENT:
            st.text_input(
                t("identities.pid"),
                key=keys["pid"],
                max_chars=MAX_LOCAL_PID_LENGTH + 4,
                autocomplete="off",
            )
        st.text_input(
            t("lookup.reason"),
            key=keys["why"],
            placeholder=t("identities.why_example"),
            max_chars=200,
            autocomplete="off",
        )
        st.form_submit_button(
            t("identities.do"),
            key=f"do_move-{identity.id}",
            on_click=partial(_move_entry, context, person, identity, keys),
        )


@requires_open_session
def _move_entry(
    context: AppContext, person: Person, identity: TemporaryIdentity, keys: dict[str, str]
) -> None:
    pid = str(st.session_state.get(keys["to"]) or st.session_state.get(keys["pid"]) or "")
    reason = str(st.session_state.get(keys["why"]) or "")
    form = context.forms[(identity.entry.form, identity.entry.version)]
    spec = form.meaning(Meaning.CLIENT_PID, identity.entry.row)
    if not pid or not reason.strip() or spec is None:
        MESSAGE.failed(t("identities.lacks"))
        return
    answers, statement = {spec.name: Answer(pid)}, ClientStatement(choice=ConflictChoice.HAND_ON)

    def correct(conn: Connection) -> None:
        corrections.correct_entry(
            conn,
            context.forms,
            person,
            identity.entry.id,
            identity.entry.revision,
            answers,
            reason,
            utc_now(),
            about=statement,
        )
        clear_undo()

    run_and_report(context, "identities.moved", correct)
