"""Skanna: paper in, how far the reading has come, and what somebody has to look into."""

from __future__ import annotations

from contextlib import suppress
from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.runtime.scriptrunner import StopException

from pipeline.access import Action, allowed, require
from pipeline.errors import EfterskriftError
from pipeline.intake import Taken
from pipeline.model import Person
from pipeline.scan import SUFFIXES
from pipeline.store import pages, workers
from pipeline.store.clock import utc_now
from pipeline.uploads import take_in_uploads
from ui import session
from ui.components.faults import fault_text
from ui.components.heading import choose_files_in_words, heading
from ui.components.once import Once, once
from ui.components.problem_list import problem_list
from ui.components.progress_tables import table
from ui.components.unused_sheets import unused_sheets
from ui.site import Site
from ui.text import moment, t

_KINDS = sorted(suffix.removeprefix(".") for suffix in SUFFIXES)
_SENT, _TAKEN = "uploads_sent", "uploads_taken"


def show(here: Site, person: Person) -> None:
    """The screen."""
    heading(here, person, t("scan.title"), t("scan.what"))
    require(person, Action.SCAN)
    left, right = st.columns([1, 2], gap="large")
    with left:
        _upload(here, person)
        if allowed(person, Action.PRINT):
            unused_sheets(here, person)
    with right:
        reading_progress(here, person)
        _batches(here, person)
    problem_list(here, person)


def _upload(here: Site, person: Person) -> None:
    nth = st.session_state.get(_SENT, 0)
    choose_files_in_words()
    with st.form("upload", border=True):
        st.header(t("scan.upload"), anchor=False)
        unit = st.selectbox(t("scan.unit"), sorted(person.units), key="upload_unit")
        place = st.text_input(t("scan.place"), key="upload_place", placeholder=t("scan.place_example"), max_chars=200)
        files = st.file_uploader(t("scan.files"), type=_KINDS, accept_multiple_files=True, key=f"upload_files_{nth}")
        sent = st.form_submit_button(t("scan.take_in"), key="upload_submit", type="primary", width="stretch")
    if not sent:
        return
    if not files or not unit:
        st.warning(t("scan.no_files"))
        return
    bar, given = st.progress(0.0, t("scan.taking_in", count=0)), [(file.name, file.getvalue()) for file in files]
    made: Once[Taken] = once(_TAKEN)
    try:
        made.do((nth, unit, place), partial(_take_in, here, person, unit, place.strip(), given, bar))
    except EfterskriftError:  # `reading_progress` says why, also to whoever has been elsewhere
        bar.empty()
        return
    if (taken := made.result()) is None:
        return
    st.session_state[_SENT] = nth + 1
    st.toast(t("scan.taken", count=taken.pages, batch=taken.batch), icon=":material/check:")
    st.rerun()


def _take_in(here: Site, person: Person, unit: str, place: str, files: list[tuple[str, bytes]], bar: DeltaGenerator) -> Taken:
    """Take the files in to the last page, also when the person presses something else meanwhile."""
    return take_in_uploads(here.store, here.settings, files, person=person, unit=unit, place=place, on_page=partial(_show_taking_in, bar))


def _show_taking_in(bar: DeltaGenerator, done: int) -> None:
    """How many there will be is not known while a stack comes in, so the bar only nears its end. Nobody sees it any more once the screen is left."""
    with suppress(StopException):
        bar.progress(done / (done + 20), t("scan.taking_in", count=done))


@st.fragment(run_every="2s")
def reading_progress(here: Site, person: Person) -> None:
    """How far the reading has come; looks again every other second, without that counting as activity of the person."""
    if session.current_person(here, active=False) is None:
        st.rerun()
    made: Once[Taken] = once(_TAKEN)
    if made.fault is not None:
        st.error(t("scan.broken_off", why=fault_text(made.fault)), icon=":material/error:")
    with here.store.read() as conn:
        found = pages.batches(conn, person)
        beats = workers.beats(conn)
    total, queued = sum(batch.pages for batch in found), sum(batch.queued for batch in found)
    now = utc_now()
    alive = [name for name, beat in beats.items() if (now - beat).total_seconds() < here.settings.takeover_seconds]
    if queued == 0:
        if total:
            st.caption(t("scan.all_read", count=total))
        return
    st.progress((total - queued) / total, t("scan.reading", done=total - queued, count=total))
    if not alive:
        st.warning(t("scan.no_worker"), icon=":material/pause_circle:")


def _batches(here: Site, person: Person) -> None:
    with here.store.read() as conn:
        found = pages.batches(conn, person)
    st.header(t("scan.batches"), anchor=False)
    if not found:
        st.caption(t("scan.no_batches"))
        return
    columns = ("came", "unit", "place", "pages", "done", "waiting", "failed", "id")
    rows = [(moment(b.created_at), b.unit, b.place, b.pages, b.done, b.waiting, b.failed, b.id) for b in found]
    with st.container(key="batches"):
        st.html(table([t(f"scan.column.{name}") for name in columns], rows, tall=True))
    for stack in (one for one in found if one.cut_short):
        st.warning(t("scan.cut_short", count=stack.pages, batch=stack.id), icon=":material/content_cut:")
    for stack in (one for one in found if one.elsewhere):
        st.caption(t("scan.elsewhere", count=stack.elsewhere, batch=stack.id))
