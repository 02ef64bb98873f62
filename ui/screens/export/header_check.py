"""Checking a table against the receiving system: a header line is pasted, differences are shown."""

from __future__ import annotations

import streamlit as st

from pipeline.domain.errors import EfterskriftError
from pipeline.export.runs import ExportContext
from pipeline.export.tables.header_check import HeaderCheck, check_header
from pipeline.export.tables.table_schema import has_table_schema
from ui.i18n import t
from ui.markdown import md, plain_with_code
from ui.widgets.errors import error_text


def header_check_form(context: ExportContext, target: str) -> None:
    """Show the field to paste a header line in, for targets that are tables."""
    if not has_table_schema(context, target):
        return
    with st.expander(t("header.title")):
        line = st.text_area(
            t("header.line"), key=f"header-{target}", placeholder=t("header.example"), height=80
        )
        if not line.strip():
            st.caption(t("header.what"))
            return
        try:
            checks = check_header(context, target, line)
        except EfterskriftError as error:
            st.error(plain_with_code(error_text(error)))
            return
        for check in checks:
            _show_check(context.forms.latest(check.form).title, check)


def _show_check(form: str, check: HeaderCheck) -> None:
    if check.is_match:
        st.success(md("header.fits", form=form))
        return
    lines_markdown = [md("header.differs", form=form)]
    lines_markdown += (
        [md("header.lacking", names=", ".join(check.lacking))] if check.lacking else []
    )
    lines_markdown += (
        [md("header.unknown", names=", ".join(check.unknown))] if check.unknown else []
    )
    lines_markdown += [] if check.in_order else [t("header.order")]
    st.warning("  \n".join([*lines_markdown, t("header.remedy")]))
