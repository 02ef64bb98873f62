"""`efterskrift export` and `receipt`: export confirmed entries, import the receipts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.acting import named_unit, person_of
from pipeline.cli.options import REVIEW, As, AsJson
from pipeline.errors import ExportError, UsageError
from pipeline.settings import load_settings
from pipeline.texts import Text
from pipeline.whole_file import write_secretly

if TYPE_CHECKING:
    from pipeline.export.runs import Office
    from pipeline.model import Person


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("export", rich_help_panel=REVIEW)(export)
    app.command("receipt", rich_help_panel=REVIEW)(receipt)


def export(
    target: Annotated[str, typer.Argument(help="Name of the target; an unknown name lists all.")],
    unit: Annotated[str | None, typer.Option(help="Only entries of this unit.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write. Default: the run's name, in the current folder.")] = None,
    run_id: Annotated[str, typer.Option("--run", help="Write the file of an earlier run again; export nothing new.")] = "",
    login: As = "",
    as_json: AsJson = False,
) -> None:
    """Export confirmed entries that are not exported yet.

    Writes the file and, next to it, a receipt file to fill in. It is no error if there is nothing
    to export.
    """
    from pipeline.export.runs import find_target, make_run, ready, unsigned
    from pipeline.store.clock import utc_now

    find_target(target)
    check_place(output)
    with opened() as office:
        person = person_of(office.store, login)
        unit = named_unit(office.store, unit) if unit is not None else None
        _require_run_of(office, target, run_id)
        waits = next(line for line in ready(office, person, unit) if line.target == target)
        run = None if run_id else make_run(office, person, target, utc_now(), unit)
        made = run.id if run else run_id
        said = _written(office, person, made, output) if made else {"run": None, "entries": 0}
        said |= {"unsigned": unsigned(office, person, unit)}
    _say(said | {"target": target, "unfit": [asdict(each) for each in waits.unfit], "notice": " ".join(waits.notices)}, as_json=as_json)


def _require_run_of(office: Office, target: str, run_id: str) -> None:
    """One target's run is not written as if it were another's. A run that there is not is told of where its file is looked for."""
    from pipeline.store.export_runs import find_run

    with office.store.read() as conn:
        run = find_run(conn, run_id) if run_id else None
    if run is not None and run.target != target:
        raise UsageError("run_one", run_id=run_id, target=run.target)


def receipt(
    file: Annotated[Path, typer.Argument(help="Receipt file: körning;löpnummer;post;status;text.", exists=True, dir_okay=False)],
    login: As = "",
    as_json: AsJson = False,
) -> None:
    """Import the target's receipts for exported entries.

    The whole file or nothing is imported. Importing it again changes nothing.
    """
    from pipeline.export.receipts import apply_receipt_file
    from pipeline.store.clock import utc_now

    with opened() as office:
        result = apply_receipt_file(office, person_of(office.store, login), file.read_bytes(), utc_now())
    if as_json:
        typer.echo(json.dumps(asdict(result)))
        return
    hidden = f", {result.hidden} of entries that you may not see" if result.hidden else ""
    typer.echo(f"{result.accepted} accepted, {result.refused} refused, {result.already} known before, {result.unanswered} not answered{hidden}")


@contextmanager
def opened() -> Iterator[Office]:
    """The workspace's office."""
    from pipeline.export.runs import Office
    from pipeline.store.database import open_store
    from pipeline.template import Forms

    settings = load_settings()
    store = open_store(settings)
    try:
        yield Office(store, settings, Forms.load(*settings.form_folders))
    finally:
        store.close()


def check_place(output: Path | None) -> None:
    """Before a file is made: is there a folder to put it in.

    Raises:
        UsageError: there is none.
    """
    folder = (output or Path()).parent
    if not folder.is_dir():
        raise UsageError("no_folder", folder=folder)


def _written(office: Office, person: Person, run_id: str, output: Path | None) -> dict[str, Any]:
    """The run's file, and beside it a receipt file to fill in, where the target answers entry by entry."""
    from pipeline.export.receipts import receipt_template, run_items
    from pipeline.export.run_files import run_file

    file, items = run_file(office, person, run_id), run_items(office, person, run_id)
    path = output or Path(file.name)
    remedy = Text("error.secret_not_written.fetch_run", {"run": run_id})
    write_secret(path, file.data, remedy)
    said = {"run": run_id, "entries": file.entries, "file": str(path), "sha256": file.sha256}
    if not items:
        return said
    form = receipt_template(office, person, run_id)
    beside = path.parent / form.name
    if not beside.exists() or not beside.stat().st_size:  # somebody may have filled it in
        write_secret(beside, form.data, remedy)
    return said | {"amendments": sum(item.amends for item in items), "receipt_file": str(path.parent / form.name)}


def write_secret(path: Path, data: bytes, remedy: Text) -> None:
    """Write a file that holds what is secret about people: only its owner may read it. It is there
    whole, or as it was.

    Raises:
        ExportError: it cannot be written; `remedy` says how to get it all the same.
    """
    try:
        write_secretly(path, data)
    except OSError as error:
        raise ExportError("secret_not_written", path=path, reason=error.strerror, remedy=remedy) from error


def _say(said: dict[str, Any], *, as_json: bool) -> None:
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
    typer.echo(f"{said['entries']} {'entry' if said['entries'] == 1 else 'entries'} in {said['file']} (run {said['run']}, SHA-256 {said['sha256']})")
    if "receipt_file" in said:
        typer.echo(f"Receipt file: {said['receipt_file']}")
