"""Processes that read in parallel use one thread each, as reported by NumPy."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from pipeline.reading.imaging.process_resources import limit_threads

pytestmark = pytest.mark.slow

THREADS = """
import os, numpy
a = numpy.ones((900, 900), numpy.float32)
(a @ a).sum()
print(len(os.listdir("/proc/self/task")))
"""


def test_later_process_uses_one_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_THREAD_LIMIT"):
        monkeypatch.setenv(name, "2")
    before = _threads()
    limit_threads()
    assert _threads() == 1
    assert before > 1 or os.cpu_count() == 1


def _threads() -> int:
    done = subprocess.run(
        [sys.executable, "-c", THREADS], capture_output=True, text=True, check=True
    )
    return int(done.stdout)
