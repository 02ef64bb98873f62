"""What the servers of the browser tests are forked from: all modules of the app are imported, and
all forms and texts read, once and not by each server again.
"""

from __future__ import annotations

import gc
import inspect
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

from sqlalchemy import Connection
from streamlit.components.v2 import manifest_scanner
from streamlit.runtime.app_session import AppSession, AppSessionState
from streamlit.runtime.scriptrunner import ScriptRunnerEvent
from streamlit.web import cli

from pipeline.domain.form.form import Forms
from pipeline.domain.settings import ROOT
from pipeline.store.database.store import Store
from pipeline.texts import catalogue
from ui import screens

for module in walk_packages(screens.__path__, f"{screens.__name__}."):
    import_module(module.name)
Forms.load(ROOT / "forms")
catalogue("sv")
# Streamlit looks through all packages for components when it starts, and through all modules for
# their files at the first element.
manifest_scanner.scan_component_manifests = cache(manifest_scanner.scan_component_manifests)
manifest_scanner.scan_component_manifests()
inspect.stack()
gc.collect()
gc.freeze()

FORGET = "forget"
"""A file of this name in the workspace makes the server forget, once, to tell that a run has ended,
as Streamlit does now and then.
"""
SLOW = "slow"
"""A file of this name in the workspace says how many seconds each transaction of the server takes
longer, as on a busy machine.
"""


def serve(arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
    """In a process of its own: what `python -m streamlit` would do with these arguments in this
    environment.
    """
    with log.open("w") as file:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(file.fileno(), stream.fileno())
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["streamlit", *arguments]
    _be_slow_when_told(Path(environment["EFTERSKRIFT_WORKSPACE"]) / SLOW)
    _forget_when_told(Path(environment["EFTERSKRIFT_WORKSPACE"]) / FORGET)
    cli.main()


def _forget_when_told(said: Path) -> None:
    told = AppSession._handle_scriptrunner_event_on_event_loop

    def forgetful(self: AppSession, sender: Any, event: ScriptRunnerEvent, *rest: Any) -> None:  # noqa: ANN401 - as what it stands for
        if event is ScriptRunnerEvent.SCRIPT_STOPPED_WITH_SUCCESS and said.exists():
            said.unlink()
            self._state = AppSessionState.APP_NOT_RUNNING
            self._enqueue_forward_msg(self._create_session_status_changed_message())
            return
        told(self, sender, event, *rest)

    AppSession._handle_scriptrunner_event_on_event_loop = forgetful  # type: ignore[assignment]


def _slowness(said: Path) -> float:
    """For how many seconds each transaction waits, unless that is taken back meanwhile."""
    try:
        return float(said.read_text("utf-8") or 0)
    except FileNotFoundError:
        return 0.0


def _be_slow_when_told(said: Path) -> None:
    quick = Store._transaction

    @contextmanager
    def slow(self: Store, **options: Any) -> Iterator[Connection]:  # noqa: ANN401 - as what it stands for
        last = time.monotonic() + _slowness(said)
        while said.exists() and time.monotonic() < last:
            time.sleep(0.01)
        with quick(self, **options) as conn:
            yield conn

    Store._transaction = slow  # type: ignore[method-assign]
