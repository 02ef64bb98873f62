"""The person who comes back to a screen looks again: what the log has a look at is forgotten when
another screen is shown.
"""

from __future__ import annotations

from streamlit.testing.v1 import AppTest


def _leaving() -> None:
    import streamlit as st

    from ui.screens.review import duplicate_comparison, sheet_images
    from ui.screens.review.workbench import batch_mode, rekeying_mode
    from ui.screens.scan import case_images
    from ui.widgets.views import reset_views

    noted = [
        sheet_images._VIEWED_PAGES_KEY,
        rekeying_mode._VIEWED_TASK_KEY,
        batch_mode._BATCH_VIEWED_KEY,
        case_images.VIEWED_KEY,
        duplicate_comparison._OTHER_VIEW_KEY,
    ]
    for key in (*noted, "kept"):
        st.session_state[key] = "x"
    reset_views()
    st.text(" ".join(key for key in (*noted, "kept") if key in st.session_state))


def test_every_look_that_is_noted_is_forgotten_and_nothing_else() -> None:
    app = AppTest.from_function(_leaving).run()
    assert not app.exception
    assert [text.value for text in app.text] == ["kept"]
