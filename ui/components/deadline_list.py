"""What is due by law and still open, on the screen of the queue."""

from __future__ import annotations

import streamlit as st

from pipeline.model import Person
from pipeline.store.due import Due, open_deadlines
from pipeline.swedish_time import swedish_day
from ui.components.entry_facts import due_line
from ui.components.progress_tables import table
from ui.site import Site
from ui.text import t


def deadline_list(here: Site, person: Person) -> None:
    """A table, the nearest first; nothing if nothing is due."""
    with here.store.read() as conn:
        found = open_deadlines(conn, person)
    if not found:
        return
    st.header(t("deadline.title"), anchor=False)
    st.caption(t("deadline.about"))
    heads = [t(f"deadline.{name}") for name in ("last", "unit", "form", "entries")]
    st.html(table(heads, [(_last(here, one), one.unit, _title(here, one), one.entries) for one in found]))


def _last(here: Site, one: Due) -> str:
    form = here.forms.get((one.form, one.version))
    if one.at is None or form is None or form.deadline is None:
        return t("deadline.at_once")
    return due_line(form.deadline.rule, swedish_day(one.at))


def _title(here: Site, one: Due) -> str:
    form = here.forms.get((one.form, one.version))
    return form.title if form else one.form
