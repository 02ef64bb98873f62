"""A process that kills itself in the middle of what it does."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable

_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(
    [
        "pytest",
        "tests.faults.test_export_killed",
        "tests.faults.test_publishing_killed",
    ]
)
"""It imports once what the processes need, which takes a second. Each is a fork of it and shares
nothing with the test.
"""


def die() -> None:
    """End this process as `kill -9` does."""
    os.kill(os.getpid(), signal.SIGKILL)


def assert_killed(act: Callable[..., None], *given: object) -> None:
    """Do something in a process of its own that is killed by it."""
    process = _SERVER.Process(target=act, args=given)
    process.start()
    process.join(600)
    assert process.exitcode == -signal.SIGKILL
    process.close()
