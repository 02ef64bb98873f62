"""The app as a real server, and Chromium in front of it."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
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
_ATTEMPTS = 600


@contextmanager
def serving(workspace: Path) -> Iterator[str]:
    """Serve a workspace as `efterskrift ui` does; gives the address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {"EFTERSKRIFT_WORKSPACE": str(workspace)}
    with (workspace / "server.log").open("w") as log:
        server = subprocess.Popen(command(port, workspace, headless=True), cwd=ROOT, env=environment, stdout=log, stderr=log)
        try:
            yield _answering(server, f"http://127.0.0.1:{port}")
        finally:
            server.kill()
            server.wait()


def _answering(server: subprocess.Popen[bytes], address: str) -> str:
    """The address once somebody answers there."""
    for _ in range(_ATTEMPTS):
        try:
            with urlopen(f"{address}/_stcore/health"):
                return address
        except URLError:
            assert server.poll() is None, "the server ended"
            time.sleep(0.1)
    raise AssertionError("the server does not answer")
