"""What is on the screen is noted in the log once for each showing (PDL 4:3). Whoever goes to
another screen and comes back looks again.
"""

from __future__ import annotations

import streamlit as st

VIEW_KEY_PREFIX = "looked_at_"
"""How the keys of the session begin that say what the log has a look at already."""


def reset_views() -> None:
    """Another screen is shown."""
    for key in [key for key in st.session_state if str(key).startswith(VIEW_KEY_PREFIX)]:
        st.session_state.pop(key)
