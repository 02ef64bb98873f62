"""Skanna: importing paper, the progress of reading, and pages with problems."""

from __future__ import annotations

from contextlib import suppress
from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.runtime.scriptrunner import StopException

from pipeline.domain.errors import EfterskriftError
from pipeline.domain.model import Person
from pipeline.domain.permissions import Action, is_allowed, permitted_units, require_permission
from pipeline.files.page_files import PAGE_SUFFIXES
from pipeline.operations.intake import IntakeResult, import_uploads
from pipeline.store.database.clock import utc_now
from pipeline.store.paper import pages, workers
from ui import session
from ui.access.upload_memory import release_uploads
from ui.i18n import format_moment, t
from ui.markdown import md
from ui.screens.scan.packs import pack_list
from ui.screens.scan.problem_pages import problem_list
from ui.screens.scan.unused_sheets import unused_sheets
from ui.widgets.errors import error_text
from ui.widgets.heading import screen_heading, translate_upload_button
from ui.widgets.run_once import RunOnce, run_once
from ui.widgets.tables import html_table
from ui.workspace import AppContext

_FILE_TYPES = sorted(suffix.removeprefix(".") for suffix in PAGE_SUFFIXES)
_UPLOAD_COUNT_KEY, _INTAKE_RESULT_KEY = "uploads_sent", "uploads_taken"


def show(context: AppContext, person: Person) -> None:
    """Show the screen."""
    screen_heading(context, person, t("scan.title"), t("scan.what"))
    require_permission(person, Action.SCAN)
    left, right = st.columns([1, 2], gap="large")
    with left:
        _upload_form(context, person)
        if is_allowed(person, Action.PRINT):
            unused_sheets(context, person)
            pack_list(context, person)
    with right:
        reading_progress(context, person)
        _batches_table(context, person)
    problem_list(context, person)


def _upload_form(context: AppContext, person: Person) -> None:
    upload_count = st.session_state.get(_UPLOAD_COUNT_KEY, 0)
    translate_upload_button()
    with st.form("upload", border=True):
        st.header(t("scan.upload"), anchor=False)
        unit = st.selectbox(
            t("scan.unit"), sorted(permitted_units(person, Action.SCAN)), key="upload_unit"
        )
        place = st.text_input(
            t("scan.place"), key="upload_place", placeholder=t("scan.place_example"), max_chars=200
        )
        files = st.file_uploader(
            t("scan.files"),
            type=_FILE_TYPES,
            accept_multiple_files=True,
            key=f"upload_files_{upload_count}",
        )
        is_sent = st.form_submit_button(
            t("scan.take_in"), key="upload_submit", type="primary", width="stretch"
        )
    if not is_sent:
        return
    if not files or not unit:
        st.warning(t("scan.no_files"))
        return
    bar = st.progress(0.0, md("scan.taking_in", count=0))
    contents = [(file.name, file.getvalue()) for file in files]
    intake: RunOnce[IntakeResult] = run_once(_INTAKE_RESULT_KEY)
    try:
        intake.run(
            (upload_count, unit, place),
            partial(_import_files, context, person, unit, place.strip(), contents, bar),
        )
    except EfterskriftError:  # shown by `reading_progress`, also after the screen was left
        bar.empty()
        return
    if (result := intake.result()) is None:
        return
    release_uploads(files)
    st.session_state[_UPLOAD_COUNT_KEY] = upload_count + 1
    st.toast(md("scan.taken", count=result.pages, batch=result.batch), icon=":material/check:")
    st.rerun()


def _import_files(
    context: AppContext,
    person: Person,
    unit: str,
    place: str,
    files: list[tuple[str, bytes]],
    bar: DeltaGenerator,
) -> IntakeResult:
    """Import the files to the last page, even if the user clicks something else meanwhile."""
    return import_uploads(
        context.store,
        context.settings,
        files,
        person=person,
        unit=unit,
        place=place,
        on_page=partial(_show_import_progress, bar),
    )


def _show_import_progress(bar: DeltaGenerator, count: int) -> None:
    """Show the progress of the import.

    The number of pages is not known during the import, so the bar only approaches its end. Nothing
    is shown any more once the screen is left.
    """
    with suppress(StopException):
        bar.progress(count / (count + 20), md("scan.taking_in", count=count))


@st.fragment(run_every="2s")
def reading_progress(context: AppContext, person: Person) -> None:
    """Show how far the reading has come, updated every other second.

    The updates do not count as activity of the user.
    """
    if session.current_person(context, active=False) is None:
        st.rerun()
    intake: RunOnce[IntakeResult] = run_once(_INTAKE_RESULT_KEY)
    if intake.error is not None:
        st.error(md("scan.broken_off", why=error_text(intake.error)), icon=":material/error:")
    with context.store.read() as conn:
        batches = pages.list_batches(conn, person)
        heartbeats = workers.list_heartbeats(conn)
    total, queued = sum(batch.pages for batch in batches), sum(batch.queued for batch in batches)
    now = utc_now()
    alive = [
        name
        for name, heartbeat in heartbeats.items()
        if abs((now - heartbeat).total_seconds()) < context.settings.takeover_seconds
    ]
    if queued == 0:
        if total:
            st.caption(md("scan.all_read", count=total))
        return
    st.progress((total - queued) / total, md("scan.reading", done=total - queued, count=total))
    if not alive:
        st.warning(t("scan.no_worker"), icon=":material/pause_circle:")


def _batches_table(context: AppContext, person: Person) -> None:
    with context.store.read() as conn:
        batches = pages.list_batches(conn, person)
    st.header(t("scan.batches"), anchor=False)
    if not batches:
        st.caption(t("scan.no_batches"))
        return
    columns = ("came", "unit", "place", "pages", "done", "waiting", "failed", "id")
    rows = [
        (
            format_moment(batch.created_at),
            batch.unit,
            batch.place,
            batch.pages,
            batch.done,
            batch.waiting,
            batch.failed,
            batch.id,
        )
        for batch in batches
    ]
    with st.container(key="batches"):
        st.html(html_table([t(f"scan.column.{name}") for name in columns], rows, tall=True))
    for batch in batches:
        if batch.is_interrupted:
            st.warning(
                md("scan.cut_short", count=batch.pages, batch=batch.id),
                icon=":material/content_cut:",
            )
    for batch in batches:
        if batch.other_unit_pages:
            st.caption(md("scan.elsewhere", count=batch.other_unit_pages, batch=batch.id))
