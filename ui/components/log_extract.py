"""The extract for a client: looked at here first, then handed out as paper or table."""

from __future__ import annotations

from datetime import datetime

import pandas as pd
import streamlit as st

from pipeline.audit.client_extract import Extract, client_extract, extract_csv
from pipeline.audit.extract_pdf import extract_pdf
from pipeline.errors import UsageError
from pipeline.identity import shown_pid
from pipeline.model import Person
from pipeline.store.clock import utc_now
from ui.site import Site
from ui.text import t

_MADE = "log_extract_made"


def log_extract(here: Site, person: Person, start: datetime, end: datetime) -> None:
    """Ask for the client, and show what would be handed out."""
    st.header(t("log.extract"), anchor=False)
    st.caption(t("log.extract_what"))
    with st.form("log_extract", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        typed = st.text_input(t("log.extract_client"), key="log_extract_typed", autocomplete="off", max_chars=20, width=280)
        sent = st.form_submit_button(t("log.extract_make"), key="log_extract_make", type="primary")
    if sent:
        st.session_state.pop(_MADE, None)
        try:
            with here.store.begin() as conn:
                st.session_state[_MADE] = client_extract(conn, person, typed, start, end, utc_now())
        except UsageError:
            st.warning(t("log.no_number"), icon=":material/info:")
    made: Extract | None = st.session_state.get(_MADE)
    if made is not None and (made.start, made.end) != (start, end):
        del st.session_state[_MADE]
        made = None
    if made is not None:
        _made(here, made)


def _made(here: Site, made: Extract) -> None:
    st.markdown(f"**{' · '.join(filter(None, (made.name, shown_pid(made.pid))))}**")
    if made.elsewhere:
        st.warning(t("log.extract_elsewhere", count=made.elsewhere), icon=":material/info:")
    if made.lines:
        columns = [t(f"log.column.{name}") for name in ("at", "unit", "told", "times")]
        rows = [(line.at, line.unit, line.what, line.times) for line in made.lines]
        st.dataframe(
            pd.DataFrame(rows, columns=columns), hide_index=True, width="stretch", height=38 + 35 * min(len(rows), 10), key="log_extract_rows"
        )
    else:
        st.info(t("log.extract_none"), icon=":material/info:")
    name = f"loggutdrag-{made.made_at:%Y%m%d-%H%M}"
    with st.container(horizontal=True):
        paper = extract_pdf(made, here.settings.care_provider)
        st.download_button(t("log.extract_pdf"), paper, f"{name}.pdf", "application/pdf", key="log_extract_pdf", on_click="ignore", type="primary")
        st.download_button(t("log.extract_csv"), extract_csv(made), f"{name}.csv", "text/csv", key="log_extract_csv", on_click="ignore")
    st.caption(t("log.extract_hand"))
