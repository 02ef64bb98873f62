"""Limit what a reading process takes: its threads, and the memory that it keeps while it waits.

Processes that read in parallel compute with one thread each: threads that wait for each other's
processor cost more than they gain.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable
from functools import lru_cache

_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OMP_THREAD_LIMIT",
)
"""Where linear algebra and Tesseract look up how many threads they may use."""


def limit_threads() -> None:
    """Limit all processes that are started from now on to one thread.

    In this process it affects only libraries that are loaded later.
    """
    os.environ.update(dict.fromkeys(_THREAD_VARIABLES, "1"))


# Give memory that is no longer needed back to the system while a reading process waits.


def give_memory_back() -> None:
    """Give the free memory of this process back, where the C library can (Linux with glibc).

    The library keeps what pages needed for the next one, some 70 MiB. Giving it back takes 3 ms,
    and the next page some 15 ms longer.
    """
    trim = _find_trim()
    if trim is not None:
        trim(0)


@lru_cache(maxsize=1)
def _find_trim() -> Callable[[int], int] | None:
    """Return the function of the C library, or None if it has none."""
    if sys.platform != "linux":
        return None
    try:
        function = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError):  # another C library, such as musl
        return None
    function.argtypes, function.restype = [ctypes.c_size_t], ctypes.c_int

    def trim(kept: int) -> int:
        return int(function(kept))

    return trim
