"""`efterskrift export`, `receipt`, `check-header`: entries leave Efterskrift."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.cli.context import (
    As,
    AsJson,
    format_count,
    message,
    open_workspace,
    print_json,
    print_note,
    print_text,
    read_stdin_line,
    resolve_acting_person,
    resolve_unit,
    write_secret,
)
from pipeline.domain.errors import ExitCode, ExportError, UsageError
from pipeline.domain.form.form import Forms
from pipeline.domain.model import Person
from pipeline.domain.settings import load_settings
from pipeline.export.exporter import DATA_LANGUAGE
from pipeline.export.manual_entry.one_list import find_run_destinations
from pipeline.export.runs import (
    ExportContext,
    RunKind,
    RunPreview,
    confirm_delivery,
    count_unsigned,
    fetch_run_file,
    list_run_previews,
    list_undelivered,
    make_runs_of_kind,
)
from pipeline.export.runs.receipts import apply_receipt_file, fetch_receipt_template, open_run_items
from pipeline.export.tables.csv_table import HeaderCheck
from pipeline.export.tables.csv_table import check_header as compare_header
from pipeline.export.tables.table_schema import SUFFIX, fetch_run_schema
from pipeline.export.targets import find_target
from pipeline.store.exports.routes import find_route, list_routes
from pipeline.store.exports.runs import find_run
from pipeline.store.schema.clock import utc_now
from pipeline.texts import Text


def export(
    target: Annotated[
        str, typer.Argument(help="Name of the target; an unknown name lists all.")
    ] = "",
    route: Annotated[
        str,
        typer.Option(help="Make the run of this route instead. Nothing to export: exit code 13."),
    ] = "",
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
    """Export confirmed entries not exported yet, by target or route.

    Makes the runs of the routes with this target. Writes each file and, next to it, a receipt file
    to fill in; next to a table also its Table Schema. It is no error if there is nothing to export.
    Files of your earlier runs that were never written are written too.
    """
    if bool(target) == bool(route):
        raise UsageError("export_target_or_route")
    if target:
        find_target(load_settings(), target)
    require_output_folder(output)
    with open_export_context() as context:
        person = resolve_acting_person(context.store, login)
        unit = resolve_unit(context.store, unit) if unit is not None else None
        target = target or _find_route_target(context, route)
        _require_target_run(context, target, run_id)
        # The status before the run: afterwards its entries do not wait any more.
        previews = [
            preview
            for preview in list_run_previews(context, person, unit)
            if preview.target == target and route in ("", preview.kind.route)
        ]
        earlier = [] if run_id else _write_undelivered(context, person, target, route, output)
        kinds = [preview.kind for preview in previews if preview.entries or preview.fault]
        written = (
            [_write_run_files(context, person, run_id, output)]
            if run_id
            else _make_and_write(context, person, kinds, unit, output)
        )
        unsigned = count_unsigned(context, person, unit)
    nothing: dict[str, Any] = {"run": None, "entries": 0}
    result = (written[0] if written else nothing) | {
        "unsigned": unsigned,
        "target": target,
        "unfetched": earlier,
        **_left_out(previews),
    }
    # A target of several routes has a file for each
    if route or len(written) > 1:
        result |= {"route": route or None, "runs": written}
    _print_result(result, as_json=as_json)
    if route and not written and not earlier:
        left_out = [entry for preview in previews for entry in preview.unsupported]
        is_fault = any(entry.lacks_setting for entry in left_out)
        raise typer.Exit(ExitCode.EXPORT if is_fault else ExitCode.NOTHING_TO_DO)


def _find_route_target(context: ExportContext, name: str) -> str:
    """Return the target of a route.

    Raises:
        UsageError: there is no such route.
    """
    with context.store.read() as conn:
        found = find_route(conn, name)
        if found is None:
            names = ", ".join(each.name for each in list_routes(conn))
            if not names:
                raise UsageError("no_routes_set", route=name)
            raise UsageError("no_route", route=name, routes=names)
    return found.target


def _left_out(previews: Sequence[RunPreview]) -> dict[str, Any]:
    """Return what the runs leave out, and what to know before a file is handed in."""
    unfit = {
        entry.entry_id: " ".join(each.in_language(DATA_LANGUAGE) for each in entry.reasons)
        for preview in previews
        for entry in preview.unsupported
    }
    notices = [notice.in_language(DATA_LANGUAGE) for each in previews for notice in each.notices]
    return {
        "unfit": [{"entry_id": entry, "reason": reason} for entry, reason in unfit.items()],
        "notice": " ".join(notices),
    }


def _make_and_write(
    context: ExportContext,
    person: Person,
    kinds: list[RunKind],
    unit: str | None,
    output: Path | None,
) -> list[dict[str, Any]]:
    """Make the runs and write their files: the first where the user said, others beside it."""
    written: list[dict[str, Any]] = []
    for kind in kinds:
        for run in make_runs_of_kind(context, person, kind, utc_now(), unit):
            path = (output or Path()).parent / run.file_name if written else output
            written.append(_write_run_files(context, person, run.id, path))
    return written


def _write_undelivered(
    context: ExportContext, person: Person, target: str, route: str, output: Path | None
) -> list[dict[str, Any]]:
    """Write the files of the person's earlier runs that were made but never handed out.

    A process was killed between. Those of other persons, who may be about to fetch them, are named.
    """
    waiting = [
        status.run
        for status in list_undelivered(context, person, target)
        if route in ("", status.run.route)
    ]
    own = [run for run in waiting if run.made_by == person.name[:80]]
    if others := [run.id for run in waiting if run not in own]:
        print_note("cli.export.unfetched_others", runs=", ".join(others), target=target)
    folder = (output or Path()).parent
    return [_write_run_files(context, person, run.id, folder / run.file_name) for run in own]


def _require_target_run(context: ExportContext, target: str, run_id: str) -> None:
    """Check that a run, if it exists, is the target's. A missing run is reported by its reader.

    Raises:
        UsageError: the run is another target's.
    """
    with context.store.read() as conn:
        run = find_run(conn, run_id) if run_id else None
    if run is not None and run.target != target:
        raise UsageError("run_of_other_target", run_id=run_id, target=run.target)


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
    with open_export_context() as context:
        result = apply_receipt_file(
            context, resolve_acting_person(context.store, login), file.read_bytes(), utc_now()
        )
    if as_json:
        print_json(asdict(result))
        return
    print_text(
        "cli.receipt.imported_hidden" if result.hidden else "cli.receipt.imported",
        accepted=result.accepted,
        refused=result.refused,
        known=result.already,
        unanswered=result.unanswered,
        hidden=result.hidden,
    )


@contextmanager
def open_export_context() -> Iterator[ExportContext]:
    """Open the workspace's database and forms for exports."""
    settings = load_settings()
    store = open_workspace(settings)
    try:
        yield ExportContext(store, settings, Forms.load(*settings.form_folders))
    finally:
        store.close()


