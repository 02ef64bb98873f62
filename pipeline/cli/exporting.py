"""`efterskrift export` and `receipt`: export confirmed entries, import the receipts.

`efterskrift send`: send exported entries to a FHIR server and store its receipts.

`efterskrift check-header`: compare a target's columns with another system's header.

`efterskrift clashes`: find entries that may be in the care system already.

`efterskrift archive`: put exported sheets into an archive package.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.context import format_count, read_stdin_line, resolve_acting_person, resolve_unit
from pipeline.cli.options import REVIEW, As, AsJson
from pipeline.domain.errors import ExitCode, ExportError, UsageError
from pipeline.domain.form.form import Area
from pipeline.domain.settings import load_settings
from pipeline.files.atomic import write_private
from pipeline.texts import Text

if TYPE_CHECKING:
    from pipeline.domain.model import Person
    from pipeline.export.runs import ExportContext
if TYPE_CHECKING:
    from pipeline.domain.model import Person
    from pipeline.export.fhir.sender import SendResult
    from pipeline.export.runs import ExportContext
if TYPE_CHECKING:
    from pipeline.export.care_system_check.matches import CareSystemMatch
    from pipeline.registers.care_system_list import CareTable, ColumnMapping


def register_export_commands(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("export", rich_help_panel=REVIEW)(export)
    app.command("receipt", rich_help_panel=REVIEW)(receipt)


def export(
    target: Annotated[str, typer.Argument(help="Name of the target; an unknown name lists all.")],
    unit: Annotated[str | None, typer.Option(help="Only entries of this unit.")] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="File to write. Default: the run's name, in the current folder."
        ),
    ] = None,
    run_id: Annotated[
        str,
        typer.Option("--run", help="Write the file of an earlier run again; export nothing new."),
    ] = "",
    login: As = "",
    as_json: AsJson = False,
) -> None:
    """Export confirmed entries that are not exported yet.

    Writes the file and, next to it, a receipt file to fill in. It is no error if there is nothing
    to export.
    """
    from pipeline.export.runs import count_unsigned, find_target, list_target_status, make_run
    from pipeline.store.database.clock import utc_now

    find_target(target)
    require_output_folder(output)
    with open_export_context() as office:
        person = resolve_acting_person(office.store, login)
        unit = resolve_unit(office.store, unit) if unit is not None else None
        _require_target_run(office, target, run_id)
        waits = next(
            line for line in list_target_status(office, person, unit) if line.target == target
        )
        run = None if run_id else make_run(office, person, target, utc_now(), unit)
        made = run.id if run else run_id
        said = (
            _write_run_files(office, person, made, output) if made else {"run": None, "entries": 0}
        )
        said |= {"unsigned": count_unsigned(office, person, unit)}
    _print_result(
        said
        | {
            "target": target,
            "unfit": [
                {"entry_id": each.entry_id, "reason": each.reason.in_language("sv")}
                for each in waits.unsupported
            ],
            "notice": " ".join(notice.in_language("sv") for notice in waits.notices),
        },
        as_json=as_json,
    )


def _require_target_run(office: ExportContext, target: str, run_id: str) -> None:
    """One target's run is not written as if it were another's. A run that there is not is told of
    where its file is looked for.
    """
    from pipeline.store.exports.runs import find_run

    with office.store.read() as conn:
        run = find_run(conn, run_id) if run_id else None
    if run is not None and run.target != target:
        raise UsageError("run_one", run_id=run_id, target=run.target)


def receipt(
    file: Annotated[
        Path,
        typer.Argument(
            help="Receipt file: körning;löpnummer;post;status;text.", exists=True, dir_okay=False
        ),
    ],
    login: As = "",
    as_json: AsJson = False,
) -> None:
    """Import the target's receipts for exported entries.

    The whole file or nothing is imported. Importing it again changes nothing.
    """
    from pipeline.export.runs.receipts import apply_receipt_file
    from pipeline.store.database.clock import utc_now

    with open_export_context() as office:
        result = apply_receipt_file(
            office, resolve_acting_person(office.store, login), file.read_bytes(), utc_now()
        )
    if as_json:
        typer.echo(json.dumps(asdict(result)))
        return
    hidden = f", {result.hidden} of entries that you may not see" if result.hidden else ""
    typer.echo(
        f"{result.accepted} accepted, {result.refused} refused, {result.already} known before, {result.unanswered} not answered{hidden}"
    )


@contextmanager
def open_export_context() -> Iterator[ExportContext]:
    """The workspace's office."""
    from pipeline.domain.form.form import Forms
    from pipeline.export.runs import ExportContext
    from pipeline.store.database.store import open_store

    settings = load_settings()
    store = open_store(settings)
    try:
        yield ExportContext(store, settings, Forms.load(*settings.form_folders))
    finally:
        store.close()


