"""`efterskrift audit`: verify and seal the event log, extract a client's part, and export it."""

from __future__ import annotations

import getpass
import json
import sys
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.acting import person_of
from pipeline.cli.counting import counted
from pipeline.cli.export_commands import write_secret
from pipeline.cli.options import RUNNING, As, AsJson
from pipeline.errors import ExitCode, ExportError, UsageError
from pipeline.model import Role
from pipeline.settings import load_settings
from pipeline.texts import Text
from pipeline.whole_file import beside, put, settle

From = Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="First day (Swedish time).")]
To = Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day.")]
_FIRST_YEAR, _LAST_YEAR = 1900, 2999
_ELSEWHERE = Text("error.secret_not_written.elsewhere")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    audit = typer.Typer(help="Event log: verify, seal, extract for a client, export.", no_args_is_help=True)
    for command in (verify, seal, extract, export):
        audit.command(command.__name__)(command)
    app.add_typer(audit, name="audit", rich_help_panel=RUNNING)


def verify(
    anchor: Annotated[Path | None, typer.Option(help="File written by `audit seal -o` and kept on another machine.")] = None,
    as_json: AsJson = False,
) -> None:
    """Verify that no row of the log was changed outside the program.

    Reports each row that was changed, removed, moved or inserted. Exit code 12 if there is one.
    """
    from pipeline.audit.anchor import read_anchors, said
    from pipeline.audit.anchor import verify as check
    from pipeline.store.database import open_store

    anchors = read_anchors(anchor) if anchor else []
    verdict = check(open_store(load_settings()), getpass.getuser(), anchors)
    if as_json:
        named = [asdict(problem) for problem in verdict.problems]
        typer.echo(
            json.dumps({"ok": not verdict.count, "rows": verdict.rows, "head": asdict(verdict.head), "count": verdict.count, "problems": named})
        )
    else:
        for problem in verdict.problems:
            typer.echo(said(problem))
        if verdict.count > len(verdict.problems):
            typer.echo(f"And {verdict.count - len(verdict.problems)} more.")
        kept = f", as {counted(len(anchors), 'kept head')} {'says' if len(anchors) == 1 else 'say'}" if anchors else ""
        typer.echo(f"{counted(verdict.rows, 'row')}: {'something is wrong' if verdict.count else f'all are as they were written{kept}'}.")
    if verdict.count:
        raise typer.Exit(ExitCode.LOG_BROKEN)


def seal(
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to append the hash to. Keep it on another machine.")] = None,
) -> None:
    """Print the hash of the newest row of the log.

    Kept on another machine, it proves later whether the log up to here was rewritten. It is
    appended only to a file whose hashes all match this log; exit code 12 if one does not.
    """
    from pipeline.audit.anchor import read_anchors
    from pipeline.audit.anchor import seal as sealed
    from pipeline.store.clock import utc_now
    from pipeline.store.database import open_store

    kept = read_anchors(output) if output is not None and output.is_file() and output.stat().st_size else []
    with open_store(load_settings()).begin() as conn:
        line = sealed(conn, getpass.getuser(), utc_now(), kept).as_line()
        if output is not None:
            _add_line(output, line)
    typer.echo(line)


def extract(
    start: From,
    end: To,
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write: .pdf or .csv.")],
    login: As = "",
) -> None:
    """Extract the accesses to a client's paper (PDL 8:5).

    The client has a right to know the unit and time of each access. The personal number is read
    from standard input.
    """
    from pipeline.audit.client_extract import client_extract, extract_csv
    from pipeline.audit.extract_pdf import extract_pdf
    from pipeline.store.clock import utc_now
    from pipeline.store.database import open_store
    from pipeline.store.registers import client

    if output.suffix not in {".pdf", ".csv"}:
        raise UsageError("extract_pdf_csv_file")
    typed = typer.prompt("Personal number", hide_input=True, err=True) if sys.stdin.isatty() else _line()
    settings = load_settings()
    store = open_store(settings)
    person = person_of(store, login, Role.LOG_REVIEWER)
    with store.begin() as conn:
        found = client_extract(conn, person, typed.strip(), *_days(start, end), utc_now())
        data = extract_pdf(found, settings.care_provider) if output.suffix == ".pdf" else extract_csv(found)
        write_secret(output, data, _ELSEWHERE)
        registered = client(conn, found.pid) is not None
    typer.echo(f"{output}: {counted(len(found.lines), 'line')}", err=True)
    if not registered:
        typer.echo("No client of the register has this number. Check it before the extract is handed out.", err=True)
    if found.elsewhere:
        typer.echo(
            f"{counted(found.elsewhere, 'row')} {'is' if found.elsewhere == 1 else 'are'} of units that {person.login} does not follow up.", err=True
        )


def export(
    start: From,
    end: To,
    output: Annotated[Path, typer.Option("--output", "-o", help="XML file to write.")],
    login: As = "",
) -> None:
    """Export the log as RIVTA StoreLog 1.0, for a log service."""
    from pipeline.audit.storelog import write_storelog
    from pipeline.store.database import open_store
    from pipeline.store.log_rows import Wanted

    settings = load_settings()
    store = open_store(settings)
    person = person_of(store, login, Role.LOG_REVIEWER)
    wanted = Wanted(*_days(start, end))
    try:
        with beside(output) as partial:
            with partial.open("wb") as file:
                written = write_storelog(store, person, settings, wanted, file)
                settle(file)
            put(partial, output)
    except OSError as error:
        raise ExportError("not_written", output=output, reason=error.strerror) from error
    typer.echo(f"{output}: {counted(written.posts, 'post')}; {counted(written.machine, 'row')} that only the machine made not in it", err=True)
    if written.without_hsa_id:
        names = ", ".join(sorted(written.without_hsa_id))
        typer.echo(f"Without HSA-id, so under their own names: {names}. Set staff_hsa_ids and unit_hsa_ids.", err=True)


def _line() -> str:
    try:
        return sys.stdin.buffer.readline().decode()
    except UnicodeDecodeError:
        raise UsageError("personal_number_not_written_utf") from None


def _days(start: datetime, end: datetime) -> tuple[datetime, datetime]:
    from pipeline.audit.follow_up import days

    if end < start:
        raise UsageError("last_day_before_first")
    if start.year < _FIRST_YEAR or end.year > _LAST_YEAR:
        raise UsageError("no_log_these_days", first_year=_FIRST_YEAR, last_year=_LAST_YEAR)
    return days(start.date(), end.date())


def _add_line(path: Path, line: str) -> None:
    try:
        path.touch(mode=0o600)
        with path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
    except OSError as error:
        raise UsageError("not_written", output=path, reason=error.strerror) from error
