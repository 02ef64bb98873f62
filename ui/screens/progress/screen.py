"""Läge: how far the work has come, in numbers. It counts paper and entries, never people."""

from __future__ import annotations

from datetime import datetime
from html import escape

import altair as alt
import pandas as pd
import streamlit as st

from pipeline.domain.dates import swedish_day
from pipeline.domain.model import EntryState, Person
from pipeline.domain.permissions import Action, require_permission
from pipeline.export.manual_entry.one_list import find_run_destinations
from pipeline.reporting import progress
from pipeline.reporting.data_quality import MIN_PEOPLE, ErrorMetric, measure_errors
from pipeline.reporting.forecast import Forecast
from pipeline.reporting.progress import EntryCount, ProgressReport, forecast_with_people
from pipeline.reporting.progress_files import progress_csv, progress_pdf
from pipeline.store.database.clock import utc_now
from pipeline.store.reports.store_checks import StoreCheck, find_last_check
from ui.i18n import current_language, format_day, format_moment, format_number, format_percentage, t
from ui.markdown import md, plain
from ui.screens.pack.unit_documents import show_old_packs
from ui.screens.progress.burn_down_chart import burn_down_chart
from ui.screens.progress.quality import quality_metrics
from ui.widgets.chart_colors import VOID_TEXT_KEY, chart_colors, state_colors, state_text_key
from ui.widgets.heading import screen_heading
from ui.widgets.tables import due_table, page_table, sheet_table, unit_table
from ui.widgets.target_name import target_name
from ui.workspace import AppContext

_PAGE_STATES = ("done", "waiting", "failed")
_BAR_PX = 26
_REFRESH_INTERVAL = "60s"
_WHOLE_NUMBERS_FROM = 10
"""Numbers from here on are written without decimals."""


def show(context: AppContext, person: Person) -> None:
    """Show the screen."""
    with context.store.recording_denials():
        require_permission(person, Action.PROGRESS)
    screen_heading(context, person, t("progress.title"), t("progress.what"))
    show_old_packs(context, person)
    _situation_section(context, person)


@st.fragment(run_every=_REFRESH_INTERVAL)
def _situation_section(context: AppContext, person: Person) -> None:
    now = utc_now()
    with context.store.read() as conn:
        report = progress.make_progress_report(conn, person, now)
        last_check = find_last_check(conn)
    _metrics_section(report)
    _check_section(last_check)
    if not report.entries and not report.counted["in"]:
        st.info(t("progress.empty"), icon=":material/info:")
        if report.sheets:
            _table_section(t("progress.sheets"), sheet_table(report, _form_titles(context)), "")
        return
    _forecast_section(report)
    _remaining_section(context, report)
    _state_legend()
    left, right = st.columns(2, gap="large")
    # The charts of all entries, by unit, form, class and age.
    table = _entries_frame(context, list(report.entries))
    with left:
        _show_chart(t("progress.by_unit"), _stacked_chart(table, "unit"))
        _show_chart(t("progress.by_form"), _stacked_chart(table, "form"))
    with right:
        _show_chart(t("progress.by_class"), _stacked_chart(table, "criticality"))
        _show_chart(t("progress.by_age"), _age_chart(table))
        _show_chart(
            t("progress.per_day"),
            _daily_chart(
                pd.DataFrame(
                    [(format_day(day.day), day.ended) for day in report.past_days if day.ended],
                    columns=["day", "confirmed"],
                )
            ),
        )
    quality_metrics(context, person)
    _download_section(context, person, report, now)


def _check_section(check: StoreCheck | None) -> None:
    """Show what the last check of the whole store found."""
    if check is None:
        st.caption(t("progress.check.never"))
        return
    at = format_moment(check.started_at)
    if check.is_whole:
        st.caption(md("progress.check.whole", at=at, count=check.files))
    else:
        lost = check.missing + check.damaged
        st.error(md("progress.check.lost", at=at, count=lost), icon=":material/heart_broken:")


def _metrics_section(report: ProgressReport) -> None:
    page_counts = report.counted
    columns = st.columns([1, 1, 1, 1, 1.35])  # the last has the longest text
    for column, name in zip(columns, ("in", *_PAGE_STATES), strict=False):
        column.metric(t(f"progress.pages.{name}"), format_number(page_counts[name]), border=True)
    columns[-1].metric(t("progress.open_entries"), format_number(report.open), border=True)
    if report.incomplete_batches:
        st.warning(
            md(
                "progress.cut_stacks",
                count=sum(report.incomplete_batches.values()),
                units=", ".join(report.incomplete_batches),
            ),
            icon=":material/content_cut:",
        )


def _forecast_section(report: ProgressReport) -> None:
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.subheader(t("progress.burn_down"), anchor=False)
        if report.past_days:
            st.altair_chart(burn_down_chart(report), width="stretch", alt=t("progress.burn_down"))
    with right:
        st.subheader(t("progress.ahead"), anchor=False)
        st.info(_outlook_markdown(report), icon=":material/event_upcoming:")
        st.markdown(
            md(
                "progress.arriving",
                pages=_format_rounded(report.scanned_per_day),
                missing=format_number(report.missing),
            )
        )
        if report.oldest_event:
            st.markdown(md("progress.oldest_left", day=format_day(report.oldest_event)))
        _pace_section(report)


