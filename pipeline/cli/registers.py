"""`efterskrift unit`, `clients`, `staff`, `person`, `block`: registers, users and blocks."""

from __future__ import annotations

import getpass
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import Connection

from pipeline.cli.context import (
    AsAdministrator,
    format_count,
    message,
    open_workspace,
    print_note,
    read_password,
    read_stdin,
    resolve_acting_person,
    resolve_unit,
)
from pipeline.domain.errors import UsageError
from pipeline.domain.form.form import Area
from pipeline.domain.law.permissions import ROLES_WITH_PROFESSION, default_areas
from pipeline.domain.model import (
    Assignment,
    Client,
    Person,
    RegisterColumn,
    Role,
    StaffMember,
    register_columns,
)
from pipeline.domain.settings import load_settings
from pipeline.files.csv_tables import decode_text
from pipeline.login.passwords import hash_new_password, make_sealed_password
from pipeline.registers.clients import load_client_register
from pipeline.registers.staff import load_staff
from pipeline.store.accounts import people
from pipeline.store.accounts.people import people_by_login, save_person
from pipeline.store.registers import client_register
from pipeline.store.registers.blocks import lift_block, set_block
from pipeline.store.registers.client_register import areas_by_unit, save_clients, save_units
from pipeline.store.registers.staff import save_staff
from pipeline.store.schema.clock import utc_now
from pipeline.texts import Text

_UNIT_ROLES = frozenset(Role) - {Role.SYSTEM_ADMINISTRATOR, Role.LOG_REVIEWER}
"""Roles that see the paper of their units."""


def _headers(columns: Iterable[RegisterColumn], *, optional: bool = False) -> str:
    return ", ".join(column.header for column in columns if column.is_optional == optional)


_CLIENT, _STAFF = register_columns(Client), register_columns(StaffMember)


def _file_help(columns: Collection[RegisterColumn]) -> str:
    return f"CSV or xlsx with {_headers(columns)}; optional: {_headers(columns, optional=True)}."


def unit(
    name: Annotated[str, typer.Argument(help="Name, as printed on paper.")],
    area: Annotated[Area, typer.Argument(help="Area of law.", case_sensitive=False)],
    hsa_id: Annotated[
        str | None, typer.Option("--hsa-id", help="HSA-id, empty to remove it. Default: as it is.")
    ] = None,
) -> None:
    """Add a unit, or change its area of law and HSA-id."""
    if not name.strip():
        raise UsageError("unit_name_missing")
    with open_workspace().begin() as conn:
        # A name that differs only in case or spaces would be the same unit spelt in two ways.
        alike = [
            known
            for known in areas_by_unit(conn)
            if known != name.strip() and _normalize_name(known) == _normalize_name(name)
        ]
        if alike:
            raise UsageError("unit_exists", alike=alike[0])
        ids = {} if hsa_id is None else {name.strip(): hsa_id.strip().upper()}
        save_units(conn, {name.strip(): area.value}, by=getpass.getuser(), hsa_ids=ids)


def _normalize_name(name: str) -> str:
    return " ".join(name.split()).casefold()


def clients(
    file: Annotated[Path, typer.Argument(help=_file_help(_CLIENT), exists=True, dir_okay=False)],
) -> None:
    """Import the client register.

    Existing clients are updated; none is removed.
    """
    register = load_client_register(file)
    with open_workspace().begin() as conn:
        count = save_clients(
            conn, register.clients, by=getpass.getuser(), missing_columns=register.missing_columns
        )
        known = areas_by_unit(conn)
    typer.echo(format_count(count, "client"))
    _report_unknown_units((client.unit for client in register), known)
    if "protected" in register.missing_columns:
        print_note("cli.clients.no_protection")


def staff(
    file: Annotated[Path, typer.Argument(help=_file_help(_STAFF), exists=True, dir_okay=False)],
) -> None:
    """Import the staff list with the initials of each member.

    It replaces the lists of the units that it names.
    """
    register = load_staff(file)
    with open_workspace().begin() as conn:
        count = save_staff(conn, register, getpass.getuser(), register.missing_columns)
        known = areas_by_unit(conn)
    typer.echo(format_count(count, "line"))
    _report_unknown_units((member.unit for member in register.members), known)


def _report_unknown_units(named: Iterable[str], known: Collection[str]) -> None:
    """Warn of a file's units that the workspace does not have, such as misspelt names."""
    for unit, lines in sorted(Counter(named).items()):
        if unit not in known:
            print_note("cli.clients.unknown_unit", unit=unit, lines=format_count(lines, "line"))


