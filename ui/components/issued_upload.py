"""Taking in the register of a pack that was printed on a stand-alone computer."""

from __future__ import annotations

import streamlit as st

from pipeline.errors import EfterskriftError
from pipeline.model import Person
from pipeline.store.issued_files import TakenIn, take_in_issued
from ui.components.faults import fault_text
from ui.site import Site
from ui.text import t

_SAID, _SENT = "issued_said", "issued_sent"


def issued_upload(here: Site, person: Person) -> None:
    """The form, and what came of the last file."""
    st.header(t("pack.take_in"), anchor=False)
    st.caption(t("pack.take_in_what"))
    if said := st.session_state.pop(_SAID, None):
        st.info(said, icon=":material/info:")
    file = st.file_uploader(t("pack.take_in_file"), type=["csv"], key=f"issued_{st.session_state.get(_SENT, 0)}")
    if st.button(t("pack.take_in_do"), key="issued_do", disabled=file is None) and file is not None:
        _take(here, person, file.getvalue())


def _take(here: Site, person: Person, data: bytes) -> None:
    try:
        with here.store.begin() as conn:
            taken = take_in_issued(conn, here.forms, person, data)
    except EfterskriftError as error:
        st.error(fault_text(error))
        return
    st.session_state[_SAID] = _told(taken)
    st.session_state[_SENT] = st.session_state.get(_SENT, 0) + 1
    st.rerun()


def _told(taken: TakenIn) -> str:
    parts = [t("pack.taken", new=taken.new, known=taken.known)]
    if taken.scanned_before:
        parts.append(t("pack.scanned_before", count=taken.scanned_before))
    if taken.unknown_forms:
        parts.append(t("pack.unknown_forms", forms=", ".join(taken.unknown_forms)))
    if taken.unissued:
        parts.append(t("pack.unissued", count=taken.unissued))
    return " ".join(parts)
