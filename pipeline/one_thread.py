"""Processes that read side by side compute with one thread each: threads that wait for each other's processor cost more than they gain."""

from __future__ import annotations

import os

_LIBRARIES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_THREAD_LIMIT")
"""Where numpy's linear algebra and Tesseract look for how many threads they may have."""


def one_thread_each() -> None:
    """For all processes started from now on. In this one it changes only what is loaded later."""
    os.environ.update(dict.fromkeys(_LIBRARIES, "1"))
