"""The user that a command acts as, and the unit whose paper it handles.

A number with its noun, in singular or plural.

Read standard input in the encodings that terminals and other programs write.

The issues of a page in words, for the command line. The screens say more, in Swedish.
"""

from __future__ import annotations

import getpass
import sys
from typing import TYPE_CHECKING

from pipeline.domain.errors import UsageError
from pipeline.domain.model import Person, Role
from pipeline.files.csv_tables import decode_text
from pipeline.texts import catalogue

if TYPE_CHECKING:
    from pipeline.store.database.store import Store


def resolve_acting_person(store: Store, login: str, role: Role = Role.ADMINISTRATOR) -> Person:
    """The member of staff, or the operator in a role: whoever runs a command has the database
    itself, so there is nothing to keep from them.

    Raises:
        UsageError: there is no such member of staff.
    """
    from pipeline.domain.permissions import ALL_AREAS
    from pipeline.store.accounts import people
    from pipeline.store.registers import client_register

    with store.read() as conn:
        if not login:
            name = getpass.getuser()
            return Person(
                name,
                name,
                "driftansvarig",
                role,
                frozenset(client_register.areas_by_unit(conn)),
                ALL_AREAS,
            )
        found = people.find_person(conn, login)
    if found is None:
        raise UsageError("no_member_staff_login", login=login)
    return found


def resolve_unit(store: Store, given: str) -> str:
    """The unit of this name; the only one there is where none is named.

    Raises:
        UsageError: there is none of this name, or several to choose from. The remedy names them.
    """
    from pipeline.store.registers.client_register import areas_by_unit

    with store.read() as conn:
        known = list(areas_by_unit(conn))
    if given in known:
        return given
    if not given and len(known) == 1:
        return known[0]
    if not known:
        raise UsageError("unit_unknown_of_none", name=given) if given else UsageError("no_units")
    names = ", ".join(known)
    raise (
        UsageError("unit_unknown", name=given, known=names)
        if given
        else UsageError("unit_not_named", known=names)
    )


def format_count(number: int, noun: str) -> str:
    """`1 sheet`, `2 sheets`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def read_stdin_line() -> str:
    """Return the first line with its line end, decoded as UTF-8 or else Windows-1252; may be empty."""
    return decode_text(sys.stdin.buffer.readline())


def read_stdin() -> str:
    """Return all of standard input, decoded likewise."""
    return decode_text(sys.stdin.buffer.read())


def describe_issue(problem: str) -> str:
    """Describe a problem: `covered:rad01.dos` gives `rad01.dos: covered, torn off or too dark`.

    A code without a text is shown with spaces for underscores.
    """
    code, _, about = problem.partition(":")
    if " " in code:  # a sentence
        return problem
    if about and " " in about.strip():  # a reason, in a sentence
        return about.strip()
    words = catalogue("en").get(f"problem_short.{code}", code.replace("_", " "))
    return f"{about}: {words}" if about and not about.isdigit() else words
