"""Run helper programs such as poppler's, and tell a killed program from a damaged file.

A program that the machine kills, usually for want of memory, says nothing about its input: it is
run again, and then the machine is at fault and not the page.
"""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Sequence

from pipeline.domain.errors import ProgramKilledError

_KILL_SIGNALS = {signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
"""Signals that come from outside the program; the others are its own crash."""
PAUSES_S = (0.0, 0.5, 2.0)
"""Time before each attempt, seconds: memory may be free again a moment later."""


def run_program(command: Sequence[str], seconds: float) -> subprocess.CompletedProcess[bytes]:
    """Run a program and return its output; it is run again where the machine killed it.

    Raises:
        FileNotFoundError: it is not installed.
        TimeoutExpired: it did not end within `seconds`.
        ProgramKilledError: it was killed at every attempt.
    """
    for pause in PAUSES_S:
        time.sleep(pause)
        done = subprocess.run(command, capture_output=True, check=False, timeout=seconds)
        if -done.returncode not in _KILL_SIGNALS:
            return done
    raise ProgramKilledError("program_killed", program=command[0])
