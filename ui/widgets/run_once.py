"""A long act behind a button that is pressed twice is done once, and what it made reaches the
person.

A press while a run goes on begins the screen anew beside it, and the old run ends at its next
touch of Streamlit: what it has done stands, but its result would reach nobody. So the act
touches nothing of Streamlit, its result is kept apart from the run, and the new run waits for
the old one.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Generic, Protocol, TypeVar

import streamlit as st

from pipeline.domain.errors import EfterskriftError
from pipeline.domain.model import Person
from pipeline.store.database.clock import utc_now

ResultType = TypeVar("ResultType")
DOUBLE_PRESS_WINDOW = timedelta(seconds=1)
"""Of two presses closer than this the second is not meant."""
_RESULT_FRESH_FOR = timedelta(seconds=5)


class CreatedByPerson(Protocol):
    """What somebody, by name, made at a moment."""

    @property
    def made_by(self) -> str:
        """The person's name."""

    @property
    def made_at(self) -> datetime:
        """When the button was pressed."""


CreatedType = TypeVar("CreatedType", bound=CreatedByPerson)


@dataclass(slots=True)
class RunOnce(Generic[ResultType]):
    """An act and what it answered last. `fault`: why it came to nothing, for whoever was on another
    screen then; until it is done anew.
    """

    error: EfterskriftError | None = None
    _lock: Lock = field(default_factory=Lock)
    _result: ResultType | None = None
    _last_task: Hashable = None
    _ended_at: datetime | None = None

    def run(self, what: Hashable, act: Callable[[], ResultType]) -> None:
        """Do it, unless the same (`what`) has ended since the button was pressed, or just before.
        Raises what it raises; then there is no result.
        """
        pressed = utc_now()
        with self._lock:
            if (
                self._ended_at is None
                or self._ended_at + DOUBLE_PRESS_WINDOW <= pressed
                or self._last_task != what
            ):
                self._result = self.error = None
                try:
                    self._result = act()
                except EfterskriftError as error:
                    self.error = error
                    raise
                self._last_task, self._ended_at = what, utc_now()

    def result(self) -> ResultType | None:
        """What the act answered last; waited for while it is done."""
        with self._lock:
            return self._result


def find_just_created(
    found: Iterable[CreatedType], person: Person, pressed_at: datetime
) -> CreatedType | None:
    """Of what is kept in the store, what the first of two quick presses made: the second begins the
    screen anew before the first is told of.
    """
    return next(
        (
            one
            for one in found
            if one.made_by == person.name and pressed_at - one.made_at < _RESULT_FRESH_FOR
        ),
        None,
    )


def run_once(key: str) -> RunOnce[ResultType]:
    """The act of this name in the person's session."""
    held: RunOnce[ResultType] = st.session_state.setdefault(key, RunOnce())
    return held
