"""Does a table fit the customer's own system? A header line is pasted, and what does not fit is told."""

from __future__ import annotations

import streamlit as st

from pipeline.errors import EfterskriftError
from pipeline.export import TARGETS
from pipeline.export.header_check import HeaderCheck, check_header
from pipeline.export.mapping import TableMapping
from pipeline.export.runs import Office
from ui.components.faults import fault_text
from ui.text import t


def header_check(office: Office, target: str) -> None:
    """The place to paste a header line in, for targets that are tables."""
    if TARGETS[target].mapping is not TableMapping:
        return
    with st.expander(t("header.title")):
        line = st.text_area(t("header.line"), key=f"header-{target}", placeholder=t("header.example"), height=80)
        if not line.strip():
            st.caption(t("header.what"))
            return
        try:
            found = check_header(office, target, line)
        except EfterskriftError as error:
            st.error(fault_text(error))
            return
        for check in found:
            _told(office.forms.latest(check.form).title, check)


def _told(form: str, check: HeaderCheck) -> None:
    if check.fits:
        st.success(t("header.fits", form=form))
        return
    lines = [t("header.differs", form=form)]
    lines += [t("header.lacking", names=", ".join(check.lacking))] if check.lacking else []
    lines += [t("header.unknown", names=", ".join(check.unknown))] if check.unknown else []
    lines += [] if check.in_order else [t("header.order")]
    st.warning("  \n".join([*lines, t("header.remedy")]))
