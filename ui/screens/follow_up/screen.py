"""Uppföljning: what could not simply be entered.

Questions, transferred entries, matches in the care system, duplicates, clients outside the
register, rejected entries, and blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from html import escape
from typing import Any

import streamlit as st

from pipeline.domain.form.field import Meaning
from pipeline.domain.identity_numbers import MAX_LOCAL_PID_LENGTH, format_pid, is_temporary_pid
from pipeline.domain.law.permissions import Action, is_allowed, permitted_units
from pipeline.domain.model import EntryState, Person
from pipeline.domain.review.rules import Answer
from pipeline.export.care_system_matches import erase_settled_lists, list_matches
from pipeline.export.runs import ExportContext
from pipeline.registers.client_check import ClientStatement, ConflictChoice
from pipeline.review.corrections import Corrections
from pipeline.store.entries import client_identities
from pipeline.store.entries.client_identities import TemporaryIdentity
from pipeline.store.paper.protected_identity import find_hidden_pids
from pipeline.store.registers import blocks, client_register
from pipeline.store.registers.blocks import Block
from pipeline.store.reports import closed_entries
from pipeline.store.review import author_questions, duplicate_entries, transferred
from pipeline.store.review.duplicate_entries import DuplicateMark
from pipeline.store.schema.clock import utc_now
from ui.browser.page_view import data_url
from ui.i18n import code_text, format_moment, t, words_of_area
from ui.markdown import md, plain
from ui.screens.export.unproven import unproven_section
from ui.screens.follow_up import MESSAGE, care_system_matches, questions_section
from ui.screens.follow_up.transfers_section import show_rejected, transfer_row
from ui.screens.review.current_entry import clear_undo
from ui.screens.review.duplicate_comparison import entry_title
from ui.session import requires_open_session
from ui.widgets.heading import screen_heading
from ui.widgets.messages import carry_out, commit
from ui.workspace import AppContext

_EMPTY = {
    "questions": "follow_up.empty.questions",
    "identities": "follow_up.empty.identities",
    "forwarded": "follow_up.empty.forwarded",
    "duplicates": "follow_up.empty.duplicates",
    "rejected": "follow_up.empty.rejected",
    "blocks": "follow_up.empty.blocks",
}
"""What is said of an empty list; that of the matches is below the button that undoes a decision."""
KINDS = ("questions", "identities", "forwarded", "clashes", "duplicates", "rejected", "blocks")


def show(context: AppContext, person: Person) -> None:
    """Show the screen."""
    screen_heading(context, person, t("follow_up.title"), t("follow_up.what"))
    MESSAGE.show()
    if is_allowed(person, Action.EXPORT):
        export_context = ExportContext(context.store, context.settings, context.forms)
        unproven_section(export_context, person, leads_away=True)
    minutes = context.settings.clash_minutes
    with context.store.begin() as conn:
        erase_settled_lists(conn, context.forms, minutes, utc_now())
        matches = list_matches(conn, context.forms, person, minutes, utc_now())
        rows_by_kind: dict[str, Sequence[object]] = {
            "questions": author_questions.list_questions(conn, person),
            "identities": client_identities.list_temporary_identities(conn, person),
            "forwarded": transferred.list_transferred(conn, person),
            "clashes": matches.matches,
            "duplicates": duplicate_entries.list_duplicate_marks(conn, person),
            "rejected": closed_entries.list_rejected(conn, person),
            "blocks": blocks.list_blocks(conn, person),
        }
    labels = {kind: t(f"follow_up.kind.{kind}", count=len(rows_by_kind[kind])) for kind in KINDS}
    kind = st.segmented_control(
        t("follow_up.show"),
        KINDS,
        default=KINDS[0],
        required=True,
        format_func=lambda value: plain(labels[value]),
        key="follow_up_kind",
        label_visibility="collapsed",
    )
    chosen = str(kind or KINDS[0])
    st.caption(t(f"follow_up.about.{chosen}"))
    if chosen == "clashes" and matches.hidden:
        st.warning(md("clashes.hidden", count=matches.hidden), icon=":material/lock:")
    rows = rows_by_kind[chosen]
    if not rows and chosen in _EMPTY:
        st.info(t(_EMPTY[chosen]), icon=":material/info:")
    for row in rows if chosen in _ROWS else ():
        _ROWS[chosen](context, person, row)
    if chosen in _SECTIONS:
        _SECTIONS[chosen](context, person, rows)


# Entries about clients who are not in the register.
#
# When the register has the client, the entry is moved by a correction.

_OTHER_CLIENT = ""
"""Chosen instead of a number: a client who is not among those listed."""


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

    def correct() -> None:
        context.work(Corrections, person).correct(
            identity.entry.id, identity.entry.revision, answers, reason, about=statement
        )
        clear_undo()

    carry_out(context, MESSAGE, correct, "identities.moved")


# Clients whose paper a unit hides from all other units (spärr).
#
# A block is set and lifted here.

_WIDGET_KEYS = {name: f"block_{name}" for name in ("unit", "pid", "why")}


def _show_blocks(context: AppContext, person: Person, rows: Sequence[Block]) -> None:
    """Show the list, and the form that sets a block."""
    for block in rows:
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
    commit(
        context,
        MESSAGE,
        lambda conn: blocks.set_block(conn, person, unit, pid, reason, utc_now()),
        "blocks.is_set",
    )


@requires_open_session
def _lift_block(context: AppContext, person: Person, block: Block, key: str) -> None:
    reason = str(st.session_state.get(key) or "").strip()
    if not reason:
        MESSAGE.failed(t("blocks.lacks_why"))
        return
    commit(
        context,
        MESSAGE,
        lambda conn: blocks.lift_block(
            conn, person, block.unit, block.client_pid, reason, utc_now()
        ),
        "blocks.is_lifted",
    )


# Entries marked as duplicates, with what they were compared with.
#
# A mark can be withdrawn.


def _mark_row(context: AppContext, person: Person, mark: DuplicateMark) -> None:
    with st.container(border=True):
        st.markdown(f"**{plain(entry_title(context, mark.entry))}**")
        st.caption(
            " ".join(
                filter(
                    None,
                    (
                        md("follow_up.marked", by=mark.by, at=format_moment(mark.at)),
                        plain(mark.reason),
                    ),
                )
            )
        )
        if mark.other is not None:
            st.markdown(md("follow_up.repeats", other=entry_title(context, mark.other)))
        if mark.text or mark.picture_sha256:
            with st.expander(t("follow_up.compared"), key=f"compared-{mark.id}"):
                if mark.text:
                    st.text(mark.text)
                if mark.picture_sha256:
                    picture = context.store.images.get(mark.picture_sha256)
                    alt = escape(t("returns.duplicate.picture"))
                    st.html(f'<img class="ef-page" alt="{alt}" src="{data_url(picture)}">')
        if is_allowed(person, Action.REVIEW, mark.entry.unit):
            withdraw = partial(
                carry_out,
                context,
                MESSAGE,
                partial(context.work(Corrections, person).withdraw_duplicate, mark.id),
                "follow_up.no_duplicate_done",
            )
            st.button(t("follow_up.no_duplicate"), key=f"no_duplicate-{mark.id}", on_click=withdraw)


_ROWS: dict[str, Callable[[AppContext, Person, Any], None]] = {
    "identities": _identity_row,
    "forwarded": transfer_row,
    "duplicates": _mark_row,
}
"""What shows one row of a list that is nothing but its rows."""
_SECTIONS: dict[str, Callable[[AppContext, Person, Any], None]] = {
    "questions": questions_section.show,
    "clashes": care_system_matches.show,
    "rejected": show_rejected,
    "blocks": _show_blocks,
}
