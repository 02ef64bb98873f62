"""Papper per dag: which days of which unit have no paper, and where each printed sheet is.

Counts and serials, never names. Planned visits can be uploaded, to distinguish a day off from a day
whose paper is missing; they are counted, and no line of the file is stored.
"""

from __future__ import annotations

from datetime import date, timedelta

import streamlit as st

from pipeline.domain.dates import today_in_sweden
from pipeline.domain.errors import EfterskriftError
from pipeline.domain.law.permissions import Action, permitted_units
from pipeline.domain.model import Person
from pipeline.forms.fiducials import format_serial_or_id
from pipeline.registers.planned_visits import PlanKind, count_planned
from pipeline.reporting.csv_files import missing_sheets_csv, paper_days_csv
from pipeline.store.entries.queue_order import is_day
from pipeline.store.paper import bundles
from pipeline.store.registers.planning import save_planned
from pipeline.store.reports import paper_days, sheet_accounting
from pipeline.store.reports.paper_days import DayCount, PaperDays
from ui.i18n import format_day, format_days, t
from ui.markdown import md, plain_with_code
from ui.widgets.heading import screen_heading, translate_upload_button
from ui.widgets.messages import error_text
from ui.widgets.tables import html_table, show_table
from ui.workspace import AppContext

_FIRST_DAY_KEY, _LAST_DAY_KEY, _CHOSEN_DAY_KEY = "paper_first", "paper_last", "paper_chosen"
_UPLOAD_COUNT_KEY = "planning_sent"
_DEFAULT_WEEKS = 3
_MAX_MISSING_SHEETS = 50


def show(context: AppContext, person: Person) -> None:
    """Show the screen."""
    context.store.require_permission(person, Action.PROGRESS)
    screen_heading(context, person, t("paper_days.title"), t("paper_days.what"))
    period = _choose_period(context, person)
    if period is None:
        st.info(t("paper_days.not_begun"), icon=":material/info:")
    else:
        _days_section(context, person, *period)
    planning_upload(context, person)
    _bundles_section(context, person)
    _sheets_section(context, person)


def _days_section(context: AppContext, person: Person, first: date, last: date) -> None:
    report = context.store.query(paper_days.load_paper_days, context.forms, person, first, last)
    _summary_text(report)
    _show_grid(report)
    _chosen_day_section(context, person)
    st.download_button(
        t("paper_days.file"),
        lambda: paper_days_csv(report),
        "papper-per-dag.csv",
        "text/csv",
        key="paper_days_csv",
    )


def _choose_period(context: AppContext, person: Person) -> tuple[date, date] | None:
    """Return the days that are shown, or None.

    Those of the outage, else those that there is paper of; None before anything is known and a day
    is chosen.
    """
    with context.store.read() as conn:
        paper_range = paper_days.paper_date_range(conn, person)
        outage = paper_days.outage_range(conn, person)
    today = today_in_sweden()
    moments = context.settings.outage_start, context.settings.outage_end
    start, end = outage or (moment.date() if moment else None for moment in moments)
    if start:
        first = start
    elif paper_range:
        first = paper_range[0]
    else:
        first = today - timedelta(weeks=_DEFAULT_WEEKS)
    last = end if end else max(paper_range[1], first) if paper_range else today
    with st.container(horizontal=True):
        chosen_first = st.date_input(
            t("paper_days.first"), value=first, format="YYYY-MM-DD", key=_FIRST_DAY_KEY, width=180
        )
        chosen_last = st.date_input(
            t("paper_days.last"), value=last, format="YYYY-MM-DD", key=_LAST_DAY_KEY, width=180
        )
    if not isinstance(chosen_first, date) or not isinstance(chosen_last, date):
        return first, last
    has_period = start or end or paper_range
    return (
        (chosen_first, max(chosen_first, chosen_last))
        if has_period or (chosen_first, chosen_last) != (first, last)
        else None
    )


def _summary_text(report: PaperDays) -> None:
    """Answer the question of the screen in words, before any table."""
    st.header(t("paper_days.question"), anchor=False)
    gaps = {unit: report.without_paper(unit) for unit in report.units}
    if not any(gaps.values()):
        st.success(t("paper_days.no_gaps"), icon=":material/check:")
    for unit, days in gaps.items():
        if days:
            days_text = (
                t("paper_days.every_day") if len(days) == len(report.days) else format_days(days)
            )
            st.warning(
                md("paper_days.gap", unit=unit, count=len(days), days=days_text),
                icon=":material/event_busy:",
            )
    for unit, sheets in report.undated.items():
        st.caption(md("paper_days.undated", unit=unit, count=sheets))


def _show_grid(report: PaperDays) -> None:
    """Show what there is of each day and unit, and ask which of them to list the sheets of."""
    st.caption(t("paper_days.caption"))
    heads = (t("paper_days.column.day"), *report.units)
    lines = [
        (format_day(day), *(_count_text(report.counts[unit, day]) for unit in report.units))
        for day in report.days
    ]
    st.html(html_table(heads, lines))
    st.selectbox(
        t("paper_days.choose"),
        [(unit, day) for unit in report.units for day in report.days],
        index=None,
        format_func=lambda each: (
            f"{each[0]}, {format_day(each[1])}: {_count_text(report.counts[each])}"
        ),
        key=_CHOSEN_DAY_KEY,
    )


