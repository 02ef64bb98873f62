"""Handing in what the care system has already, to be compared with; which lists there are, and erasing them."""

from __future__ import annotations

from functools import partial

import pandas as pd
import streamlit as st
from sqlalchemy import Connection

from pipeline.access import Action, allowed
from pipeline.care_list import NEEDED, CareList, CareTable, Columns, Part, care_list, care_table, proposed
from pipeline.errors import EfterskriftError
from pipeline.export.clash_decisions import hand_in
from pipeline.export.clashes import clash_list
from pipeline.export.runs import Office
from pipeline.model import Person
from pipeline.store import care_lists, registers
from pipeline.store.clock import utc_now
from ui.components.faults import fault_text
from ui.components.follow_up_act import tell, tried
from ui.components.heading import choose_files_in_words
from ui.site import Site
from ui.text import moment, t

_SENT = "care_list_sent"
_ROWS_SHOWN, _NUMBERS_SHOWN = 3, 10


def care_lists_here(here: Site, person: Person) -> None:
    """The lists there are, and the form for another."""
    with here.store.read() as conn:
        kept = care_lists.lists(conn, person)
    for one in kept:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(t("clashes.list", unit=one.unit, area=one.area, count=one.rows, by=one.by, at=moment(one.at)))
            if allowed(person, Action.REVIEW, one.unit, one.area):
                act = partial(tried, here, "clashes.erased", partial(_erase, person, one.id))
                st.button(t("clashes.erase"), key=f"erase_list-{one.id}", on_click=act)
    if allowed(person, Action.REVIEW) and person.units and person.areas:
        with st.expander(t("clashes.upload"), icon=":material/upload_file:", key="care_list"):
            _upload(here, person)


def _erase(person: Person, list_id: int, conn: Connection) -> None:
    care_lists.erase_list(conn, person, list_id, utc_now())


def _upload(here: Site, person: Person) -> None:
    choose_files_in_words()
    st.caption(t("clashes.upload_what"))
    with here.store.read() as conn:
        areas = registers.units(conn)
    left, right = st.columns(2)
    unit = left.selectbox(t("clashes.unit"), sorted(person.units), key="care_list_unit")
    own = sorted(person.areas)
    usual = areas.get(unit or "", "")
    area = right.selectbox(t("clashes.area"), own, index=own.index(usual) if usual in own else 0, key=f"care_list_area-{unit}")
    file = st.file_uploader(t("clashes.file"), type=["csv", "txt", "tsv"], key=f"care_list_{st.session_state.get(_SENT, 0)}")
    if file is None or unit is None or area is None:
        return
    try:
        table = care_table(file.getvalue(), file.name)
    except EfterskriftError as error:
        st.error(fault_text(error))
        return
    columns = _columns(table)
    _first_rows(table, columns)
    lacking = [part for part in NEEDED if not columns.get(part)]
    if lacking:
        st.warning(t("clashes.lacking", parts=", ".join(t(f"clashes.part.{part.value}") for part in lacking)))
    if st.button(t("clashes.compare"), key="care_list_do", disabled=bool(lacking)):
        _take(here, person, unit, area, care_list(table, columns))


def _columns(table: CareTable) -> Columns:
    """Which column says what: as proposed, unless the person chooses otherwise."""
    found, chosen = proposed(table.titles, table.rows[0][1]), dict[Part, tuple[int, ...]]()
    every, sent = list(range(len(table.titles))), st.session_state.get(_SENT, 0)

    def title(column: int) -> str:
        return table.titles[column] or t("clashes.column", number=column + 1)

    st.caption(t("clashes.columns"))
    places = st.columns(3)
    for place, part in enumerate(Part):
        with places[place % 3]:
            key, label = f"care_part_{part.value}-{sent}-{hash(table.titles)}", t(f"clashes.part.{part.value}")
            if part is Part.TEXT:
                chosen[part] = tuple(
                    st.multiselect(label, every, default=found.get(part, ()), format_func=title, key=key, placeholder=t("clashes.none"))
                )
                continue
            index = found[part][0] if part in found else None
            one = st.selectbox(label, every, index=index, format_func=title, key=key, placeholder=t("clashes.none"))
            chosen[part] = () if one is None else (one,)
    return chosen


def _first_rows(table: CareTable, columns: Columns) -> None:
    """How the first rows are understood."""
    if any(not columns.get(part) for part in NEEDED):
        return
    understood = care_list(CareTable(table.titles, table.rows[:_ROWS_SHOWN]), columns)
    rows = [(row.pids[0], row.day, row.clock, row.kind, row.text, row.author) for row in understood.rows]
    st.dataframe(pd.DataFrame(rows, columns=[t(f"clashes.part.{part.value}") for part in Part]), hide_index=True, width="stretch")


def _take(here: Site, person: Person, unit: str, area: str, found: CareList) -> None:
    office = Office(here.store, here.settings, here.forms)
    try:
        made = hand_in(office, person, unit, area, found, utc_now())
    except EfterskriftError as error:
        st.error(fault_text(error))
        return
    with here.store.read() as conn:
        count = len(clash_list(conn, here.forms, person, here.settings.clash_minutes, utc_now()).clashes)
        kept = care_lists.is_kept(conn, made)
    st.session_state[_SENT] = st.session_state.get(_SENT, 0) + 1
    tell("ok", " ".join(filter(None, (_told(found, count), "" if kept else t("clashes.not_kept")))))
    st.rerun()


def _told(found: CareList, count: int) -> str:
    parts = [t("clashes.compared", count=len(found.rows)), t("clashes.found", count=count)]
    for key, numbers in (("clashes.no_person", found.no_person), ("clashes.no_day", found.no_day)):
        if numbers:
            more = "…" if len(numbers) > _NUMBERS_SHOWN else ""
            parts.append(t(key, count=len(numbers), rows=", ".join(map(str, numbers[:_NUMBERS_SHOWN])) + more))
    return " ".join(parts)
