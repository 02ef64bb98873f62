"""Betalningar: payments are approved one by one by two persons.

Each first looks at the bank's own statement.
"""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from itertools import groupby

import streamlit as st

from pipeline.domain.model import Person
from pipeline.export.payments import approval
from pipeline.export.payments.approval import Payment
from pipeline.export.runs import ExportContext
from pipeline.forms.fiducials import format_serial_or_id
from pipeline.store.exports.payment_approvals import APPROVALS_NEEDED, withdraw_approval
from pipeline.store.schema.clock import utc_now
from ui.i18n import format_day, format_moment, format_number, show_text, t
from ui.markdown import md, plain
from ui.session import requires_open_session
from ui.widgets.heading import screen_heading
from ui.widgets.messages import Message, commit, errors_to
from ui.workspace import AppContext

_MESSAGE = Message("payments_said")


def show(context: AppContext, person: Person) -> None:
    """Show the screen."""
    export_context = ExportContext(context.store, context.settings, context.forms)
    screen_heading(context, person, t("payments.title"), t("payments.what"))
    _MESSAGE.show()
    payments = approval.list_payments(export_context, person)
    if not payments:
        st.info(t("payments.empty"), icon=":material/info:")
        return
    st.error(t("payments.warning"), icon=":material/warning:")
    _show_address_gaps(context, payments)
    waiting = [payment for payment in payments if not payment.blocked_reason]
    stopped = [
        (payment.entry_id, payment.blocked_reason) for payment in payments if payment.blocked_reason
    ]
    st.header(md("payments.waiting", count=len(waiting)), anchor=False)
    for serial, sheet in groupby(waiting, key=lambda payment: payment.serial):
        st.subheader(md("payments.sheet", serial=format_serial_or_id(serial) or "–"), anchor=False)
        for payment in sheet:
            _show_payment(export_context, person, payment)
    if stopped:
        with st.expander(md("payments.stopped", count=len(stopped))):
            for entry_id, reason in stopped:
                st.caption(f"{plain(entry_id)}: {plain(show_text(reason))}")


def _show_address_gaps(context: AppContext, payments: list[Payment]) -> None:
    """Say which towns are missing, before a bank does."""
    if not context.settings.care_provider_town:
        st.info(t("payments.no_own_town"), icon=":material/home_pin:")
    # A protected payee has no name here, and never an address in the file.
    if count := sum(bool(payment.payee) and not payment.town for payment in payments):
        st.info(md("payments.no_town", count=count), icon=":material/home_pin:")


def _show_payment(context: ExportContext, person: Person, payment: Payment) -> None:
    with st.container(border=True, key=f"payment-{payment.entry_id}"):
        payee = payment.payee or t("payments.protected")
        st.markdown(md("payments.line", payee=payee, amount=_format_amount(payment.amount)))
        st.markdown(md("payments.account", clearing=payment.clearing, account=payment.account))
        st.markdown(md("payments.text", text=payment.purpose))
        day = format_day(payment.day) if payment.day else t("payments.no_day")
        st.caption(f"{plain(payment.entry_id)} · {plain(payment.unit)} · {plain(day)}")
        if payment.repeats:
            lists = ", ".join(format_serial_or_id(serial) or "–" for serial in payment.repeats)
            st.warning(md("payments.repeats", lists=lists), icon=":material/content_copy:")
        names = ", ".join(f"{stamp.by} {format_moment(stamp.at)}" for stamp in payment.approved)
        st.caption(
            md(
                "payments.approved_by",
                count=len(payment.approved),
                needed=APPROVALS_NEEDED,
                names=names or t("payments.nobody"),
            )
        )
        if payment.is_own:
            st.button(
                t("payments.take_back"),
                key=f"undo-{payment.entry_id}",
                on_click=partial(
                    commit,
                    context,
                    _MESSAGE,
                    lambda conn: withdraw_approval(conn, person, payment.entry_id, utc_now()),
                    "payments.is_taken_back",
                ),
            )
        elif len(payment.approved) < APPROVALS_NEEDED:
            checked = st.checkbox(
                t("payments.checked"), key=f"checked-{payment.entry_id}-{payment.last_decision}"
            )
            st.button(
                t("payments.approve"),
                key=f"approve-{payment.entry_id}",
                type="primary" if checked else "secondary",
                disabled=not checked,
                on_click=partial(_approve_payment, context, person, payment),
            )


@requires_open_session
def _approve_payment(context: ExportContext, person: Person, payment: Payment) -> None:
    with errors_to(_MESSAGE.failed):
        approval.approve_payment(
            context, person, payment.entry_id, payment.last_decision, utc_now()
        )
        _MESSAGE.done(t("payments.is_approved"))


def _format_amount(amount: str) -> str:
    """Format an amount with a thousands separator, and öre if there are any."""
    value = Decimal(amount)
    return format_number(float(value), 0 if value == value.to_integral_value() else 2)
