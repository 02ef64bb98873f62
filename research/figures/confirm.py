"""The modules that a confirmed entry passes through, traced in the tests that decide entries.

A plugin of pytest: it follows each outermost call of the function by which screens confirm.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from types import FrameType

import pytest

from pipeline.domain.settings import ROOT

CONFIRM = ("pipeline/review/decisions.py", "decide_entry")
"""The file and the function by which an entry is decided."""
TESTS = "tests/unit/store/entries/test_entry_decisions.py"
_RESULT = "modules on the way of a confirm:"


class _Trace:
    """The functions of the program that run inside the function, and the widest of its calls."""

    def __init__(self) -> None:
        self.depth = 0
        self.current: set[tuple[str, str]] = set()
        self.widest: set[tuple[str, str]] = set()

    def follow(self, frame: FrameType, event: str, _: object) -> None:
        """Note the function that is entered; called by the interpreter."""
        if event not in ("call", "return"):
            return
        file = frame.f_code.co_filename.removeprefix(f"{ROOT}/")
        if not file.startswith("pipeline/"):
            return
        function = (file, frame.f_code.co_qualname)
        is_confirm = file == CONFIRM[0] and frame.f_code.co_name == CONFIRM[1]
        if is_confirm and event == "call":
            self.depth += 1
        if self.depth:
            self.current.add(function)
        if is_confirm and event == "return":
            self.depth -= 1
            if not self.depth:
                self.widest = max(self.widest, self.current, key=_modules)
                self.current = set()


def _modules(functions: set[tuple[str, str]]) -> int:
    return len({file for file, _ in functions})


_trace = _Trace()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:  # noqa: ARG001 - pytest names it
    """Follow what a test calls."""
    sys.setprofile(_trace.follow)
    try:
        return (yield)
    finally:
        sys.setprofile(None)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Write the result where `confirm_path` finds it."""
    in_store = {file for file, _ in _trace.widest if file.startswith("pipeline/store/")}
    terminalreporter.write_line(
        f"{_RESULT} {_modules(_trace.widest)} {len(in_store)} {len(_trace.widest)}"
    )


def confirm_path() -> tuple[int, int, int]:
    """The modules that the widest confirm passes through, those of the store, and its functions."""
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", __name__, TESTS]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    line = next((line for line in done.stdout.splitlines() if line.startswith(_RESULT)), "")
    if not line:
        raise RuntimeError(f"{TESTS} did not run: {done.stdout[-500:]}{done.stderr[-500:]}")
    modules, in_store, functions = map(int, line.removeprefix(_RESULT).split())
    if not modules:
        raise RuntimeError(f"No test of {TESTS} calls {CONFIRM[1]} of {CONFIRM[0]}.")
    return modules, in_store, functions
