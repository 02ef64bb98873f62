"""Uppföljning: what was transferred to another unit and its outcome, and what was rejected."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st

from pipeline.domain.law.permissions import Action, is_allowed
from pipeline.domain.model import EntryState, Person
from pipeline.domain.review.rules import GAPLESS_REASONS
from pipeline.forms.fiducials import format_serial_or_id
from pipeline.review.corrections import Corrections
from pipeline.review.transfers import Transfers
from pipeline.store.accounts import people
from pipeline.store.entries.entry import Entry
from pipeline.store.review.transferred import TransferredEntry
from ui.i18n import code_text, format_moment, t
from ui.markdown import md, plain
from ui.screens.follow_up import MESSAGE
from ui.screens.review.duplicate_comparison import entry_title
from ui.session import requires_open_session
from ui.widgets.keying_lines import keying_lines
from ui.widgets.messages import carry_out
from ui.workspace import AppContext

_OPEN_STATES = {EntryState.REVIEW, EntryState.SECOND}


def show_rejected(context: AppContext, person: Person, rows: Sequence[Entry]) -> None:
    """Show rejected entries; each can be reopened until it is made void."""
    names = context.store.query(people.names_by_login)
    for row in rows:
        _rejected_row(context, person, row, names)


def transfer_row(context: AppContext, person: Person, transfer: TransferredEntry) -> None:
    """Show an entry that a unit of the user has transferred."""
    form = context.forms.get((transfer.form, transfer.version))
    with st.container(border=True):
        parts = (
            form.title if form else transfer.form,
            format_serial_or_id(transfer.serial),
            t("review.row", row=transfer.row) if transfer.row else "",
        )
        st.markdown(
            f"**{plain(' · '.join(filter(None, parts)))}**  \n" + plain(_outcome_text(transfer))
        )
        reason = f" {transfer.reason}" if transfer.reason else ""
        st.caption(
            md(
                "follow_up.sent",
                by=transfer.by,
                at=format_moment(transfer.at),
                unit=transfer.from_unit,
                to=transfer.to_unit or t("follow_up.entitled"),
            )
            + plain(reason)
        )
        if transfer.is_waiting_there and is_allowed(person, Action.FORWARD, transfer.from_unit):
            act = partial(context.work(Transfers, person).take_back, transfer.entry_id)
            take_back = partial(carry_out, context, MESSAGE, act, "returns.forward.undone")
            key = f"take_back-{transfer.entry_id}-{transfer.at.timestamp():.0f}"
            st.button(t("follow_up.take_back"), key=key, icon=":material/undo:", on_click=take_back)


def _outcome_text(transfer: TransferredEntry) -> str:
    if transfer.current_unit == transfer.from_unit:
        return t("follow_up.came_back")
    if transfer.state in _OPEN_STATES:
        return t("follow_up.waits_there", unit=transfer.current_unit or t("follow_up.entitled"))
    if transfer.state is EntryState.REJECTED and not transfer.current_unit:
        return t("follow_up.rejected_untold", unit=t("follow_up.entitled"))
    if transfer.state is EntryState.REJECTED:
        return t(
            "follow_up.rejected_there",
            unit=transfer.current_unit,
            reason=code_text("reject.reasons", transfer.current_reason),
        )
    return t("follow_up.entered_there", unit=transfer.current_unit or t("follow_up.entitled"))


def _rejected_row(context: AppContext, person: Person, entry: Entry, names: dict[str, str]) -> None:
    by, at = (
        (entry.second_by, entry.second_at) if entry.second_by else (entry.first_by, entry.first_at)
    )
    reason = (
        t("follow_up.voided", why=entry.voided.rstrip("."))
        if entry.voided
        else f"{code_text('reject.reasons', entry.reason)}."
    )
    decided_by = f"{names.get(by or '', by or '')}, {format_moment(at)}." if at else ""
    leaves_gap = not entry.voided and entry.reason not in GAPLESS_REASONS
    with st.container(border=True):
        with st.container(
            horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"
        ):
            with st.container(gap=None, width="stretch"):
                st.markdown(f"**{plain(entry_title(context, entry))}**")
                st.caption(
                    " ".join(
                        filter(
                            None,
                            (
                                plain(reason),
                                plain(decided_by),
                                t("follow_up.gap") if leaves_gap else "",
                            ),
                        )
                    )
                )
            if is_allowed(person, Action.REVIEW, entry.unit) and not entry.voided:
                act = partial(context.work(Corrections, person).reopen, entry.id, entry.revision)
                reopen = partial(carry_out, context, MESSAGE, act, "lookup.reopened")
                st.button(t("lookup.reopen"), key=f"reopen-{entry.id}", on_click=reopen)
        if leaves_gap and is_allowed(person, Action.VOID, entry.unit):
            _void_form(context, person, entry)


def _void_form(context: AppContext, person: Person, entry: Entry) -> None:
    key = f"void_why-{entry.id}-{entry.revision}"
    with (
        st.expander(t("follow_up.void"), key=f"void-{entry.id}"),
        st.form(f"voiding-{entry.id}", border=False),
    ):
        st.text_input(
            t("follow_up.void_why"),
            key=key,
            max_chars=200,
            autocomplete="off",
            placeholder=t("follow_up.void_example"),
        )
        st.form_submit_button(
            t("follow_up.do_void"),
            key=f"do_void-{entry.id}",
            on_click=partial(_void_entry, context, person, entry, key),
        )


@requires_open_session
def _void_entry(context: AppContext, person: Person, entry: Entry, key: str) -> None:
    reason = str(st.session_state.get(key) or "").strip()
    if not reason:
        MESSAGE.failed(t("follow_up.lacks_why"))
        return
    keying = keying_lines(context.store, person, entry.id)
    carry_out(
        context,
        MESSAGE,
        partial(context.work(Corrections, person).void, entry.id, entry.revision, reason),
        lambda _: " ".join([t("follow_up.is_void"), *keying]),
    )
