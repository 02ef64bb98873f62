"""Skanna: handing in paper, the progress of each stack, and pages with problems."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import partial
from html import escape

import streamlit as st

from pipeline.domain.dates import today_in_sweden
from pipeline.domain.law.permissions import Action, is_allowed, permitted_units, require_permission
from pipeline.domain.model import Person
from pipeline.store.paper.intake.stacks import MAX_PASSED_OVER, WatchedFolder, list_watched_folders
from pipeline.store.registers import packs
from pipeline.store.registers.client_register import is_register_empty
from pipeline.store.registers.packs import Pack
from pipeline.store.reports import sheet_accounting
from pipeline.store.schema.clock import utc_now
from ui import session
from ui.i18n import format_day, format_moment, format_recent, t
from ui.markdown import md, plain, plain_with_code
from ui.screens.scan.problem_pages import problem_list
from ui.screens.scan.stacks import live_stacks
from ui.screens.scan.upload_form import upload_form
from ui.session import requires_open_session
from ui.widgets.heading import screen_heading
from ui.widgets.messages import Message, commit, errors_to
from ui.widgets.tables import html_table
from ui.workspace import AppContext


def show(context: AppContext, person: Person) -> None:
    """Show the screen."""
    screen_heading(context, person, t("scan.title"), t("scan.what"))
    require_permission(person, Action.SCAN)
    if context.store.query(is_register_empty):
        st.info(plain_with_code(t("scan.no_register")), icon=":material/info:")
    left, right = st.columns([1, 2], gap="large")
    with left:
        upload_form(context, person)
        if is_allowed(person, Action.PRINT):
            unused_sheets(context, person)
            pack_list(context, person)
    with right:
        live_stacks(context, person)
        live_watched_folders(context, person)
    problem_list(context, person)


# Packs of printed sheets: which are in reserve, and that one has been opened.

_PACK_MESSAGE = Message("pack_said", is_quiet=True)
_DAY_KEY = "pack_day"
_MAX_PACKS = 20


def pack_list(context: AppContext, person: Person) -> None:
    """Show the newest packs with what opens them."""
    with st.expander(t("packs.title"), icon=":material/inventory:"):
        st.caption(t("packs.what"))
        st.date_input(
            t("packs.day"),
            value=today_in_sweden(),
            max_value=today_in_sweden(),
            format="YYYY-MM-DD",
            key=_DAY_KEY,
        )
        _live_packs(context, person)


@st.fragment(run_every="10s")
def _live_packs(context: AppContext, person: Person) -> None:
    if session.current_person(context, active=False) is None:
        st.rerun()
    _PACK_MESSAGE.show()
    found = context.store.query(packs.list_packs, person, permitted_units(person, Action.PRINT))
    if not found:
        st.caption(t("packs.none"))
    for pack in found[:_MAX_PACKS]:
        _pack_line(context, person, pack)
    if len(found) > _MAX_PACKS:
        st.caption(md("packs.more", count=len(found) - _MAX_PACKS))


def _pack_line(context: AppContext, person: Person, pack: Pack) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        printed_at = format_moment(pack.printed_at)
        st.caption(
            md("packs.line", unit=pack.unit, count=pack.sheets, at=printed_at)
            + f" {plain(_state_text(pack))}"
        )
        if pack.opened_on:
            st.button(
                t("accounting.undo"),
                key=f"undo_pack-{pack.id}",
                on_click=partial(
                    commit,
                    context,
                    _PACK_MESSAGE,
                    lambda conn: packs.undo_open_pack(conn, person, pack.id, utc_now()),
                ),
            )
        elif not pack.is_open:
            st.button(
                t("packs.open"),
                key=f"open_pack-{pack.id}",
                on_click=partial(_open, context, person, pack.id),
            )


def _state_text(pack: Pack) -> str:
    if pack.opened_on:
        return t("packs.opened_on", day=format_day(pack.opened_on))
    return t("packs.opened_by_scan" if pack.scanned else "packs.in_reserve")


@requires_open_session
def _open(context: AppContext, person: Person, pack_id: str) -> None:
    day = st.session_state.get(_DAY_KEY)
    commit(
        context,
        _PACK_MESSAGE,
        lambda conn: packs.open_pack(
            conn, person, pack_id, day if isinstance(day, date) else today_in_sweden(), utc_now()
        ),
    )


# Registering sheets that came back with nothing written on them, and undoing it.

_UNUSED_MESSAGE = Message("unused_said", is_quiet=True)
_UNIT_KEY, _SERIALS_KEY = "unused_unit", "unused_serials"
_UNDO_MESSAGE = Message("unused_undo_said", is_quiet=True)
_MAX_REGISTRATIONS = 10


def unused_sheets(context: AppContext, person: Person) -> None:
    """Show the form and the latest registrations."""
    with st.expander(t("accounting.title"), icon=":material/inventory_2:"):
        st.caption(t("accounting.what"))
        _UNUSED_MESSAGE.show()
        with context.store.read() as conn:
            unknown_unit = (
                [sheet_accounting.NO_UNIT] if sheet_accounting.has_unknown_unit_sheets(conn) else []
            )
        st.selectbox(
            t("accounting.unit"),
            [*sorted(permitted_units(person, Action.PRINT)), *unknown_unit],
            key=_UNIT_KEY,
            format_func=_unit_text,
        )
        st.text_area(t("accounting.serials"), key=_SERIALS_KEY, height=90)
        st.button(
            t("accounting.do"), key="unused_do", on_click=partial(_save_unused, context, person)
        )
        _live_registrations(context, person)


@st.fragment(run_every="10s")
def _live_registrations(context: AppContext, person: Person) -> None:
    if session.current_person(context, active=False) is None:
        st.rerun()
    registrations = context.store.query(sheet_accounting.list_unused_sheets, person)
    for registration in registrations[:_MAX_REGISTRATIONS]:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(
                md(
                    "accounting.line",
                    unit=_unit_text(registration.unit),
                    count=registration.sheets,
                    by=registration.by,
                    at=format_moment(registration.at),
                )
            )
            st.button(
                t("accounting.undo"),
                key=f"unused-{registration.id}-{registration.unit}",
                on_click=partial(_undo_unused, context, person, registration.id),
            )
    _UNDO_MESSAGE.show()


def _unit_text(unit: str) -> str:
    return unit or t("accounting.unit_unknown")


@requires_open_session
def _save_unused(context: AppContext, person: Person) -> None:
    with errors_to(_UNUSED_MESSAGE.failed):
        count = context.store.change(
            sheet_accounting.save_unused_sheets,
            person,
            str(st.session_state[_UNIT_KEY]),
            str(st.session_state[_SERIALS_KEY]),
            utc_now(),
        )
        _UNUSED_MESSAGE.done(t("accounting.noted", count=count))
        st.session_state[_SERIALS_KEY] = ""


@requires_open_session
def _undo_unused(context: AppContext, person: Person, registration_id: str) -> None:
    with errors_to(_UNDO_MESSAGE.failed), context.store.begin() as conn:
        sheet_accounting.undo_unused_sheets(conn, person, registration_id, utc_now())


# Watched folders, live: when each was looked at, and what was passed over with what to do.

_SILENT_AFTER = timedelta(minutes=2)
"""A folder that was looked at longer ago is no longer watched: a look is stored twice a minute."""


@st.fragment(run_every="5s")
def live_watched_folders(context: AppContext, person: Person) -> None:
    """Show the watched folders; nothing where none has been watched lately."""
    if session.current_person(context, active=False) is None:
        st.rerun()
    now = utc_now()
    folders = context.store.query(list_watched_folders, person, now)
    if not folders:
        return
    st.header(t("scan.watched"), anchor=False)
    for number, folder in enumerate(folders):
        _show_folder(number, folder, now)


def _show_folder(number: int, folder: WatchedFolder, now: datetime) -> None:
    at = format_recent(folder.looked_at, now)
    name = folder.folder.rpartition("/")[2] or folder.folder
    if now - folder.looked_at > _SILENT_AFTER:
        st.warning(
            md("scan.watched.silent", name=name, unit=folder.unit, at=at),
            icon=":material/pause_circle:",
        )
    elif folder.is_away:
        st.warning(
            md("scan.watched.away", name=name, unit=folder.unit), icon=":material/folder_off:"
        )
    else:
        st.caption(md("scan.watched.looked", name=name, unit=folder.unit, at=at))
    if not folder.passed_over:
        return
    count = len(folder.passed_over)
    if count >= MAX_PASSED_OVER:
        st.caption(md("scan.watched.many", count=count))
    rows = [
        (
            file.name,
            t(f"scan.passed.{file.reason.value}", name=file.detail),
            t(f"scan.passed.{file.reason.value}.do"),
        )
        for file in folder.passed_over
    ]
    heads = [t(name) for name in ("scan.passed.file", "scan.passed.why", "scan.passed.do")]
    with st.container(key=f"passed_over-{number}"):
        st.html(
            f"<p>{escape(t('scan.watched.passed_over', count=count))}</p>"
            + html_table(heads, rows, tall=True)
        )
