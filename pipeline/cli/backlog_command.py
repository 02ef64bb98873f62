"""`efterskrift backlog`: list clients whose paper is not in the care system yet."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.acting import named_unit, person_of
from pipeline.cli.counting import counted
from pipeline.cli.export_commands import write_secret
from pipeline.cli.options import REVIEW, As
from pipeline.settings import load_settings
from pipeline.texts import Text


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("backlog", rich_help_panel=REVIEW)(backlog)


def backlog(
    output: Annotated[Path, typer.Option("--output", "-o", help="CSV file to write.")],
    unit: Annotated[str | None, typer.Option(help="Only clients with paper of this unit.")] = None,
    login: As = "",
) -> None:
    """List clients with paper that is not in the care system yet.

    The list serves to mark their records in the care system. Making it is logged.
    """
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
