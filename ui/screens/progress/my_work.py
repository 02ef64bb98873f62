"""Mitt arbete: what is measured of the own work, for oneself."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from pipeline.domain.model import Person
from pipeline.reporting import data_quality
from pipeline.store.database.clock import utc_now
from ui.i18n import t
from ui.screens.progress.quality import work_table
from ui.widgets.heading import screen_heading
from ui.workspace import AppContext


def show(context: AppContext, person: Person) -> None:
    """The screen."""
    now, least = utc_now(), context.settings.figures_least
    with context.store.read() as conn:
        own = data_quality.measure_own_work(conn, person, now, least)
        units = [
            data_quality.measure_unit_work(conn, person, unit, now, least)
            for unit in sorted(person.units)
        ]
    screen_heading(context, person, t("own_work.title"), t("own_work.what"))
    if own.fields == 0:
        st.info(t("own_work.empty"), icon=":material/info:")
    else:
        st.html(work_table([replace(own, who=t("own_work.you")), *units], t("own_work.who")))
    st.header(t("own_work.how_title"), anchor=False)
    st.markdown(
        t(
            "own_work.how",
            least=least,
            days=data_quality.METRIC_DAYS,
            people=data_quality.MIN_PEOPLE,
        )
    )
