"""Views of a page are logged once for each showing (PDL 4:3).

Going to another screen and coming back is another view.
"""

from __future__ import annotations

import streamlit as st

VIEW_KEY_PREFIX = "looked_at_"
"""Prefix of the session-state keys that say which views are logged already."""


def reset_views() -> None:
    """Start new views: another screen is shown."""
    for key in [key for key in st.session_state if str(key).startswith(VIEW_KEY_PREFIX)]:
        st.session_state.pop(key)
