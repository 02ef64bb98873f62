"""What the servers of the browser tests are forked from: all modules of the app, imported once and not by each server anew."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

from sqlalchemy import Connection
from streamlit.web import cli

from pipeline.store.database import Store
from ui import screens

for module in iter_modules(screens.__path__):
    import_module(f"{screens.__name__}.{module.name}")

SLOW = "slow"
"""A file of this name in the workspace says how many seconds each transaction of the server takes longer, as on a busy machine."""


def serve(arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
    """In a process of its own: what `python -m streamlit` would do with these arguments in this environment."""
    with log.open("w") as file:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(file.fileno(), stream.fileno())
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["streamlit", *arguments]
    _be_slow_when_told(Path(environment["EFTERSKRIFT_WORKSPACE"]) / SLOW)
    cli.main()


def _be_slow_when_told(said: Path) -> None:
    quick = Store._transaction

    @contextmanager
    def slow(self: Store, **options: Any) -> Iterator[Connection]:  # noqa: ANN401 - as what it stands for
        if said.exists():
            time.sleep(float(said.read_text("utf-8")))
        with quick(self, **options) as conn:
            yield conn

    Store._transaction = slow  # type: ignore[method-assign]
