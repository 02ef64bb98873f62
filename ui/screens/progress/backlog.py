"""Kvar på papper: clients whose record is incomplete, for staff who work in the care system.

Each view is recorded.
"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pipeline.domain.identity_numbers import format_pid
from pipeline.domain.law.permissions import Action, permitted_units
from pipeline.domain.model import Person
from pipeline.reporting.csv_files import backlog_csv
from pipeline.store.reports.backlog import Backlog, BacklogMarker, load_backlog
from pipeline.store.reports.progress import DANGERS
from ui.i18n import format_day, t
from ui.markdown import md
from ui.widgets.heading import screen_heading
from ui.widgets.tables import html_table
from ui.workspace import AppContext

_ALL = "all"


def show(context: AppContext, person: Person) -> None:
    """Show the screen."""
    context.store.require_permission(person, Action.BACKLOG)
    screen_heading(context, person, t("backlog.title"), t("backlog.what"))
    all_units = t("backlog.all")
    own_units = sorted(permitted_units(person, Action.BACKLOG))
    chosen = (
        st.selectbox(t("backlog.unit"), [all_units, *own_units], key="backlog_unit")
        if len(own_units) > 1
        else all_units
    )
    unit = None if chosen == all_units else chosen
    backlog = _load_backlog(context, person, unit)
    for key, count in (("backlog.unknown", backlog.unknown), ("backlog.hidden", backlog.hidden)):
        if count:
            st.info(md(key, count=count), icon=":material/info:")
    if not backlog.markers:
        st.caption(t("backlog.empty"))
        return
    danger = _choose_danger()
    st.download_button(
        t("backlog.file"),
        lambda: backlog_csv(_load_backlog(context, person, unit)),
        file_name="kvar-pa-papper.csv",
        mime="text/csv",
        key="backlog_file",
    )
    st.caption(t("backlog.certainty"))
    markers = [one for one in backlog.markers if danger in (_ALL, *one.dangers)]
    st.html(_backlog_table(markers))


def _load_backlog(context: AppContext, person: Person, unit: str | None) -> Backlog:
    return context.store.change(load_backlog, person, unit)


def _choose_danger() -> str:
    """Let the user see all, or what is dangerous; a link may have chosen (`danger`)."""
    names = [_ALL, *DANGERS]
    asked = st.query_params.get("danger", _ALL)
    chosen = st.segmented_control(
        t("backlog.class"),
        names,
        default=asked if asked in names else _ALL,
        required=True,
        format_func=lambda name: t(f"backlog.danger.{name}"),
        key="backlog_danger",
    )
    return str(chosen)


def _backlog_table(markers: Sequence[BacklogMarker]) -> str:
    heads = [
        t(name)
        for name in (
            "backlog.unit",
            "backlog.number",
            "backlog.name",
            "backlog.sheets",
            "backlog.entries",
            "backlog.oldest",
            "backlog.class",
        )
    ]
    certainty = {True: f" ({t('backlog.is_sure')})", False: ""}
    return html_table(
        heads,
        [
            (
                marker.unit,
                format_pid(marker.pid),
                f"{marker.name}{certainty[marker.is_certain]}",
                marker.sheets,
                marker.entries,
                format_day(marker.oldest),
                ", ".join(t(f"backlog.danger.{name}") for name in marker.dangers)
                or t(f"progress.class.{marker.criticality}"),
            )
            for marker in markers
        ],
    )
