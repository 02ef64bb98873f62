"""Logg: who has viewed and done what, and the extract that a client can ask for.

The extract is shown here first, then handed out as PDF or table.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import partial
from io import BytesIO

import altair as alt
import pandas as pd
import streamlit as st

from pipeline.domain import dates
from pipeline.domain.errors import UsageError
from pipeline.domain.identity_numbers import format_pid
from pipeline.domain.law.permissions import Action, permitted_units
from pipeline.domain.model import EntryState, Person, Role
from pipeline.reporting.audit import follow_up
from pipeline.reporting.audit.client_extract import (
    ClientExtract,
    find_client_pid,
    format_extract_csv,
    make_client_extract,
    render_extract_pdf,
)
from pipeline.reporting.audit.follow_up import LogPage
from pipeline.reporting.audit.storelog import write_storelog
from pipeline.store.event_log.events import DENIED_ACTION
from pipeline.store.event_log.hash_chain import LogRow
from pipeline.store.event_log.queries import Hint, LogFilter
from pipeline.store.schema.clock import utc_now
from ui.i18n import code_text, format_moment, t
from ui.markdown import md, plain
from ui.widgets.heading import screen_heading
from ui.widgets.tables import show_table
from ui.workspace import AppContext

_PAGE_KEY, _VIEWED_FILTER_KEY, _CHECK_RESULT_KEY = "log_page", "log_looked", "log_checked"
_EXTRACT_KEY = "log_extract_made"
_PAGE_ROWS = 50
_DEFAULT_PERIOD = timedelta(days=6)


def show(context: AppContext, person: Person) -> None:
    """Show the screen."""
    screen_heading(context, person, t("log.title"), t("log.what"))
    today = dates.today_in_sweden()
    log_filter = filter_form(context, person, today - _DEFAULT_PERIOD, today)
    if log_filter is None:
        return
    if st.session_state.get(_VIEWED_FILTER_KEY) != log_filter:
        st.session_state[_PAGE_KEY] = 0
    page = _load_page(context, person, log_filter)
    left, right = st.columns([2.2, 1], gap="large")
    with left:
        _log_table(context, person, log_filter, page)
    with right:
        _hints_table(context, person, log_filter)
        _views_chart(context, person, log_filter)
        _check_button(context, person)
    extract_form(context, person, log_filter.start, log_filter.end)


def filter_form(context: AppContext, person: Person, first: date, last: date) -> LogFilter | None:
    """Ask which rows to show; None while the filter is invalid, which the user is then told."""
    with st.container(border=True):
        top = st.columns([1, 1, 1.6, 1.6], vertical_alignment="bottom")
        start = top[0].date_input(t("log.from"), first, key="log_from", format="YYYY-MM-DD")
        end = top[1].date_input(t("log.to"), last, key="log_to", format="YYYY-MM-DD")
        if start > end:
            st.warning(t("log.backwards"), icon=":material/info:")
            return None
        period = LogFilter(*follow_up.day_range(start, end))
        actions, logins = context.store.query(follow_up.list_filter_choices, person, period)
        any_text = t("log.every")
        login = top[2].selectbox(
            t("log.who"), logins, index=None, placeholder=any_text, key="log_who"
        )
        action_text = partial(code_text, "log.action")
        action = top[3].selectbox(
            t("log.action"),
            actions,
            index=None,
            placeholder=any_text,
            key="log_what",
            format_func=action_text,
        )
        bottom = st.columns([2, 1.6, 1.6], vertical_alignment="bottom")
        unit = bottom[0].selectbox(
            t("log.unit"),
            sorted(permitted_units(person, Action.LOG)),
            index=None,
            placeholder=any_text,
            key="log_unit",
        )
        kinds, hint_text = [hint.value for hint in Hint], partial(code_text, "log.hint")
        hint = bottom[1].selectbox(
            t("log.only"),
            kinds,
            index=None,
            placeholder=any_text,
            key="log_hint",
            format_func=hint_text,
        )
        typed = bottom[2].text_input(
            t("log.client"),
            key="log_client",
            autocomplete="off",
            max_chars=20,
            placeholder=t("log.client_example"),
        )
        with context.store.read() as conn:
            client = find_client_pid(conn, typed) if typed.strip() else None
        if typed.strip() and client is None:
            st.warning(t("log.no_number"), icon=":material/info:")
            return None
    return LogFilter(
        period.start, period.end, login, action, unit, client, Hint(hint) if hint else None
    )


def _load_page(context: AppContext, person: Person, log_filter: LogFilter) -> LogPage:
    """Return the open page of rows; a view of other rows than before is logged."""
    is_new_view = st.session_state.get(_VIEWED_FILTER_KEY) != log_filter
    offset = _PAGE_ROWS * int(st.session_state.get(_PAGE_KEY, 0))
    with context.store.begin() if is_new_view else context.store.read() as conn:
        page = follow_up.load_log_page(
            conn, person, log_filter, offset, _PAGE_ROWS, first=is_new_view
        )
    st.session_state[_VIEWED_FILTER_KEY] = log_filter
    return page


def _log_table(context: AppContext, person: Person, log_filter: LogFilter, page: LogPage) -> None:
    st.header(md("log.rows", count=page.total), anchor=False)
    if not page.rows:
        st.info(t("log.none"), icon=":material/info:")
        return
    rows = [
        (
            row.id,
            format_moment(row.at, seconds=True),
            _person_text(page, row.by),
            code_text("log.action", row.action),
            row.unit or "",
            _subject_text(row),
            _detail_text(row),
        )
        for row in page.rows
    ]
    with st.container(key="log_rows"):
        show_table(
            (
                "log.column.number",
                "log.column.at",
                "log.column.who",
                "log.column.action",
                "log.column.unit",
                "log.column.subject",
                "log.column.detail",
            ),
            rows,
            tall=True,
        )
    with st.container(horizontal=True, vertical_alignment="center"):
        _page_buttons(page)
        _log_downloads(context, person, log_filter)


def _page_buttons(page: LogPage) -> None:
    index, pages = int(st.session_state.get(_PAGE_KEY, 0)), max(1, -(-page.total // _PAGE_ROWS))
    st.button(
        t("log.newer"),
        key="log_newer",
        disabled=index == 0,
        on_click=_turn_page,
        args=(-1,),
        icon=":material/arrow_back:",
    )
    st.button(
        t("log.older"),
        key="log_older",
        disabled=index + 1 >= pages,
        on_click=_turn_page,
        args=(1,),
        icon=":material/arrow_forward:",
    )
    st.caption(md("log.page", number=index + 1, pages=pages))


def _log_downloads(context: AppContext, person: Person, log_filter: LogFilter) -> None:
    days = f"{log_filter.start:%Y%m%d}-{log_filter.end - timedelta(days=1):%Y%m%d}"
    csv = partial(_csv_file, context, person, log_filter)
    st.download_button(
        t("log.csv"),
        data=csv,
        file_name=f"logg-{days}.csv",
        mime="text/csv",
        key="log_csv",
        on_click="ignore",
    )
    xml = partial(_storelog_file, context, person, log_filter)
    st.download_button(
        t("log.storelog"),
        data=xml,
        file_name=f"storelog-{days}.xml",
        mime="application/xml",
        key="log_xml",
        on_click="ignore",
    )


def _person_text(page: LogPage, login: str) -> str:
    if login == "system":
        return t("log.machine")
    name = page.names.get(login)
    return f"{name} ({login})" if name else login


def _subject_text(row: LogRow) -> str:
    """Return the subject of a row in words.

    A search for a client is logged by a digest, which says nothing to a reader; a denial of nothing
    in particular by the permission that was required.
    """
    if row.subject.startswith("client:"):
        return t("log.searched_client")
    is_right = row.action == DENIED_ACTION and "right" not in row.detail
    return code_text("log.right", row.subject) if is_right else row.subject


def _detail_text(row: LogRow) -> str:
    """Return the counts and states of a row in one line; digests are for the CSV file."""
    return ", ".join(
        f"{code_text('log.detail', name)}: {_fact_text(name, value)}"
        for name, value in row.detail.items()
        if value is not None and name != "sha256"
    )


def _fact_text(name: str, value: object) -> object:
    """Return a value in the user's language if it is one of the program's own words."""
    if isinstance(value, bool):
        return t("log.yes" if value else "log.no")
    if name == "right":
        return code_text("log.right", str(value))
    if name == "role":
        roles = str(value).split(", ")
        return ", ".join(
            t(f"role.{Role(role).name.lower()}") if role in set(Role) else role for role in roles
        )
    if name == "state" and value in set(EntryState):
        return t(f"entry_state.{EntryState(str(value)).name.lower()}").lower()
    return value


def _turn_page(by: int) -> None:
    st.session_state[_PAGE_KEY] = max(0, int(st.session_state.get(_PAGE_KEY, 0)) + by)


def _csv_file(context: AppContext, person: Person, log_filter: LogFilter) -> bytes:
    return context.store.change(follow_up.export_log_csv, person, log_filter)


def _storelog_file(context: AppContext, person: Person, log_filter: LogFilter) -> bytes:
    """Return the rows for a log service; fetching them is an event."""
    file = BytesIO()
    write_storelog(context.store, person, context.settings, log_filter, file)
    return file.getvalue()


def _hints_table(context: AppContext, person: Person, log_filter: LogFilter) -> None:
    st.header(t("log.hints"), anchor=False)
    counts = context.store.query(follow_up.count_hints, person, log_filter)
    hints = list(Hint)
    for row in (hints[start : start + 2] for start in range(0, len(hints), 2)):
        for column, hint in zip(st.columns(len(row)), row, strict=True):
            column.metric(
                t(f"log.hint.{hint.value}"),
                plain(counts[hint]),
                border=True,
                help=t(f"log.hint_what.{hint.value}"),
            )
    st.caption(t("log.hints_what"))


def _views_chart(context: AppContext, person: Person, log_filter: LogFilter) -> None:
    st.header(t("log.per_day"), anchor=False)
    counts = context.store.query(follow_up.count_views_per_day, person, log_filter)
    if not any(counts.values()):
        st.caption(t("log.no_views"))
        return
    days = pd.DataFrame(list(counts.items()), columns=["day", "views"])
    x = alt.X("day:O", title=None, axis=alt.Axis(labelAngle=-40, labelOverlap=True))
    y = alt.Y("views:Q", title=None, axis=alt.Axis(tickMinStep=1, format="d"))
    tips = [alt.Tooltip("day:O", title=t("log.day")), alt.Tooltip("views:Q", title=t("log.views"))]
    bars: alt.Chart = alt.Chart(days).mark_bar(color="#1f6b75").encode(x=x, y=y, tooltip=tips)
    st.altair_chart(bars.properties(height=190), width="stretch", alt=t("log.per_day"))


def _check_button(context: AppContext, person: Person) -> None:
    st.header(t("log.chain"), anchor=False)
    st.caption(t("log.chain_what"))
    if st.button(t("log.check"), key="log_check", icon=":material/verified:"):
        with st.spinner(t("log.checking")):
            st.session_state[_CHECK_RESULT_KEY] = follow_up.check_log(context.store, person)
    result = st.session_state.get(_CHECK_RESULT_KEY)
    if result is None:
        return
    if not result.count:
        st.success(md("log.whole", count=result.rows), icon=":material/check:")
        return
    st.error(md("log.broken", count=result.count), icon=":material/error:")
    for problem in result.problems[:10]:
        st.caption(
            md(
                f"log.wrong.{problem.wrong.value}",
                first=problem.first,
                last=problem.last,
                count=problem.last - problem.first + 1,
                table=problem.table,
                owner=problem.owner,
            )
        )


def extract_form(context: AppContext, person: Person, start: datetime, end: datetime) -> None:
    """Ask for the client, and show what would be handed out."""
    st.header(t("log.extract"), anchor=False)
    st.caption(t("log.extract_what"))
    with (
        st.form("log_extract", border=False),
        st.container(horizontal=True, vertical_alignment="bottom"),
    ):
        typed = st.text_input(
            t("log.extract_client"),
            key="log_extract_typed",
            autocomplete="off",
            max_chars=20,
            width=280,
        )
        is_sent = st.form_submit_button(
            t("log.extract_make"),
            key="log_extract_make",
            type="secondary" if _EXTRACT_KEY in st.session_state else "primary",
        )
    if is_sent:
        # Before the attempt: beside a refusal no extract of another client may remain.
        st.session_state.pop(_EXTRACT_KEY, None)
        try:
            st.session_state[_EXTRACT_KEY] = context.store.change(
                make_client_extract, person, typed, start, end, utc_now()
            )
        except UsageError:
            st.warning(t("log.no_number"), icon=":material/info:")
    extract: ClientExtract | None = st.session_state.get(_EXTRACT_KEY)
    # An extract of another period is dropped.
    if extract is not None and (extract.start, extract.end) != (start, end):
        del st.session_state[_EXTRACT_KEY]
        extract = None
    if extract is not None:
        _show_extract(context, extract)


def _show_extract(context: AppContext, extract: ClientExtract) -> None:
    st.markdown(f"**{' · '.join(filter(None, (plain(extract.name), format_pid(extract.pid))))}**")
    if extract.other_unit_rows:
        st.warning(
            md("log.extract_elsewhere", count=extract.other_unit_rows), icon=":material/info:"
        )
    if extract.lines:
        rows = [(line.at, line.unit, line.description, line.count) for line in extract.lines]
        show_table(
            ("log.column.at", "log.column.unit", "log.column.told", "log.column.times"),
            rows,
            tall=True,
        )
    else:
        st.info(t("log.extract_none"), icon=":material/info:")
    name = f"loggutdrag-{extract.made_at:%Y%m%d-%H%M}"
    with st.container(horizontal=True):
        st.download_button(
            t("log.extract_pdf"),
            lambda: render_extract_pdf(extract, context.settings.care_provider),
            f"{name}.pdf",
            "application/pdf",
            key="log_extract_pdf",
            on_click="ignore",
            type="primary",
        )
        st.download_button(
            t("log.extract_csv"),
            lambda: format_extract_csv(extract),
            f"{name}.csv",
            "text/csv",
            key="log_extract_csv",
            on_click="ignore",
        )
    st.caption(t("log.extract_hand"))
