"""`efterskrift ui`, `demo` and `doctor`: run the web interface, try it, check the installation."""

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
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipeline.cli.context import RUNNING, message, print_note, print_text
from pipeline.domain.errors import ExitCode, UsageError
from pipeline.domain.settings import ROOT, load_settings

_WORKER_SHUTDOWN_SECONDS = 100
"""Workers finish their page first; the worker pool gives them 90 s."""
SERVER_SHUTDOWN_SECONDS = 20
"""The server waits for browsers to hang up, which a sleeping one may never do."""
_POLL_SECONDS = 15
"""Interval of the check whether the workers live; long enough to ride out a database restart."""


def register_ui_command(app: typer.Typer) -> None:
    """Add the command."""
    app.command("ui", rich_help_panel=RUNNING)(ui)


def ui(
    port: Annotated[
        int, typer.Option("--port", min=1, max=65535, help="Port on this machine.")
    ] = 8501,
    headless: Annotated[bool, typer.Option("--headless", help="Do not open a browser.")] = False,
    processes: Annotated[
        int,
        typer.Option(
            "--processes",
            min=0,
            help="Number of reading workers; 0 if `efterskrift work` runs elsewhere.",
        ),
    ] = 1,
) -> None:
    """Serve the web interface on this machine.

    Other machines reach it through a TLS proxy. Ends with Ctrl-C.
    """
    from pipeline.files.private_files import close_private_paths
    from pipeline.store.database.store import open_store

    # Whatever is wrong with the workspace or the port is reported before a process is started.
    settings = load_settings()
    for path in close_private_paths(settings):
        print_note("ui.mode_mended", file=path)
    open_store(settings).close()
    _require_free_port(port)
    workspace = settings.workspace.resolve()
    typer.echo(f"http://localhost:{port}", err=True)
    with ExitStack() as processes_stack, _interrupt_on_sigterm():

        def start(command: Sequence[str], patience: float) -> subprocess.Popen[bytes]:
            return processes_stack.enter_context(_run_child_process(command, workspace, patience))

        server = start(server_command(port, workspace, headless=headless), SERVER_SHUTDOWN_SECONDS)
        workers = start(worker_command(processes), _WORKER_SHUTDOWN_SECONDS) if processes else None
        try:
            # The server's end ends the command; workers that end before it are started again.
            while (code := _poll_exit_code(server)) is None:
                if workers and (worker_code := workers.poll()) is not None:
                    print_note("ui.workers_ended", code=worker_code)
                    workers = start(worker_command(processes), _WORKER_SHUTDOWN_SECONDS)
        except KeyboardInterrupt:
            code = 0
    raise typer.Exit(0 if code in {0, -signal.SIGINT, -signal.SIGTERM} else code)


def _require_free_port(port: int) -> None:
    """Check the port before the server is started, whose own message has no remedy.

    Raises:
        UsageError: another program has the port, or this user may not open it.
    """
    with socket.socket() as probe:
        # As the server does: the port of a server that has just ended is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise UsageError("port_not_used", port=port, reason=error.strerror) from error


def _poll_exit_code(process: subprocess.Popen[bytes]) -> int | None:
    """Return the process's exit code, or None if it runs on for `_POLL_SECONDS`."""
    try:
        return process.wait(_POLL_SECONDS)
    except subprocess.TimeoutExpired:
        return None


def server_command(port: int, workspace: Path, *, headless: bool) -> list[str]:
    """Return the command that starts the server.

    The provider's secrets for `oidc` are read from the workspace, never from the project.
    """
    settings = {
        "server.port": str(port),
        "server.headless": str(headless).lower(),
        "secrets.files": str(workspace / "secrets.toml"),
    }
    options = [part for name, value in settings.items() for part in (f"--{name}", value)]
    return [sys.executable, "-m", "streamlit", "run", str(ROOT / "ui" / "server.py"), *options]


def worker_command(processes: int) -> list[str]:
    """Return the command that starts the workers."""
    return [
        sys.executable,
        "-c",
        "from pipeline.cli.app import main; main()",
        "work",
        "--processes",
        str(processes),
    ]


@contextmanager
def _run_child_process(
    arguments: Sequence[str], workspace: Path, patience: float
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process until the block ends; kill it if it has not ended `patience` seconds later.

    It has its own session, so that Ctrl-C reaches only this process, which ends it in order.
    """
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
                print_note("ui.killed", seconds=f"{patience:g}")


@contextmanager
def _interrupt_on_sigterm() -> Iterator[None]:
    """Let SIGTERM end the command as Ctrl-C does, so that no child process is left behind."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        del number, frame
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


def register_demo_command(app: typer.Typer) -> None:
    """Add the command."""
    app.command("demo", rich_help_panel=RUNNING)(demo)


def demo(
    headless: Annotated[
        bool, typer.Option("--headless", help="Do not start the user interface.")
    ] = False,
    processes: Annotated[
        int, typer.Option(min=1, help="Number of reading processes.")
    ] = os.cpu_count() or 1,
) -> None:
    """Create a demo workspace with sample pages and open it.

    The sample stack is imported and read, then the user interface starts. A second run reuses what
    is there.
    """
    from pipeline.cli.work import make_progress_bar, status, work
    from pipeline.files.page_files import count_pages
    from pipeline.operations.demo import (
        DEMO_ACCOUNTS,
        DEMO_PASSWORD,
        DEMO_WORKSPACE,
        count_demo_pages,
        prepare_store,
        prepare_workspace,
        sample_batches,
        scan_samples,
    )

    prepare_workspace()
    os.environ["EFTERSKRIFT_WORKSPACE"] = str(DEMO_WORKSPACE)
    # Invented entries and a well-known password must never reach a database of real care.
    os.environ.pop("EFTERSKRIFT_DATABASE_URL", None)
    store = prepare_store(load_settings())
    total = sum(count_pages(path) or 1 for files in sample_batches().values() for path in files)
    if count_demo_pages(store) < total:
        with make_progress_bar(message("scan.progress")) as bar:
            task = bar.add_task("", total=total)
            scan_samples(store, lambda _: bar.advance(task))
    store.close()
    work(processes=processes, until_idle=True)
    status()
    typer.echo()
    print_text("demo.log_in")
    for account in DEMO_ACCOUNTS:
        typer.echo(f"  {account.person.login:<8} {account.person.role.value:<20} {account.does}")
    print_text("demo.password", password=DEMO_PASSWORD)
    typer.echo()
    if not headless:
        ui()


def register_upkeep_commands(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor", rich_help_panel=RUNNING)(doctor)


def doctor() -> None:
    """Check that everything needed is installed and reachable."""
    from pipeline.operations.health import check_health

    columns = (message(f"doctor.column.{name}") for name in ("part", "state", "remedy"))
    table = Table(*columns, box=None, pad_edge=False)
    findings = check_health()
    for finding in findings:
        table.add_row(finding.part, escape(finding.state), escape(finding.remedy))
    Console().print(table)
    if problems := [finding for finding in findings if finding.remedy]:
        first = problems[0]
        is_incomplete = any(finding.code is ExitCode.MISSING_PROGRAM for finding in problems)
        print_text(
            "doctor.next" if is_incomplete else "doctor.installed_next",
            part=first.part,
            remedy=first.remedy,
        )
        raise typer.Exit(ExitCode.MISSING_PROGRAM if is_incomplete else first.code)
