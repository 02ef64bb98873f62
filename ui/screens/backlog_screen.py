"""Kvar på papper: whose record has a hole, for staff who work in the care system. Each look is recorded."""

from __future__ import annotations

import streamlit as st

from pipeline.access import Action, require
from pipeline.backlog_csv import backlog_csv
from pipeline.identity import shown_pid
from pipeline.model import Person
from pipeline.store.backlog import Backlog, backlog
from ui.components.heading import heading
from ui.components.progress_tables import table
from ui.site import Site
from ui.text import day, t


def show(here: Site, person: Person) -> None:
    """The screen."""
    with here.store.noting_denials():
        require(person, Action.BACKLOG)
    heading(here, person, t("backlog.title"), t("backlog.what"))
    everything = t("backlog.all")
    units = [everything, *sorted(person.units)]
    chosen = st.selectbox(t("backlog.unit"), units, key="backlog_unit") if len(person.units) > 1 else everything
    unit = None if chosen == everything else chosen
    found = _found(here, person, unit)
    for key, count in (("unknown", found.unknown), ("hidden", found.hidden)):
        if count:
            st.info(t(f"backlog.{key}", count=count), icon=":material/info:")
    if not found.markers:
        st.caption(t("backlog.empty"))
        return
    st.download_button(
        t("backlog.file"), lambda: backlog_csv(_found(here, person, unit)), file_name="kvar-pa-papper.csv", mime="text/csv", key="backlog_file"
    )
    st.html(_table(found))


def _found(here: Site, person: Person, unit: str | None) -> Backlog:
    with here.store.begin() as conn:
        return backlog(conn, person, unit)


def _table(found: Backlog) -> str:
    heads = [t(f"backlog.{name}") for name in ("unit", "number", "name", "sheets", "entries", "oldest", "class", "sure")]
    sure = {True: t("backlog.is_sure"), False: t("backlog.not_sure")}
    return table(heads, [(m.unit, shown_pid(m.pid), m.name, m.sheets, m.entries, day(m.oldest), m.criticality, sure[m.sure]) for m in found.markers])
