"""`efterskrift block`: a unit keeps a client's paper from all other units, or no longer does."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.acting import named_unit, person_of
from pipeline.cli.given import all_given
from pipeline.csv_table import decoded
from pipeline.errors import UsageError
from pipeline.settings import load_settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("block")(block)


def block(
    unit: Annotated[str, typer.Argument(help="The unit that keeps the paper to itself.")],
    reason: Annotated[str, typer.Option(help="Why: it is kept with the block.")],
    file: Annotated[Path | None, typer.Option(help="File with the personal number. Default: standard input.", exists=True, dir_okay=False)] = None,
    lift: Annotated[bool, typer.Option("--lift", help="Lift the block that the unit has set.")] = False,
    login: Annotated[str, typer.Option("--as", help="Login of the member of staff who does it. Default: the operator of this machine.")] = "",
) -> None:
    """Block a client (spärr) for all other units, or lift the block. The personal number is read, never given as an argument, which others see."""
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