def _outlook_markdown(report: ProgressReport) -> str:
    forecast = report.forecast
    if not report.open:
        return t("progress.outlook_nothing")
    if not forecast.path:
        return t("progress.outlook_early")
    return _outlook_days_markdown("progress.outlook", forecast)


def _outlook_days_markdown(text_key: str, forecast: Forecast) -> str:
    if forecast.middle is None or forecast.optimistic is None:
        return t("progress.outlook_far")
    latest = (
        t("progress.beyond")
        if forecast.pessimistic is None
        else format_number(forecast.pessimistic)
    )
    return md(
        text_key, count=forecast.middle, best=format_number(forecast.optimistic), worst=latest
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
    }
    st.markdown(
        md(
            "progress.tempo",
            hours=_format_rounded(pace.hours_left),
            **{name: _format_rounded(value) for name, value in values.items()},
        )
    )
    people = st.number_input(
        t("progress.with_people"), 1, 200, max(1, round(pace.people)), key="with_people"
    )
    st.markdown(_outlook_for_people_markdown(report, int(people)))


def _outlook_for_people_markdown(report: ProgressReport, people: int) -> str:
    forecast = forecast_with_people(report, people)
    if forecast is None:
        return t("progress.outlook_early" if report.open else "progress.outlook_nothing")
    return _outlook_days_markdown("progress.with_days", forecast)


def _remaining_section(context: AppContext, report: ProgressReport) -> None:
    titles = _form_titles(context)
    deadlines, second = st.columns([3, 2], gap="large")
    with deadlines:  # seven columns do not fit beside the pages on a laptop
        _table_section(
            t("progress.due"), due_table(report) if report.due else "", t("progress.due_none")
        )
    with second:
        _second_review_section(report)
    left, right = st.columns([2, 3], gap="large")
    with left:
        _table_section(
            t("progress.units"),
            unit_table(report) if report.units else "",
            t("progress.nothing_yet"),
        )
    with right:
        _table_section(
            t("progress.pages_table"),
            page_table(report, titles) if report.pages else "",
            t("progress.nothing_yet"),
        )
        _table_section(
            t("progress.sheets"),
            sheet_table(report, titles) if report.sheets else "",
            t("progress.sheets_none"),
        )
        st.subheader(t("progress.silent"), anchor=False)
        with context.store.read() as conn:
            places = find_run_destinations(conn, context.forms, report.silent_runs)
        for run in report.silent_runs:
            st.markdown(
                md(
                    "progress.silent_line",
                    target=" · ".join(filter(None, (target_name(run.target), places.get(run.id)))),
                    at=format_moment(run.made_at),
                    count=run.entries,
                )
            )
        if not report.silent_runs:
            st.caption(t("progress.silent_none"))


def _second_review_section(report: ProgressReport) -> None:
    st.subheader(t("progress.second"), anchor=False)
    for criticality, (confirmed, checked) in report.second_checked.items():
        share = format_percentage(checked / confirmed)
        st.markdown(
            md(
                "progress.second_line",
                criticality=criticality,
                twice=format_number(checked),
                confirmed=format_number(confirmed),
                share=share,
            )
        )
    if not report.second_checked:
        st.caption(t("progress.second_none"))


def _table_section(title: str, table: str, empty_text: str) -> None:
    st.subheader(plain(title), anchor=False)
    if table:
        st.html(table)
    else:
        st.caption(plain(empty_text))


def _load_error_rates(context: AppContext, person: Person, now: datetime) -> list[ErrorMetric]:
    with context.store.read() as conn:
        return measure_errors(conn, context.forms, person, now, context.settings.figures_least)


def _download_section(
    context: AppContext, person: Person, report: ProgressReport, now: datetime
) -> None:
    """Show the downloads of the report as PDF and CSV, in the language of the screen.

    The files hold exactly what is on the screen, and are made when they are requested.
    """
    day, language = swedish_day(now).isoformat(), current_language()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button(
            t("progress.print"),
            lambda: progress_pdf(report, context.settings.care_provider, now, language),
            t("progress.pdf_name", day=day),
            "application/pdf",
            key="overview_pdf",
        )
        st.download_button(
            t("progress.file"),
            lambda: progress_csv(report, _load_error_rates(context, person, now), now, language),
            t("progress.csv_name", day=day),
            "text/csv",
            key="overview_csv",
        )
        st.caption(md("progress.updated", at=format_moment(now)))


def _form_titles(context: AppContext) -> dict[str, str]:
    return {form_id: form.title for (form_id, _), form in context.forms.items()}


def _state_legend() -> None:
    parts = [
        f'<span><i style="background:{colour}"></i>{escape(t(key))}</span>'
        for key, colour in state_colors().items()
    ]
    st.html(f'<div class="ef-legend">{"".join(parts)}</div>')


def _entries_frame(context: AppContext, entries: list[EntryCount]) -> pd.DataFrame:
    titles = _form_titles(context)
    keys = [VOID_TEXT_KEY if entry.is_void else state_text_key(entry.state) for entry in entries]
    rows = [
        (
            entry.state.value,
            entry.unit,
            titles.get(entry.form, entry.form),
            entry.criticality,
            t(f"progress.age.{entry.age}"),
            entry.count,
        )
        for entry in entries
    ]
    table = pd.DataFrame(rows, columns=["state", "unit", "form", "criticality", "age", "count"])
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
