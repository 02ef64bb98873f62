"""Läge: how far the work has come, in numbers. It counts paper and entries, never people."""

from __future__ import annotations

from html import escape

import altair as alt
import pandas as pd
import streamlit as st

from pipeline import progress
from pipeline.model import EntryState, Person
from pipeline.progress import EntryCount, Forecast
from pipeline.store.clock import utc_now
from ui.components.heading import heading
from ui.session import Site
from ui.text import t

_STATES = tuple(state.value for state in EntryState)
_COLOURS = ("#c08a3e", "#b0553f", "#1f6b75", "#3d8f8a", "#7a8f5a", "#a9b99a", "#9aa3a7")
_PAGE_STATES = ("done", "waiting", "failed")
_BAR_PX = 26


def show(here: Site, person: Person) -> None:
    """The screen."""
    heading(here, person, t("progress.title"), t("progress.what"))
    now = utc_now()
    with here.store.read() as conn:
        counted = progress.page_counts(conn, person)
        entries = progress.entry_counts(conn, person, now)
        days = progress.pace(conn, person, now)
        ahead = progress.forecast(conn, person, now)
    _figures(counted, ahead)
    if not entries and not counted.get("in"):
        st.info(t("progress.empty"), icon=":material/info:")
        return
    _ahead(ahead)
    _legend()
    left, right = st.columns(2, gap="large")
    table = _table(here, entries)
    with left:
        _plot(t("progress.by_unit"), _stacked(table, "unit"))
        _plot(t("progress.by_form"), _stacked(table, "form"))
    with right:
        _plot(t("progress.per_day"), _per_day(pd.DataFrame([(day.day, day.confirmed) for day in days], columns=["day", "confirmed"])))
        _plot(t("progress.by_age"), _by_age(table))


def _figures(counted: dict[str, int], ahead: Forecast) -> None:
    columns = st.columns(5)
    for column, name in zip(columns, ("in", *_PAGE_STATES), strict=False):
        column.metric(t(f"progress.pages.{name}"), _number(counted.get(name, 0)), border=True)
    columns[-1].metric(t("progress.open_entries"), _number(ahead.open), border=True)


def _ahead(ahead: Forecast) -> None:
    if ahead.days_left is None:
        said = t("progress.no_forecast")
    else:
        said = t("progress.forecast", days=_decimal(ahead.days_left), out=_decimal(ahead.out_per_day), incoming=_decimal(ahead.in_per_day))
    oldest = t("progress.oldest", day=ahead.oldest_event) if ahead.oldest_event else ""
    st.info(f"{said} {oldest}".strip(), icon=":material/event_upcoming:")


def _legend() -> None:
    states = zip(EntryState, _COLOURS, strict=True)
    parts = [f'<span><i style="background:{colour}"></i>{escape(t(f"entry_state.{state.name.lower()}"))}</span>' for state, colour in states]
    st.html(f'<div class="ef-legend">{"".join(parts)}</div>')


def _table(here: Site, entries: list[EntryCount]) -> pd.DataFrame:
    titles = {form_id: form.title for (form_id, _), form in here.forms.items()}
    rows = [(e.state.value, e.unit, titles.get(e.form, e.form), t(f"progress.age.{e.age}"), e.count) for e in entries]
    table = pd.DataFrame(rows, columns=["state", "unit", "form", "age", "count"])
    table["order"] = table["state"].map({state: order for order, state in enumerate(_STATES)})
    table["said"] = table["state"].map(lambda state: t(f"entry_state.{EntryState(state).name.lower()}"))
    return table


def _stacked(table: pd.DataFrame, by: str) -> alt.Chart:
    return _bars(table, alt.Y(f"{by}:N", title=None, axis=alt.Axis(labelLimit=220)))


def _by_age(table: pd.DataFrame) -> alt.Chart:
    still_open = table[table["state"].isin([EntryState.REVIEW.value, EntryState.SECOND.value])]
    order = [t(f"progress.age.{age}") for age in (*progress.AGES, progress.OLDEST)]
    return _bars(still_open, alt.Y("age:N", title=None, sort=order))


def _bars(table: pd.DataFrame, y: alt.Y) -> alt.Chart:
    domain = [t(f"entry_state.{state.name.lower()}") for state in EntryState]
    colour = alt.Color("said:N", title=None, scale=alt.Scale(domain=domain, range=list(_COLOURS)), legend=None)
    x = alt.X("sum(count):Q", title=None, axis=alt.Axis(tickMinStep=1, format="d"))
    tips = [alt.Tooltip("said:N", title=t("progress.state")), alt.Tooltip("sum(count):Q", title=t("progress.entries"))]
    bars: alt.Chart = alt.Chart(table).mark_bar(size=_BAR_PX * 0.7).encode(y=y, x=x, color=colour, order="order:O", tooltip=tips)
    return bars.properties(height=alt.Step(_BAR_PX))


def _per_day(days: pd.DataFrame) -> alt.Chart:
    x = alt.X("day:O", title=None, axis=alt.Axis(labelAngle=0, labelOverlap=True))
    y = alt.Y("confirmed:Q", title=None, axis=alt.Axis(tickMinStep=1, format="d"))
    bars: alt.Chart = alt.Chart(days).mark_bar(color=_COLOURS[2], size=_BAR_PX).encode(x=x, y=y, tooltip=["day:O", "confirmed:Q"])
    return bars.properties(height=160)


def _plot(title: str, chart: alt.Chart) -> None:
    st.subheader(title, anchor=False)
    if chart.data.empty:
        st.caption(t("progress.nothing_yet"))
    else:
        st.altair_chart(chart, width="stretch", alt=title)


def _number(value: int) -> str:
    return f"{value:,}".replace(",", " ")


def _decimal(value: float) -> str:
    text = f"{value:.0f}" if value >= 10 else f"{value:.1f}"
    return text if st.session_state.get("language") == "en" else text.replace(".", ",")
