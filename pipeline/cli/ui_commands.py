"""`efterskrift ui`: serve the web interface of a workspace, with workers that read pages."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from pipeline.cli.options import RUNNING
from pipeline.errors import UsageError
from pipeline.settings import ROOT, load_settings

_WORKERS_END_SECONDS = 100
"""Workers finish their page first (crew.py gives them 90 s)."""
SERVER_ENDS_SECONDS = 20
"""A server that is told to end waits for browsers to hang up, which one that sleeps may never do. What it was doing is done by then."""
_LOOK_SECONDS = 15
"""How often it is looked whether the workers live. A database that was away is back by one of these times."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("ui", rich_help_panel=RUNNING)(ui)


def ui(
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port on this machine.")] = 8501,
    headless: Annotated[bool, typer.Option("--headless", help="Do not open a browser.")] = False,
    processes: Annotated[int, typer.Option("--processes", min=0, help="Number of reading workers; 0 if `efterskrift work` runs elsewhere.")] = 1,
) -> None:
    """Serve the web interface on this machine.

    Other machines reach it through a TLS proxy. Ends with Ctrl-C.
    """
    from pipeline.store.database import open_store

    settings = load_settings()
    open_store(settings).close()
    _require_free(port)
    workspace = settings.workspace.resolve()
    typer.echo(f"http://localhost:{port}", err=True)
    with ExitStack() as stack, _interrupted_by_signal():
        server = stack.enter_context(_child(command(port, workspace, headless=headless), workspace, SERVER_ENDS_SECONDS))
        workers = stack.enter_context(_child(work_command(processes), workspace, _WORKERS_END_SECONDS)) if processes else None
        try:
            while (code := _ended(server)) is None:
                if workers and (why := workers.poll()) is not None:
                    typer.echo(f"The workers ended (exit code {why}) and are started again; what they wrote above says why.", err=True)
                    workers = stack.enter_context(_child(work_command(processes), workspace, _WORKERS_END_SECONDS))
        except KeyboardInterrupt:
            code = 0
    raise typer.Exit(0 if code in {0, -signal.SIGINT, -signal.SIGTERM} else code)


def _require_free(port: int) -> None:
    """Tell before the server and its workers begin what the server alone would say without a
    remedy.

    Raises:
        UsageError: something else has the port, or we may not have it.
    """
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does: what has just ended may be begun again
        try:
            tried.bind(("127.0.0.1", port))
        except OSError as error:
            raise UsageError("port_not_used", port=port, reason=error.strerror) from error


def _ended(process: subprocess.Popen[bytes]) -> int | None:
    """Its exit code, if it ends before the next look."""
    try:
        return process.wait(_LOOK_SECONDS)
    except subprocess.TimeoutExpired:
        return None


def command(port: int, workspace: Path, *, headless: bool) -> list[str]:
    """What starts the server. The provider's secrets for `oidc` are read from the workspace, never from the project."""
    settings = {
        "server.port": str(port),
        "server.headless": str(headless).lower(),
        "secrets.files": str(workspace / "secrets.toml"),
    }
    options = [part for name, value in settings.items() for part in (f"--{name}", value)]
    return [sys.executable, "-m", "streamlit", "run", str(ROOT / "ui" / "server.py"), *options]


def work_command(processes: int) -> list[str]:
    """What starts the workers."""
    return [sys.executable, "-c", "from pipeline.cli import main; main()", "work", "--processes", str(processes)]


@contextmanager
def _child(arguments: Sequence[str], workspace: Path, patience: float) -> Iterator[subprocess.Popen[bytes]]:
    """A process that ends when the block does, if need be by force after `patience` seconds. It has
    a session of its own: the keyboard's Ctrl-C reaches only us, who end it in order."""
    environment = os.environ | {"EFTERSKRIFT_WORKSPACE": str(workspace)}
    with subprocess.Popen(arguments, cwd=ROOT, env=environment, start_new_session=True) as process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(patience)
            except subprocess.TimeoutExpired:
                process.kill()
                typer.echo(f"A process did not end within {patience:g} s and was ended by force. What was saved is kept.", err=True)


@contextmanager
def _interrupted_by_signal() -> Iterator[None]:
    """SIGTERM ends us as Ctrl-C does, so that no child is left behind."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        del number, frame
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
