"""A long act behind a button that is pressed twice is done once, and what it made reaches the person.

A press while a run goes on begins the screen anew beside it, and the old run ends at its next touch of Streamlit: what it has done stands, but its
result would reach nobody. So the act touches nothing of Streamlit, its result is kept apart from the run, and the new run waits for the old one.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Generic, TypeVar

import streamlit as st

from pipeline.store.clock import utc_now

T = TypeVar("T")
TWICE = timedelta(seconds=1)
"""Of two presses closer than this the second is not meant."""


@dataclass(slots=True)
class Once(Generic[T]):
    """An act and what it answered last."""

    _lock: Lock = field(default_factory=Lock)
    _result: T | None = None
    _what: Hashable = None
    _ended_at: datetime | None = None

    def do(self, what: Hashable, act: Callable[[], T]) -> None:
        """Do it, unless the same (`what`) has ended since the button was pressed, or just before. Raises what it raises; then there is no result."""
        pressed = utc_now()
        with self._lock:
            if self._ended_at is None or self._ended_at + TWICE <= pressed or self._what != what:
                self._result = None
                self._result = act()
                self._what, self._ended_at = what, utc_now()

    def result(self) -> T | None:
        """What the act answered last; waited for while it is done."""
        with self._lock:
            return self._result


def once(key: str) -> Once[T]:
    """The act of this name in the person's session."""
    held: Once[T] = st.session_state.setdefault(key, Once())
    return held
