"""Whoever comes back to a screen looks again: what the log has a look at is forgotten when another screen is shown."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest


def _leaving() -> None:
    import streamlit as st

    from ui.components import control_task, duplicate_compare, group_task, problem_list, sheet_pictures
    from ui.components.showing import forget_looks

    noted = [sheet_pictures.SEEN, control_task._SEEN, group_task._SEEN, problem_list._SEEN, duplicate_compare._LOOKED]
    for key in (*noted, "kept"):
        st.session_state[key] = "x"
    forget_looks()
    st.text(" ".join(key for key in (*noted, "kept") if key in st.session_state))


def test_every_look_that_is_noted_is_forgotten_and_nothing_else() -> None:
    app = AppTest.from_function(_leaving).run()
    assert not app.exception
    assert [text.value for text in app.text] == ["kept"]
