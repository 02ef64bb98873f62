"""What the servers of the browser tests are forked from: all modules of the app, imported once and not by each server anew."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from streamlit.web import cli

from ui import screens

for module in iter_modules(screens.__path__):
    import_module(f"{screens.__name__}.{module.name}")


def serve(arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
    """In a process of its own: what `python -m streamlit` would do with these arguments in this environment."""
    with log.open("w") as file:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(file.fileno(), stream.fileno())
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["streamlit", *arguments]
    cli.main()