def require_output_folder(output: Path | None) -> None:
    """Before a file is made: is there a folder to put it in.

    Raises:
        UsageError: there is none.
    """
    folder = (output or Path()).parent
    if not folder.is_dir():
        raise UsageError("no_folder", folder=folder)


def _write_run_files(
    office: ExportContext, person: Person, run_id: str, output: Path | None
) -> dict[str, Any]:
    """The run's file, and beside it a receipt file to fill in, where the target answers entry by
    entry.
    """
    from pipeline.export.runs import fetch_run_file
    from pipeline.export.runs.receipts import fetch_receipt_template, open_run_items

    file, items = fetch_run_file(office, person, run_id), open_run_items(office, person, run_id)
    path = output or Path(file.name)
    remedy = Text("error.secret_not_written.fetch_run", {"run": run_id})
    write_secret(path, file.data, remedy)
    said = {"run": run_id, "entries": file.entries, "file": str(path), "sha256": file.sha256}
    if not items:
        return said
    form = fetch_receipt_template(office, person, run_id)
    beside = path.parent / form.name
    if not beside.exists() or not beside.stat().st_size:  # somebody may have filled it in
        write_secret(beside, form.data, remedy)
    return said | {
        "amendments": sum(item.is_amendment for item in items),
        "receipt_file": str(path.parent / form.name),
    }


def write_secret(path: Path, data: bytes, remedy: Text) -> None:
    """Write a file that holds what is secret about people: only its owner may read it. It is there
    whole, or as it was.

    Raises:
        ExportError: it cannot be written; `remedy` says how to get it all the same.
    """
    try:
        write_private(path, data)
    except OSError as error:
        raise ExportError(
            "secret_not_written", path=path, reason=error.strerror, remedy=remedy
        ) from error


def _print_result(said: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(said))
        return
    for entry in said["unfit"]:
        typer.echo(f"Not carried: {entry['entry_id']}. {entry['reason']}", err=True)
    if said["notice"]:
        typer.echo(said["notice"], err=True)
    if said["run"] is None:
        typer.echo("Nothing to export.")
        return
    typer.echo(
        f"{said['entries']} {'entry' if said['entries'] == 1 else 'entries'} in {said['file']} (run {said['run']}, SHA-256 {said['sha256']})"
    )
    if "receipt_file" in said:
        typer.echo(f"Receipt file: {said['receipt_file']}")


def register_send_command(app: typer.Typer) -> None:
    """Add the command."""
    app.command("send", rich_help_panel=REVIEW)(send)


def send(
    target: Annotated[str, typer.Argument(help="fhir: the FHIR server of the settings.")],
    run_id: Annotated[
        str,
        typer.Argument(
            metavar="RUN", help="Run to send. Default: every run with entries without a receipt."
        ),
    ] = "",
    login: As = "",
    as_json: AsJson = False,
) -> None:
    """Send exported entries without a receipt to a FHIR server.

    Each answer is stored as a receipt. Sending again creates nothing twice.
    """
    from pipeline.export.fhir.sender import TARGET

    if target != TARGET:
        raise UsageError("nothing_can_sent", target=target, target_2=TARGET)
    with open_export_context() as office:
        _send_run(office, resolve_acting_person(office.store, login), run_id, as_json=as_json)


def _send_run(office: ExportContext, person: Person, run_id: str, *, as_json: bool) -> None:
    from pipeline.export.fhir.sender import TARGET, send_run
    from pipeline.export.fhir.server import connect_fhir_server
    from pipeline.export.runs import list_runs
    from pipeline.store.database.clock import utc_now

    waiting = [
        status.run.id
        for status in reversed(list_runs(office, person))
        if status.run.target == TARGET and status.waiting
    ]
    with connect_fhir_server(office.settings) as server:
        for one in [run_id] if run_id else waiting:
            _print_send_result(one, send_run(office, person, one, server, utc_now), as_json=as_json)
    if not (run_id or waiting):
        typer.echo("Nothing to send.", err=True)


