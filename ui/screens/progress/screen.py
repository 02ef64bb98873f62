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
from pipeline.reporting import progress
from pipeline.reporting import progress as overviews
from pipeline.reporting.data_quality import MIN_PEOPLE, ErrorMetric, measure_errors
from pipeline.reporting.forecast import Forecast
from pipeline.reporting.progress import EntryCount, ProgressReport, forecast_with_people
from pipeline.reporting.progress_files import progress_csv, progress_pdf
from pipeline.store.database.clock import utc_now
from ui.i18n import current_language, format_day, format_moment, format_number, format_percentage, t
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
"""From here on figures are written without decimals."""


def show(context: AppContext, person: Person) -> None:
    """The screen."""
    with context.store.recording_denials():
        require_permission(person, Action.PROGRESS)
    screen_heading(context, person, t("progress.title"), t("progress.what"))
    _situation_section(context, person)


@st.fragment(run_every=_REFRESH_INTERVAL)
def _situation_section(context: AppContext, person: Person) -> None:
    now = utc_now()
    with context.store.read() as conn:
        found = overviews.make_progress_report(conn, person, now)
    _metrics_section(found)
    if not found.entries and not found.counted["in"]:
        st.info(t("progress.empty"), icon=":material/info:")
        if found.sheets:
            _table_section(t("progress.sheets"), sheet_table(found, _form_titles(context)), "")
        return
    _forecast_section(found)
    _remaining_section(context, found)
    _state_legend()
    left, right = st.columns(2, gap="large")
    table = _entries_frame(context, list(found.entries))
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
                    [(format_day(one.day), one.ended) for one in found.past_days if one.ended],
                    columns=["day", "confirmed"],
                )
            ),
        )
    quality_metrics(context, person)
    _download_section(context, person, found, now)


def _metrics_section(progress: ProgressReport) -> None:
    counted = progress.counted
    columns = st.columns([1, 1, 1, 1, 1.35])  # the last has the longest words
    for column, name in zip(columns, ("in", *_PAGE_STATES), strict=False):
        column.metric(t(f"progress.pages.{name}"), format_number(counted[name]), border=True)
    columns[-1].metric(t("progress.open_entries"), format_number(progress.open), border=True)
    if progress.incomplete_batches:
        st.warning(
            t(
                "progress.cut_stacks",
                count=sum(progress.incomplete_batches.values()),
                units=", ".join(progress.incomplete_batches),
            ),
            icon=":material/content_cut:",
        )


def _forecast_section(progress: ProgressReport) -> None:
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.subheader(t("progress.burn_down"), anchor=False)
        if progress.past_days:
            st.altair_chart(burn_down_chart(progress), width="stretch", alt=t("progress.burn_down"))
    with right:
        st.subheader(t("progress.ahead"), anchor=False)
        st.info(_outlook_text(progress), icon=":material/event_upcoming:")
        st.markdown(
            t(
                "progress.arriving",
                pages=_format_rounded(progress.scanned_per_day),
                missing=format_number(progress.missing),
            )
        )
        if progress.oldest_event:
            st.markdown(t("progress.oldest_left", day=format_day(progress.oldest_event)))
        _pace_section(progress)


def _outlook_text(progress: ProgressReport) -> str:
    out = progress.forecast
    if not progress.open:
        return t("progress.outlook_nothing")
    if not out.path:
        return t("progress.outlook_early")
    return _outlook_days_text("progress.outlook", out)


def _outlook_days_text(said: str, out: Forecast) -> str:
    if out.middle is None or out.optimistic is None:
        return t("progress.outlook_far")
    worst = t("progress.beyond") if out.pessimistic is None else format_number(out.pessimistic)
    return t(said, count=out.middle, best=format_number(out.optimistic), worst=worst)


def _pace_section(progress: ProgressReport) -> None:
    tempo = progress.pace
    if (
        tempo.seconds_per_field is None
        or tempo.seconds_per_entry is None
        or tempo.hours_left is None
    ):
        st.caption(t("progress.tempo_few", least=overviews.MIN_VIEWS, people=MIN_PEOPLE))
        return
    measured = {
        "field": tempo.seconds_per_field,
        "entry": tempo.seconds_per_entry,
        "people": tempo.people,
        "each": tempo.hours_per_day,
    }
    st.markdown(
        t(
            "progress.tempo",
            hours=_format_rounded(tempo.hours_left),
            **{name: _format_rounded(value) for name, value in measured.items()},
        )
    )
    people = st.number_input(
        t("progress.with_people"), 1, 200, max(1, round(tempo.people)), key="with_people"
    )
    st.markdown(_outlook_text_for_people(progress, int(people)))