def person(
    login: Annotated[str, typer.Argument(help="Login of the user.")],
    name: Annotated[str | None, typer.Option(help="First name and surname.")] = None,
    title: Annotated[str | None, typer.Option(help="Professional title.")] = None,
    role: Annotated[
        Role | None, typer.Option(help="Role of the user.", case_sensitive=False)
    ] = None,
    units: Annotated[
        list[str] | None,
        typer.Option("--unit", help="A unit whose paper the user may see; repeat for more."),
    ] = None,
    no_units: Annotated[bool, typer.Option("--no-units", help="Remove all units.")] = False,
    areas: Annotated[
        list[Area] | None,
        typer.Option(
            "--area",
            help="An area of law that the user may see; repeat for more. Default: by title.",
            case_sensitive=False,
        ),
    ] = None,
    break_glass: Annotated[
        bool | None,
        typer.Option(
            "--break-glass/--no-break-glass",
            help="Account for emergency access; prints a new password to keep sealed.",
        ),
    ] = None,
    is_further: Annotated[
        bool,
        typer.Option(
            "--further",
            help="Give the role next to the others, instead of changing the main one.",
        ),
    ] = False,
    no_further: Annotated[
        bool, typer.Option("--no-further", help="Remove all roles but the main one.")
    ] = False,
    key: Annotated[
        str | None,
        typer.Option(
            "--person-key", help="HSA-id or staff number, the same in all accounts of one person."
        ),
    ] = None,
) -> None:
    """Add or change a user.

    A new user needs --name, --title and --role; of an existing one, what is not named stays as it
    is. With --further, --role, --title, --unit and --area are of one more assignment, which
    replaces one with the same role. Asks for the password, or reads it from standard input; an
    empty one keeps the current password.
    """
    options: dict[str, Any] = {
        "name": name,
        "title": title,
        "role": role,
        "units": _parse_units(units, no_units=no_units),
        "areas": frozenset(areas) if areas else None,
        "break_glass": break_glass,
        "key": key,
        "further": () if no_further else None,
    }
    # What is not named stays as it is.
    named = {option: value for option, value in options.items() if value is not None}
    settings = load_settings()
    store = open_workspace(settings)
    # What is wrong is reported before a password is asked for.
    account = store.query(_resolve_account, login, named, is_further=is_further)
    password = make_sealed_password() if break_glass else read_password()
    digest = hash_new_password(password, account, settings) if password else None
    with store.begin() as conn:
        before = people_by_login(conn).get(login)
        account = _resolve_account(conn, login, named, is_further=is_further)
        save_person(conn, account, digest, by=getpass.getuser())
    _report_changes(before, account, new_password=bool(password))
    if break_glass:
        print_note("cli.person.sealed_password")
        typer.echo(password)


def _parse_units(units: list[str] | None, *, no_units: bool) -> frozenset[str] | None:
    if units and no_units:
        raise UsageError("unit_and_no_units")
    return frozenset(units or ()) if units or no_units else None


def _resolve_account(
    conn: Connection, login: str, named: Mapping[str, Any], *, is_further: bool
) -> Person:
    """Return the account as the command changes it, by the attributes of `Person` that it names.

    Raises:
        UsageError: the account is closed, a unit is not known, or a new account lacks something.
    """
    known = people.people_by_login(conn).get(login)
    if known and people.find_person(conn, login) is None:
        raise UsageError("account_closed")
    units = client_register.areas_by_unit(conn)
    if unknown := named.get("units", frozenset()) - set(units):
        there = Text("cli.person.known_units", {"units": ", ".join(units)}) if units else ""
        raise UsageError("no_unit", unknown=", ".join(sorted(unknown)), there=there)
    account = (_add_further if is_further else _merge_account)(login, known, named)
    for one in account.assignments:
        if one.role in ROLES_WITH_PROFESSION and not one.areas:
            raise UsageError("title_unknown", title=one.title)
    return account


