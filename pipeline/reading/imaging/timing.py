"""How long each step of a reading takes, when somebody wants to know.

Processes that read side by side compute with one thread each: threads that wait for each other's
processor cost more than they gain.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Times = dict[str, float]
"""Seconds of this process's CPU by step."""
_current_times: ContextVar[Times | None] = ContextVar("times", default=None)
_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OMP_THREAD_LIMIT",
)
"""Where numpy's linear algebra and Tesseract look for how many threads they may have."""


@contextmanager
def stage(name: str) -> Iterator[None]:
    """A step: what runs within is timed if somebody collects times; steps are not put within each
    other.
    """
    times = _current_times.get()
    if times is None:
        yield
        return
    start = time.process_time()
    try:
        yield
    finally:
        times[name] += time.process_time() - start


@contextmanager
def collect_times() -> Iterator[Times]:
    """Collects the times of the steps that run within."""
    times: Times = defaultdict(float)
    token = _current_times.set(times)
    try:
        yield times
    finally:
        _current_times.reset(token)


def limit_threads() -> None:
    """For all processes started from now on. In this one it changes only what is loaded later."""
    os.environ.update(dict.fromkeys(_THREAD_VARIABLES, "1"))
