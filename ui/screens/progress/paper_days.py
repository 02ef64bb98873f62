"""Papper per dag: which days of which unit have no paper at all, and where each printed sheet is.
Counts and serials, never names.

Handing in what was planned, so that a day off is told from a day whose paper is missing. It is
counted; no line of the file is kept.
"""

from __future__ import annotations

from datetime import date, timedelta

import streamlit as st

from pipeline.domain.dates import today_in_sweden
from pipeline.domain.errors import EfterskriftError
from pipeline.domain.model import Person
from pipeline.domain.permissions import Action, require_permission
from pipeline.forms.fiducials import format_serial_or_id
from pipeline.registers.planned_visits import PlanKind, count_planned
from pipeline.reporting.csv_files import missing_sheets_csv, paper_days_csv
from pipeline.store.entries.queue_order import is_day
from pipeline.store.paper import bundles
from pipeline.store.registers.planning import save_planned
from pipeline.store.reports import paper_days, sheet_accounting
from pipeline.store.reports.paper_days import DayCount, PaperDays
from ui.browser.day_grid import DayCell, day_grid
from ui.i18n import format_day, t
from ui.widgets.errors import error_text
from ui.widgets.heading import screen_heading, translate_upload_button
from ui.widgets.tables import html_table
from ui.workspace import AppContext

_UPLOAD_COUNT_KEY = "planning_sent"
_DEFAULT_WEEKS = 3
_MAX_MISSING_SHEETS = 50


def planning_upload(context: AppContext, person: Person) -> None:
    """The form, closed until it is wanted."""
    with st.expander(t("paper_days.planning"), icon=":material/event_note:"):
        translate_upload_button()
        st.caption(t("paper_days.planning_what"))
        kind = st.radio(
            t("paper_days.kind"),
            list(PlanKind),
            format_func=lambda one: t(f"paper_days.kinds.{one.value}"),
            horizontal=True,
            key="plan_kind",
        )
        file = st.file_uploader(
            t("paper_days.planning_file"),
            type=["csv"],
            key=f"planning_{st.session_state.get(_UPLOAD_COUNT_KEY, 0)}",
        )
        if (
            st.button(t("paper_days.planning_do"), key="planning_do", disabled=file is None)
            and file is not None
            and kind is not None
        ):
            _import_plan(context, person, kind, file.getvalue(), file.name)


def _import_plan(
    context: AppContext, person: Person, kind: PlanKind, data: bytes, name: str
) -> None:
    try:
        counts = count_planned(data, name)
        with context.store.begin() as conn:
            save_planned(conn, person, kind, counts)
    except EfterskriftError as error:
        st.error(error_text(error))
        return
    st.session_state[_UPLOAD_COUNT_KEY] = st.session_state.get(_UPLOAD_COUNT_KEY, 0) + 1
    st.toast(t("paper_days.planned", count=len(counts)), icon=":material/check:")
    st.rerun()


_FIRST_DAY_KEY, _LAST_DAY_KEY, _CHOSEN_CELL_KEY = "paper_first", "paper_last", "paper_chosen"


def show(context: AppContext, person: Person) -> None:
    """The screen."""
    with context.store.recording_denials():
        require_permission(person, Action.PROGRESS)
    screen_heading(context, person, t("paper_days.title"), t("paper_days.what"))
    shown = _choose_period(context, person)
    if shown is None:
        st.info(t("paper_days.not_begun"), icon=":material/info:")
    else:
        _days_section(context, person, *shown)
    planning_upload(context, person)
    _bundles_section(context, person)
    _sheets_section(context, person)


def _days_section(context: AppContext, person: Person, first: date, last: date) -> None:
    with context.store.read() as conn:
        found = paper_days.load_paper_days(conn, context.forms, person, first, last)
    _summary_text(found)
    _show_grid(found)
    _chosen_day_section(context, person)
    st.download_button(
        t("paper_days.file"),
        lambda: paper_days_csv(found),
        "papper-per-dag.csv",
        "text/csv",
        key="paper_days_csv",
    )


def _choose_period(context: AppContext, person: Person) -> tuple[date, date] | None:
    """The days that are shown: those of the outage, else those that there is paper of; none before
    anything is known and a day is chosen.
    """
    with context.store.read() as conn:
        there = paper_days.paper_date_range(conn, person)
    this_day = today_in_sweden()
    start, end = context.settings.outage_start, context.settings.outage_end
    first = (
        start.date() if start else there[0] if there else this_day - timedelta(weeks=_DEFAULT_WEEKS)
    )
    last = end.date() if end else max(there[1], first) if there else this_day
    with st.container(horizontal=True):
        shown_first = st.date_input(
            t("paper_days.first"), value=first, format="YYYY-MM-DD", key=_FIRST_DAY_KEY, width=180
        )
        shown_last = st.date_input(
            t("paper_days.last"), value=last, format="YYYY-MM-DD", key=_LAST_DAY_KEY, width=180
        )
    if not isinstance(shown_first, date) or not isinstance(shown_last, date):
        return first, last
    known = start or end or there
    return (
        (shown_first, max(shown_first, shown_last))
        if known or (shown_first, shown_last) != (first, last)
        else None
    )


