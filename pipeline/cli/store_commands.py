"""`efterskrift init`, `unit`, `clients` and `staff`: a workspace, its units, its client register and its staff list."""

from __future__ import annotations

import getpass
from collections import Counter
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.counting import counted
from pipeline.errors import UsageError
from pipeline.settings import load_settings
from pipeline.template import Area


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("init")(init)
    app.command("unit")(unit)
    app.command("clients")(clients)
    app.command("staff")(staff)


def init() -> None:
    """Make the workspace: its folder, its database and its folder of images. Does nothing to one that is there."""
    from pipeline.store.database import open_store

    typer.echo(f"Store: {open_store(load_settings(), create=True).name}")


def unit(
    name: Annotated[str, typer.Argument(help="As printed on paper.")],
    area: Annotated[Area, typer.Argument(help="Area of law.", case_sensitive=False)],
) -> None:
    """Add a unit, or change its area of law."""
    from pipeline.store.database import open_store
    from pipeline.store.registers import save_units, units

    if not name.strip():
        raise UsageError("unit_name")
    with open_store(load_settings()).begin() as conn:
        alike = [known for known in units(conn) if known != name.strip() and _plain(known) == _plain(name)]
        if alike:
            raise UsageError("unit_already", alike=alike[0])
        save_units(conn, {name.strip(): area.value}, by=getpass.getuser())


def _plain(name: str) -> str:
    return " ".join(name.split()).casefold()


def clients(
    file: Annotated[Path, typer.Argument(help="CSV with personnummer, namn, enhet and, if wanted, skyddad, adress.", exists=True, dir_okay=False)],
) -> None:
    """Take in the client register. Clients that are there are changed, none is removed."""
    from pipeline.clients import load_register
    from pipeline.store.database import open_store
    from pipeline.store.registers import save_clients, units

    register_of_file = load_register(file)
    with open_store(load_settings()).begin() as conn:
        count = save_clients(conn, register_of_file.clients, by=getpass.getuser(), silent=register_of_file.silent)
        known = units(conn)
    typer.echo(counted(count, "client"))
    _tell_unknown((client.unit for client in register_of_file), known)
    if "protected" in register_of_file.silent:
        typer.echo("The file has no column skyddad: clients who were not in the register before count as not protected.", err=True)


def staff(file: Annotated[Path, typer.Argument(help="CSV with namn, titel, signatur, enhet.", exists=True, dir_okay=False)]) -> None:
    """Take in the staff list: who signs with which initials. It replaces the lists of the units that it names."""
    from pipeline.staff import load_staff
    from pipeline.store.database import open_store
    from pipeline.store.registers import units
    from pipeline.store.staff_list import save_staff

    register_of_file = load_staff(file)
    with open_store(load_settings()).begin() as conn:
        count = save_staff(conn, register_of_file, by=getpass.getuser())
        known = units(conn)
    typer.echo(counted(count, "line"))
    _tell_unknown((one.unit for one in register_of_file.members), known)


def _tell_unknown(named: Iterable[str], known: Collection[str]) -> None:
    """Say which units of a file are not known here: a name that is misspelt belongs to nobody's paper."""
    for unit, lines in sorted(Counter(named).items()):
        if unit not in known:
            typer.echo(
                f"Not known here: the unit {unit} ({counted(lines, 'line')}). Correct the file, or add it: `efterskrift unit NAME AREA`.", err=True
            )
