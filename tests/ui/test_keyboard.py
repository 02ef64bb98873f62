"""The component that minds the keys, apart from its browser side."""

from __future__ import annotations

from collections.abc import Callable
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