def _outlook_text_for_people(progress: ProgressReport, people: int) -> str:
    ahead = forecast_with_people(progress, people)
    if ahead is None:
        return t("progress.outlook_early" if progress.open else "progress.outlook_nothing")
    return _outlook_days_text("progress.with_days", ahead)


def _remaining_section(context: AppContext, progress: ProgressReport) -> None:
    titles = _form_titles(context)
    deadlines, second = st.columns([3, 2], gap="large")
    with deadlines:  # seven columns do not fit beside the pages on a laptop
        _table_section(
            t("progress.due"), due_table(progress) if progress.due else "", t("progress.due_none")
        )
    with second:
        _second_review_section(progress)
    left, right = st.columns([2, 3], gap="large")
    with left:
        _table_section(
            t("progress.units"),
            unit_table(progress) if progress.units else "",
            t("progress.nothing_yet"),
        )
    with right:
        _table_section(
            t("progress.pages_table"),
            page_table(progress, titles) if progress.pages else "",
            t("progress.nothing_yet"),
        )
        _table_section(
            t("progress.sheets"),
            sheet_table(progress, titles) if progress.sheets else "",
            t("progress.sheets_none"),
        )
        st.subheader(t("progress.silent"), anchor=False)
        for run in progress.silent_runs:
            st.markdown(
                t(
                    "progress.silent_line",
                    target=target_name(run.target),
                    at=format_moment(run.made_at),
                    count=run.entries,
                )
            )
        if not progress.silent_runs:
            st.caption(t("progress.silent_none"))


def _second_review_section(progress: ProgressReport) -> None:
    st.subheader(t("progress.second"), anchor=False)
    for name, (confirmed, twice) in progress.second_checked.items():
        share = format_percentage(twice / confirmed)
        st.markdown(
            t(
                "progress.second_line",
                criticality=name,
                twice=format_number(twice),
                confirmed=format_number(confirmed),
                share=share,
            )
        )
    if not progress.second_checked:
        st.caption(t("progress.second_none"))


def _table_section(title: str, table: str, otherwise: str) -> None:
    st.subheader(title, anchor=False)
    if table:
        st.html(table)
    else:
        st.caption(otherwise)


def _load_error_rates(context: AppContext, person: Person, now: datetime) -> list[ErrorMetric]:
    with context.store.read() as conn:
        return measure_errors(conn, context.forms, person, now, context.settings.figures_least)


def _download_section(
    context: AppContext, person: Person, progress: ProgressReport, now: datetime
) -> None:
    """The page for the meeting and the file, of exactly what is on the screen and in its language;
    made when they are asked for.
    """
    made_on, written = swedish_day(now).isoformat(), current_language()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button(
            t("progress.print"),
            lambda: progress_pdf(progress, context.settings.care_provider, now, written),
            t("progress.pdf_name", day=made_on),
            "application/pdf",
            key="overview_pdf",
        )
        st.download_button(
            t("progress.file"),
            lambda: progress_csv(progress, _load_error_rates(context, person, now), now, written),
            t("progress.csv_name", day=made_on),
            "text/csv",
            key="overview_csv",
        )
        st.caption(t("progress.updated", at=format_moment(now)))


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
    keys = [VOID_TEXT_KEY if e.is_void else state_text_key(e.state) for e in entries]
    rows = [
        (
            e.state.value,
            e.unit,
            titles.get(e.form, e.form),
            e.criticality,
            t(f"progress.age.{e.age}"),
            e.count,
        )
        for e in entries
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
    st.subheader(title, anchor=False)
    if chart.data.empty:
        st.caption(t("progress.nothing_yet"))
    else:
        st.altair_chart(chart, width="stretch", alt=title)


def _format_rounded(value: float) -> str:
    """With a decimal where it matters."""
    return format_number(value, 0 if value >= _WHOLE_NUMBERS_FROM else 1)
