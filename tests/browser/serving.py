"""The app as a real server, and Chromium in front of it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from pipeline.cli.ui_commands import command
from pipeline.settings import ROOT

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


@contextmanager
def serving(workspace: Path) -> Iterator[str]:
    """Serve a workspace as `efterskrift ui` does, without workers; gives the address."""
    port = free_port()
    with started(command(port, workspace, headless=True), workspace) as server:
        yield answering(server, port)


@contextmanager
def ui_command(workspace: Path, port: int, processes: int) -> Iterator[subprocess.Popen[bytes]]:
    """`efterskrift ui` as it is called from a shell."""
    call = [sys.executable, "-c", "from pipeline.cli import main; main()", "ui", "--headless", f"--port={port}", f"--processes={processes}"]
    with started(call, workspace) as program:
        yield program


@contextmanager
def started(call: Sequence[str], workspace: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process of the workspace, ended with SIGTERM if it has not ended by itself."""
    environment = NO_LOTS | os.environ | {"EFTERSKRIFT_WORKSPACE": str(workspace)}
    with (workspace / "server.log").open("w") as log:
        process = subprocess.Popen(call, cwd=ROOT, env=environment, stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(120)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answering(server: subprocess.Popen[bytes], port: int) -> str:
    """The address once somebody answers there."""
    address = f"http://127.0.0.1:{port}"
    for _ in range(_ATTEMPTS):
        try:
            with urlopen(f"{address}/_stcore/health"):
                return address
        except URLError:
            assert server.poll() is None, "the server ended"
            time.sleep(0.1)
    raise AssertionError("the server does not answer")
