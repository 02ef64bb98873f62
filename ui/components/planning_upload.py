"""Handing in what was planned, so that a day off is told from a day whose paper is missing. It is counted; no line of the file is kept."""

from __future__ import annotations

import streamlit as st

from pipeline.errors import EfterskriftError
from pipeline.model import Person
from pipeline.planning import PlanKind, planned_of
from pipeline.store.planned import save_planned
from ui.components.faults import fault_text
from ui.components.heading import choose_files_in_words
from ui.site import Site
from ui.text import t

_SENT = "planning_sent"


def planning_upload(here: Site, person: Person) -> None:
    """The form, closed until it is wanted."""
    with st.expander(t("paper_days.planning"), icon=":material/event_note:"):
        choose_files_in_words()
        st.caption(t("paper_days.planning_what"))
        kind = st.radio(
            t("paper_days.kind"), list(PlanKind), format_func=lambda one: t(f"paper_days.kinds.{one.value}"), horizontal=True, key="plan_kind"
        )
        file = st.file_uploader(t("paper_days.planning_file"), type=["csv"], key=f"planning_{st.session_state.get(_SENT, 0)}")
        if st.button(t("paper_days.planning_do"), key="planning_do", disabled=file is None) and file is not None and kind is not None:
            _take(here, person, kind, file.getvalue(), file.name)


def _take(here: Site, person: Person, kind: PlanKind, data: bytes, name: str) -> None:
    try:
        counts = planned_of(data, name)
        with here.store.begin() as conn:
            save_planned(conn, person, kind, counts)
    except EfterskriftError as error:
        st.error(fault_text(error))
        return
    st.session_state[_SENT] = st.session_state.get(_SENT, 0) + 1
    st.toast(t("paper_days.planned", count=len(counts)), icon=":material/check:")
    st.rerun()