def _print_send_result(run_id: str, sent: SendResult, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"run": run_id} | asdict(sent)))
        return
    typer.echo(
        f"Run {run_id}: {sent.accepted} accepted, {sent.refused} refused, {sent.unanswered} not answered, {sent.overtaken} overtaken by a correction"
    )


def register_header_command(app: typer.Typer) -> None:
    """Add the command."""
    app.command("check-header", rich_help_panel=REVIEW)(check_header)


def check_header(
    target: Annotated[
        str, typer.Argument(help="A target that writes a table, such as treserva-exempel.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a form.")] = False,
) -> None:
    """Compare a target's columns with your system's header line.

    The header line is read from standard input. Exit code 0 if all columns match.
    """
    from pipeline.export.tables.header_check import check_header as checked

    with open_export_context() as office:
        found = checked(office, target, read_stdin_line())
    for check in found:
        if as_json:
            typer.echo(json.dumps(asdict(check) | {"fits": check.is_match}, ensure_ascii=False))
        elif check.is_match:
            typer.echo(f"{check.form}: fits")
        else:
            typer.echo(
                f"{check.form}: lacks {', '.join(check.lacking) or 'nothing'}; not asked for: {', '.join(check.unknown) or 'nothing'}"
                + ("" if check.in_order else "; the order differs")
            )
    if not all(check.is_match for check in found):
        raise typer.Exit(ExitCode.EXPORT)


def register_care_system_command(app: typer.Typer) -> None:
    """Add the command."""
    app.command("clashes", rich_help_panel=REVIEW)(clashes)


