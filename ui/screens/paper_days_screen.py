"""Papper per dag: which days of which unit have no paper at all, and where each printed sheet is. Counts and serials, never names."""

from __future__ import annotations

from datetime import date, timedelta

import streamlit as st

from pipeline.access import Action, require
from pipeline.fiducials import as_printed
from pipeline.model import Person
from pipeline.paper_days_csv import missing_csv, paper_days_csv
from pipeline.store import accounting, bundles, paper_days
from pipeline.store.paper_days import DayCount, PaperDays
from pipeline.store.places import is_day
from pipeline.swedish_time import today
from ui.components.day_grid import Cell, day_grid
from ui.components.heading import heading
from ui.components.planning_upload import planning_upload
from ui.components.progress_tables import table
from ui.site import Site
from ui.text import day, t

_FIRST, _LAST, _CHOSEN = "paper_first", "paper_last", "paper_chosen"
_WEEKS_SHOWN = 3
_MOST_MISSING = 50


def show(here: Site, person: Person) -> None:
    """The screen."""
    with here.store.noting_denials():
        require(person, Action.PROGRESS)
    heading(here, person, t("paper_days.title"), t("paper_days.what"))
    shown = _days(here, person)
    if shown is None:
        st.info(t("paper_days.not_begun"), icon=":material/info:")
    else:
        _of_days(here, person, *shown)
    planning_upload(here, person)
    _bundles(here, person)
    _sheets(here, person)


def _of_days(here: Site, person: Person, first: date, last: date) -> None:
    with here.store.read() as conn:
        found = paper_days.paper_days(conn, here.forms, person, first, last)
    _answer(found)
    _grid(found)
    _chosen(here, person)
    st.download_button(t("paper_days.file"), lambda: paper_days_csv(found), "papper-per-dag.csv", "text/csv", key="paper_days_csv")


def _days(here: Site, person: Person) -> tuple[date, date] | None:
    """The days that are shown: those of the outage, else those that there is paper of; none before anything is known and a day is chosen."""
    with here.store.read() as conn:
        there = paper_days.span(conn, person)
    this_day = today()
    start, end = here.settings.outage_start, here.settings.outage_end
    first = start.date() if start else there[0] if there else this_day - timedelta(weeks=_WEEKS_SHOWN)
    last = end.date() if end else max(there[1], first) if there else this_day
    with st.container(horizontal=True):
        shown_first = st.date_input(t("paper_days.first"), value=first, format="YYYY-MM-DD", key=_FIRST, width=180)
        shown_last = st.date_input(t("paper_days.last"), value=last, format="YYYY-MM-DD", key=_LAST, width=180)
    if not isinstance(shown_first, date) or not isinstance(shown_last, date):
        return first, last
    known = start or end or there
    return (shown_first, max(shown_first, shown_last)) if known or (shown_first, shown_last) != (first, last) else None


def _answer(found: PaperDays) -> None:
    """The question of the screen in words, before any table."""
    st.header(t("paper_days.question"), anchor=False)
    gaps = {unit: found.without_paper(unit) for unit in found.units}
    if not any(gaps.values()):
        st.success(t("paper_days.no_gaps"), icon=":material/check:")
    for unit, days in gaps.items():
        if days:
            said = t("paper_days.every_day") if len(days) == len(found.days) else ", ".join(day(one) for one in days)
            st.warning(t("paper_days.gap", unit=unit, count=len(days), days=said), icon=":material/event_busy:")
    for unit, sheets in found.undated.items():
        st.caption(t("paper_days.undated", unit=unit, count=sheets))


def _grid(found: PaperDays) -> None:
    days = found.days
    rows = [(day(one), [_cell(found.counts[unit, one]) for unit in found.units]) for one in days]

    def choose(row: int, column: int) -> None:
        st.session_state[_CHOSEN] = (found.units[column], days[row])

    unit, one = st.session_state.get(_CHOSEN, ("", ""))
    chosen = (days.index(one), found.units.index(unit)) if one in days and unit in found.units else None
    st.caption(t("paper_days.caption"))
    day_grid(t("paper_days.grid"), found.units, rows, chosen, choose)


def _cell(found: DayCount) -> Cell:
    counts = {"count": found.sheets, "visits": found.visits, "planned": found.planned_visits}
    text = t(f"paper_days.cell.{found.paper.value}", **counts)
    return Cell(text, found.paper.value, f"{found.unit}, {day(found.day)}: {text}")


def _chosen(here: Site, person: Person) -> None:
    unit, one = st.session_state.get(_CHOSEN, ("", ""))
    if unit not in person.units:
        return
    st.subheader(t("paper_days.of_day", unit=unit, day=day(one)), anchor=False)
    with here.store.read() as conn:
        found = paper_days.sheets_of_day(conn, person, unit, one)
    if not found:
        st.markdown(t("paper_days.nothing"))
        return
    titles = _titles(here)
    heads = [t(f"paper_days.column.{name}") for name in ("form", "serial", "entries", "waiting")]
    st.html(table(heads, [(titles.get(s.form, s.form), as_printed(s.serial) or t("paper_days.no_serial"), s.entries, s.waiting) for s in found]))


def _bundles(here: Site, person: Person) -> None:
    st.header(t("paper_days.bundles"), anchor=False)
    with here.store.read() as conn:
        found = bundles.bundles(conn, person)
    if not found:
        st.caption(t("paper_days.no_bundles"))
        return
    heads = [t(f"paper_days.column.{name}") for name in ("unit", "day", "bundle", "serial", "said", "found", "judged")]
    judged = {True: t("paper_days.complete"), False: t("paper_days.differs"), None: t("paper_days.open")}
    lines = [
        (
            b.unit,
            day(b.day) if is_day(b.day) else b.day or "–",
            int(b.number) if b.number.isdecimal() else b.number or "–",
            as_printed(b.serial),
            "–" if b.said is None else b.said,
            b.found,
            judged[b.complete],
        )
        for b in found
    ]
    st.html(table(heads, lines))


def _sheets(here: Site, person: Person) -> None:
    """Every printed sheet: come back, returned unused, or missing."""
    st.header(t("paper_days.sheets"), anchor=False)
    with here.store.read() as conn:
        missing = accounting.missing_sheets(conn, person)
    if not missing:
        st.caption(t("paper_days.none_missing"))
        return
    st.markdown(t("paper_days.missing", count=len(missing)) + " " + t("paper_days.named", count=sum(one.prefilled for one in missing)))
    st.caption(t("paper_days.missing_next"))
    if any(not one.unit for one in missing):
        st.caption(t("paper_days.unit_unknown"))
    titles = _titles(here)
    heads = [t(f"paper_days.column.{name}") for name in ("unit", "form", "serial", "prefilled")]
    said = {True: t("paper_days.with_name"), False: t("paper_days.without_name")}
    st.html(
        table(
            heads,
            [
                (one.unit or t("accounting.unit_unknown"), titles.get(one.form, one.form), as_printed(one.serial), said[one.prefilled])
                for one in missing[:_MOST_MISSING]
            ],
        )
    )
    if len(missing) > _MOST_MISSING:
        st.caption(t("paper_days.more", count=len(missing) - _MOST_MISSING))
    st.download_button(t("paper_days.missing_file"), lambda: missing_csv(missing), "saknade-ark.csv", "text/csv", key="missing_csv")


def _titles(here: Site) -> dict[str, str]:
    return {form_id: form.title for (form_id, _), form in here.forms.items()}
