"""Importing the register of a pack that was printed on a computer without a network."""

from __future__ import annotations

import streamlit as st

from pipeline.domain.errors import EfterskriftError
from pipeline.domain.model import Person
from pipeline.store.registers.issued_sheets import IssuedFileResult, import_issued_file
from ui.i18n import t
from ui.markdown import plain_with_code
from ui.widgets.errors import error_text
from ui.widgets.messages import Message
from ui.workspace import AppContext

_MESSAGE = Message("issued_said", is_quiet=True)
_UPLOAD_COUNT_KEY = "issued_sent"


def issued_upload(context: AppContext, person: Person) -> None:
    """Show the form, and the result of the last file."""
    st.header(t("pack.take_in"), anchor=False)
    st.caption(t("pack.take_in_what"))
    _MESSAGE.show()
    file = st.file_uploader(
        t("pack.take_in_file"),
        type=["csv"],
        key=f"issued_{st.session_state.get(_UPLOAD_COUNT_KEY, 0)}",
    )
    if st.button(t("pack.take_in_do"), key="issued_do", disabled=file is None) and file is not None:
        _import_file(context, person, file.getvalue())


def _import_file(context: AppContext, person: Person, data: bytes) -> None:
    try:
        with context.store.begin() as conn:
            result = import_issued_file(conn, context.forms, person, data)
    except EfterskriftError as error:
        st.error(plain_with_code(error_text(error)))
        return
    _MESSAGE.done(_import_result_text(result))
    st.session_state[_UPLOAD_COUNT_KEY] = st.session_state.get(_UPLOAD_COUNT_KEY, 0) + 1
    st.rerun()


def _import_result_text(result: IssuedFileResult) -> str:
    parts = [t("pack.taken", new=result.new, known=result.known)]
    if result.scanned_before:
        parts.append(t("pack.scanned_before", count=result.scanned_before))
    if result.unknown_forms:
        parts.append(t("pack.unknown_forms", forms=", ".join(result.unknown_forms)))
    if result.unissued:
        parts.append(t("pack.unissued", count=result.unissued))
    return " ".join(parts)
