"""Typing that counts as activity, so that nobody is logged out in the middle of a sentence."""

from __future__ import annotations

from functools import partial

import streamlit as st

from ui.browser.assets import component, read_script
from ui.session import consume_acted, note_activity
from ui.workspace import AppContext


@st.fragment
def track_typing(context: AppContext) -> None:
    """Let typing postpone the end of the session: nobody is logged out in the middle of a sentence.

    As a fragment it does not draw the screen again, unless a button was pressed at the same moment:
    then the browser asked for this fragment only.
    """
    if consume_acted():
        st.rerun()
    component("activity", read_script("activity"), "<span></span>")(
        key="activity", on_typing_change=partial(note_activity, context)
    )
