"""`efterskrift archive`: sheets whose entries are receipted go into an archive package."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.cli.context import (
    As,
    AsJson,
    format_count,
    print_json,
    print_note,
    print_text,
    resolve_acting_person,
    resolve_unit,
    write_secret,
)
from pipeline.cli.export_runs import open_export_context, require_output_folder
from pipeline.domain.model import Person
from pipeline.export.archive.runs import confirm_package, find_ready, make_package, package_file
from pipeline.export.runs import ExportContext
from pipeline.store.exports.archives import list_packages
from pipeline.store.schema.clock import utc_now
from pipeline.texts import Text


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
    --decision is needed. Files of your earlier packages that were never written are written too.
    """
    require_output_folder(output)
    with open_export_context() as context:
        person = resolve_acting_person(context.store, login)
        unit = resolve_unit(context.store, unit) if unit is not None else None
        earlier = [] if package_id else _write_undelivered(context, person, output)
        package = None if package_id else make_package(context, person, utc_now(), decision, unit)
        written_id = package.id if package else package_id
        result: dict[str, Any] = {
            "package": written_id or None,
            "sheets": package.sheets if package else 0,
            "unfetched": earlier,
        }
        if written_id:
            result |= _write_package(context, person, written_id, output)
        remaining = find_ready(context, person, unit)
        result |= {
            "waiting": remaining.sheets,
            "unsettled": remaining.unsettled,
            "waits": {wait.value: count for wait, count in remaining.waits.items()},
        }
    if as_json:
        print_json(result)
    else:
        _print_archive_result(result)


def _write_undelivered(
    context: ExportContext, person: Person, output: Path | None
) -> list[dict[str, Any]]:
    """Write the files of the person's earlier packages that were made but never handed out.

    A process was killed between. Those of other persons are named.
    """
    waiting = [one for one in context.store.query(list_packages, person) if not one.is_delivered]
    own = [package for package in reversed(waiting) if package.made_by == person.name[:80]]
    if others := [package.id for package in waiting if package not in own]:
        print_note("cli.archive.unfetched_others", packages=", ".join(others))
    folder = (output or Path()).parent
    return [
        {"package": one.id} | _write_package(context, person, one.id, folder / one.file_name)
        for one in own
    ]


def _write_package(
    context: ExportContext, person: Person, package_id: str, output: Path | None
) -> dict[str, Any]:
    """Write the file of a package, and store that it was handed out."""
    file = package_file(context, person, package_id)
    path = output or Path(file.name)
    remedy = Text("error.secret_not_written.fetch_package", {"package": package_id})
    write_secret(path, file.data, remedy)
    confirm_package(context, person, package_id, utc_now())
    return {"file": str(path), "sha256": file.sha256}


def _print_archive_result(result: dict[str, Any]) -> None:
    for earlier in result["unfetched"]:
        print_text("cli.archive.unfetched", package=earlier["package"], file=earlier["file"])
    if result["package"]:
        print_text(
            "cli.archive.written",
            sheets=format_count(result["sheets"], "sheet"),
            file=result["file"],
            package=result["package"],
            sha256=result["sha256"],
        )
    else:
        print_text("cli.archive.nothing")
    if result["waiting"]:
        print_text("cli.archive.left", count=result["waiting"])
    for wait, count in result["waits"].items():
        print_text(f"cli.archive.wait.{wait}", count=count)
