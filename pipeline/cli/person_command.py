"""`efterskrift person`: add or change a user. What the command does not name stays as it is."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.given import given_line
from pipeline.cli.options import RUNNING
from pipeline.errors import UsageError
from pipeline.model import Person, Role
from pipeline.professions import default_areas
from pipeline.settings import load_settings
from pipeline.template import Area

if TYPE_CHECKING:
    from sqlalchemy import Connection

_OF_UNITS = frozenset({Role.ADMINISTRATOR, Role.REVIEWER, Role.MANAGER, Role.REGISTRAR})
"""Roles that are about the paper of units."""


@dataclass(frozen=True, slots=True)
class _Named:
    """What a command names of an account; None for the rest."""

    name: str | None
    title: str | None
    role: Role | None
    units: frozenset[str] | None
    areas: frozenset[str] | None
    break_glass: bool | None


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("person", rich_help_panel=RUNNING)(person)


def person(
    login: Annotated[str, typer.Argument(help="Login of the user.")],
    name: Annotated[str | None, typer.Option(help="First name and surname.")] = None,
    title: Annotated[str | None, typer.Option(help="Professional title.")] = None,
    role: Annotated[Role | None, typer.Option(help="Role of the user.", case_sensitive=False)] = None,
    units: Annotated[list[str] | None, typer.Option("--unit", help="A unit whose paper the user may see; repeat for more.")] = None,
    no_units: Annotated[bool, typer.Option("--no-units", help="Remove all units.")] = False,
    areas: Annotated[
        list[Area] | None,
        typer.Option("--area", help="An area of law that the user may see; repeat for more. Default: by title.", case_sensitive=False),
    ] = None,
    break_glass: Annotated[
        bool | None, typer.Option("--break-glass/--no-break-glass", help="Account for emergency access; prints a new password to keep sealed.")
    ] = None,
) -> None:
    """Add or change a user.

    A new user needs --name, --title and --role; of an existing one, what is not named stays as it
    is. Asks for the password, or reads it from standard input; an empty one keeps the current
    password.
    """
    from pipeline.store.database import open_store
    from pipeline.store.people import everybody, save_person
    from pipeline.store.word_password import SEALED_WORDS, word_password

    named = _Named(name, title, role, _units(units, no_units=no_units), frozenset(areas) if areas else None, break_glass)
    store = open_store(load_settings())
    with store.read() as conn:
        _wanted(conn, login, named)  # what is wrong is told before a password is asked for
    password = word_password(SEALED_WORDS) if break_glass else _password()
    with store.begin() as conn:
        before, wanted = everybody(conn).get(login), _wanted(conn, login, named)
        save_person(conn, wanted, password or None, by=getpass.getuser())
    _tell(before, wanted, new_password=bool(password))
    if break_glass:
        typer.echo(password)


def _units(units: list[str] | None, *, no_units: bool) -> frozenset[str] | None:
    if units and no_units:
        raise UsageError("both_unit_no_units_given")
    return frozenset(units or ()) if units or no_units else None


def _wanted(conn: Connection, login: str, named: _Named) -> Person:
    """The account as the command wants it.

    Raises:
        UsageError: it is closed, a unit is not known, or something is lacking that nothing says.
    """
    from pipeline.store import people, registers

    known = people.everybody(conn).get(login)
    if known and people.person(conn, login) is None:
        raise UsageError("account_closed")
    if unknown := (named.units or frozenset()) - set(registers.units(conn)):
        there = f" Known here: {', '.join(registers.units(conn))}." if registers.units(conn) else ""
        raise UsageError("no_unit", unknown=", ".join(sorted(unknown)), there=there)
    found = _put_together(login, known, named)
    if found.role is Role.REVIEWER and not found.areas:
        raise UsageError("title_no_known_profession", title=found.title)
    return found


def _put_together(login: str, known: Person | None, named: _Named) -> Person:
    name = named.name if named.name is not None or known is None else known.name
    title = named.title if named.title is not None or known is None else known.title
    role = named.role or (known.role if known else None)
    if not name or not title or role is None:
        lacking = ", ".join(option for option, given in (("--name", name), ("--title", title), ("--role", role)) if not given)
        if known:
            raise UsageError("account_detail_empty", lacking=lacking)
        raise UsageError("account_new_needs", login=login, lacking=lacking)
    units = named.units if named.units is not None else known.units if known else frozenset()
    break_glass = named.break_glass if named.break_glass is not None else known is not None and known.break_glass
    return Person(login, name, title, role, units, _areas(known, role, title, named), break_glass)


def _areas(known: Person | None, role: Role, title: str, named: _Named) -> frozenset[str]:
    """Those named; those that were chosen once; else the profession's."""
    if named.areas is not None:
        return named.areas
    chosen = known is not None and known.areas != default_areas(known.role, known.title)
    return known.areas if known and chosen else default_areas(role, title)


def _tell(before: Person | None, now: Person, *, new_password: bool) -> None:
    """Say what was changed and what was kept; on stderr, since stdout is for a password."""
    is_so, was = _parts(now), _parts(before or now)
    if before is None:
        typer.echo(f"Added {now.login}: {', '.join(f'{part} {is_so[part]}' for part in ('role', 'units', 'areas'))}.", err=True)
    else:
        changed = [f"{part} {is_so[part]} (was {was[part]})" for part in is_so if is_so[part] != was[part]]
        changed += ["password"] if new_password else []
        kept = [f"{part} {is_so[part]}" for part in is_so if is_so[part] == was[part]]
        kept += [] if new_password else ["password"]
        typer.echo(f"Changed for {now.login}: {', '.join(changed)}." if changed else f"Nothing is changed for {now.login}.", err=True)
        typer.echo(f"Kept: {', '.join(kept)}.", err=True)
    if not now.units and now.role in _OF_UNITS:
        typer.echo(f"No unit is named with --unit, so {now.login} sees nothing of any unit.", err=True)


def _parts(person: Person) -> Mapping[str, str]:
    """What is told of an account, in words."""
    lists = {part: ", ".join(sorted(names)) or "none" for part, names in (("units", person.units), ("areas", person.areas))}
    kind = "for emergencies" if person.break_glass else "ordinary"
    return {"name": person.name, "title": person.title, "role": person.role.value, **lists, "account": kind}


def _password() -> str:
    """Typed at the terminal, which does not show it, or a line of standard input.

    Raises:
        UsageError: there is neither.
    """
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, default="", show_default=False, err=True))
    if not (line := given_line()):
        raise UsageError("no_password_given")
    return line.strip("\r\n")
