"""Try whether this Python reads a cookie in time; `scripts/setup` runs this file by itself.

Before 3.11.10 and 3.12.6 a cookie with many backslashes takes a time that grows with the square of
its length (CVE-2024-7592). Distributions fix it without a new version number, so it is tried. The
server refuses such a cookie (`ui/access/header_limits.py`); other programs of this Python do not.
"""

from __future__ import annotations

import platform
import sys
import time
from collections.abc import Callable
from http.cookies import SimpleCookie

COOKIE_BYTES, MAX_SECONDS = 8000, 0.05
"""Of processor time: measured 120 ms with Python 3.11.7, and 1 ms with 3.13."""
_TRIES = 3
REMEDY = (
    "Install your distribution's newest Python, or 3.11.10, 3.12.6 or later from python.org;"
    " delete .venv and run scripts/setup."
)


def describe_interpreter(
    read: Callable[[str], object] = lambda cookie: SimpleCookie(cookie),
    clock: Callable[[], float] = time.process_time,
) -> tuple[str, str]:
    """Return the version, and the remedy if the best of three tries takes too long."""
    version = platform.python_version()
    cookie = 'a="' + "\\" * COOKIE_BYTES + '"'
    times = []
    for _ in range(_TRIES):
        start = clock()
        read(cookie)
        times.append(clock() - start)
    if min(times) <= MAX_SECONDS:
        return version, ""
    return f"{version}: cookies can stop it (CVE-2024-7592)", REMEDY


if __name__ == "__main__":
    state, remedy = describe_interpreter()
    if remedy:
        print(f"Note: Python {state}. {remedy}", file=sys.stderr)
