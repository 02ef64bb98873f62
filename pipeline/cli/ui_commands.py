"""`efterskrift ui`: the web interface of a workspace."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from pipeline.settings import ROOT, load_settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("ui")(ui)


def ui(
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port on this machine.")] = 8501,
    headless: Annotated[bool, typer.Option("--headless", help="Do not open a browser.")] = False,
) -> None:
    """Serve the web interface on this machine. A TLS proxy stands in front of it when others are to reach it. Ends with Ctrl-C."""
    from pipeline.store.database import open_store

    settings = load_settings()
    open_store(settings).close()
    workspace = settings.workspace.resolve()
    environment = os.environ | {"EFTERSKRIFT_WORKSPACE": str(workspace)}
    typer.echo(f"http://localhost:{port}", err=True)
    with subprocess.Popen(command(port, workspace, headless=headless), cwd=ROOT, env=environment) as server:
        try:
            code = server.wait()
        except KeyboardInterrupt:
            server.send_signal(signal.SIGINT)
            code = server.wait()
    raise typer.Exit(0 if code in {0, -signal.SIGINT, -signal.SIGTERM} else code)


def command(port: int, workspace: Path, *, headless: bool) -> list[str]:
    """What starts the server. The provider's secrets for `oidc` are read from the workspace, never from the project."""
    settings = {
        "server.port": str(port),
        "server.headless": str(headless).lower(),
        "secrets.files": str(workspace / "secrets.toml"),
    }
    options = [part for name, value in settings.items() for part in (f"--{name}", value)]
    return [sys.executable, "-m", "streamlit", "run", str(ROOT / "ui" / "app.py"), *options]
