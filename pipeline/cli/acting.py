"""On whose behalf a command acts."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING

from pipeline.errors import UsageError
from pipeline.model import Person, Role

if TYPE_CHECKING:
    from pipeline.store.database import Store


def person_of(store: Store, login: str, role: Role = Role.ADMINISTRATOR) -> Person:
    """The member of staff, or the operator in a role: whoever runs a command has the database itself, so there is nothing to keep from them.

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
        raise UsageError(f"There is no member of staff with the login {login}.", "Add one with `efterskrift person`.")
    return found
