"""Läge: understood in ten seconds, by sentences, what is left by unit, and the course of the work.

It counts paper and entries; only who manages a unit sees how the work is shared there.
"""

from __future__ import annotations

from datetime import datetime
from html import escape
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from pipeline.domain.dates import SWEDEN, swedish_day
from pipeline.domain.law.permissions import Action, is_allowed, permitted_units
from pipeline.domain.model import Person
from pipeline.reporting import progress
from pipeline.reporting.csv_files import progress_csv
from pipeline.reporting.data_quality import measure_errors
from pipeline.reporting.progress import STEPS, Overview, ProgressReport, Remaining
from pipeline.reporting.situation import Level, describe_situation
from pipeline.reporting.situation_print import situation_pdf
from pipeline.reporting.watching.alarms import (
    Alarm,
    AlarmKind,
    describe_alarm,
    find_alarms,
    load_watch_state,
)
from pipeline.store.reports.work_load import LOAD_DAYS, PersonLoad, list_person_loads
from pipeline.store.schema.clock import utc_now
from ui.i18n import current_language, format_moment, format_number, t
from ui.markdown import md, plain
from ui.screens.pack.unit_documents import show_old_packs
from ui.screens.progress.deadlines import deadline_section
from ui.screens.progress.details import chosen_detail, detail_section
from ui.session import consume_acted
from ui.widgets.chart_colors import chart_colors
from ui.widgets.heading import screen_heading, screen_link
from ui.widgets.tables import html_table
from ui.workspace import AppContext

_REFRESH_INTERVAL = "60s"
_QUALITY = ("quality", Action.QUALITY)
_ALARM_SCREENS = {
    AlarmKind.PAGES_FAILING: ("scan", Action.SCAN),
    AlarmKind.UNRECEIPTED: ("export", Action.EXPORT),
    AlarmKind.DRIFT_FORM: _QUALITY,
    AlarmKind.DRIFT_SCANNER: _QUALITY,
    AlarmKind.DRIFT_KIND: _QUALITY,
    AlarmKind.DRIFT_AUTHOR: _QUALITY,
}
"""Where something can be done about an alarm, with the action that the screen requires."""


def show(context: AppContext, person: Person) -> None:
    """Show the screen."""
    context.store.require_permission(person, Action.PROGRESS)
    screen_heading(context, person, t("progress.title"))
    _situation_section(context, person)
    show_old_packs(context, person)


@st.fragment(run_every=_REFRESH_INTERVAL)
def _situation_section(context: AppContext, person: Person) -> None:
    if consume_acted():
        st.rerun()  # a button of this part only: the next press waits for a whole run
    now, is_manager = utc_now(), is_allowed(person, Action.QUALITY)
    # The details take as long again to count, and are counted only where one is open.
    load = progress.make_progress_report if chosen_detail() else progress.load_overview
    with context.store.read() as conn:
        overview: Overview = load(conn, context.forms, person, now)
        loads = list_person_loads(conn, context.forms, person, now) if is_manager else []
    alarms = _load_alarms(context, person, now)
    left, right = st.columns([4, 1], gap="medium")
    with left:
        _sentences_section(overview, now, is_quiet=not alarms)
        _alarm_section(context, person, alarms)
    with right:
        _download_section(context, person, now)
    deadline_section(context, person, overview)
    if overview.counted["in"] or overview.left:
        left, right = st.columns([3, 2], gap="large")
        with left:
            _units_section(overview)
            if is_manager:
                _people_section(loads)
        with right:
            _course_section(overview)
    detail_section(context, person, overview)


def _load_alarms(context: AppContext, person: Person, now: datetime) -> list[Alarm]:
    """Return the alarms, of paper those of the person's units; the sentences report damage."""
    units = permitted_units(person, Action.PROGRESS)
    state = load_watch_state(context.store, context.settings, context.forms, now, units)
    return [
        alarm
        for alarm in find_alarms(state, context.settings)
        if alarm.kind is not AlarmKind.CHECK_FAILED
    ]


