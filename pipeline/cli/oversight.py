"""`efterskrift audit`, `backlog` and `metrics`: the event log and what is left to do.

`audit` verifies, seals, extracts and exports the event log. `backlog` lists clients whose paper is
not in the care system yet.
"""

from __future__ import annotations

import getpass
import sys
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated

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
    print_text,
    resolve_acting_person,
    resolve_unit,
    write_secret,
)
from pipeline.domain.errors import ExitCode, ExportError, UsageError
from pipeline.domain.form.form import Forms
from pipeline.domain.model import Role
from pipeline.domain.settings import load_settings
from pipeline.files.atomic import flush_to_disk, open_partial, replace_file
from pipeline.reporting.audit.client_extract import (
    format_extract_csv,
    make_client_extract,
    render_extract_pdf,
)
from pipeline.reporting.audit.follow_up import (
    day_range,
    describe_problem,
    read_anchors,
    take_anchor,
    verify_log,
)
from pipeline.reporting.audit.storelog import write_storelog
from pipeline.reporting.csv_files import backlog_csv
from pipeline.reporting.watching.metrics import Watch, make_server
from pipeline.store.database.store import Store, open_store
from pipeline.store.event_log.chain_check import ChainVerdict
from pipeline.store.event_log.queries import LogFilter
from pipeline.store.registers.client_register import load_client
from pipeline.store.reports.backlog import load_backlog
from pipeline.store.schema.clock import utc_now
from pipeline.texts import Text

StartDate = Annotated[
    datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="First day (Swedish time).")
]
EndDate = Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day.")]
_OTHER_PATH_REMEDY = Text("error.secret_not_written.elsewhere")
_FIRST_YEAR, _LAST_YEAR = 1900, 2999
"""Years that the days of a log extract may have: others are typing errors."""


