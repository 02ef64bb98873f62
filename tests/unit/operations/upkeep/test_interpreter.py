"""A Python that a cookie can stop is named, and nothing is refused because of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.domain.settings import ROOT
from pipeline.operations.upkeep.interpreter import COOKIE_BYTES, MAX_SECONDS, describe_interpreter


class Processor:
    """A processor that needs these times for a cookie, one after the other."""

    def __init__(self, *seconds: float) -> None:
        self._seconds = list(seconds)
        self.now = 0.0
        self.read_bytes = 0

    def clock(self) -> float:
        return self.now

    def read(self, cookie: str) -> None:
        self.now += self._seconds.pop(0)
        self.read_bytes = cookie.count("\\")


@pytest.mark.parametrize(
    ("seconds", "is_unsafe"),
    [
        ((0.001, 0.001, 0.001), False),
        ((9.0, MAX_SECONDS / 2, 9.0), False),
        ((0.07, 0.06, 0.09), True),
    ],
    ids=["repaired", "repaired, on a busy machine", "not repaired"],
)
def test_the_best_of_three_tries_decides(seconds: tuple[float, ...], is_unsafe: bool) -> None:
    processor = Processor(*seconds)
    state, remedy = describe_interpreter(processor.read, processor.clock)
    assert ("CVE-2024-7592" in state, "3.12.6" in remedy) == (is_unsafe, is_unsafe)
    assert processor.read_bytes == COOKIE_BYTES


def test_setup_tries_it_with_nothing_installed(tmp_path: Path) -> None:
    assert "pipeline/operations/upkeep/interpreter.py" in (ROOT / "scripts/setup").read_text()
    file = ROOT / "pipeline" / "operations" / "upkeep" / "interpreter.py"
    done = subprocess.run(
        [sys.executable, "-I", file], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.returncode == 0
    assert not done.stderr or "CVE-2024-7592" in done.stderr
