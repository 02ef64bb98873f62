"""The burn-down chart: open entries day by day, and the forecast with its range."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from pipeline.reporting.progress import ProgressReport
from ui.i18n import t
from ui.widgets.chart_colors import chart_colors

_DAY_MS = 86_400_000
"""Minimal step of the axis: no ticks between two days.

Ticks of hours, which come while there are few days, would all have the same label.
"""


def burn_down_chart(report: ProgressReport) -> alt.LayerChart:
    """Return the chart: past days as a line, the forecast as a dashed line in a band."""
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
    return alt.LayerChart(layer=layers, height=230)


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
