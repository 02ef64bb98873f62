"""Läge: how far the work has come, in numbers. It counts paper and entries, never people."""

from __future__ import annotations

from datetime import datetime
from html import escape

import altair as alt
import pandas as pd
import streamlit as st

from pipeline import overview as overviews
from pipeline import progress
from pipeline.access import Action, require
from pipeline.burn_down import Outlook
from pipeline.measured_error import LEAST_PEOPLE, ErrorFigure, measured_errors
from pipeline.model import EntryState, Person
from pipeline.overview import Overview, days_with
from pipeline.overview_csv import overview_csv
from pipeline.overview_pdf import overview_pdf
from pipeline.progress import EntryCount
from pipeline.store.clock import utc_now
from pipeline.swedish_time import swedish_day
from ui.components.burn_down_chart import burn_down_chart
from ui.components.chart_colours import VOID, colours, state_colours, state_key
from ui.components.heading import heading
from ui.components.progress_tables import due_table, page_table, sheet_table, unit_table
from ui.components.quality_figures import quality_figures
from ui.components.target_name import target_name
from ui.site import Site
from ui.text import day, language, moment, number, percent, t

_PAGE_STATES = ("done", "waiting", "failed")
_BAR_PX = 26
_EVERY = "60s"
_WHOLE = 10
"""From here on figures are written without decimals."""


def show(here: Site, person: Person) -> None:
    """The screen."""
    with here.store.noting_denials():
        require(person, Action.PROGRESS)
    heading(here, person, t("progress.title"), t("progress.what"))
    _situation(here, person)


@st.fragment(run_every=_EVERY)
def _situation(here: Site, person: Person) -> None:
    now = utc_now()
    with here.store.read() as conn:
        found = overviews.overview(conn, person, now)
    _figures(found)
    if not found.entries and not found.counted["in"]:
        st.info(t("progress.empty"), icon=":material/info:")
        if found.sheets:
            _section(t("progress.sheets"), sheet_table(found, _titles(here)), "")
        return
    _ahead(found)
    _left(here, found)
    _legend()
    left, right = st.columns(2, gap="large")
    table = _table(here, list(found.entries))
    with left:
        _plot(t("progress.by_unit"), _stacked(table, "unit"))
        _plot(t("progress.by_form"), _stacked(table, "form"))
    with right:
        _plot(t("progress.by_class"), _stacked(table, "criticality"))
        _plot(t("progress.by_age"), _by_age(table))
        _plot(
            t("progress.per_day"),
            _per_day(pd.DataFrame([(day(one.day), one.ended) for one in found.behind if one.ended], columns=["day", "confirmed"])),
        )
    quality_figures(here, person)
    _taken_along(here, person, found, now)


def _figures(found: Overview) -> None:
    counted = found.counted
    columns = st.columns([1, 1, 1, 1, 1.35])  # the last has the longest words
    for column, name in zip(columns, ("in", *_PAGE_STATES), strict=False):
        column.metric(t(f"progress.pages.{name}"), number(counted[name]), border=True)
    columns[-1].metric(t("progress.open_entries"), number(found.open), border=True)
    if found.cut_stacks:
        st.warning(t("progress.cut_stacks", count=sum(found.cut_stacks.values()), units=", ".join(found.cut_stacks)), icon=":material/content_cut:")


def _ahead(found: Overview) -> None:
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.subheader(t("progress.burn_down"), anchor=False)
        if found.behind:
            st.altair_chart(burn_down_chart(found), width="stretch", alt=t("progress.burn_down"))
    with right:
        st.subheader(t("progress.ahead"), anchor=False)
        st.info(_outlook(found), icon=":material/event_upcoming:")
        st.markdown(t("progress.arriving", pages=_rough(found.scanned_a_day), missing=number(found.missing)))
        if found.oldest_event:
            st.markdown(t("progress.oldest_left", day=day(found.oldest_event)))
        _tempo(found)


def _outlook(found: Overview) -> str:
    out = found.outlook
    if not found.open:
        return t("progress.outlook_nothing")
    if not out.path:
        return t("progress.outlook_early")
    return _days("progress.outlook", out)


def _days(said: str, out: Outlook) -> str:
    if out.middle is None or out.optimistic is None:
        return t("progress.outlook_far")
    worst = t("progress.beyond") if out.pessimistic is None else number(out.pessimistic)
    return t(said, count=out.middle, best=number(out.optimistic), worst=worst)


def _tempo(found: Overview) -> None:
    tempo = found.tempo
    if tempo.seconds_a_field is None or tempo.seconds_an_entry is None or tempo.hours_left is None:
        st.caption(t("progress.tempo_few", least=overviews.LEAST_LOOKS, people=LEAST_PEOPLE))
        return
    measured = {"field": tempo.seconds_a_field, "entry": tempo.seconds_an_entry, "people": tempo.people, "each": tempo.hours_a_day}
    st.markdown(t("progress.tempo", hours=_rough(tempo.hours_left), **{name: _rough(value) for name, value in measured.items()}))
    people = st.number_input(t("progress.with_people"), 1, 200, max(1, round(tempo.people)), key="with_people")
    st.markdown(_with(found, int(people)))


def _with(found: Overview, people: int) -> str:
    ahead = days_with(found, people)
    if ahead is None:
        return t("progress.outlook_early" if found.open else "progress.outlook_nothing")
    return _days("progress.with_days", ahead)


