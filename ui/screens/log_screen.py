"""Logg: who has seen and done what, for those who follow it up, and the extract that a client can ask for."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from io import BytesIO

import altair as alt
import pandas as pd
import streamlit as st

from pipeline import swedish_time
from pipeline.audit import follow_up
from pipeline.audit.follow_up import LogPage
from pipeline.audit.storelog import write_storelog
from pipeline.model import EntryState, Person, Role
from pipeline.store.chain import LogRow
from pipeline.store.log_rows import Hint, Wanted
from ui.components.heading import heading
from ui.components.log_extract import log_extract
from ui.components.log_filter import log_filter
from ui.site import Site
from ui.text import known, moment, t

_AT_ONCE = 50
_PAGE, _LOOKED, _CHECKED = "log_page", "log_looked", "log_checked"
_WEEK = timedelta(days=6)


def show(here: Site, person: Person) -> None:
    """The screen."""
    heading(here, person, t("log.title"), t("log.what"))
    today = swedish_time.today()
    wanted = log_filter(here, person, today - _WEEK, today)
    if wanted is None:
        return
    if st.session_state.get(_LOOKED) != wanted:
        st.session_state[_PAGE] = 0
    page = _page(here, person, wanted)
    left, right = st.columns([2.2, 1], gap="large")
    with left:
        _rows(here, person, wanted, page)
    with right:
        _hints(here, person, wanted)
        _chart(here, person, wanted)
        _check(here, person)
    log_extract(here, person, wanted.start, wanted.end)


def _page(here: Site, person: Person, wanted: Wanted) -> LogPage:
    """The rows of the page that is open; a look at others than before is written in the log."""
    first = st.session_state.get(_LOOKED) != wanted
    offset = _AT_ONCE * int(st.session_state.get(_PAGE, 0))
    with here.store.begin() if first else here.store.read() as conn:
        page = follow_up.log_page(conn, person, wanted, offset, _AT_ONCE, first=first)
    st.session_state[_LOOKED] = wanted
    return page


def _rows(here: Site, person: Person, wanted: Wanted, page: LogPage) -> None:
    nth, pages = int(st.session_state.get(_PAGE, 0)), max(1, -(-page.total // _AT_ONCE))
    st.header(t("log.rows", count=page.total), anchor=False)
    if not page.rows:
        st.info(t("log.none"), icon=":material/info:")
        return
    columns = [t(f"log.column.{name}") for name in ("number", "at", "who", "action", "unit", "subject", "detail")]
    rows = [
        (
            row.id,
            moment(row.at, seconds=True),
            _who(page, row.by),
            known("log.action", row.action),
            row.unit or "",
            _subject(row),
            _detail(row),
        )
        for row in page.rows
    ]
    table = pd.DataFrame(rows, columns=columns)
    st.dataframe(table, hide_index=True, width="stretch", height=38 + 35 * min(len(rows), 18), key="log_rows")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(t("log.newer"), key="log_newer", disabled=nth == 0, on_click=_turn, args=(-1,), icon=":material/arrow_back:")
        st.button(t("log.older"), key="log_older", disabled=nth + 1 >= pages, on_click=_turn, args=(1,), icon=":material/arrow_forward:")
        st.caption(t("log.page", number=nth + 1, pages=pages))
        days = f"{wanted.start:%Y%m%d}-{wanted.end - timedelta(days=1):%Y%m%d}"
        csv = partial(_csv, here, person, wanted)
        st.download_button(t("log.csv"), data=csv, file_name=f"logg-{days}.csv", mime="text/csv", key="log_csv", on_click="ignore")
        xml = partial(_storelog, here, person, wanted)
        st.download_button(t("log.storelog"), data=xml, file_name=f"storelog-{days}.xml", mime="application/xml", key="log_xml", on_click="ignore")


def _who(page: LogPage, login: str) -> str:
    if login == "system":
        return t("log.machine")
    name = page.names.get(login)
    return f"{name} ({login})" if name else login


def _subject(row: LogRow) -> str:
    """A search for a client stands under a digest, which says nothing to a reader; a denial under the right that was wanted."""
    if row.subject.startswith("client:"):
        return t("log.searched_client")
    return known("log.right", row.subject) if row.action == "denied" else row.subject


def _detail(row: LogRow) -> str:
    """The counts and states of a row in one line."""
    return ", ".join(f"{known('log.detail', name)}: {_fact(name, value)}" for name, value in row.detail.items() if value is not None)


def _fact(name: str, value: object) -> object:
    """A value in the person's language, where it is one of the words that the program itself has for it."""
    if isinstance(value, bool):
        return t("log.yes" if value else "log.no")
    if name == "role" and value in set(Role):
        return t(f"role.{Role(str(value)).name.lower()}")
    if name == "state" and value in set(EntryState):
        return t(f"entry_state.{EntryState(str(value)).name.lower()}").lower()
    return value


