"""Betalningar: payments that are not made yet are approved by two persons, one by one, after a look at the bank's own statement."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import partial
from itertools import groupby

import streamlit as st

from pipeline import payments
from pipeline.errors import EfterskriftError
from pipeline.export.runs import Office
from pipeline.fiducials import as_printed
from pipeline.model import Person
from pipeline.payments import Payment
from pipeline.store.clock import utc_now
from pipeline.store.payment_approvals import NEEDED, take_back_approval
from ui.components.faults import fault_text
from ui.components.heading import heading
from ui.fault_words import in_language
from ui.session import while_open
from ui.site import Site
from ui.text import language, moment, number, t

_SAID = "payments_said"


def show(here: Site, person: Person) -> None:
    """The screen."""
    office = Office(here.store, here.settings, here.forms)
    heading(here, person, t("payments.title"), t("payments.what"))
    if said := st.session_state.pop(_SAID, None):
        kind, text = said
        (st.success if kind == "ok" else st.error)(text)
    found = payments.payments(office, person)
    if not found:
        st.info(t("payments.empty"), icon=":material/info:")
        return
    st.error(t("payments.warning"), icon=":material/warning:")
    waiting = [each for each in found if not each.stops]
    stopped = [each for each in found if each.stops]
    st.header(t("payments.waiting", count=len(waiting)), anchor=False)
    for serial, sheet in groupby(waiting, key=lambda each: each.serial):
        st.subheader(t("payments.sheet", serial=as_printed(serial) or "–"), anchor=False)
        for each in sheet:
            _payment(office, person, each)
    if stopped:
        with st.expander(t("payments.stopped", count=len(stopped))):
            for each in stopped:
                st.caption(f"{each.entry_id}: {in_language(each.stops, language())}")


def _payment(office: Office, person: Person, each: Payment) -> None:
    with st.container(border=True, key=f"payment-{each.entry_id}"):
        payee = _escaped(each.payee) or t("payments.protected")
        st.markdown(t("payments.line", payee=payee, amount=_kronor(each.amount)))
        st.markdown(t("payments.account", clearing=each.clearing, account=each.account))
        st.caption(" · ".join(part for part in (_escaped(each.purpose), each.entry_id, each.unit) if part))
        names = ", ".join(f"{stamp.by} {moment(stamp.at)}" for stamp in each.approved)
        st.caption(t("payments.approved_by", count=len(each.approved), needed=NEEDED, names=names or t("payments.nobody")))
        if each.own:
            st.button(t("payments.take_back"), key=f"undo-{each.entry_id}", on_click=partial(_take_back, office, person, each))
        elif len(each.approved) < NEEDED:
            checked = st.checkbox(t("payments.checked"), key=f"checked-{each.entry_id}-{each.seen}")
            st.button(
                t("payments.approve"),
                key=f"approve-{each.entry_id}",
                type="primary",
                disabled=not checked,
                on_click=partial(_approve, office, person, each),
            )


def _escaped(text: str) -> str:
    """What the paper says is shown as it is, not read as Markdown."""
    return "".join(f"\\{char}" if char in "\\`*_{}[]()<>#+-.!|~$:" else char for char in text)


@while_open
def _approve(office: Office, person: Person, each: Payment) -> None:
    _tried("payments.is_approved", lambda: payments.approve_payment(office, person, each.entry_id, each.seen, utc_now()))


@while_open
def _take_back(office: Office, person: Person, each: Payment) -> None:
    def act() -> None:
        with office.store.begin() as conn:
            take_back_approval(conn, person, each.entry_id, utc_now())

    _tried("payments.is_taken_back", act)


def _tried(done: str, act: Callable[[], object]) -> None:
    try:
        act()
    except EfterskriftError as error:
        st.session_state[_SAID] = ("fault", fault_text(error))
    else:
        st.session_state[_SAID] = ("ok", t(done))


def _kronor(amount: str) -> str:
    """An amount with groups of thousands, and öre where there are any."""
    value = Decimal(amount)
    return number(float(value), 0 if value == value.to_integral_value() else 2)
