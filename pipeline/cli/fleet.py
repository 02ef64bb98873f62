"""`efterskrift fleet`: several workspaces of one installation, as in a region."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.context import AsJson, message, print_json, print_note
from pipeline.domain.errors import ExitCode, UsageError
from pipeline.domain.settings import own_environment
from pipeline.reporting.watching.fleet import Member, MemberState, ask_members, list_members
from pipeline.store.schema.clock import utc_now

_ALL = "all"
_COLUMNS = ("name", "waiting", "oldest", "review", "failed", "backup", "check", "audit", "version")
_NUMBERS = {"waiting", "review", "failed"}
_GAP = "  "
_UNITS = ((86400, "d"), (3600, "h"), (60, "min"))

Fleet = Annotated[
    Path,
    typer.Option(
        "--from",
        envvar="EFTERSKRIFT_FLEET",
        help="Folder with a file NAME.env of settings for each workspace.",
        show_default=False,
    ),
]


def status(folder: Fleet, as_json: AsJson = False) -> None:
    """Show one line for each workspace: what waits, and alarms.

    It has what waits and failed, the last copy and checks. Counts only. A workspace that does not
    answer is named with the reason. Exit code 14 if there is one, or an alarm.
    """
    states = list(ask_members(list_members(folder)))
    if as_json:
        print_json([_as_object(state) for state in states], ensure_ascii=False)
    else:
        _print_table(states, utc_now())
    if not all(state.is_calm for state in states):
        raise typer.Exit(ExitCode.ALARM)


def _as_object(state: MemberState) -> dict[str, object]:
    if state.reason:
        return {"name": state.name, "reason": state.reason}
    values = asdict(state).items()
    return {
        name: value.isoformat() if isinstance(value, datetime) else value for name, value in values
    }


def _print_table(states: list[MemberState], now: datetime) -> None:
    rows = [[message(f"cli.fleet.column.{name}") for name in _COLUMNS]]
    rows += [_cells(state, now) for state in states]
    # A reason takes the rest of its line
    widths = [
        max(len(row[index]) for row in rows if index < len(row)) for index in range(len(_COLUMNS))
    ]
    last = [message("cli.fleet.column.alarms"), *(_describe_alarms(state) for state in states)]
    for row, alarms in zip(rows, last, strict=True):
        cells = [
            cell.rjust(width) if name in _NUMBERS and len(row) > 1 else cell.ljust(width)
            for name, cell, width in zip(_COLUMNS, row, widths, strict=False)
        ]
        typer.echo(_GAP.join([*cells, alarms]).rstrip())


def _cells(state: MemberState, now: datetime) -> list[str]:
    if state.reason:
        return [state.name]
    never = message("cli.status.never")
    return [
        state.name,
        str(state.waiting),
        _age(state.oldest_at, now) if state.oldest_at else "",
        str(state.to_review),
        str(state.failed),
        _age(state.backup_at, now) if state.backup_at else never,
        _age(state.check_at, now) if state.check_at else never,
        _age(state.log_check_at, now) if state.log_check_at else never,
        state.version,
    ]


def _age(at: datetime, now: datetime) -> str:
    seconds = max(0.0, (now - at).total_seconds())
    size, unit = next((one for one in _UNITS if seconds >= one[0]), _UNITS[-1])
    return f"{seconds // size:.0f} {unit}"


def _describe_alarms(state: MemberState) -> str:
    if state.reason:
        return message("cli.fleet.no_answer", reason=" ".join(state.reason.split()))
    kinds = ", ".join(state.alarms)
    return message("cli.fleet.critical", kinds=kinds) if state.critical else kinds or "–"


def run(
    folder: Fleet,
    name: Annotated[str, typer.Argument(help="Name of the workspace, or `all`.")],
    command: Annotated[list[str], typer.Argument(help="Command of efterskrift, with its options.")],
) -> None:
    """Run a command in one workspace, or in each of them.

    Exit code of the command; of several the highest.
    """
    members = list_members(folder)
    chosen = [member for member in members if name in {member.name, _ALL}]
    if not chosen:
        known = ", ".join(member.name for member in members)
        raise UsageError("fleet_unknown", name=name, known=known)
    codes = []
    for member in chosen:
        if len(chosen) > 1:
            print_note("cli.fleet.heading", name=member.name)
        codes.append(_run_in(member, command))
    raise typer.Exit(max(codes))


def _run_in(member: Member, command: list[str]) -> int:
    if member.problem:
        print_note("cli.app.error", text=member.problem)
        return int(ExitCode.USAGE)
    program = [sys.executable, "-c", "from pipeline.cli.app import main; main()"]
    done = subprocess.run(
        [*program, *command], env=own_environment(member.environment), check=False
    )
    # A command that a signal ended has a negative code
    return abs(done.returncode)