def _merge_account(login: str, known: Person | None, named: Mapping[str, Any]) -> Person:
    """Return the known account with what the command sets.

    Raises:
        UsageError: then there is no name, title or role.
    """
    required = {
        option: named.get(option, getattr(known, option, None))
        for option in ("name", "title", "role")
    }
    if lacking := ", ".join(f"--{option}" for option, value in required.items() if not value):
        if known:
            raise UsageError("account_detail_empty", lacking=lacking)
        raise UsageError("new_account_incomplete", login=login, lacking=lacking)
    account = replace(
        known or Person(login, **required, units=frozenset(), areas=frozenset()), **named
    )
    # Areas that somebody has chosen stay; else they are those of the profession.
    is_chosen = known is not None and known.areas != default_areas(known.role, known.title)
    if "areas" in named or is_chosen:
        return account
    return replace(account, areas=default_areas(account.role, account.title))


def _add_further(login: str, known: Person | None, named: Mapping[str, Any]) -> Person:
    """Return the known account with one more assignment, in the place of one with that role.

    Raises:
        UsageError: there is no such account, or no role is named.
    """
    if known is None or "role" not in named:
        raise UsageError("account_assignment_incomplete", login=login)
    role, title = named["role"], named.get("title") or known.title
    areas = named.get("areas", default_areas(role, title))
    new = Assignment(role, title, named.get("units", frozenset()), areas)
    others = (one for one in named.get("further", known.further) if one.role is not role)
    return replace(known, further=(*others, new))


def _report_changes(before: Person | None, now: Person, *, new_password: bool) -> None:
    """Report what was changed and what was kept; on stderr, since stdout is for a password."""
    facts = _account_facts(now)
    if before is None:
        added = ", ".join(_format_fact(name, facts[name]) for name in ("role", "units", "areas"))
        print_note("cli.person.added", login=now.login, facts=added)
    else:
        _report_changed_facts(now.login, _account_facts(before), facts, new_password=new_password)
    if not now.units and now.role in _UNIT_ROLES:
        print_note("cli.person.no_units", login=now.login)


def _report_changed_facts(
    login: str, before: Mapping[str, str], now: Mapping[str, str], *, new_password: bool
) -> None:
    none = message("cli.person.none")
    changed = [
        message("cli.person.was", fact=_format_fact(name, now.get(name, none)), before=value)
        for name, value in (dict.fromkeys(now, none) | dict(before)).items()
        if value != now.get(name, none)
    ]
    unchanged = [_format_fact(*fact) for fact in now.items() if fact in before.items()]
    (changed if new_password else unchanged).append(message("cli.person.fact.password"))
    if changed:
        print_note("cli.person.changed", login=login, facts=", ".join(changed))
    else:
        print_note("cli.person.unchanged", login=login)
    print_note("cli.person.kept", facts=", ".join(unchanged))


def _format_fact(name: str, value: str) -> str:
    return message(f"cli.person.fact.{name}", value=value)


def _account_facts(person: Person) -> Mapping[str, str]:
    """Return the values that are reported of an account, by the text key of their name."""
    none = message("cli.person.none")
    main, *further = person.assignments
    lists = {
        name: ", ".join(sorted(values)) or none
        for name, values in (("units", main.units), ("areas", main.areas))
    }
    others = [
        f"{one.role.value} ({', '.join((one.title, *sorted(one.units), *sorted(one.areas)))})"
        for one in further
    ]
    kind = message("cli.person.emergency" if person.break_glass else "cli.person.ordinary")
    return {
        "name": person.name,
        "title": person.title,
        "role": main.role.value,
        **lists,
        "account": kind,
        **({"further": ", ".join(others)} if others else {}),
        **({"key": person.key} if person.key else {}),
    }


def block(
    unit: Annotated[str, typer.Argument(help="The unit whose paper is blocked for all others.")],
    reason: Annotated[str, typer.Option(help="Reason, stored with the block.")],
    file: Annotated[
        Path | None,
        typer.Option(
            help="File with the personal number. Default: standard input.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    lift: Annotated[bool, typer.Option("--lift", help="Lift the unit's block.")] = False,
    login: AsAdministrator = "",
) -> None:
    """Block a client's paper (spärr) for other units, or lift it.

    The personal number is read from standard input or a file: arguments are visible to other users
    of the machine.
    """
    typed = (decode_text(file.read_bytes()) if file else read_stdin()).strip()
    if not typed or len(typed.splitlines()) > 1:
        raise UsageError("one_personal_number_needed")
    store = open_workspace()
    person, owner = resolve_acting_person(store, login), resolve_unit(store, unit)
    block_id = store.change(
        lift_block if lift else set_block, person, owner, typed, reason, utc_now()
    )
    print_note("cli.block.lifted" if lift else "cli.block.set", unit=owner)
    typer.echo(block_id)
