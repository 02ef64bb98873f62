"""`efterskrift archive`: put exported sheets into an archive package."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.acting import named_unit, person_of
from pipeline.cli.counting import counted
from pipeline.cli.export_commands import check_place, opened, write_secret
from pipeline.cli.options import REVIEW, As, AsJson
from pipeline.texts import Text


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("archive", rich_help_panel=REVIEW)(archive)


def archive(
    unit: Annotated[str | None, typer.Option(help="Only sheets with entries of this unit.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write. Default: the package's name, in the current folder.")] = None,
    package_id: Annotated[str, typer.Option("--package", help="Write the file of an earlier package again; archive nothing new.")] = "",
    login: As = "",
    as_json: AsJson = False,
) -> None:
    """Put fully exported sheets into an E-ARK archive package.

    The package holds PDF/A, the scans, metadata and checksums. It is no error if there is nothing
    to archive.
    """
    from pipeline.archive.runs import make_package, package_file, ready
    from pipeline.store.clock import utc_now

    check_place(output)
    with opened() as office:
        person = person_of(office.store, login)
        unit = named_unit(office.store, unit) if unit is not None else None
        made = None if package_id else make_package(office, person, utc_now(), unit)
        named = made.id if made else package_id
        said: dict[str, object] = {"package": named or None, "sheets": made.sheets if made else 0}
        if named:
            file = package_file(office, person, named)
            path = output or Path(file.name)
            write_secret(path, file.data, Text("error.secret_not_written.fetch_package", {"package": named}))
            said |= {"file": str(path), "sha256": file.sha256}
        left = ready(office, person, unit)
        said |= {"waiting": left.sheets, "unsettled": left.unsettled}
    if as_json:
        typer.echo(json.dumps(said))
        return
    typer.echo(
        f"{counted(made.sheets if made else 0, 'sheet')} in {said['file']} (package {named}, SHA-256 {said['sha256']})"
        if named
        else "Nothing to archive."
    )
    if left.sheets:
        typer.echo(f"{counted(left.sheets, 'sheet')} {'is' if left.sheets == 1 else 'are'} left for the next package.")
    if left.unsettled:
        waits = "waits" if left.unsettled == 1 else "wait"
        typer.echo(f"{counted(left.unsettled, 'sheet')} {waits} until all entries are exported, void or put aside without a gap.")