def _count_text(count: DayCount) -> str:
    return t(
        f"paper_days.cell.{count.paper_status.value}",
        count=count.sheets,
        visits=count.visits,
        planned=count.planned_visits,
    )


def _chosen_day_section(context: AppContext, person: Person) -> None:
    unit, day = st.session_state.get(_CHOSEN_DAY_KEY) or ("", "")
    if unit not in permitted_units(person, Action.PROGRESS):
        return
    st.subheader(md("paper_days.of_day", unit=unit, day=format_day(day)), anchor=False)
    sheets = context.store.query(paper_days.list_day_sheets, person, unit, day)
    if not sheets:
        st.markdown(t("paper_days.nothing"))
        return
    titles = context.form_titles()
    show_table(
        (
            "paper_days.column.form",
            "paper_days.column.serial",
            "paper_days.column.entries",
            "paper_days.column.waiting",
        ),
        [
            (
                titles.get(sheet.form, sheet.form),
                format_serial_or_id(sheet.serial) or t("paper_days.no_serial"),
                sheet.entries,
                sheet.waiting,
            )
            for sheet in sheets
        ],
    )


def planning_upload(context: AppContext, person: Person) -> None:
    """Show the form for planned visits, collapsed."""
    with st.expander(t("paper_days.planning"), icon=":material/event_note:"):
        translate_upload_button()
        st.caption(t("paper_days.planning_what"))
        kind = st.segmented_control(
            t("paper_days.kind"),
            list(PlanKind),
            default=next(iter(PlanKind)),
            required=True,
            format_func=lambda kind: t(f"paper_days.kinds.{kind.value}"),
            key="plan_kind",
        )
        file = st.file_uploader(
            t("paper_days.planning_file"),
            type=["csv", "xlsx"],
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
        context.store.change(save_planned, person, kind, counts)
    except EfterskriftError as error:
        st.error(plain_with_code(error_text(error)))
        return
    # An uploader keeps its file as long as it keeps its key.
    st.session_state[_UPLOAD_COUNT_KEY] = st.session_state.get(_UPLOAD_COUNT_KEY, 0) + 1
    st.toast(md("paper_days.planned", count=len(counts)), icon=":material/check:")
    st.rerun()


def _bundles_section(context: AppContext, person: Person) -> None:
    st.header(t("paper_days.bundles"), anchor=False)
    found_bundles = context.store.query(bundles.list_bundles, person)
    if not found_bundles:
        st.caption(t("paper_days.no_bundles"))
        return
    judgements = {
        True: t("paper_days.complete"),
        False: t("paper_days.differs"),
        None: t("paper_days.open"),
    }
    lines = [
        (
            bundle.unit,
            format_day(bundle.day) if is_day(bundle.day) else bundle.day or "–",
            int(bundle.number) if bundle.number.isdecimal() else bundle.number or "–",
            format_serial_or_id(bundle.serial),
            "–" if bundle.stated_sheets is None else bundle.stated_sheets,
            bundle.found_sheets,
            judgements[bundle.is_complete],
        )
        for bundle in found_bundles
    ]
    show_table(
        (
            "paper_days.column.unit",
            "paper_days.column.day",
            "paper_days.column.bundle",
            "paper_days.column.serial",
            "paper_days.column.said",
            "paper_days.column.found",
            "paper_days.column.judged",
        ),
        lines,
    )


def _sheets_section(context: AppContext, person: Person) -> None:
    """Show the printed sheets that have neither come back nor been returned unused."""
    st.header(t("paper_days.sheets"), anchor=False)
    with context.store.read() as conn:
        missing = sheet_accounting.list_missing_sheets(conn, person)
        balances = sheet_accounting.count_sheets(
            conn, sheet_accounting.list_accounted_units(person, Action.PROGRESS)
        )
    if reserve := sum(balance.reserve for balance in balances):
        st.caption(md("paper_days.reserve", count=reserve))
    if not missing:
        st.caption(t("paper_days.none_missing"))
        return
    st.markdown(
        md("paper_days.missing", count=len(missing))
        + " "
        + md("paper_days.named", count=sum(sheet.prefilled for sheet in missing))
    )
    st.caption(t("paper_days.missing_next"))
    if any(not sheet.unit for sheet in missing):
        st.caption(t("paper_days.unit_unknown"))
    titles = context.form_titles()
    prefilled_texts = {True: t("paper_days.with_name"), False: t("paper_days.without_name")}
    show_table(
        (
            "paper_days.column.unit",
            "paper_days.column.form",
            "paper_days.column.serial",
            "paper_days.column.prefilled",
        ),
        [
            (
                sheet.unit or t("accounting.unit_unknown"),
                titles.get(sheet.form, sheet.form),
                format_serial_or_id(sheet.serial),
                prefilled_texts[sheet.prefilled],
            )
            for sheet in missing[:_MAX_MISSING_SHEETS]
        ],
    )
    if len(missing) > _MAX_MISSING_SHEETS:
        st.caption(md("paper_days.more", count=len(missing) - _MAX_MISSING_SHEETS))
    st.download_button(
        t("paper_days.missing_file"),
        lambda: missing_sheets_csv(missing),
        "saknade-ark.csv",
        "text/csv",
        key="missing_csv",
    )
