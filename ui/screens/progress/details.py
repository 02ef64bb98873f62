"""What Läge shows on request: pages and sheets, entries by form and age, pace, receipts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from html import escape

import altair as alt
import pandas as pd
import streamlit as st

from pipeline.domain.law.permissions import Action, is_allowed
from pipeline.domain.model import EntryState, Person
from pipeline.export.manual_entry.one_list import find_run_destinations
from pipeline.reporting import progress
from pipeline.reporting.data_quality import MIN_PEOPLE
from pipeline.reporting.progress import Overview, ProgressReport, forecast_with_people
from ui.i18n import format_day, format_moment, format_number, format_percentage, t
from ui.markdown import md, plain
from ui.screens.progress.quality import quality_metrics
from ui.widgets.chart_colors import VOID_TEXT_KEY, chart_colors, state_colors, state_text_key
from ui.widgets.tables import html_table
from ui.widgets.target_name import target_name
from ui.workspace import AppContext

_DETAIL_KEY = "progress_detail"
_BAR_PX = 26
_SHEET_STATES = (
    "progress.sheets.issued",
    "progress.sheets.back",
    "progress.sheets.unused",
    "progress.sheets.reserve",
    "progress.sheets.missing",
)
_PAGE_STATES = (
    "progress.pages.in",
    "progress.pages.done",
    "progress.pages.waiting",
    "progress.pages.failed",
)
_WHOLE_NUMBERS_FROM = 10
"""Numbers from here on are written without decimals."""


def chosen_detail() -> str:
    """Return the detail that is open, or nothing."""
    return str(st.session_state.get(_DETAIL_KEY) or "")


def detail_section(context: AppContext, person: Person, overview: Overview) -> None:
    """Show the choice of details, and the one that is open."""
    sections: dict[str, Callable[[ProgressReport], None]] = {
        "paper": lambda report: _paper_section(context, report),
        "entries": lambda report: _entries_section(context, report),
        "pace": _pace_section,
        "receipts": lambda report: _receipts_section(context, report),
    }
    # Who manages a unit has them on Kvalitet.
    if not is_allowed(person, Action.QUALITY):
        sections["quality"] = lambda _report: quality_metrics(context, person)
    name = st.segmented_control(
        t("progress.details"),
        list(sections),
        format_func=lambda each: plain(t(f"progress.detail.{each}")),
        key=_DETAIL_KEY,
    )
    if name and isinstance(overview, ProgressReport):
        sections[name](overview)


def _paper_section(context: AppContext, report: ProgressReport) -> None:
    titles = context.form_titles()
    pages = [
        (
            count.unit,
            titles.get(count.form, count.form) or t("progress.form_unknown"),
            *(count.pages, count.done, count.waiting, count.failed),
        )
        for count in report.pages
    ]
    sheets = [
        (
            count.unit or t("accounting.unit_unknown"),
            titles.get(count.form, count.form),
            *(count.issued, count.returned, count.unused, count.reserve, count.missing),
        )
        for count in report.sheets
    ]
    first = [t("progress.unit"), t("progress.form")]
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader(t("progress.pages_table"), anchor=False)
        heads = [*first, *(t(name) for name in _PAGE_STATES)]
        _show_table(heads, pages, t("progress.nothing_yet"))
        st.caption(md("progress.arriving", pages=_format_rounded(report.scanned_per_day)))
    with right:
        st.subheader(t("progress.sheets"), anchor=False)
        heads = [*first, *(t(name) for name in _SHEET_STATES)]
        _show_table(heads, sheets, t("progress.sheets_none"))


def _entries_section(context: AppContext, report: ProgressReport) -> None:
    heads = [
        t(name)
        for name in (
            "progress.unit",
            "progress.not_entered",
            "progress.persons_a",
            "progress.oldest_head",
        )
    ]
    lines = [
        (
            unit.unit,
            unit.entries,
            unit.persons_a,
            date.fromisoformat(unit.oldest_event) if unit.oldest_event else "–",
        )
        for unit in report.units
    ]
    st.subheader(t("progress.not_entered_title"), anchor=False)
    _show_table(heads, lines, t("progress.nothing_yet"))
    _state_legend()
    table = _entries_frame(context, report)
    left, right = st.columns(2, gap="large")
    with left:
        _show_chart(t("progress.by_form"), _stacked_chart(table, "form"))
    with right:
        _show_chart(t("progress.by_class"), _stacked_chart(table, "criticality"))
        _show_chart(t("progress.by_age"), _age_chart(table))
        days = [(format_day(day.day), day.ended) for day in report.past_days if day.ended]
        _show_chart(
            t("progress.per_day"), _daily_chart(pd.DataFrame(days, columns=["day", "confirmed"]))
        )


def _pace_section(report: ProgressReport) -> None:
    pace = report.pace
    if pace.seconds_per_field is None or pace.seconds_per_entry is None or pace.hours_left is None:
        st.caption(md("progress.tempo_few", least=progress.MIN_VIEWS, people=MIN_PEOPLE))
        return
    values = {
        "field": pace.seconds_per_field,
        "entry": pace.seconds_per_entry,
        "people": pace.people,
        "each": pace.hours_per_day,
        "hours": pace.hours_left,
    }
    st.markdown(
        md("progress.tempo", **{name: _format_rounded(value) for name, value in values.items()})
    )
    people = st.number_input(
        t("progress.with_people"), 1, 200, max(1, round(pace.people)), key="with_people", width=220
    )
    st.markdown(_outlook_for_people_markdown(report, int(people)))


def _outlook_for_people_markdown(report: ProgressReport, people: int) -> str:
    forecast = forecast_with_people(report, people)
    if forecast is None:
        return t("progress.outlook_early" if report.open else "progress.outlook_nothing")
    if forecast.middle is None or forecast.optimistic is None:
        return t("progress.outlook_far")
    worst = forecast.pessimistic
    return md(
        "progress.with_days",
        count=forecast.middle,
        best=format_number(forecast.optimistic),
        worst=t("progress.beyond") if worst is None else format_number(worst),
    )


def _receipts_section(context: AppContext, report: ProgressReport) -> None:
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader(t("progress.silent"), anchor=False)
        with context.store.read() as conn:
            places = find_run_destinations(conn, context.forms, report.silent_runs)
        for run in report.silent_runs:
            place = " · ".join(filter(None, (target_name(run.target), places.get(run.id))))
            at = format_moment(run.made_at)
            st.markdown(md("progress.silent_line", target=place, at=at, count=run.entries))
        if not report.silent_runs:
            st.caption(t("progress.silent_none"))
    with right:
        st.subheader(t("progress.second"), anchor=False)
        for criticality, (confirmed, checked) in report.second_checked.items():
            st.markdown(
                md(
                    "progress.second_line",
                    criticality=t(f"progress.class.{criticality}"),
                    twice=format_number(checked),
                    confirmed=format_number(confirmed),
                    share=format_percentage(checked / confirmed),
                )
            )
        if not report.second_checked:
            st.caption(t("progress.second_none"))


def _show_table(
    heads: Sequence[str], lines: Sequence[Sequence[str | int | date]], empty: str
) -> None:
    if lines:
        st.html(html_table(heads, lines))
    else:
        st.caption(plain(empty))


def _state_legend() -> None:
    parts = [
        f'<span><i style="background:{colour}"></i>{escape(t(key))}</span>'
        for key, colour in state_colors().items()
    ]
    st.html(f'<div class="ef-legend">{"".join(parts)}</div>')


def _entries_frame(context: AppContext, report: ProgressReport) -> pd.DataFrame:
    titles, entries = context.form_titles(), report.entries
    keys = [VOID_TEXT_KEY if entry.is_void else state_text_key(entry.state) for entry in entries]
    rows = [
        (
            entry.state.value,
            titles.get(entry.form, entry.form),
            t(f"progress.class.{entry.criticality}"),
            t(f"progress.age.{entry.age}"),
            entry.count,
        )
        for entry in entries
    ]
    table = pd.DataFrame(rows, columns=["state", "form", "criticality", "age", "count"])
    table["order"] = [list(state_colors()).index(key) for key in keys]
    table["said"] = [t(key) for key in keys]
    return table


def _stacked_chart(table: pd.DataFrame, by: str) -> alt.Chart:
    return _bar_chart(table, alt.Y(f"{by}:N", title=None, axis=alt.Axis(labelLimit=220)))


def _age_chart(table: pd.DataFrame) -> alt.Chart:
    still_open = table[table["state"].isin([EntryState.REVIEW.value, EntryState.SECOND.value])]
    order = [t(f"progress.age.{age}") for age in (*progress.AGE_LIMITS, progress.OLDEST_AGE)]
    return _bar_chart(still_open, alt.Y("age:N", title=None, sort=order))


def _bar_chart(table: pd.DataFrame, y: alt.Y) -> alt.Chart:
    scale = alt.Scale(
        domain=[t(key) for key in state_colors()], range=list(state_colors().values())
    )
    colour = alt.Color("said:N", title=None, scale=scale, legend=None)
    x = alt.X("sum(count):Q", title=None, axis=alt.Axis(tickMinStep=1, format="d"))
    tips = [
        alt.Tooltip("said:N", title=t("progress.state")),
        alt.Tooltip("sum(count):Q", title=t("progress.entries")),
    ]
    bars: alt.Chart = (
        alt.Chart(table)
        .mark_bar(size=_BAR_PX * 0.7)
        .encode(y=y, x=x, color=colour, order="order:O", tooltip=tips)
    )
    return bars.properties(height=alt.Step(_BAR_PX))


def _daily_chart(days: pd.DataFrame) -> alt.Chart:
    x = alt.X("day:O", title=None, sort=None, axis=alt.Axis(labelAngle=0, labelOverlap=True))
    y = alt.Y("confirmed:Q", title=None, axis=alt.Axis(tickMinStep=1, format="d"))
    tips = [
        alt.Tooltip("day:O", title=t("progress.day")),
        alt.Tooltip("confirmed:Q", title=t("progress.entries")),
    ]
    bars: alt.Chart = (
        alt.Chart(days)
        .mark_bar(color=chart_colors().line, size=_BAR_PX)
        .encode(x=x, y=y, tooltip=tips)
    )
    return bars.properties(height=160)


def _show_chart(title: str, chart: alt.Chart) -> None:
    st.subheader(plain(title), anchor=False)
    if chart.data.empty:
        st.caption(t("progress.nothing_yet"))
    else:
        st.altair_chart(chart, width="stretch", alt=title)


def _format_rounded(value: float) -> str:
    """Format a number, with a decimal if it is small."""
    return format_number(value, 0 if value >= _WHOLE_NUMBERS_FROM else 1)
