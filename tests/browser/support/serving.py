"""The app as a real server, and Chromium in front of it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from multiprocessing.context import ForkServerContext
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from pipeline.cli.operations import SERVER_SHUTDOWN_SECONDS, server_command
from pipeline.domain.settings import ROOT
from tests.browser.support import warm
from tests.support.servers.free_port import free_port as free_port

CHROMIUM = Path(os.environ.get("EFTERSKRIFT_CHROMIUM", "/usr/bin/chromium"))
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_MS = 45_000
NO_LOTS = {"EFTERSKRIFT_CONTROL_SHARE": "0", "EFTERSKRIFT_PLANT_SHARE": "0"}
"""What lots decide comes at no certain moment."""
_ATTEMPTS = 600
_END_SECONDS = 120
_AFTER_STREAMLIT = 3
"""`python -m streamlit` is what the forked process is already."""


@contextmanager
def serving(workspace: Path) -> Iterator[str]:
    """Serve a workspace as `efterskrift ui` does, without workers; gives the address. The process
    is forked from one that has imported the app.
    """
    port = free_port()
    arguments = server_command(port, workspace, headless=True)[_AFTER_STREAMLIT:]
    server = _forking().Process(
        target=warm.serve, args=(arguments, _environment(workspace), workspace / "server.log")
    )
    server.start()
    try:
        yield answering(lambda: server.exitcode, port)
    finally:
        server.terminate()
        server.join(SERVER_SHUTDOWN_SECONDS)
        server.kill()


@cache
def _forking() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([warm.__name__])
    return context


@contextmanager
def ui_command(
    workspace: Path, port: int, processes: int, *more: str
) -> Iterator[subprocess.Popen[bytes]]:
    """`efterskrift ui` as it is called from a shell, with more options."""
    call = [
        sys.executable,
        "-c",
        "from pipeline.cli.app import main; main()",
        "ui",
        f"--port={port}",
        f"--processes={processes}",
        *more,
    ]
    with started(call, workspace) as program:
        yield program


@contextmanager
def bare_server(port: int, workspace: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The server alone, ended by force as `efterskrift ui` does it."""
    with started(server_command(port, workspace, headless=True), workspace) as server:
        yield server
        server.terminate()
        try:
            server.wait(SERVER_SHUTDOWN_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()


@contextmanager
def started(call: Sequence[str], workspace: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process of the workspace, ended with SIGTERM if it has not ended by itself."""
    with (workspace / "server.log").open("w") as log:
        process = subprocess.Popen(
            call, cwd=ROOT, env=_environment(workspace), stdout=log, stderr=log
        )
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(_END_SECONDS)


def _environment(workspace: Path) -> dict[str, str]:
    return NO_LOTS | os.environ | {"EFTERSKRIFT_WORKSPACE": str(workspace)}


def answering(ended: Callable[[], int | None], port: int) -> str:
    """The address once a person answers there; `ended` gives the server's exit code when it has
    one.
    """
    address = f"http://127.0.0.1:{port}"
    for _ in range(_ATTEMPTS):
        try:
            with urlopen(f"{address}/_stcore/health"):
                return address
        except URLError:
            assert ended() is None, "the server ended"
            time.sleep(0.1)
    raise AssertionError("the server does not answer")
