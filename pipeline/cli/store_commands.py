"""`efterskrift init`, `unit`, `person`, `clients` and `staff`: a workspace, its units, its people, its client register and its staff list."""

from __future__ import annotations

import getpass
import sys
from collections import Counter
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.counting import counted
from pipeline.cli.given import given_line
from pipeline.errors import UsageError
from pipeline.model import Role
from pipeline.professions import default_areas
from pipeline.settings import load_settings
from pipeline.template import Area

_OF_UNITS = frozenset({Role.ADMINISTRATOR, Role.REVIEWER, Role.MANAGER, Role.REGISTRAR})
"""Roles that are about the paper of units."""


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("init")(init)
    app.command("unit")(unit)
    app.command("person")(person)
    app.command("clients")(clients)
    app.command("staff")(staff)


def init() -> None:
    """Make the workspace: its folder, its database and its folder of images. Does nothing to one that is there."""
    from pipeline.store.database import open_store

    typer.echo(f"Store: {open_store(load_settings(), create=True).name}")


def unit(name: Annotated[str, typer.Argument(help="As printed on paper.")], area: Annotated[Area, typer.Argument(help="Area of law.")]) -> None:
    """Add a unit, or change its area of law."""
    from pipeline.store.database import open_store
    from pipeline.store.registers import save_units, units

    if not name.strip():
        raise UsageError("A unit has a name.", "Write it as it is printed on paper.")
    with open_store(load_settings()).begin() as conn:
        alike = [known for known in units(conn) if known != name.strip() and _plain(known) == _plain(name)]
        if alike:
            raise UsageError(f"There is a unit {alike[0]} already.", "Write its name as there: paper, clients and staff are found by it.")
        save_units(conn, {name.strip(): area.value}, by=getpass.getuser())


def _plain(name: str) -> str:
    return " ".join(name.split()).casefold()


def person(
    login: Annotated[str, typer.Argument(help="The name to log in with.")],
    name: Annotated[str, typer.Option(help="First name and surname.")],
    title: Annotated[str, typer.Option(help="Professional title.")],
    role: Annotated[Role, typer.Option(help="What the person does here.")],
    units: Annotated[list[str] | None, typer.Option("--unit", help="A unit whose paper the person may see; repeat for more.")] = None,
    areas: Annotated[
        list[Area] | None, typer.Option("--area", help="An area of law that the person may see; repeat for more. Default: the profession's.")
    ] = None,
    break_glass: Annotated[bool, typer.Option("--break-glass", help="An account for emergencies: prints its new password, to be sealed.")] = False,
) -> None:
    """Add a member of staff, or change one. Asks for the password, or reads it from standard input; an empty one keeps what is there."""
    from pipeline import model
    from pipeline.store import registers
    from pipeline.store.database import open_store
    from pipeline.store.people import everybody, save_person
    from pipeline.store.people import person as active_person
    from pipeline.store.word_password import SEALED_WORDS, word_password

    of_law = frozenset(area.value for area in areas) if areas else default_areas(role, title)
    if role is Role.REVIEWER and not of_law:
        raise UsageError(f"The title {title} is no known profession.", "Say which areas of law the person may see: --area HSL, for instance.")
    store = open_store(load_settings())
    with store.read() as conn:
        if unknown := set(units or ()) - set(registers.units(conn)):
            raise UsageError(f"There is no unit {', '.join(sorted(unknown))}.", "Add it first: `efterskrift unit NAME AREA`.")
        if login in everybody(conn) and active_person(conn, login) is None:
            raise UsageError("The account is closed.", "Open it on the screen Konton before it is changed.")
    password = word_password(SEALED_WORDS) if break_glass else _password()
    with store.begin() as conn:
        save_person(conn, model.Person(login, name, title, role, frozenset(units or ()), of_law, break_glass), password or None, by=getpass.getuser())
    if not units and role in _OF_UNITS:
        typer.echo(f"No unit is named with --unit, so {login} sees nothing of any.", err=True)
    if break_glass:
        typer.echo(password)


def _password() -> str:
    """Typed at the terminal, which does not show it, or a line of standard input.

    Raises:
        UsageError: there is neither.
    """
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, default="", show_default=False, err=True))
    if not (line := given_line()):
        raise UsageError(
            "No password was given.",
            "Run the command at a terminal, which asks for it, or give it as a line on standard input; an empty line keeps what is there.",
        )
    return line.strip("\r\n")


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
