"""Which rows of the log are shown."""

from __future__ import annotations

from datetime import date
from functools import partial

import streamlit as st

from pipeline.audit import follow_up
from pipeline.audit.client_extract import client_number
from pipeline.model import Person
from pipeline.store.log_rows import Hint, Wanted
from ui.site import Site
from ui.text import known, t


def log_filter(here: Site, person: Person, first: date, last: date) -> Wanted | None:
    """What the person wants to see; None while the wishes make no sense, and then the person has been told."""
    with st.container(border=True):
        top = st.columns([1, 1, 1.6, 1.6], vertical_alignment="bottom")
        start = top[0].date_input(t("log.from"), first, key="log_from", format="YYYY-MM-DD")
        end = top[1].date_input(t("log.to"), last, key="log_to", format="YYYY-MM-DD")
        if start > end:
            st.warning(t("log.backwards"), icon=":material/info:")
            return None
        period = Wanted(*follow_up.days(start, end))
        with here.store.read() as conn:
            actions, logins = follow_up.choices(conn, person, period)
        every = t("log.every")
        by = top[2].selectbox(t("log.who"), logins, index=None, placeholder=every, key="log_who")
        in_words = partial(known, "log.action")
        action = top[3].selectbox(t("log.action"), actions, index=None, placeholder=every, key="log_what", format_func=in_words)
        low = st.columns([2, 1.6, 1.6], vertical_alignment="bottom")
        unit = low[0].selectbox(t("log.unit"), sorted(person.units), index=None, placeholder=every, key="log_unit")
        kinds, hinted = [hint.value for hint in Hint], partial(known, "log.hint")
        hint = low[1].selectbox(t("log.only"), kinds, index=None, placeholder=every, key="log_hint", format_func=hinted)
        typed = low[2].text_input(t("log.client"), key="log_client", autocomplete="off", max_chars=20, placeholder=t("log.client_example"))
        with here.store.read() as conn:
            client = client_number(conn, typed) if typed.strip() else None
        if typed.strip() and client is None:
            st.warning(t("log.no_number"), icon=":material/info:")
            return None
    return Wanted(period.start, period.end, by, action, unit, client, Hint(hint) if hint else None)
