"""`efterskrift ui`, `doctor`, `packs`, `planned`, `close-page`: run, check, settle."""

from __future__ import annotations

import getpass
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.cli.context import (
    LANGUAGE,
    As,
    AsJson,
    format_count,
    message,
    open_workspace,
    print_json,
    print_note,
    print_table,
    print_text,
    resolve_acting_person,
    show_progress,
)
from pipeline.domain.dates import today_in_sweden
from pipeline.domain.errors import ExitCode, UsageError
from pipeline.domain.law.permissions import Action, permitted_units
from pipeline.domain.model import CloseReason
from pipeline.domain.settings import ROOT, load_settings
from pipeline.files.private_files import close_private_paths
from pipeline.operations.health import check_health, describe_server_address
from pipeline.operations.upkeep.store_check import CheckReport, check_store
from pipeline.operations.worker_pool import interrupt_on_sigterm
from pipeline.registers.planned_visits import PlanKind, count_planned
from pipeline.reporting.audit.follow_up import describe_problem
from pipeline.store.database.store import accept_images as accept
from pipeline.store.database.store import open_for_images
from pipeline.store.paper import page_lists
from pipeline.store.registers import packs as pack_register
from pipeline.store.registers.packs import Pack
from pipeline.store.registers.planning import save_planned
from pipeline.store.schema.clock import utc_now

_WORKER_SHUTDOWN_SECONDS = 100
"""Workers finish their page first; the worker pool gives them 90 s."""
SERVER_SHUTDOWN_SECONDS = 20
"""The server waits for browsers to hang up, which a sleeping one may never do."""
_POLL_SECONDS = 15
"""Interval of the check whether the workers live; long enough to ride out a database restart."""