def _alarm_section(context: AppContext, person: Person, alarms: list[Alarm]) -> None:
    """Say what needs a person, and what to do about it and where; nothing where nothing does."""
    lines = []
    for alarm in alarms:
        said, severity = describe_alarm(alarm, context.forms, current_language()), alarm.severity
        word = t(f"alarm.severity.{severity.value}")
        lines.append(
            f'<div role="listitem" class="ef-{severity.value}"><b>{escape(word)}</b> '
            f"{escape(said.sentence)} <small>{escape(said.remedy)}</small></div>"
        )
    if lines:
        st.html(f'<div class="ef-alarms" role="list">{"".join(lines)}</div>')
    places = (_ALARM_SCREENS.get(alarm.kind) for alarm in alarms)
    leads = [
        name for name, action in dict.fromkeys(filter(None, places)) if is_allowed(person, action)
    ]
    if leads:
        with st.container(horizontal=True, key="alarm_links"):
            for name in leads:
                screen_link(name, md("alarm.go", screen=t(f"{name}.title")))


def _sentences_section(overview: Overview, now: datetime, *, is_quiet: bool) -> None:
    """Say that nothing is lost, what is dangerous, and when it will be done."""
    situation = overview.situation
    said = describe_situation(situation, current_language())
    harm = "ef-passed" if situation.level is Level.HARM else ""
    parts = [
        f'<p class="{"ef-passed" if situation.is_damaged else ""}">{escape(said.whole)}</p>',
        f'<p class="{harm}">{escape(said.danger)}</p>' if said.danger else "",
        f"<p>{escape(said.done)}</p>" if said.done else "",
        f"<small>{escape(_small_print(overview, now, is_quiet=is_quiet))}</small>",
    ]
    st.html(f'<div class="ef-situation ef-{situation.level.value}">{"".join(parts)}</div>')


def _small_print(overview: Overview, now: datetime, *, is_quiet: bool) -> str:
    """Return when it was counted, what the last check found, and that there is no alarm."""
    check = overview.check
    texts = [t("progress.updated", at=format_moment(now))]
    if check is None:
        texts.append(t("progress.check.never"))
    else:
        at, lost = format_moment(check.started_at), check.missing + check.damaged
        texts.append(
            t("progress.check.whole", at=at, count=check.files)
            if check.is_whole
            else t("progress.check.changed", at=at, count=check.changed)
            if check.changed
            else t("progress.check.lost", at=at, count=lost)
        )
    # That it failed, or was long ago, is an alarm
    if verified := overview.log_check.last_at:
        texts.append(t("progress.log_checked", at=format_moment(verified)))
    if is_quiet:
        texts.append(t("alarm.none"))
    return " ".join(texts)


def _download_section(context: AppContext, person: Person, now: datetime) -> None:
    """Show the downloads as PDF and CSV, in the language of the screen.

    They are made when they are requested, of what is known at that moment.
    """
    day, language = swedish_day(now).isoformat(), current_language()
    with st.container(horizontal=True, gap="small"):
        st.download_button(
            t("progress.print"),
            lambda: situation_pdf(
                _load_report(context, person), context.settings.care_provider, utc_now(), language
            ),
            t("progress.pdf_name", day=day),
            "application/pdf",
            key="overview_pdf",
            icon=":material/print:",
        )
        st.download_button(
            t("progress.file"),
            lambda: _csv_file(context, person, language),
            t("progress.csv_name", day=day),
            "text/csv",
            key="overview_csv",
            icon=":material/table:",
        )


def _load_report(context: AppContext, person: Person) -> ProgressReport:
    return context.store.query(progress.make_progress_report, context.forms, person, utc_now())


def _csv_file(context: AppContext, person: Person, language: str) -> bytes:
    report, least = _load_report(context, person), context.settings.figures_least
    errors = context.store.query(measure_errors, context.forms, person, report.at, least)
    return progress_csv(report, errors, report.at, language)


