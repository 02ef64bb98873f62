"""The burn-down chart: what is left by the hour at first, then by the day with the forecast."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from pipeline.domain.dates import SWEDEN
from pipeline.reporting.progress import Overview
from ui.i18n import t
from ui.widgets.chart_colors import chart_colors

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
