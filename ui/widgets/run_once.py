"""A long action behind a button that is clicked twice runs once, and its result is shown.

A click during a run starts the script again, and the old run ends at its next call of Streamlit:
the action is done, but its result would be lost. The action therefore calls nothing of Streamlit,
its result is stored apart from the run, and the new run waits for the old one.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Generic, TypeVar

import streamlit as st

from pipeline.domain.errors import EfterskriftError
from pipeline.store.schema.clock import utc_now

ResultType = TypeVar("ResultType")
DOUBLE_PRESS_WINDOW = timedelta(seconds=1)
"""The second of two clicks closer than this is a double click."""


@dataclass(slots=True)
class RunOnce(Generic[ResultType]):
    """An action and its last result.

    `error`: why the last run failed, for a user who was on another screen then; until the next run.
    """

    error: EfterskriftError | None = None
    _lock: Lock = field(default_factory=Lock)
    _result: ResultType | None = None
    _last_task: Hashable = None
    _ended_at: datetime | None = None

    def run(self, task: Hashable, action: Callable[[], ResultType]) -> None:
        """Run the action, unless the same one (`task`) ended after the click or just before it.

        An error of the action is raised; there is then no result.
        """
        clicked_at = utc_now()
        with self._lock:
            # A second click waits for the lock and then finds the task just done.
            if (
                self._ended_at is None
                or self._ended_at + DOUBLE_PRESS_WINDOW <= clicked_at
                or self._last_task != task
            ):
                self._result = self.error = None
                try:
                    self._result = action()
                except EfterskriftError as error:
                    self.error = error
                    raise
                self._last_task, self._ended_at = task, utc_now()

    def result(self) -> ResultType | None:
        """Return the result of the last run; wait while the action runs."""
        with self._lock:
            return self._result


def run_once(key: str) -> RunOnce[ResultType]:
    """Return the action of this name in the user's session."""
    action: RunOnce[ResultType] = st.session_state.setdefault(key, RunOnce())
    return action
