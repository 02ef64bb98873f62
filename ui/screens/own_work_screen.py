"""Mitt arbete: what is measured of the own work, for oneself."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from pipeline import measured_error
from pipeline.model import Person
from pipeline.store.clock import utc_now
from ui.components.heading import heading
from ui.components.quality_figures import work_table
from ui.site import Site
from ui.text import t


def show(here: Site, person: Person) -> None:
    """The screen."""
    now, least = utc_now(), here.settings.figures_least
    with here.store.read() as conn:
        own = measured_error.own_work(conn, person, now, least)
        units = [measured_error.unit_work(conn, person, unit, now, least) for unit in sorted(person.units)]
    heading(here, person, t("own_work.title"), t("own_work.what"))
    if own.fields == 0:
        st.info(t("own_work.empty"), icon=":material/info:")
    else:
        st.html(work_table([replace(own, who=t("own_work.you")), *units], t("own_work.who")))
    st.header(t("own_work.how_title"), anchor=False)
    st.markdown(t("own_work.how", least=least, days=measured_error.DAYS, people=measured_error.LEAST_PEOPLE))