def _units_section(overview: Overview) -> None:
    """Show what is left of each unit: pages, and entries as bars and numbers by the next step."""
    st.header(t("progress.units"), anchor=False)
    left = {
        unit: each
        for unit, each in overview.remaining.items()
        if each.pages or any(each.steps.values())
    }
    if not left:
        st.caption(t("progress.units_none"))
        return
    colours = _step_colours()
    most = max(sum(each.steps.values()) for each in left.values())
    kinds = (
        f'<th scope="col" rowspan="2">{escape(t("progress.unit"))}</th><td rowspan="2"></td>'
        + _group_head(t("progress.pages_table"), 1)
        + _group_head(t("progress.entries"), len(STEPS))
    )
    heads = _number_head(t("progress.pages.waiting")) + "".join(
        _number_head(t(f"progress.step.{name}"), colours[name]) for name in STEPS
    )
    rows = "".join(_unit_row(unit, each, most) for unit, each in left.items())
    if len(left) > 1:
        totals = [
            sum(each.pages for each in left.values()),
            *(sum(each.steps[name] for each in left.values()) for name in STEPS),
        ]
        cells = "".join(_number_cell(total) for total in totals)
        rows += f'<tr class="ef-total"><td>{escape(t("progress.total"))}</td><td></td>{cells}</tr>'
    st.html(
        '<div class="ef-wide"><table class="ef-table ef-left">'
        f"<thead><tr>{kinds}</tr><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"
    )
    st.caption(t("progress.units_what"))


def _unit_row(unit: str, each: Remaining, most: int) -> str:
    """Return the row of a unit; its bar is as long as its share of the unit with most left."""
    colours, total = _step_colours(), sum(each.steps.values())
    parts = "".join(
        f'<i style="flex:{count};background:{colours[name]}"></i>'
        for name, count in each.steps.items()
        if count
    )
    width = 100 * total / most if most else 0
    cells = "".join(_number_cell(count) for count in (each.pages, *each.steps.values()))
    bar = f'<div class="ef-steps" style="width:{width:.1f}%">{parts}</div>'
    return f'<tr><td>{escape(unit)}</td><td class="ef-steps-cell">{bar}</td>{cells}</tr>'


def _step_colours() -> dict[str, str]:
    review, _, confirmed, signed, exported, *_ = chart_colors().states
    return dict(zip(STEPS, (review, confirmed, signed, exported), strict=True))


def _group_head(text: str, columns: int) -> str:
    """Return the unit of the numbers in the columns below it."""
    return f'<th scope="colgroup" colspan="{columns}" class="ef-number">{escape(text)}</th>'


def _number_head(text: str, colour: str = "") -> str:
    swatch = f'<i style="background:{colour}"></i>' if colour else ""
    return f'<th scope="col" class="ef-number">{swatch}{escape(text)}</th>'


def _number_cell(count: int) -> str:
    return f'<td class="ef-number">{format_number(count)}</td>'


def _people_section(loads: list[PersonLoad]) -> None:
    """Show how the work is shared, for who manages the unit."""
    st.subheader(t("progress.people"), anchor=False)
    if not loads:
        st.caption(t("progress.people_none"))
        return
    heads = [
        t("progress.person"),
        t("progress.reviewed_today"),
        t("progress.reviewed_week", days=LOAD_DAYS),
        t("progress.people_unsigned"),
    ]
    st.html(
        html_table(heads, [(load.name, load.today, load.week, load.unsigned) for load in loads])
    )


def _course_section(overview: Overview) -> None:
    """Show the course of the work: by the hour on the first days, then with a forecast."""
    title = t("progress.by_hour" if overview.is_by_hour else "progress.burn_down")
    st.subheader(plain(title), anchor=False)
    if overview.past_hours or overview.past_days:
        st.altair_chart(burn_down_chart(overview), width="stretch", alt=title)


# The burn-down chart: what is left by the hour at first, then by the day with the forecast.

_HEIGHT = 210
_DAY_MS = 86_400_000
"""Minimal step of the axis: no ticks between two days.

Ticks of hours, which come while there are few days, would all have the same label.
"""


def burn_down_chart(overview: Overview) -> alt.LayerChart:
    """Return the chart of the hours until there are days for a forecast, else that of the days."""
    return _hour_chart(overview) if overview.is_by_hour else _day_chart(overview)


