"""`efterskrift backlog`: whose paper is not entered yet."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.acting import named_unit, person_of
from pipeline.cli.counting import counted
from pipeline.cli.export_commands import write_secret
from pipeline.settings import load_settings
from pipeline.texts import Text


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("backlog")(backlog)


def backlog(
    output: Annotated[Path, typer.Option("--output", "-o", help="The CSV file.")],
    unit: Annotated[str | None, typer.Option(help="Only clients with paper of this unit.")] = None,
    login: Annotated[
        str, typer.Option("--as", help="Login of the member of staff who does it. Default: the operator of this machine, with all units.")
    ] = "",
) -> None:
    """List the clients who still have paper that is not in the care system, so that their records can be marked. It is recorded in the log."""
    from pipeline.backlog_csv import backlog_csv
    from pipeline.store.backlog import backlog as listed
    from pipeline.store.database import open_store

    store = open_store(load_settings())
    person = person_of(store, login)
    unit = named_unit(store, unit) if unit is not None else None
    with store.begin() as conn:
        found = listed(conn, person, unit)
        write_secret(output, backlog_csv(found), Text("error.secret_not_written.elsewhere"))
    unknown, hidden = counted(found.unknown, "sheet"), f"{found.hidden} {'entry' if found.hidden == 1 else 'entries'}"
    typer.echo(f"{output}: {counted(len(found.markers), 'client')}; {unknown} of nobody known, {hidden} that may not be shown", err=True)
