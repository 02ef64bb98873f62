"""`efterskrift audit`: verify and seal the event log, extract a client's part, and export it.

`efterskrift backlog`: list clients whose paper is not in the care system yet.
"""

from __future__ import annotations

import getpass
import json
import sys
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.context import format_count, resolve_acting_person, resolve_unit
from pipeline.cli.exporting import write_secret
from pipeline.cli.options import REVIEW, RUNNING, As, AsJson
from pipeline.domain.errors import ExitCode, ExportError, UsageError
from pipeline.domain.model import Role
from pipeline.domain.settings import load_settings
from pipeline.files.atomic import flush_to_disk, open_partial, replace_file
from pipeline.texts import Text

StartDate = Annotated[
    datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="First day (Swedish time).")
]
EndDate = Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day.")]
_OTHER_PATH_REMEDY = Text("error.secret_not_written.elsewhere")


_FIRST_YEAR, _LAST_YEAR = 1900, 2999


def register_audit_commands(app: typer.Typer) -> None:
    """Add the commands."""
    audit = typer.Typer(
        help="Event log: verify, seal, extract for a client, export.", no_args_is_help=True
    )
    for command in (verify, seal, extract, export):
        audit.command(command.__name__)(command)
    app.add_typer(audit, name="audit", rich_help_panel=RUNNING)