def ui(
    port: Annotated[
        int,
        typer.Option(
            "--port", min=1, max=65535, envvar="EFTERSKRIFT_PORT", help="Port on this machine."
        ),
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
    # Whatever is wrong with the workspace or the port is reported before a process is started.
    settings = load_settings()
    for path in close_private_paths(settings):
        print_note("cli.ui.mode_repaired", file=path)
    open_for_images(settings).close()
    describe_server_address(settings)
    _require_free_port(port)
    workspace = settings.workspace.resolve()
    typer.echo(f"http://localhost:{port}", err=True)
    with ExitStack() as processes_stack, interrupt_on_sigterm():

        def start(command: Sequence[str], patience: float) -> subprocess.Popen[bytes]:
            return processes_stack.enter_context(_run_child_process(command, workspace, patience))

        server = start(server_command(port, workspace, headless=headless), SERVER_SHUTDOWN_SECONDS)
        workers = start(worker_command(processes), _WORKER_SHUTDOWN_SECONDS) if processes else None
        try:
            # The server's end ends the command; workers that end before it are started again.
            while (code := _poll_exit_code(server)) is None:
                if workers and (worker_code := workers.poll()) is not None:
                    print_note("cli.ui.workers_ended", code=worker_code)
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
            raise UsageError("port_unusable", port=port, reason=error.strerror) from error


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
    return [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        str(ROOT / "ui" / "start" / "server.py"),
        *options,
    ]


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
                print_note("cli.ui.killed", seconds=f"{patience:g}")


def check(
    accept_images: Annotated[
        bool,
        typer.Option(
            "--accept-images",
            help="First take the folder of images as the workspace's own, whatever it holds.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check the database and every stored file.

    Images, files of exports and archive packages are read and compared with their digests. Exit
    code 6 if something is missing or damaged, or a row was changed past the program. Files that no
    row names harm nothing.
    """
    settings = load_settings()
    if accept_images:
        accept(settings)
    store = open_workspace(settings)
    with show_progress(message("cli.check.progress")) as on_file:
        report = check_store(store, getpass.getuser(), on_file)
    store.close()
    if as_json:
        print_json(_check_result(report))
    else:
        _print_check(report)
    if not report.check.is_whole:
        raise typer.Exit(ExitCode.STORE)


def _check_result(report: CheckReport) -> dict[str, object]:
    check = report.check
    counts = {
        name: getattr(check, name) for name in ("files", "missing", "damaged", "orphans", "changed")
    }
    problems = [asdict(problem) for problem in report.problems]
    return {"ok": check.is_whole, "database": check.database_problem, **counts} | {
        "recounted": report.recounted,
        "problems": problems,
        "changes": [{"table": one.table, "id": one.owner} for one in report.changed],
    }


def _print_check(report: CheckReport) -> None:

    check = report.check
    for problem in report.problems:
        print_text(
            f"cli.check.{problem.state}", sha256=problem.sha256, uses=", ".join(problem.uses)
        )
    if check.database_problem:
        print_text("cli.check.database", problem=check.database_problem)
    for change in report.changed:
        typer.echo(describe_problem(change, LANGUAGE))
    if check.orphans:
        key = "cli.check.orphans_kept" if check.changed else "cli.check.orphans"
        print_text(key, count=check.orphans)
    if report.recounted:
        print_text("cli.check.recounted", count=report.recounted)
    if check.is_whole:
        print_text("cli.check.whole", files=format_count(check.files, "file"))
        return
    print_text(
        "cli.check.not_whole",
        files=format_count(check.files, "file"),
        missing=check.missing,
        damaged=check.damaged,
    )
    if check.changed:
        print_text("cli.check.changed", count=check.changed)
    if check.missing or check.damaged or check.database_problem:
        print_text("cli.check.remedy")


def doctor() -> None:
    """Check that everything needed is installed and reachable."""
    findings = check_health(message)
    print_table(
        ("cli.doctor.column.part", "cli.doctor.column.state", "cli.doctor.column.remedy"),
        [(finding.part, finding.state, finding.remedy) for finding in findings],
    )
    # What harms nothing by itself comes last, and leaves the exit code as it is.
    if problems := [finding for finding in findings if finding.remedy]:
        first = problems[0]
        is_incomplete = any(finding.code is ExitCode.MISSING_PROGRAM for finding in problems)
        print_text(
            "cli.doctor.next" if is_incomplete else "cli.doctor.installed_next",
            part=first.part,
            remedy=first.remedy,
        )
        raise typer.Exit(ExitCode.MISSING_PROGRAM if is_incomplete else first.code)


def packs(
    opened: Annotated[str, typer.Option("--open", help="Id of a pack that is in use.")] = "",
    day: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Day that it was opened. Default: today."),
    ] = None,
    undo: Annotated[str, typer.Option(help="Id of a pack that was not opened after all.")] = "",
    login: As = "",
    as_json: AsJson = False,
) -> None:
    """List packs of printed sheets, or say that one is open.

    The sheets of a pack are in reserve until it is opened or one of them is scanned: only then can
    they be missing.
    """
    store = open_workspace()
    person = resolve_acting_person(store, login)
    with store.begin() as conn:
        if opened:
            opened_on = day.date() if day else today_in_sweden()
            pack_register.open_pack(conn, person, opened, opened_on, utc_now())
        if undo:
            pack_register.undo_open_pack(conn, person, undo, utc_now())
        found = pack_register.list_packs(conn, person, permitted_units(person, Action.PRINT))
    if as_json:
        print_json([_pack_as_object(pack) for pack in found])
        return
    for pack in found:
        facts = {"pack": pack.id, "unit": pack.unit, "sheets": pack.sheets}
        print_text("cli.packs.open" if pack.is_open else "cli.packs.reserve", **facts)
    if not found:
        print_text("cli.packs.none")


def _pack_as_object(pack: Pack) -> dict[str, Any]:
    return {
        "pack": pack.id,
        "unit": pack.unit,
        "printed_at": pack.printed_at.isoformat(),
        "sheets": pack.sheets,
        "scanned": pack.scanned,
        "opened_on": pack.opened_on or None,
        "state": "open" if pack.is_open else "reserve",
    }


def close_page(
    page: Annotated[str, typer.Argument(metavar="PAGE", help="Id of a page that failed.")],
    reason: Annotated[CloseReason | None, typer.Option(help="Why it needs nothing more.")] = None,
    scanned_as: Annotated[
        str, typer.Option("--scanned-as", help="Page or batch that it was scanned again as.")
    ] = "",
    undo: Annotated[bool, typer.Option("--undo", help="Open a closed page again.")] = False,
    login: As = "",
) -> None:
    """Close a page that failed, for a reason."""
    if undo == (reason is not None):
        raise UsageError("reason_or_undo")
    store = open_workspace()
    person = resolve_acting_person(store, login)
    with store.begin() as conn:
        if reason is None:
            page_lists.reopen_closed_page(conn, person, page, utc_now())
        else:
            page_lists.close_failed_page(conn, person, page, reason, utc_now(), scanned_as)
    print_note("cli.page.reopened" if undo else "cli.page.closed", page=page)


def planned(
    file: Annotated[
        Path,
        typer.Argument(
            help="CSV or xlsx: enhet, datum and optionally antal (default 1).",
            exists=True,
            dir_okay=False,
        ),
    ],
    kind: Annotated[
        PlanKind, typer.Option(help="What the rows count: planned visits (besok) or shifts (pass).")
    ] = PlanKind.VISITS,
) -> None:
    """Import the number of planned visits or shifts by unit and day.

    With them a day whose paper is missing differs from a day without work.
    """
    counts = count_planned(file.read_bytes(), file)
    store = open_workspace()
    operator = resolve_acting_person(store, "")
    store.change(save_planned, operator, kind, counts)
    store.close()
    units = {unit for unit, _ in counts}
    print_note(
        "cli.planned.imported",
        days=format_count(len(counts), "day"),
        units=format_count(len(units), "unit"),
    )
