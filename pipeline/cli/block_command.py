"""`efterskrift block`: block a client's paper for all other units, or lift the block."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.acting import named_unit, person_of
from pipeline.cli.given import all_given
from pipeline.cli.options import RUNNING, AsAdministrator
from pipeline.csv_table import decoded
from pipeline.errors import UsageError
from pipeline.settings import load_settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("block", rich_help_panel=RUNNING)(block)


def block(
    unit: Annotated[str, typer.Argument(help="The unit whose paper is blocked for all others.")],
    reason: Annotated[str, typer.Option(help="Reason, stored with the block.")],
    file: Annotated[Path | None, typer.Option(help="File with the personal number. Default: standard input.", exists=True, dir_okay=False)] = None,
    lift: Annotated[bool, typer.Option("--lift", help="Lift the unit's block.")] = False,
    login: AsAdministrator = "",
) -> None:
    """Block a client's paper (spärr) for other units, or lift it.

    The personal number is read from standard input or a file: arguments are visible to other users
    of the machine.
    """
    from pipeline.store.blocks import lift_block, set_block
    from pipeline.store.clock import utc_now
    from pipeline.store.database import open_store

    typed = (decoded(file.read_bytes()) if file else all_given()).strip()
    if not typed or len(typed.splitlines()) > 1:
        raise UsageError("one_personal_number_needed")
    store = open_store(load_settings())
    person, owner = person_of(store, login), named_unit(store, unit)
    with store.begin() as conn:
        block_id = (lift_block if lift else set_block)(conn, person, owner, typed, reason, utc_now())
    typer.echo("The block is lifted. It was:" if lift else f"Blocked for all units but {owner}. The log knows the block as:", err=True)
    typer.echo(block_id)
