"""The component that minds the keys, apart from its browser side."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from ui.components import keyboard


def test_what_the_browser_tells_of_a_form_that_has_left_the_screen_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever went to another screen at once saw an error instead of it."""
    heard: list[Callable[[], None]] = []

    def drawn(*, on_draft_change: Callable[[], None], **_: Any) -> None:  # noqa: ANN401
        heard.append(on_draft_change)

    monkeypatch.setattr(keyboard, "_component", lambda: drawn)
    kept: list[Any] = []
    keyboard.keyboard("turn", ["f-name"], kept.append, key="gone")
    heard[0]()
    assert kept == []


def test_the_number_of_the_last_draft_heard_goes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """The browser holds a key that leaves the form until then."""
    told: list[tuple[Callable[[], None], Mapping[str, Any]]] = []

    def drawn(*, on_draft_change: Callable[[], None], data: Mapping[str, Any], **_: Any) -> None:  # noqa: ANN401
        told.append((on_draft_change, data))

    state: dict[str, Any] = {}
    monkeypatch.setattr(keyboard, "_component", lambda: drawn)
    monkeypatch.setattr("streamlit.session_state", state)
    kept: list[Any] = []
    keyboard.keyboard("turn", ["f-name"], kept.append, key="form")
    state["form"] = {"draft": {"number": 4, "held": {"f-name": "Elsa"}}}
    told[0][0]()
    keyboard.keyboard("turn", ["f-name"], kept.append, key="form")
    assert kept == [{"f-name": "Elsa"}]
    assert [data["heard"] for _, data in told] == [0, 4]
