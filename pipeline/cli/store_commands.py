"""`efterskrift init`, `upgrade`, `unit`, `clients` and `staff`: create a workspace and load its registers."""

from __future__ import annotations

import getpass
from collections import Counter
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.counting import counted
from pipeline.cli.options import RUNNING
from pipeline.errors import UsageError
from pipeline.model import Client, StaffMember
from pipeline.register_columns import RegisterColumn, register_columns
from pipeline.settings import load_settings
from pipeline.template import Area


def _headers(columns: Iterable[RegisterColumn], *, optional: bool = False) -> str:
    return ", ".join(column.header for column in columns if column.is_optional == optional)


_CLIENT, _STAFF = register_columns(Client), register_columns(StaffMember)
_CLIENT_FILE = f"CSV with {_headers(_CLIENT)} and, if wanted, {_headers(_CLIENT, optional=True)}."


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("init", rich_help_panel=RUNNING)(init)
    app.command("upgrade", rich_help_panel=RUNNING)(upgrade)
    app.command("unit", rich_help_panel=RUNNING)(unit)
    app.command("clients", rich_help_panel=RUNNING)(clients)
    app.command("staff", rich_help_panel=RUNNING)(staff)


def init() -> None:
    """Create a workspace: folder, database and image folder.

    An existing workspace is left as it is.
    """
    from pipeline.store.database import open_store

    typer.echo(f"Store: {open_store(load_settings(), create=True).name}")


def upgrade(
    no_backup: Annotated[bool, typer.Option("--no-backup", help="Make no copy: you have made one yourself.")] = False,
) -> None:
    """Migrate the database, after a backup copy.

    End every other program that uses the workspace first.
    """
    from pipeline.store.upgrade import Upgrade, upgrade_store

    def report(planned: Upgrade) -> None:
        if planned.backup:
            typer.echo(f"Backup copy: {planned.backup}")
        typer.echo(f"Schema {planned.before} → {planned.after} …")

    done = upgrade_store(load_settings(), backup=not no_backup, report=report)
    state = "upgraded" if done.is_needed else f"has the latest schema already ({done.after})"
    typer.echo(f"Store: {done.store} {state}.")


def unit(
    name: Annotated[str, typer.Argument(help="Name, as printed on paper.")],
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
    file: Annotated[Path, typer.Argument(help=_CLIENT_FILE, exists=True, dir_okay=False)],
) -> None:
    """Import the client register.

    Existing clients are updated; none is removed.
    """
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


def staff(file: Annotated[Path, typer.Argument(help=f"CSV with {_headers(_STAFF)}.", exists=True, dir_okay=False)]) -> None:
    """Import the staff list with the initials of each member.

    It replaces the lists of the units that it names.
    """
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