def _left(here: Site, found: Overview) -> None:
    titles = _titles(here)
    deadlines, second = st.columns([3, 2], gap="large")
    with deadlines:  # seven columns do not fit beside the pages on a laptop
        _section(t("progress.due"), due_table(found) if found.due else "", t("progress.due_none"))
    with second:
        _second(found)
    left, right = st.columns([2, 3], gap="large")
    with left:
        _section(t("progress.units"), unit_table(found) if found.units else "", t("progress.nothing_yet"))
    with right:
        _section(t("progress.pages_table"), page_table(found, titles) if found.pages else "", t("progress.nothing_yet"))
        _section(t("progress.sheets"), sheet_table(found, titles) if found.sheets else "", t("progress.sheets_none"))
        st.subheader(t("progress.silent"), anchor=False)
        for run in found.silent_runs:
            st.markdown(t("progress.silent_line", target=target_name(run.target), at=moment(run.made_at), count=run.entries))
        if not found.silent_runs:
            st.caption(t("progress.silent_none"))


def _second(found: Overview) -> None:
    st.subheader(t("progress.second"), anchor=False)
    for name, (confirmed, twice) in found.second_checked.items():
        share = percent(twice / confirmed)
        st.markdown(t("progress.second_line", criticality=name, twice=number(twice), confirmed=number(confirmed), share=share))
    if not found.second_checked:
        st.caption(t("progress.second_none"))


def _section(title: str, table: str, otherwise: str) -> None:
    st.subheader(title, anchor=False)
    if table:
        st.html(table)
    else:
        st.caption(otherwise)


def _errors(here: Site, person: Person, now: datetime) -> list[ErrorFigure]:
    with here.store.read() as conn:
        return measured_errors(conn, here.forms, person, now, here.settings.figures_least)


def _taken_along(here: Site, person: Person, found: Overview, now: datetime) -> None:
    """The page for the meeting and the file, of exactly what is on the screen and in its language; made when they are asked for."""
    made_on, written = swedish_day(now).isoformat(), language()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button(
            t("progress.print"),
            lambda: overview_pdf(found, here.settings.care_provider, now, written),
            t("progress.pdf_name", day=made_on),
            "application/pdf",
            key="overview_pdf",
        )
        st.download_button(
            t("progress.file"),
            lambda: overview_csv(found, _errors(here, person, now), now, written),
            t("progress.csv_name", day=made_on),
            "text/csv",
            key="overview_csv",
        )
        st.caption(t("progress.updated", at=moment(now)))


def _titles(here: Site) -> dict[str, str]:
    return {form_id: form.title for (form_id, _), form in here.forms.items()}


def _legend() -> None:
    parts = [f'<span><i style="background:{colour}"></i>{escape(t(key))}</span>' for key, colour in state_colours().items()]
    st.html(f'<div class="ef-legend">{"".join(parts)}</div>')


def _table(here: Site, entries: list[EntryCount]) -> pd.DataFrame:
    titles = _titles(here)
    keys = [VOID if e.void else state_key(e.state) for e in entries]
    rows = [(e.state.value, e.unit, titles.get(e.form, e.form), e.criticality, t(f"progress.age.{e.age}"), e.count) for e in entries]
    table = pd.DataFrame(rows, columns=["state", "unit", "form", "criticality", "age", "count"])
    table["order"] = [list(state_colours()).index(key) for key in keys]
    table["said"] = [t(key) for key in keys]
    return table


def _stacked(table: pd.DataFrame, by: str) -> alt.Chart:
    return _bars(table, alt.Y(f"{by}:N", title=None, axis=alt.Axis(labelLimit=220)))


def _by_age(table: pd.DataFrame) -> alt.Chart:
    still_open = table[table["state"].isin([EntryState.REVIEW.value, EntryState.SECOND.value])]
    order = [t(f"progress.age.{age}") for age in (*progress.AGES, progress.OLDEST)]
    return _bars(still_open, alt.Y("age:N", title=None, sort=order))


def _bars(table: pd.DataFrame, y: alt.Y) -> alt.Chart:
    scale = alt.Scale(domain=[t(key) for key in state_colours()], range=list(state_colours().values()))
    colour = alt.Color("said:N", title=None, scale=scale, legend=None)
    x = alt.X("sum(count):Q", title=None, axis=alt.Axis(tickMinStep=1, format="d"))
    tips = [alt.Tooltip("said:N", title=t("progress.state")), alt.Tooltip("sum(count):Q", title=t("progress.entries"))]
    bars: alt.Chart = alt.Chart(table).mark_bar(size=_BAR_PX * 0.7).encode(y=y, x=x, color=colour, order="order:O", tooltip=tips)
    return bars.properties(height=alt.Step(_BAR_PX))


def _per_day(days: pd.DataFrame) -> alt.Chart:
    x = alt.X("day:O", title=None, sort=None, axis=alt.Axis(labelAngle=0, labelOverlap=True))
    y = alt.Y("confirmed:Q", title=None, axis=alt.Axis(tickMinStep=1, format="d"))
    tips = [alt.Tooltip("day:O", title=t("progress.day")), alt.Tooltip("confirmed:Q", title=t("progress.entries"))]
    bars: alt.Chart = alt.Chart(days).mark_bar(color=colours().line, size=_BAR_PX).encode(x=x, y=y, tooltip=tips)
    return bars.properties(height=160)


def _plot(title: str, chart: alt.Chart) -> None:
    st.subheader(title, anchor=False)
    if chart.data.empty:
        st.caption(t("progress.nothing_yet"))
    else:
        st.altair_chart(chart, width="stretch", alt=title)


def _rough(value: float) -> str:
    """With a decimal where it matters."""
    return number(value, 0 if value >= _WHOLE else 1)
