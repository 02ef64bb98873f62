"""The user that a command acts as, and the unit whose paper it handles."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING

from pipeline.errors import UsageError
from pipeline.model import Person, Role

if TYPE_CHECKING:
    from pipeline.store.database import Store


def person_of(store: Store, login: str, role: Role = Role.ADMINISTRATOR) -> Person:
    """The member of staff, or the operator in a role: whoever runs a command has the database
    itself, so there is nothing to keep from them.

    Raises:
        UsageError: there is no such member of staff.
    """
    from pipeline.professions import ALL_AREAS
    from pipeline.store import people, registers

    with store.read() as conn:
        if not login:
            name = getpass.getuser()
            return Person(name, name, "driftansvarig", role, frozenset(registers.units(conn)), ALL_AREAS)
        found = people.person(conn, login)
    if found is None:
        raise UsageError("no_member_staff_login", login=login)
    return found


def named_unit(store: Store, given: str) -> str:
    """The unit of this name; the only one there is where none is named.

    Raises:
        UsageError: there is none of this name, or several to choose from. The remedy names them.
    """
    from pipeline.store.registers import units

    with store.read() as conn:
        known = list(units(conn))
    if given in known:
        return given
    if not given and len(known) == 1:
        return known[0]
    if not known:
        raise UsageError("unit_unknown_of_none", name=given) if given else UsageError("no_units")
    names = ", ".join(known)
    raise UsageError("unit_unknown", name=given, known=names) if given else UsageError("unit_not_named", known=names)
