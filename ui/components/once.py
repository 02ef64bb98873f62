"""A long act behind a button that is pressed twice is done once, and what it made reaches the person.

A press while a run goes on begins the screen anew beside it, and the old run ends at its next touch of Streamlit: what it has done stands, but its
result would reach nobody. So the act touches nothing of Streamlit, its result is kept apart from the run, and the new run waits for the old one.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Generic, Protocol, TypeVar

import streamlit as st

from pipeline.errors import EfterskriftError
from pipeline.model import Person
from pipeline.store.clock import utc_now

T = TypeVar("T")
TWICE = timedelta(seconds=1)
"""Of two presses closer than this the second is not meant."""
_STILL_NEW = timedelta(seconds=5)


class Made(Protocol):
    """What somebody, by name, made at a moment."""

    @property
    def made_by(self) -> str:
        """The person's name."""

    @property
    def made_at(self) -> datetime:
        """When the button was pressed."""


M = TypeVar("M", bound=Made)


@dataclass(slots=True)
class Once(Generic[T]):
    """An act and what it answered last. `fault`: why it came to nothing, for whoever was on another screen then; until it is done anew."""

    fault: EfterskriftError | None = None
    _lock: Lock = field(default_factory=Lock)
    _result: T | None = None
    _what: Hashable = None
    _ended_at: datetime | None = None

    def do(self, what: Hashable, act: Callable[[], T]) -> None:
        """Do it, unless the same (`what`) has ended since the button was pressed, or just before. Raises what it raises; then there is no result."""
        pressed = utc_now()
        with self._lock:
            if self._ended_at is None or self._ended_at + TWICE <= pressed or self._what != what:
                self._result = self.fault = None
                try:
                    self._result = act()
                except EfterskriftError as error:
                    self.fault = error
                    raise
                self._what, self._ended_at = what, utc_now()

    def result(self) -> T | None:
        """What the act answered last; waited for while it is done."""
        with self._lock:
            return self._result


def just_made(found: Iterable[M], person: Person, pressed: datetime) -> M | None:
    """Of what is kept in the store, what the first of two quick presses made: the second begins the screen anew before the first is told of."""
    return next((one for one in found if one.made_by == person.name and pressed - one.made_at < _STILL_NEW), None)


def once(key: str) -> Once[T]:
    """The act of this name in the person's session."""
    held: Once[T] = st.session_state.setdefault(key, Once())
    return held
