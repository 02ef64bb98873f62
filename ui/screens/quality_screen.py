"""Kvalitet: what is measured of the confirmed fields, for the manager of the unit."""

from __future__ import annotations

import streamlit as st

from pipeline import measured_error
from pipeline.access import Action, require
from pipeline.model import Person
from pipeline.store.clock import utc_now
from ui.components.heading import heading
from ui.components.quality_figures import quality_figures, work_table
from ui.site import Site
from ui.text import t


def show(here: Site, person: Person) -> None:
    """The screen."""
    require(person, Action.QUALITY)
    heading(here, person, t("quality.title"), t("quality.what"))
    quality_figures(here, person)
    st.header(t("quality.people"), anchor=False)
    st.caption(t("quality.people_rule", least=here.settings.figures_least))
    units = sorted(person.units)
    unit = st.selectbox(t("quality.unit"), units, key="quality_unit") if len(units) > 1 else units[0] if units else None
    if unit is None:
        return
    with here.store.read() as conn:
        whole = measured_error.unit_work(conn, person, unit, utc_now(), here.settings.figures_least)
        figures = measured_error.reviewers_work(conn, person, unit, utc_now(), here.settings.figures_least)
    if figures:
        st.html(work_table([*figures, whole], t("quality.person")))
    else:
        st.info(t("quality.nobody"), icon=":material/info:")