def clashes(
    file: Annotated[
        Path | None,
        typer.Argument(
            help="CSV exported from the care system. Without it: list the known pairs.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    unit: Annotated[str, typer.Option(help="Unit whose entries are compared with the file.")] = "",
    area: Annotated[
        Area | None,
        typer.Option(help="Area of law of the file. Default: the unit's.", case_sensitive=False),
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(
            help="Meaning of a column, as pid=TITLE; also day, clock, kind, text, author."
        ),
    ] = None,
    login: As = "",
    as_json: AsJson = False,
) -> None:
    """Find entries that were already keyed into the care system.

    Lists pairs of an entry and a note in the care system, the most similar first. They are decided
    on the screen Uppföljning.
    """
    from pipeline.cli.context import resolve_acting_person, resolve_unit
    from pipeline.domain.model import Role
    from pipeline.export.care_system_check.decisions import import_care_list
    from pipeline.export.care_system_check.matches import list_matches
    from pipeline.registers.care_system_list import parse_care_table, read_care_list
    from pipeline.store.database.clock import utc_now
    from pipeline.store.registers.care_system_exports import is_list_stored
    from pipeline.store.registers.client_register import areas_by_unit

    if file is not None and not unit:
        raise UsageError("list_no_unit")
    with open_export_context() as office:
        person = resolve_acting_person(office.store, login, Role.REVIEWER)
        said: dict[str, Any] = {}
        if file is not None:
            unit = resolve_unit(office.store, unit)
            table = parse_care_table(file.read_bytes(), str(file))
            found = read_care_list(table, _select_columns(table, column or []))
            with office.store.read() as conn:
                of_law = area.value if area else areas_by_unit(conn)[unit]
            made = import_care_list(office, person, unit, of_law, found, utc_now())
            with office.store.read() as conn:
                said = {
                    "rows": len(found.rows),
                    "no_person": found.rows_without_person,
                    "no_day": found.rows_without_day,
                    "kept": is_list_stored(conn, made),
                }
        with office.store.read() as conn:
            listed = list_matches(
                conn, office.forms, person, office.settings.clash_minutes, utc_now()
            )
    said |= {"hidden": listed.hidden, "pairs": [_match_as_object(one) for one in listed.matches]}
    _print_matches(said, as_json=as_json)


def _select_columns(table: CareTable, chosen: list[str]) -> ColumnMapping:
    """The proposal, with what the command names instead."""
    from pipeline.registers.care_system_list import REQUIRED_COLUMNS, CareColumn, propose_columns

    columns = dict(propose_columns(table.titles, table.rows[0][1]))
    for one in chosen:
        part, _, title = one.partition("=")
        if part not in set(CareColumn) or title not in table.titles:
            raise UsageError("column_named_pid_title_title", part=", ".join(CareColumn))
        columns[CareColumn(part)] = (table.titles.index(title),)
    if lacking := [part for part in REQUIRED_COLUMNS if part not in columns]:
        told = " ".join(f'--column {part}="TITLE"' for part in lacking)
        raise UsageError(
            "no_column_known", lacking=", ".join(lacking), told=told, table=", ".join(table.titles)
        )
    return columns


def _match_as_object(one: CareSystemMatch) -> dict[str, Any]:
    """A pair without what either side says of the person."""
    like = one.likeness
    return {
        "entry_id": one.entry.id,
        "form": one.entry.form,
        "minutes": like.minutes,
        "text": like.text,
        "kind": like.kind,
        "in_review": one.entry_side is None,
    }


def _print_matches(said: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(said))
        return
    if "rows" in said:
        typer.echo(f"{format_count(said['rows'], 'row')} compared", err=True)
    for key, what in (("no_person", "a right personal number"), ("no_day", "a day")):
        if said.get(key):
            typer.echo(
                f"Not compared, for lack of {what}: row {', '.join(map(str, said[key]))}", err=True
            )
    if not said.get("kept", True):
        typer.echo(
            "No paper of the unit waits, so the list is erased already. Hand it in again when more paper has been scanned.",
            err=True,
        )
    for pair in said["pairs"]:
        near = "same day" if pair["minutes"] is None else f"{pair['minutes']} minutes apart"
        alike = "" if pair["text"] is None else f", text {pair['text']} % alike"
        typer.echo(
            f"{pair['entry_id']} ({pair['form']}): {near}{alike}{', waits for review' if pair['in_review'] else ''}"
        )
    if said["hidden"]:
        typer.echo(
            f"{said['hidden']} pairs about people whose identity is protected are not shown.",
            err=True,
        )
    if not said["pairs"]:
        typer.echo("Nothing waits to be compared.")


def register_archive_command(app: typer.Typer) -> None:
    """Add the command."""
    app.command("archive", rich_help_panel=REVIEW)(archive)


def archive(
    unit: Annotated[str | None, typer.Option(help="Only sheets with entries of this unit.")] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="File to write. Default: the package's name, in the current folder.",
        ),
    ] = None,
    package_id: Annotated[
        str,
        typer.Option(
            "--package", help="Write the file of an earlier package again; archive nothing new."
        ),
    ] = "",
    login: As = "",
    as_json: AsJson = False,
) -> None:
    """Put fully exported sheets into an E-ARK archive package.

    The package holds PDF/A, the scans, metadata and checksums. It is no error if there is nothing
    to archive.
    """
    from pipeline.export.archive.runs import find_ready, make_package, package_file
    from pipeline.store.database.clock import utc_now

    require_output_folder(output)
    with open_export_context() as office:
        person = resolve_acting_person(office.store, login)
        unit = resolve_unit(office.store, unit) if unit is not None else None
        made = None if package_id else make_package(office, person, utc_now(), unit)
        named = made.id if made else package_id
        said: dict[str, object] = {"package": named or None, "sheets": made.sheets if made else 0}
        if named:
            file = package_file(office, person, named)
            path = output or Path(file.name)
            write_secret(
                path, file.data, Text("error.secret_not_written.fetch_package", {"package": named})
            )
            said |= {"file": str(path), "sha256": file.sha256}
        left = find_ready(office, person, unit)
        said |= {"waiting": left.sheets, "unsettled": left.unsettled}
    if as_json:
        typer.echo(json.dumps(said))
        return
    typer.echo(
        f"{format_count(made.sheets if made else 0, 'sheet')} in {said['file']} (package {named}, SHA-256 {said['sha256']})"
        if named
        else "Nothing to archive."
    )
    if left.sheets:
        typer.echo(
            f"{format_count(left.sheets, 'sheet')} {'is' if left.sheets == 1 else 'are'} left for the next package."
        )
    if left.unsettled:
        waits = "waits" if left.unsettled == 1 else "wait"
        typer.echo(
            f"{format_count(left.unsettled, 'sheet')} {waits} until all entries are exported, void or put aside without a gap."
        )
