"""`efterskrift archive`: sheets whose entries are receipted go into an archive package."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.cli.context import (
    REVIEW,
    As,
    AsJson,
    format_count,
    print_text,
    resolve_acting_person,
    resolve_unit,
)
from pipeline.cli.exporting.runs import open_export_context, require_output_folder, write_secret
from pipeline.texts import Text


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
    decision: Annotated[
        str, typer.Option(help="Number of the plan or decision that the sheets are archived by.")
    ] = "",
    package_id: Annotated[
        str,
        typer.Option(
            "--package", help="Write the file of an earlier package again; archive nothing new."
        ),
    ] = "",
    login: As = "",
    as_json: AsJson = False,
) -> None:
    """Put receipted sheets into an E-ARK archive package.

    Their targets have said that they have every entry of these sheets. The package holds PDF/A,
    the scans, metadata and checksums. It is no error if there is nothing to archive; else
    --decision is needed.
    """
    from pipeline.export.archive.runs import find_ready, make_package, package_file
    from pipeline.store.database.clock import utc_now

    require_output_folder(output)
    with open_export_context() as context:
        person = resolve_acting_person(context.store, login)
        unit = resolve_unit(context.store, unit) if unit is not None else None
        package = None if package_id else make_package(context, person, utc_now(), decision, unit)
        written_id = package.id if package else package_id
        result: dict[str, Any] = {
            "package": written_id or None,
            "sheets": package.sheets if package else 0,
        }
        if written_id:
            file = package_file(context, person, written_id)
            path = output or Path(file.name)
            remedy = Text("error.secret_not_written.fetch_package", {"package": written_id})
            write_secret(path, file.data, remedy)
            result |= {"file": str(path), "sha256": file.sha256}
        remaining = find_ready(context, person, unit)
        result |= {
            "waiting": remaining.sheets,
            "unsettled": remaining.unsettled,
            "waits": {wait.value: count for wait, count in remaining.waits.items()},
        }
    if as_json:
        typer.echo(json.dumps(result))
    else:
        _print_archive_result(result)


def _print_archive_result(result: dict[str, Any]) -> None:
    if result["package"]:
        print_text(
            "archive.written",
            sheets=format_count(result["sheets"], "sheet"),
            file=result["file"],
            package=result["package"],
            sha256=result["sha256"],
        )
    else:
        print_text("archive.nothing")
    if result["waiting"]:
        print_text("archive.left", count=result["waiting"])
    for wait, count in result["waits"].items():
        print_text(f"archive.wait.{wait}", count=count)
