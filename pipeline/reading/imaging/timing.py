"""Measure the time of each reading stage on request, and limit the threads of worker processes.

Processes that read in parallel compute with one thread each: threads that wait for each other's
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
"""CPU seconds of this process by stage."""
_current_times: ContextVar[Times | None] = ContextVar("times", default=None)
_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OMP_THREAD_LIMIT",
)
"""Where linear algebra and Tesseract look up how many threads they may use."""


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Time what runs within as one stage, if `collect_times` is active.

    Stages must not be nested.
    """
    times = _current_times.get()
    # Not collecting: no clock is read.
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
    """Collect the times of the stages that run within."""
    # Only this context collects.
    times: Times = defaultdict(float)
    token = _current_times.set(times)
    try:
        yield times
    finally:
        _current_times.reset(token)


def limit_threads() -> None:
    """Limit all processes that are started from now on to one thread.

    In this process it affects only libraries that are loaded later.
    """
    os.environ.update(dict.fromkeys(_THREAD_VARIABLES, "1"))
