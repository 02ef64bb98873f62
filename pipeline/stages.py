"""How long each step of a reading takes, when somebody wants to know."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Times = dict[str, float]
"""Seconds of this process's CPU by step."""
_times: ContextVar[Times | None] = ContextVar("times", default=None)


@contextmanager
def stage(name: str) -> Iterator[None]:
    """A step: what runs within is timed if somebody collects times; steps are not put within each other."""
    times = _times.get()
    if times is None:
        yield
        return
    start = time.process_time()
    try:
        yield
    finally:
        times[name] += time.process_time() - start


@contextmanager
def timed_stages() -> Iterator[Times]:
    """Collects the times of the steps that run within."""
    times: Times = defaultdict(float)
    token = _times.set(times)
    try:
        yield times
    finally:
        _times.reset(token)