def verify(
    anchor: Annotated[
        Path | None,
        typer.Option(help="File written by `audit seal -o` and kept on another machine."),
    ] = None,
    from_anchor: Annotated[
        bool,
        typer.Option(
            "--from-anchor", help="Check only what came after the newest hash of --anchor."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Verify that log and record were only changed by the program.

    Reports each row of the log, and each entry, run or package, that was changed, removed, moved or
    inserted. Exit code 12 if there is one.
    """
    anchors = read_anchors(anchor) if anchor else []
    store = open_workspace()
    verdict = verify_log(store, getpass.getuser(), anchors, from_anchor=from_anchor)
    if as_json:
        result = {
            "ok": not verdict.count,
            "rows": verdict.rows,
            "head": asdict(verdict.head),
            "count": verdict.count,
            "problems": [asdict(problem) for problem in verdict.problems],
            "start": verdict.start,
            "records": verdict.records,
            "anchors": len(anchors),
        }
        print_json(result)
    else:
        _print_verdict(verdict, len(anchors))
    # What the result does not show belongs to it, no matter who reads it
    if not anchors:
        print_note("cli.audit.without_anchor")
    if verdict.start:
        print_note("cli.audit.from_anchor", number=verdict.start + 1)
    if verdict.count:
        raise typer.Exit(ExitCode.LOG_BROKEN)


def _print_verdict(verdict: ChainVerdict, anchors: int) -> None:
    """Print each problem of the log and the record, and the sum of them all."""
    for problem in verdict.problems:
        typer.echo(describe_problem(problem, LANGUAGE))
    if verdict.count > len(verdict.problems):
        print_text("cli.audit.more_problems", number=verdict.count - len(verdict.problems))
    rows, records = format_count(verdict.rows, "row"), format_count(verdict.records, "record")
    if verdict.count:
        print_text("cli.audit.wrong", rows=rows)
    elif anchors:
        print_text("cli.audit.unchanged_by_anchors", rows=rows, records=records, count=anchors)
    else:
        print_text("cli.audit.unchanged", rows=rows, records=records)


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
    earlier = (
        read_anchors(output)
        if output is not None and output.is_file() and output.stat().st_size
        else []
    )
    with open_workspace().begin() as conn:
        line = take_anchor(conn, getpass.getuser(), utc_now(), earlier).to_json_line()
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
    if output.suffix not in {".pdf", ".csv"}:
        raise UsageError("extract_format_unknown")
    typed = (
        typer.prompt(message("cli.audit.personal_number"), hide_input=True, err=True)
        if sys.stdin.isatty()
        else _read_pid()
    )
    settings = load_settings()
    store = open_workspace(settings)
    person = resolve_acting_person(store, login, Role.LOG_REVIEWER)
    # Written inside the transaction: the log has an extract only if there is a file of it.
    with store.begin() as conn:
        log_extract = make_client_extract(
            conn, person, typed.strip(), *_day_bounds(start, end), utc_now()
        )
        data = (
            render_extract_pdf(log_extract, settings.care_provider)
            if output.suffix == ".pdf"
            else format_extract_csv(log_extract)
        )
        write_secret(output, data, _OTHER_PATH_REMEDY)
        is_registered = load_client(conn, log_extract.pid) is not None
    print_note(
        "cli.audit.extracted", file=output, lines=format_count(len(log_extract.lines), "line")
    )
    if not is_registered:
        print_note("cli.audit.not_registered")
    if log_extract.other_unit_rows:
        print_note("cli.audit.other_units", count=log_extract.other_unit_rows, login=person.login)


def export(
    start: StartDate,
    end: EndDate,
    output: Annotated[Path, typer.Option("--output", "-o", help="XML file to write.")],
    login: As = "",
) -> None:
    """Export the log as RIVTA StoreLog 1.0, for a log service."""
    settings = load_settings()
    store = open_workspace(settings)
    person = resolve_acting_person(store, login, Role.LOG_REVIEWER)
    rows = LogFilter(*_day_bounds(start, end))
    try:
        with open_partial(output) as partial:
            with partial.open("wb") as file:
                written = write_storelog(store, person, settings, rows, file)
                flush_to_disk(file)
            replace_file(partial, output)
    except OSError as error:
        raise ExportError("not_writable", output=output, reason=error.strerror) from error
    print_note(
        "cli.audit.exported",
        file=output,
        posts=format_count(written.posts, "post"),
        rows=format_count(written.machine_rows, "row"),
    )
    if written.without_hsa_id:
        print_note("cli.audit.without_hsa_id", names=", ".join(sorted(written.without_hsa_id)))


def _read_pid() -> str:
    """Read a personal number from the first line of standard input.

    Raises:
        UsageError: it is not written in UTF-8.
    """
    try:
        return sys.stdin.buffer.readline().decode()
    except UnicodeDecodeError:
        raise UsageError("personal_number_not_utf8") from None


def _day_bounds(start: datetime, end: datetime) -> tuple[datetime, datetime]:
    """Return the first moment of the first day and the end of the last day, both in UTC.

    Raises:
        UsageError: the days are in the wrong order, or no log can have them.
    """
    if end < start:
        raise UsageError("last_day_before_first")
    if start.year < _FIRST_YEAR or end.year > _LAST_YEAR:
        raise UsageError("no_log_of_days", first_year=_FIRST_YEAR, last_year=_LAST_YEAR)
    return day_range(start.date(), end.date())


def _append_line(path: Path, line: str) -> None:
    try:
        path.touch(mode=0o600)
        with path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
    except OSError as error:
        raise UsageError("not_writable", output=path, reason=error.strerror) from error


def backlog(
    output: Annotated[Path, typer.Option("--output", "-o", help="CSV file to write.")],
    unit: Annotated[str | None, typer.Option(help="Only clients with paper of this unit.")] = None,
    login: As = "",
) -> None:
    """List clients with paper that is not in the care system yet.

    The list serves to mark their records in the care system. Making it is logged.
    """
    store = open_workspace()
    person = resolve_acting_person(store, login)
    unit = resolve_unit(store, unit) if unit is not None else None
    with store.begin() as conn:
        clients = load_backlog(conn, person, unit)
        write_secret(output, backlog_csv(clients), _OTHER_PATH_REMEDY)
    print_note(
        "cli.backlog.written",
        file=output,
        clients=format_count(len(clients.markers), "client"),
        unknown=format_count(clients.unknown, "sheet"),
        hidden=format_count(clients.hidden, "entry"),
    )


def metrics(
    port: Annotated[
        int,
        typer.Option(
            "--port",
            min=1,
            max=65535,
            envvar="EFTERSKRIFT_METRICS_PORT",
            help="Port of /metrics and /healthz.",
        ),
    ] = 9464,
    address: Annotated[
        str, typer.Option("--address", help="Address to listen on; others than this machine's.")
    ] = "127.0.0.1",
) -> None:
    """Serve metrics for Prometheus, and the state as /healthz.

    They hold counts and ages, nothing about a person; there is no login. Ends with Ctrl-C.
    """
    settings = load_settings()

    def open_workspace() -> tuple[Store, Forms]:
        return open_store(settings), Forms.load(*settings.form_folders)

    open_workspace()[0].close()  # reports a broken workspace before serving
    server = make_server(Watch(settings, open_workspace), address, port)
    print_note("cli.metrics.served", address=address, port=port)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()
