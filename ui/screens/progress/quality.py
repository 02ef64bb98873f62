"""Kvalitet: measured quality of the confirmed fields, for the manager of the unit.

By form and kind of field, and by person for users who may see that.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from pipeline.domain.form.confidence import Share
from pipeline.domain.law.permissions import Action, is_allowed, permitted_units, require_permission
from pipeline.domain.model import Person
from pipeline.reporting import data_quality
from pipeline.reporting.data_quality import ErrorMetric, WorkMetric
from pipeline.reporting.watching.drift import Dimension, Drift, list_drift
from pipeline.store.quality import checked_work
from pipeline.store.schema.clock import utc_now
from ui.i18n import format_number, format_percentage, t
from ui.markdown import md
from ui.widgets.heading import screen_heading
from ui.workspace import AppContext


def show(context: AppContext, person: Person) -> None:
    """Show the screen."""
    require_permission(person, Action.QUALITY)
    screen_heading(context, person, t("quality.title"), t("quality.what"))
    quality_metrics(context, person)
    _drift_section(context, person)
    st.header(t("quality.people"), anchor=False)
    st.caption(md("quality.people_rule", least=context.settings.figures_least))
    units = sorted(permitted_units(person, Action.QUALITY))
    unit = (
        st.selectbox(t("quality.unit"), units, key="quality_unit")
        if len(units) > 1
        else units[0]
        if units
        else None
    )
    if unit is None:
        return
    with context.store.read() as conn:
        unit_metric = data_quality.measure_unit_work(
            conn, person, unit, utc_now(), context.settings.figures_least
        )
        metrics = data_quality.measure_reviewers_work(
            conn, person, unit, utc_now(), context.settings.figures_least
        )
    if metrics:
        st.html(work_table([*metrics, unit_metric], t("quality.person")))
    else:
        st.info(t("quality.nobody"), icon=":material/info:")


def quality_metrics(context: AppContext, person: Person) -> None:
    """Show the metrics of the user's units by form and kind of field, and what waits.

    Also part of the screen Läge.
    """
    min_count = context.settings.figures_least
    with context.store.read() as conn:
        metrics = data_quality.measure_errors(conn, context.forms, person, utc_now(), min_count)
        waiting = (
            checked_work.count_open_rekeying(conn, person)
            if is_allowed(person, Action.PROGRESS)
            else None
        )
    st.header(t("quality.by_form"), anchor=False)
    st.caption(md("quality.how", days=data_quality.METRIC_DAYS, least=min_count))
    if metrics:
        st.html(_error_rate_table(context, metrics))
    else:
        st.info(md("quality.too_few", least=min_count), icon=":material/info:")
    if waiting is not None:
        st.caption(md("quality.waiting", typed=waiting[0], third=waiting[1]))


def _drift_section(context: AppContext, person: Person) -> None:
    """Show how much of what was read people change, now and before, and what has risen."""
    least = context.settings.figures_least
    found = list_drift(context.store, context.forms, person, utc_now(), least)
    st.header(t("quality.drift"), anchor=False)
    st.caption(md("quality.drift_what"))
    if not found:
        st.caption(t("quality.drift_none"))
        return
    for dimension in Dimension:
        if names := [
            _drift_name(context, d) for d in found if d.is_rise and d.dimension is dimension
        ]:
            remedy = t(f"alarm.drift_{dimension.value}.remedy")
            st.warning(
                md("quality.drift_rise", names=", ".join(names), remedy=remedy),
                icon=":material/trending_up:",
            )
    lines = [
        _metrics_row(
            (escape(t(f"quality.drift.{one.dimension.value}")), escape(_drift_name(context, one))),
            (share_html(one.recent), share_html(one.past)),
            total=one.is_rise,
        )
        for one in found
    ]
    words, numbers = (
        [t(f"quality.drift.{name}") for name in names]
        for names in (("group", "name"), ("recent", "past"))
    )
    st.html(_metrics_table(words, numbers, lines))


def _drift_name(context: AppContext, drift: Drift) -> str:
    if drift.dimension is Dimension.FORM:
        return context.forms.latest(drift.name).title
    if drift.dimension is Dimension.KIND:
        return t(f"field_kind.{drift.name}")
    return drift.name


def work_table(metrics: Sequence[WorkMetric], first: str) -> str:
    """Return a table with a line for each person or unit; `first` heads the first column."""
    heads = (
        first,
        t("quality.fields"),
        t("quality.wrong"),
        t("quality.missed"),
        t("quality.seconds"),
    )
    lines = [
        _metrics_row(
            (escape(metric.who),),
            (
                format_number(metric.fields),
                share_html(metric.wrong),
                share_html(metric.missed),
                format_seconds(metric.seconds),
            ),
        )
        for metric in metrics
    ]
    return _metrics_table(heads[:1], heads[1:], lines)


def share_html(share: Share | None) -> str:
    """Return a share as HTML with its counts and 95 % interval on a second line."""
    if share is None:
        return f"<small>{escape(t('quality.few'))}</small>"
    low, high = share.interval
    interval = t(
        "quality.interval",
        wrong=share.wrong,
        of=share.of,
        low=format_share(low),
        high=format_share(high),
    )
    return f"{format_share(share.wrong / share.of)}<br><small>{escape(interval)}</small>"


def format_share(share: float) -> str:
    """Format a share in per cent, with a decimal below ten."""
    return format_percentage(share, decimals=1 if share < 0.1 else 0)


def format_seconds(seconds: float | None) -> str:
    """Format seconds with a decimal."""
    if seconds is None:
        return f"<small>{escape(t('quality.few'))}</small>"
    return f"{format_number(seconds, decimals=1)}\u00a0s"


def _error_rate_table(context: AppContext, metrics: Sequence[ErrorMetric]) -> str:
    titles = context.form_titles()
    lines = [
        _metrics_row(
            (
                escape(titles.get(metric.form, metric.form) if not metric.kind else ""),
                escape(t(f"field_kind.{metric.kind}") if metric.kind else t("quality.all_kinds")),
            ),
            (share_html(metric.wrong), share_html(metric.missed)),
            total=not metric.kind,
        )
        for metric in metrics
    ]
    return _metrics_table(
        (t("quality.form"), t("quality.kind")), (t("quality.wrong"), t("quality.missed")), lines
    )


def _metrics_table(words: Sequence[str], numbers: Sequence[str], lines: Sequence[str]) -> str:
    """Return a table with the headings of the text columns, then of the number columns."""
    head = "".join(f'<th scope="col">{escape(heading)}</th>' for heading in words)
    head += "".join(
        f'<th scope="col" class="ef-number">{escape(heading)}</th>' for heading in numbers
    )
    table = f"<thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody>"
    return f'<div class="ef-wide"><table class="ef-table">{table}</table></div>'


def _metrics_row(words: Sequence[str], numbers: Sequence[str], *, total: bool = False) -> str:
    css_class = ' class="ef-total"' if total else ""
    cells = [f"<td>{cell}</td>" for cell in words] + [
        f'<td class="ef-number">{cell}</td>' for cell in numbers
    ]
    return f"<tr{css_class}>{''.join(cells)}</tr>"
