"""Övning: the yearly drill, step by step: print ten sheets, hand in their scan, see the result."""

from __future__ import annotations

from functools import partial

import streamlit as st

from pipeline.domain.dates import swedish_day, today_in_sweden
from pipeline.domain.model import Person
from pipeline.preparation.drill.drills import (
    Drill,
    DrillScan,
    about_drill,
    describe_remarks,
    describe_result,
    find_last_result,
    finish_drill,
    list_drills,
    make_drill,
    print_result,
)
from pipeline.preparation.drill.sheets import load_content
from ui.i18n import format_day, t
from ui.markdown import md, plain
from ui.session import requires_open_session
from ui.widgets.messages import Message, errors_to
from ui.workspace import AppContext

_MESSAGE = Message("drill_said", icon=":material/error:")
_PAPER_KEY = "drill_paper"
_SCAN_TYPES = ["pdf", "tif", "tiff", "jpg", "jpeg", "png"]


def show_drill(context: AppContext, person: Person, unit: str) -> None:
    """Show the three steps of a drill of a unit."""
    st.caption(t("drill.what"))
    _MESSAGE.show()
    drills = [drill for drill in list_drills(context.settings, person) if drill.unit == unit]
    _show_last_drill(drills, unit)
    left, right = st.columns(2, gap="large")
    with left:
        _print_section(context, person, unit)
        _scan_section(context, person, drills)
    with right:
        _result_section(context, drills)


def _show_last_drill(drills: list[Drill], unit: str) -> None:
    """Say when the unit's last drill was, and remind of the next if that is long ago."""
    result, days = find_last_result(drills, unit), load_content().days
    if result is not None:
        day = swedish_day(result.at)
        st.caption(
            md(
                "drill.last",
                day=format_day(day),
                back=result.sheets_back,
                sheets=len(result.sheets),
            )
        )
    if result is None or (today_in_sweden() - swedish_day(result.at)).days > days:
        st.warning(md("drill.late", days=days), icon=":material/event_upcoming:")


def _print_section(context: AppContext, person: Person, unit: str) -> None:
    st.header(t("drill.print"), anchor=False)
    st.caption(t("drill.print_what"))
    st.button(
        t("drill.make"),
        key="drill_make",
        icon=":material/print:",
        on_click=partial(_make, context, person, unit),
    )
    made = st.session_state.get(_PAPER_KEY)
    if made and made[0] == unit:
        st.download_button(
            t("drill.fetch"),
            lambda: made[2],
            f"ovning-{made[1]}.pdf",
            "application/pdf",
            key="drill_fetch",
            icon=":material/download:",
        )


@requires_open_session
def _make(context: AppContext, person: Person, unit: str) -> None:
    with errors_to(_MESSAGE.failed):
        drill, paper = make_drill(context.store, context.settings, context.forms, person, unit)
        st.session_state[_PAPER_KEY] = (unit, drill.id, paper)


def _scan_section(context: AppContext, person: Person, drills: list[Drill]) -> None:
    st.header(t("drill.write"), anchor=False)
    st.caption(t("drill.write_what"))
    if not drills:
        st.info(t("drill.none_made"), icon=":material/info:")
        return
    with st.form("drill_scan", border=True):
        drill = st.selectbox(
            t("drill.choose"), drills, format_func=lambda drill: drill.id, key="drill_choose"
        )
        file = st.file_uploader(t("drill.file"), type=_SCAN_TYPES, key="drill_file")
        minutes = int(st.number_input(t("drill.minutes"), 0, 600, 0, key="drill_minutes"))
        remark = st.text_input(
            t("drill.remark"), key="drill_remark", max_chars=300, autocomplete="off"
        )
        is_sent = st.form_submit_button(t("drill.read"), key="drill_read", type="primary")
    if not is_sent:
        return
    if file is None:
        st.error(t("drill.no_file"), icon=":material/error:")
        return
    with st.spinner(t("drill.reading")):
        _finish(
            context,
            person,
            drill,
            DrillScan(file.getvalue(), file.name, minutes or None, remark.strip()),
        )


@requires_open_session
def _finish(context: AppContext, person: Person, drill: Drill, scan: DrillScan) -> None:
    with errors_to(_MESSAGE.failed):
        finish_drill(context.store, context.settings, context.forms, person, drill, scan)
    st.rerun()


def _result_section(context: AppContext, drills: list[Drill]) -> None:
    """Show the latest result on one page, as it is printed."""
    results = [(drill.result, drill) for drill in drills if drill.result]
    if not results:
        return
    result, drill = max(results, key=lambda pair: pair[0].at)
    st.header(t("drill.result"), anchor=False)
    for line in describe_result(result):
        st.markdown(plain(line))
    for remark in describe_remarks(result):
        st.markdown(f"- {plain(remark)}")
    pdf = print_result(about_drill(context.settings, drill), result)
    st.download_button(
        t("drill.result_fetch"),
        lambda: pdf,
        f"ovning-{drill.id}-resultat.pdf",
        "application/pdf",
        key="drill_result",
        icon=":material/download:",
    )