def _turn(by: int) -> None:
    st.session_state[_PAGE] = max(0, int(st.session_state.get(_PAGE, 0)) + by)


def _csv(here: Site, person: Person, wanted: Wanted) -> bytes:
    with here.store.begin() as conn:
        return follow_up.log_csv(conn, person, wanted)


def _storelog(here: Site, person: Person, wanted: Wanted) -> bytes:
    """For a log service; that it was fetched is an event."""
    file = BytesIO()
    write_storelog(here.store, person, here.settings, wanted, file)
    return file.getvalue()


def _hints(here: Site, person: Person, wanted: Wanted) -> None:
    st.header(t("log.hints"), anchor=False)
    with here.store.read() as conn:
        found = follow_up.hints(conn, person, wanted)
    hints = list(Hint)
    for row in (hints[:2], hints[2:4], hints[4:]):
        for column, hint in zip(st.columns(len(row)), row, strict=True):
            column.metric(t(f"log.hint.{hint.value}"), found[hint], border=True, help=t(f"log.hint_what.{hint.value}"))
    st.caption(t("log.hints_what"))


def _chart(here: Site, person: Person, wanted: Wanted) -> None:
    st.header(t("log.per_day"), anchor=False)
    with here.store.read() as conn:
        found = follow_up.views_per_day(conn, person, wanted)
    if not any(found.values()):
        st.caption(t("log.no_views"))
        return
    days = pd.DataFrame(list(found.items()), columns=["day", "views"])
    x = alt.X("day:O", title=None, axis=alt.Axis(labelAngle=-40, labelOverlap=True))
    y = alt.Y("views:Q", title=None, axis=alt.Axis(tickMinStep=1, format="d"))
    tips = [alt.Tooltip("day:O", title=t("log.day")), alt.Tooltip("views:Q", title=t("log.views"))]
    bars: alt.Chart = alt.Chart(days).mark_bar(color="#1f6b75").encode(x=x, y=y, tooltip=tips)
    st.altair_chart(bars.properties(height=190), width="stretch", alt=t("log.per_day"))


def _check(here: Site, person: Person) -> None:
    st.header(t("log.chain"), anchor=False)
    st.caption(t("log.chain_what"))
    if st.button(t("log.check"), key="log_check", icon=":material/verified:"):
        with st.spinner(t("log.checking")):
            st.session_state[_CHECKED] = follow_up.check_log(here.store, person)
    verdict = st.session_state.get(_CHECKED)
    if verdict is None:
        return
    if not verdict.count:
        st.success(t("log.whole", count=verdict.rows), icon=":material/check:")
        return
    st.error(t("log.broken", count=verdict.count), icon=":material/error:")
    for problem in verdict.problems[:10]:
        st.caption(t(f"log.wrong.{problem.wrong.value}", first=problem.first, last=problem.last, count=problem.last - problem.first + 1))
