"""Kvar på papper: whose record has a hole, for staff who work in the care system. Each look is
recorded.
"""

from __future__ import annotations

import streamlit as st

from pipeline.domain.identity_numbers import format_pid
from pipeline.domain.model import Person
from pipeline.domain.permissions import Action, require_permission
from pipeline.reporting.csv_files import backlog_csv
from pipeline.store.reports.backlog import Backlog, load_backlog
from ui.i18n import format_day, t
from ui.widgets.heading import screen_heading
from ui.widgets.tables import html_table
from ui.workspace import AppContext


def show(context: AppContext, person: Person) -> None:
    """The screen."""
    with context.store.recording_denials():
        require_permission(person, Action.BACKLOG)
    screen_heading(context, person, t("backlog.title"), t("backlog.what"))
    everything = t("backlog.all")
    units = [everything, *sorted(person.units)]
    chosen = (
        st.selectbox(t("backlog.unit"), units, key="backlog_unit")
        if len(person.units) > 1
        else everything
    )
    unit = None if chosen == everything else chosen
    found = _load_backlog(context, person, unit)
    for key, count in (("unknown", found.unknown), ("hidden", found.hidden)):
        if count:
            st.info(t(f"backlog.{key}", count=count), icon=":material/info:")
    if not found.markers:
        st.caption(t("backlog.empty"))
        return
    st.download_button(
        t("backlog.file"),
        lambda: backlog_csv(_load_backlog(context, person, unit)),
        file_name="kvar-pa-papper.csv",
        mime="text/csv",
        key="backlog_file",
    )
    st.html(_backlog_table(found))


def _load_backlog(context: AppContext, person: Person, unit: str | None) -> Backlog:
    with context.store.begin() as conn:
        return load_backlog(conn, person, unit)


def _backlog_table(backlog: Backlog) -> str:
    heads = [
        t(f"backlog.{name}")
        for name in ("unit", "number", "name", "sheets", "entries", "oldest", "class", "sure")
    ]
    sure = {True: t("backlog.is_sure"), False: t("backlog.not_sure")}
    return html_table(
        heads,
        [
            (
                m.unit,
                format_pid(m.pid),
                m.name,
                m.sheets,
                m.entries,
                format_day(m.oldest),
                m.criticality,
                sure[m.is_certain],
            )
            for m in backlog.markers
        ],
    )
