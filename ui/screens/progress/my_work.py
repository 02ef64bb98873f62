"""Mitt arbete: measurements of the user's own work, for the user alone."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from pipeline.domain.law.permissions import Action, permitted_units
from pipeline.domain.model import Person
from pipeline.reporting import data_quality
from pipeline.store.schema.clock import utc_now
from ui.i18n import t
from ui.markdown import md
from ui.screens.progress.quality import work_table
from ui.widgets.heading import screen_heading
from ui.workspace import AppContext


def show(context: AppContext, person: Person) -> None:
    """Show the screen."""
    now, min_count = utc_now(), context.settings.figures_least
    with context.store.read() as conn:
        own_metric = data_quality.measure_own_work(conn, person, now, min_count)
        units = [
            data_quality.measure_unit_work(conn, person, unit, now, min_count)
            for unit in sorted(permitted_units(person, Action.REVIEW))
        ]
    screen_heading(context, person, t("own_work.title"), t("own_work.what"))
    if own_metric.fields == 0:
        st.info(t("own_work.empty"), icon=":material/info:")
    else:
        st.html(work_table([replace(own_metric, who=t("own_work.you")), *units], t("own_work.who")))
    st.header(t("own_work.how_title"), anchor=False)
    st.markdown(
        md(
            "own_work.how",
            least=min_count,
            days=data_quality.METRIC_DAYS,
            people=data_quality.MIN_PEOPLE,
        )
    )
