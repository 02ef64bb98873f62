"""What Läge shows on request: pages by form, and the pace of the work."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from pipeline.domain.law.permissions import Action, is_allowed
from pipeline.domain.model import Person
from pipeline.reporting import progress
from pipeline.reporting.data_quality import MIN_PEOPLE
from pipeline.reporting.progress import Overview, ProgressReport, forecast_with_people
from ui.i18n import format_number, t
from ui.markdown import md, plain
from ui.screens.progress.quality import quality_metrics
from ui.widgets.tables import html_table
from ui.workspace import AppContext

_DETAIL_KEY = "progress_detail"
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
        "pace": _pace_section,
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
    heads = [t("progress.unit"), t("progress.form"), *(t(name) for name in _PAGE_STATES)]
    if pages:
        st.html(html_table(heads, pages))
    st.caption(md("progress.arriving", pages=_format_rounded(report.scanned_per_day)))


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


def _format_rounded(value: float) -> str:
    """Format a number, with a decimal if it is small."""
    return format_number(value, 0 if value >= _WHOLE_NUMBERS_FROM else 1)
