"""The burn-down: what was left day by day, and what is likely ahead with its range."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from pipeline.reporting.progress import ProgressReport
from ui.i18n import t
from ui.widgets.chart_colors import chart_colors

_DAY_MS = 86_400_000
"""No marks of hours between two days, as there are else while the pile is young: each would bear
the same day.
"""


def burn_down_chart(progress: ProgressReport) -> alt.LayerChart:
    """Days from left to right, entries left upwards: a line behind, a dashed line and a band ahead."""
    shown = chart_colors()
    behind, ahead = progress.past_days, progress.forecast.path
    last = [(behind[-1].day, behind[-1].open, behind[-1].open, behind[-1].open)] if ahead else []
    coming = pd.DataFrame(
        [*last, *((one.day, one.low, one.middle, one.high) for one in ahead)],
        columns=["day", "low", "middle", "high"],
    )
    past = pd.DataFrame([(one.day, one.open) for one in behind], columns=["day", "open"])
    day = alt.X(
        "day:T",
        title=None,
        axis=alt.Axis(format="%d/%m", tickMinStep=_DAY_MS, labelOverlap=True, grid=False),
    )
    band = (
        alt.Chart(coming)
        .mark_area(color=shown.band, opacity=0.45)
        .encode(x=day, y=_remaining_axis("low"), y2="high:Q")
    )
    likely = (
        alt.Chart(coming)
        .mark_line(color=shown.line, strokeDash=[5, 4])
        .encode(x=day, y=_remaining_axis("middle"), tooltip=_tooltips("middle", "low", "high"))
    )
    line = (
        alt.Chart(past)
        .mark_line(color=shown.line, strokeWidth=2.5, point=alt.OverlayMarkDef(color=shown.line))
        .encode(x=day, y=_remaining_axis("open"))
    )
    layers = [*([band, likely] if ahead else []), line.encode(tooltip=_tooltips("open"))]
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