def _hour_chart(overview: Overview) -> alt.LayerChart:
    """Return the hours: bars of what came in and what was done, a line of what was left."""
    colors = chart_colors()
    hours = [
        (f"{hour.hour.astimezone(SWEDEN):%d/%m %H}", hour.made, hour.ended, hour.open)
        for hour in overview.past_hours
    ]
    names = {
        key.rpartition(".")[2]: t(key)
        for key in ("progress.hour.made", "progress.hour.ended", "progress.hour.open")
    }
    table = pd.DataFrame(hours, columns=["hour", "made", "ended", "open"])
    bars = table.melt("hour", ["made", "ended"], "kind", "count")
    bars["said"] = bars["kind"].map(names)
    table["said"] = names["open"]
    axis = alt.Axis(labelAngle=0, labelOverlap=True, labelExpr="split(datum.label, ' ')[1] + ':00'")
    x = alt.X("hour:O", title=None, sort=None, axis=axis)
    scale = alt.Scale(
        domain=list(names.values()), range=[colors.states[0], colors.line, colors.void]
    )
    colour = alt.Color("said:N", title=None, scale=scale, legend=alt.Legend(orient="top"))
    tips = [alt.Tooltip("hour:O", title=t("progress.hour"))]
    counted = [*tips, alt.Tooltip("said:N"), alt.Tooltip("count:Q")]
    bar = (
        alt.Chart(bars)
        .mark_bar()
        .encode(
            x=x,
            xOffset=alt.XOffset(field="said", type="nominal", sort=list(names.values())),
            y=_remaining_axis("count"),
            color=colour,
            tooltip=counted,
        )
    )
    line = (
        alt.Chart(table)
        .mark_line(strokeWidth=2.5, point=alt.OverlayMarkDef(size=60))
        .encode(
            x=x, y=_remaining_axis("open"), color=colour, tooltip=[*tips, *_tooltips("open")[1:]]
        )
    )
    return alt.LayerChart(layer=[bar, line], height=_HEIGHT)


def _day_chart(report: Overview) -> alt.LayerChart:
    """Return the days: past ones as a line, the forecast as a dashed line in a band."""
    colors = chart_colors()
    days, forecast_days = report.past_days, report.forecast.path
    # The forecast begins at the last past day, so that the lines meet.
    last = [(days[-1].day, days[-1].open, days[-1].open, days[-1].open)] if forecast_days else []
    forecast = pd.DataFrame(
        [*last, *((day.day, day.low, day.middle, day.high) for day in forecast_days)],
        columns=["day", "low", "middle", "high"],
    )
    past_days = pd.DataFrame([(day.day, day.open) for day in days], columns=["day", "open"])
    day_axis = alt.X(
        "day:T",
        title=None,
        axis=alt.Axis(format="%d/%m", tickMinStep=_DAY_MS, labelOverlap=True, grid=False),
    )
    band = (
        alt.Chart(forecast)
        .mark_area(color=colors.band, opacity=0.45)
        .encode(x=day_axis, y=_remaining_axis("low"), y2="high:Q")
    )
    likely = (
        alt.Chart(forecast)
        .mark_line(color=colors.line, strokeDash=[5, 4])
        .encode(x=day_axis, y=_remaining_axis("middle"), tooltip=_tooltips("middle", "low", "high"))
    )
    line = (
        alt.Chart(past_days)
        .mark_line(color=colors.line, strokeWidth=2.5, point=alt.OverlayMarkDef(color=colors.line))
        .encode(x=day_axis, y=_remaining_axis("open"))
    )
    layers = [*([band, likely] if forecast_days else []), line.encode(tooltip=_tooltips("open"))]
    return alt.LayerChart(layer=layers, height=_HEIGHT)


def _remaining_axis(name: str) -> alt.Y:
    return alt.Y(
        f"{name}:Q",
        title=None,
        axis=alt.Axis(tickMinStep=1, format="d"),
        scale=alt.Scale(zero=True),
    )


def _tooltips(*names: str) -> list[Any]:
    return [
        alt.Tooltip("day:T", format="%Y-%m-%d"),
        *(alt.Tooltip(f"{name}:Q", format=".0f", title=t("progress.burn_down")) for name in names),
    ]
