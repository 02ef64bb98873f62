"""Skanna: handing in paper, the progress of each stack, and pages with problems."""

from __future__ import annotations

import streamlit as st

from pipeline.domain.law.permissions import Action, is_allowed, require_permission
from pipeline.domain.model import Person
from pipeline.store.registers.client_register import is_register_empty
from ui.i18n import t
from ui.markdown import plain_with_code
from ui.screens.scan.packs import pack_list
from ui.screens.scan.problem_pages import problem_list
from ui.screens.scan.stacks import live_stacks
from ui.screens.scan.unused_sheets import unused_sheets
from ui.screens.scan.upload_form import upload_form
from ui.screens.scan.watched import live_watched_folders
from ui.widgets.heading import screen_heading
from ui.workspace import AppContext


def show(context: AppContext, person: Person) -> None:
    """Show the screen."""
    screen_heading(context, person, t("scan.title"), t("scan.what"))
    require_permission(person, Action.SCAN)
    with context.store.read() as conn:
        if is_register_empty(conn):
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
