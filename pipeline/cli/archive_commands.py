"""`efterskrift archive`: exported sheets into a package for an archive."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.acting import named_unit, person_of
from pipeline.cli.counting import counted
from pipeline.cli.export_commands import As, AsJson, check_place, opened, write_secret
from pipeline.texts import Text


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("archive")(archive)


def archive(
    unit: Annotated[str | None, typer.Option(help="Only sheets with entries of this unit.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="The file. Default: the package's own name, here.")] = None,
    package_id: Annotated[str, typer.Option("--package", help="Write the file of an earlier package again; nothing new is archived.")] = "",
    login: As = "",
    as_json: AsJson = False,
) -> None:
    """Put the sheets whose entries are all exported into a package: PDF/A, the scans, metadata, checksums. Nothing to archive is no error."""
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