def _summary_text(paper_days: PaperDays) -> None:
    """The question of the screen in words, before any table."""
    st.header(t("paper_days.question"), anchor=False)
    gaps = {unit: paper_days.without_paper(unit) for unit in paper_days.units}
    if not any(gaps.values()):
        st.success(t("paper_days.no_gaps"), icon=":material/check:")
    for unit, days in gaps.items():
        if days:
            said = (
                t("paper_days.every_day")
                if len(days) == len(paper_days.days)
                else ", ".join(format_day(one) for one in days)
            )
            st.warning(
                t("paper_days.gap", unit=unit, count=len(days), days=said),
                icon=":material/event_busy:",
            )
    for unit, sheets in paper_days.undated.items():
        st.caption(t("paper_days.undated", unit=unit, count=sheets))


def _show_grid(paper_days: PaperDays) -> None:
    days = paper_days.days
    rows = [
        (format_day(one), [_day_cell(paper_days.counts[unit, one]) for unit in paper_days.units])
        for one in days
    ]

    def choose(row: int, column: int) -> None:
        st.session_state[_CHOSEN_CELL_KEY] = (paper_days.units[column], days[row])

    unit, one = st.session_state.get(_CHOSEN_CELL_KEY, ("", ""))
    chosen = (
        (days.index(one), paper_days.units.index(unit))
        if one in days and unit in paper_days.units
        else None
    )
    st.caption(t("paper_days.caption"))
    day_grid(t("paper_days.grid"), paper_days.units, rows, chosen, choose)


def _day_cell(day_count: DayCount) -> DayCell:
    counts = {
        "count": day_count.sheets,
        "visits": day_count.visits,
        "planned": day_count.planned_visits,
    }
    text = t(f"paper_days.cell.{day_count.paper_status.value}", **counts)
    return DayCell(
        text, day_count.paper_status.value, f"{day_count.unit}, {format_day(day_count.day)}: {text}"
    )


def _chosen_day_section(context: AppContext, person: Person) -> None:
    unit, one = st.session_state.get(_CHOSEN_CELL_KEY, ("", ""))
    if unit not in person.units:
        return
    st.subheader(t("paper_days.of_day", unit=unit, day=format_day(one)), anchor=False)
    with context.store.read() as conn:
        found = paper_days.list_day_sheets(conn, person, unit, one)
    if not found:
        st.markdown(t("paper_days.nothing"))
        return
    titles = _form_titles(context)
    heads = [t(f"paper_days.column.{name}") for name in ("form", "serial", "entries", "waiting")]
    st.html(
        html_table(
            heads,
            [
                (
                    titles.get(s.form, s.form),
                    format_serial_or_id(s.serial) or t("paper_days.no_serial"),
                    s.entries,
                    s.waiting,
                )
                for s in found
            ],
        )
    )


def _bundles_section(context: AppContext, person: Person) -> None:
    st.header(t("paper_days.bundles"), anchor=False)
    with context.store.read() as conn:
        found = bundles.list_bundles(conn, person)
    if not found:
        st.caption(t("paper_days.no_bundles"))
        return
    heads = [
        t(f"paper_days.column.{name}")
        for name in ("unit", "day", "bundle", "serial", "said", "found", "judged")
    ]
    judged = {
        True: t("paper_days.complete"),
        False: t("paper_days.differs"),
        None: t("paper_days.open"),
    }
    lines = [
        (
            b.unit,
            format_day(b.day) if is_day(b.day) else b.day or "–",
            int(b.number) if b.number.isdecimal() else b.number or "–",
            format_serial_or_id(b.serial),
            "–" if b.stated_sheets is None else b.stated_sheets,
            b.found_sheets,
            judged[b.is_complete],
        )
        for b in found
    ]
    st.html(html_table(heads, lines))


def _sheets_section(context: AppContext, person: Person) -> None:
    """Every printed sheet: come back, returned unused, or missing."""
    st.header(t("paper_days.sheets"), anchor=False)
    with context.store.read() as conn:
        missing = sheet_accounting.list_missing_sheets(conn, person)
    if not missing:
        st.caption(t("paper_days.none_missing"))
        return
    st.markdown(
        t("paper_days.missing", count=len(missing))
        + " "
        + t("paper_days.named", count=sum(one.prefilled for one in missing))
    )
    st.caption(t("paper_days.missing_next"))
    if any(not one.unit for one in missing):
        st.caption(t("paper_days.unit_unknown"))
    titles = _form_titles(context)
    heads = [t(f"paper_days.column.{name}") for name in ("unit", "form", "serial", "prefilled")]
    said = {True: t("paper_days.with_name"), False: t("paper_days.without_name")}
    st.html(
        html_table(
            heads,
            [
                (
                    one.unit or t("accounting.unit_unknown"),
                    titles.get(one.form, one.form),
                    format_serial_or_id(one.serial),
                    said[one.prefilled],
                )
                for one in missing[:_MAX_MISSING_SHEETS]
            ],
        )
    )
    if len(missing) > _MAX_MISSING_SHEETS:
        st.caption(t("paper_days.more", count=len(missing) - _MAX_MISSING_SHEETS))
    st.download_button(
        t("paper_days.missing_file"),
        lambda: missing_sheets_csv(missing),
        "saknade-ark.csv",
        "text/csv",
        key="missing_csv",
    )


def _form_titles(context: AppContext) -> dict[str, str]:
    return {form_id: form.title for (form_id, _), form in context.forms.items()}
