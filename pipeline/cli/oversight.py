"""`efterskrift audit`, `backlog` and `clashes`: the event log and the state of the care system.

`audit` verifies, seals, extracts and exports the event log. `backlog` lists clients whose paper is
not in the care system yet, `clashes` entries that may be in it already.
"""

from __future__ import annotations

import getpass
import sys
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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
)
from pipeline.cli.export_runs import open_export_context, write_secret
from pipeline.domain.errors import ExitCode, ExportError, UsageError
from pipeline.domain.form.form import Area, Forms
from pipeline.domain.model import Role
from pipeline.domain.settings import load_settings
from pipeline.files.atomic import flush_to_disk, open_partial, replace_file
from pipeline.texts import Text

if TYPE_CHECKING:
    from pipeline.export.care_system_matches import CareSystemMatch
    from pipeline.registers.care_system_list import CareTable, ColumnMapping
    from pipeline.store.event_log.chain_check import ChainVerdict

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
    from pipeline.reporting.audit.follow_up import read_anchors, verify_log

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
    from pipeline.reporting.audit.follow_up import describe_problem

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
    from pipeline.reporting.audit.follow_up import read_anchors, take_anchor
    from pipeline.store.schema.clock import utc_now

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
    from pipeline.reporting.audit.client_extract import (
        format_extract_csv,
        make_client_extract,
        render_extract_pdf,
    )
    from pipeline.store.registers.client_register import load_client
    from pipeline.store.schema.clock import utc_now

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
    from pipeline.reporting.audit.storelog import write_storelog
    from pipeline.store.event_log.queries import LogFilter

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
    from pipeline.reporting.audit.follow_up import day_range

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
    from pipeline.reporting.csv_files import backlog_csv
    from pipeline.store.reports.backlog import load_backlog

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
    from pipeline.reporting.watching.metrics import Watch, make_server
    from pipeline.store.database.store import Store, open_store

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


AreaOfFile = Annotated[
    Area | None,
    typer.Option(help="Area of law of the file. Default: the unit's.", case_sensitive=False),
]
ColumnNames = Annotated[
    list[str] | None,
    typer.Option(help="Meaning of a column, as pid=TITLE; also day, clock, kind, text, author."),
]


def clashes(
    file: Annotated[
        Path | None,
        typer.Argument(
            help="CSV or xlsx exported from the care system. Without it: list the known pairs.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    unit: Annotated[str, typer.Option(help="Unit whose entries are compared with the file.")] = "",
    area: AreaOfFile = None,
    column: ColumnNames = None,
    login: As = "",
    as_json: AsJson = False,
) -> None:
    """Find entries that may be in the care system already.

    Lists pairs of an entry and a note in the care system, the most similar first. They are decided
    on the screen Uppföljning.
    """
    from pipeline.export.care_system_check.decisions import import_care_list
    from pipeline.export.care_system_matches import list_matches
    from pipeline.registers.care_system_list import parse_care_table, read_care_list
    from pipeline.store.exports.care_system_exports import is_list_stored
    from pipeline.store.registers.client_register import areas_by_unit
    from pipeline.store.schema.clock import utc_now

    if file is not None and not unit:
        raise UsageError("list_without_unit")
    with open_export_context() as context:
        person = resolve_acting_person(context.store, login, Role.REVIEWER)
        result: dict[str, Any] = {}
        if file is not None:
            unit = resolve_unit(context.store, unit)
            table = parse_care_table(file.read_bytes(), str(file))
            care_list = read_care_list(table, select_columns(table, column or []))
            with context.store.read() as conn:
                law_area = area.value if area else areas_by_unit(conn)[unit]
            list_id = import_care_list(context, person, unit, law_area, care_list, utc_now())
            with context.store.read() as conn:
                result = {
                    "rows": len(care_list.rows),
                    "no_person": care_list.rows_without_person,
                    "no_day": care_list.rows_without_day,
                    "kept": is_list_stored(conn, list_id),
                }
        with context.store.read() as conn:
            listed = list_matches(
                conn, context.forms, person, context.settings.clash_minutes, utc_now()
            )
    result |= {
        "hidden": listed.hidden,
        "pairs": [_match_as_object(match) for match in listed.matches],
    }
    _print_matches(result, as_json=as_json)


def select_columns(table: CareTable, named: list[str]) -> ColumnMapping:
    """Return the proposed columns, with those that the command names (`pid=TITLE`) instead.

    Raises:
        UsageError: a name is no meaning or no title, or a required column is not known.
    """
    from pipeline.registers.care_system_list import REQUIRED_COLUMNS, CareColumn, propose_columns

    columns = dict(propose_columns(table.titles, table.rows[0][1]))
    for assignment in named:
        part, _, title = assignment.partition("=")
        if part not in set(CareColumn) or title not in table.titles:
            raise UsageError("column_option_malformed", part=", ".join(CareColumn))
        columns[CareColumn(part)] = (table.titles.index(title),)
    if lacking := [part for part in REQUIRED_COLUMNS if part not in columns]:
        options = " ".join(f'--column {part}="TITLE"' for part in lacking)
        raise UsageError(
            "columns_not_known",
            lacking=", ".join(lacking),
            told=options,
            table=", ".join(table.titles),
        )
    return columns


def _match_as_object(match: CareSystemMatch) -> dict[str, Any]:
    """Return a pair with the JSON keys of the contract, without anything about the client."""
    likeness = match.likeness
    return {
        "entry_id": match.entry.id,
        "form": match.entry.form,
        "minutes": likeness.minutes,
        "text": likeness.text,
        "kind": likeness.kind,
        "in_review": match.entry_side is None,
    }


def _print_matches(result: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(result)
        return
    if "rows" in result:
        print_note("cli.clashes.compared", rows=format_count(result["rows"], "row"))
    for key in ("no_person", "no_day"):
        if result.get(key):
            print_note(f"cli.clashes.{key}", rows=", ".join(map(str, result[key])))
    if not result.get("kept", True):
        print_note("cli.clashes.erased")
    for pair in result["pairs"]:
        _print_pair(pair)
    if result["hidden"]:
        print_note("cli.clashes.hidden", number=result["hidden"])
    if not result["pairs"]:
        print_text("cli.clashes.nothing")


def _print_pair(pair: dict[str, Any]) -> None:
    """Print how far a pair's times are apart, how alike the texts are, and whether it waits."""
    facts = [
        message("cli.clashes.same_day")
        if pair["minutes"] is None
        else message("cli.clashes.minutes_apart", minutes=pair["minutes"])
    ]
    if pair["text"] is not None:
        facts.append(message("cli.clashes.text_alike", percent=pair["text"]))
    if pair["in_review"]:
        facts.append(message("cli.clashes.in_review"))
    print_text(
        "cli.clashes.pair", entry=pair["entry_id"], form=pair["form"], facts=", ".join(facts)
    )