def verify(
    anchor: Annotated[
        Path | None,
        typer.Option(help="File written by `audit seal -o` and kept on another machine."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Verify that no row of the log was changed outside the program.

    Reports each row that was changed, removed, moved or inserted. Exit code 12 if there is one.
    """
    from pipeline.reporting.audit.anchors import describe_problem, read_anchors
    from pipeline.reporting.audit.anchors import verify_log as check
    from pipeline.store.database.store import open_store

    anchors = read_anchors(anchor) if anchor else []
    verdict = check(open_store(load_settings()), getpass.getuser(), anchors)
    if as_json:
        named = [asdict(problem) for problem in verdict.problems]
        typer.echo(
            json.dumps(
                {
                    "ok": not verdict.count,
                    "rows": verdict.rows,
                    "head": asdict(verdict.head),
                    "count": verdict.count,
                    "problems": named,
                }
            )
        )
    else:
        for problem in verdict.problems:
            typer.echo(describe_problem(problem))
        if verdict.count > len(verdict.problems):
            typer.echo(f"And {verdict.count - len(verdict.problems)} more.")
        kept = (
            f", as {format_count(len(anchors), 'kept head')} {'says' if len(anchors) == 1 else 'say'}"
            if anchors
            else ""
        )
        typer.echo(
            f"{format_count(verdict.rows, 'row')}: {'something is wrong' if verdict.count else f'all are as they were written{kept}'}."
        )
    if verdict.count:
        raise typer.Exit(ExitCode.LOG_BROKEN)


def seal(
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="File to append the hash to. Keep it on another machine."
        ),
    ] = None,
) -> None:
    """Print the hash of the newest row of the log.

    Kept on another machine, it proves later whether the log up to here was rewritten. It is
    appended only to a file whose hashes all match this log; exit code 12 if one does not.
    """
    from pipeline.reporting.audit.anchors import read_anchors
    from pipeline.reporting.audit.anchors import take_anchor as sealed
    from pipeline.store.database.clock import utc_now
    from pipeline.store.database.store import open_store

    kept = (
        read_anchors(output)
        if output is not None and output.is_file() and output.stat().st_size
        else []
    )
    with open_store(load_settings()).begin() as conn:
        line = sealed(conn, getpass.getuser(), utc_now(), kept).to_json_line()
        if output is not None:
            _append_line(output, line)
    typer.echo(line)


def extract(
    start: StartDate,
    end: EndDate,
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write: .pdf or .csv.")],
    login: As = "",
) -> None:
    """Extract the accesses to a client's paper (PDL 8:5).

    The client has a right to know the unit and time of each access. The personal number is read
    from standard input.
    """
    from pipeline.reporting.audit.client_extract import (
        format_extract_csv,
        make_client_extract,
        render_extract_pdf,
    )
    from pipeline.store.database.clock import utc_now
    from pipeline.store.database.store import open_store
    from pipeline.store.registers.client_register import load_client

    if output.suffix not in {".pdf", ".csv"}:
        raise UsageError("extract_pdf_csv_file")
    typed = (
        typer.prompt("Personal number", hide_input=True, err=True)
        if sys.stdin.isatty()
        else _read_pid()
    )
    settings = load_settings()
    store = open_store(settings)
    person = resolve_acting_person(store, login, Role.LOG_REVIEWER)
    with store.begin() as conn:
        found = make_client_extract(
            conn, person, typed.strip(), *_day_bounds(start, end), utc_now()
        )
        data = (
            render_extract_pdf(found, settings.care_provider)
            if output.suffix == ".pdf"
            else format_extract_csv(found)
        )
        write_secret(output, data, _OTHER_PATH_REMEDY)
        registered = load_client(conn, found.pid) is not None
    typer.echo(f"{output}: {format_count(len(found.lines), 'line')}", err=True)
    if not registered:
        typer.echo(
            "No client of the register has this number. Check it before the extract is handed out.",
            err=True,
        )
    if found.other_unit_rows:
        typer.echo(
            f"{format_count(found.other_unit_rows, 'row')} {'is' if found.other_unit_rows == 1 else 'are'} of units that {person.login} does not follow up.",
            err=True,
        )


def export(
    start: StartDate,
    end: EndDate,
    output: Annotated[Path, typer.Option("--output", "-o", help="XML file to write.")],
    login: As = "",
) -> None:
    """Export the log as RIVTA StoreLog 1.0, for a log service."""
    from pipeline.reporting.audit.storelog import write_storelog
    from pipeline.store.database.store import open_store
    from pipeline.store.event_log.queries import LogFilter

    settings = load_settings()
    store = open_store(settings)
    person = resolve_acting_person(store, login, Role.LOG_REVIEWER)
    wanted = LogFilter(*_day_bounds(start, end))
    try:
        with open_partial(output) as partial:
            with partial.open("wb") as file:
                written = write_storelog(store, person, settings, wanted, file)
                flush_to_disk(file)
            replace_file(partial, output)
    except OSError as error:
        raise ExportError("not_written", output=output, reason=error.strerror) from error
    typer.echo(
        f"{output}: {format_count(written.posts, 'post')}; {format_count(written.machine_rows, 'row')} that only the machine made not in it",
        err=True,
    )
    if written.without_hsa_id:
        names = ", ".join(sorted(written.without_hsa_id))
        typer.echo(
            f"Without HSA-id, so under their own names: {names}. Set staff_hsa_ids and unit_hsa_ids.",
            err=True,
        )


def _read_pid() -> str:
    try:
        return sys.stdin.buffer.readline().decode()
    except UnicodeDecodeError:
        raise UsageError("personal_number_not_written_utf") from None


def _day_bounds(start: datetime, end: datetime) -> tuple[datetime, datetime]:
    from pipeline.reporting.audit.follow_up import day_range

    if end < start:
        raise UsageError("last_day_before_first")
    if start.year < _FIRST_YEAR or end.year > _LAST_YEAR:
        raise UsageError("no_log_these_days", first_year=_FIRST_YEAR, last_year=_LAST_YEAR)
    return day_range(start.date(), end.date())


def _append_line(path: Path, line: str) -> None:
    try:
        path.touch(mode=0o600)
        with path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
    except OSError as error:
        raise UsageError("not_written", output=path, reason=error.strerror) from error


def register_backlog_command(app: typer.Typer) -> None:
    """Add the command."""
    app.command("backlog", rich_help_panel=REVIEW)(backlog)


def backlog(
    output: Annotated[Path, typer.Option("--output", "-o", help="CSV file to write.")],
    unit: Annotated[str | None, typer.Option(help="Only clients with paper of this unit.")] = None,
    login: As = "",
) -> None:
    """List clients with paper that is not in the care system yet.

    The list serves to mark their records in the care system. Making it is logged.
    """
    from pipeline.reporting.csv_files import backlog_csv
    from pipeline.store.database.store import open_store
    from pipeline.store.reports.backlog import load_backlog as listed

    store = open_store(load_settings())
    person = resolve_acting_person(store, login)
    unit = resolve_unit(store, unit) if unit is not None else None
    with store.begin() as conn:
        found = listed(conn, person, unit)
        write_secret(output, backlog_csv(found), Text("error.secret_not_written.elsewhere"))
    unknown, hidden = (
        format_count(found.unknown, "sheet"),
        f"{found.hidden} {'entry' if found.hidden == 1 else 'entries'}",
    )
    typer.echo(
        f"{output}: {format_count(len(found.markers), 'client')}; {unknown} of nobody known, {hidden} that may not be shown",
        err=True,
    )
