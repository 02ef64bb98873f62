"""Watched folders, live: when each was looked at, and what was passed over with what to do."""

from __future__ import annotations

from datetime import datetime, timedelta
from html import escape

import streamlit as st

from pipeline.domain.model import Person
from pipeline.store.paper.intake.watched import (
    MAX_PASSED_OVER,
    WatchedFolder,
    list_watched_folders,
)
from pipeline.store.schema.clock import utc_now
from ui import session
from ui.i18n import format_recent, t
from ui.markdown import md
from ui.widgets.tables import html_table
from ui.workspace import AppContext

_SILENT_AFTER = timedelta(minutes=2)
"""A folder that was looked at longer ago is no longer watched: a look is stored twice a minute."""


@st.fragment(run_every="5s")
def live_watched_folders(context: AppContext, person: Person) -> None:
    """Show the watched folders; nothing where none has been watched lately."""
    if session.current_person(context, active=False) is None:
        st.rerun()
    now = utc_now()
    with context.store.read() as conn:
        folders = list_watched_folders(conn, person, now)
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