def require_output_folder(output: Path | None) -> None:
    """Check that the folder of the file exists, before the file is made.

    Raises:
        UsageError: there is no such folder.
    """
    folder = (output or Path()).parent
    if not folder.is_dir():
        raise UsageError("no_folder", folder=folder)


def _write_run_files(
    context: ExportContext, person: Person, run_id: str, output: Path | None
) -> dict[str, Any]:
    """Write the run's file and return what the command prints, with the JSON keys of the contract.

    A target that answers entry by entry gets a receipt file to fill in next to it.
    """
    file, items = fetch_run_file(context, person, run_id), open_run_items(context, person, run_id)
    path = output or Path(file.name)
    remedy = Text("error.secret_not_written.fetch_run", {"run": run_id})
    write_secret(path, file.data, remedy)
    try:
        confirm_delivery(context, person, run_id, utc_now())
    except ExportError:
        # It was undone while it was written: its entries are exported again, in another file
        path.unlink(missing_ok=True)
        raise
    result = {"run": run_id, "entries": file.entries, "file": str(path), "sha256": file.sha256}
    with context.store.read() as conn:
        run = find_run(conn, run_id)
        places = find_run_destinations(conn, context.forms, [run] if run else [])
    if run_id in places:
        result |= {"destination": places[run_id]}
    if schema := fetch_run_schema(context, person, run_id):
        schema_file = path.with_name(f"{path.name}{SUFFIX}")
        write_secret(schema_file, schema, remedy)
        result |= {"schema_file": str(schema_file)}
    if not items:
        return result
    template = fetch_receipt_template(context, person, run_id)
    receipt_file = path.parent / template.name
    # A receipt file of an earlier call may have been filled in: it is never overwritten.
    if not receipt_file.exists() or not receipt_file.stat().st_size:
        write_secret(receipt_file, template.data, remedy)
    return result | {
        "amendments": sum(item.is_amendment for item in items),
        "receipt_file": str(receipt_file),
    }


def _print_result(result: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(result)
        return
    by_reason: dict[str, list[str]] = {}
    for entry in result["unfit"]:
        by_reason.setdefault(entry["reason"], []).append(entry["entry_id"])
    for reason, entries in by_reason.items():
        print_note("cli.export.not_carried", entry=", ".join(entries), reason=reason)
    if result["notice"]:
        typer.echo(result["notice"], err=True)
    for earlier in result["unfetched"]:
        print_text("cli.export.unfetched", run=earlier["run"], file=earlier["file"])
    if result["run"] is None:
        print_text("cli.export.nothing")
        return
    for written in result.get("runs") or [result]:
        print_text(
            "cli.export.written",
            entries=format_count(written["entries"], "entry"),
            file=written["file"],
            run=written["run"],
            sha256=written["sha256"],
        )
        if "destination" in written:
            print_text("cli.export.destination", destination=written["destination"])
        if "schema_file" in written:
            print_text("cli.export.schema_file", file=written["schema_file"])
        if "receipt_file" in written:
            print_text("cli.export.receipt_file", file=written["receipt_file"])


def check_header(
    target: Annotated[
        str, typer.Argument(help="A target that writes a table, such as treserva-exempel.")
    ],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object per form.")
    ] = False,
) -> None:
    """Compare a target's columns with your system's header line.

    The header line is read from standard input. Exit code 0 if all columns match.
    """
    with open_export_context() as context:
        checks = compare_header(context, target, read_stdin_line())
    for check in checks:
        if as_json:
            print_json(asdict(check) | {"fits": check.is_match}, ensure_ascii=False)
        else:
            _print_header_check(check)
    if not all(check.is_match for check in checks):
        raise typer.Exit(ExitCode.EXPORT)


def _print_header_check(check: HeaderCheck) -> None:
    if check.is_match:
        print_text("cli.header.fits", form=check.form)
        return
    nothing = message("cli.header.nothing")
    print_text(
        "cli.header.differs" if check.in_order else "cli.header.differs_in_order",
        form=check.form,
        missing=", ".join(check.lacking) or nothing,
        unknown=", ".join(check.unknown) or nothing,
    )
