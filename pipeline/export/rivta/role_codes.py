"""The code of a role (Befattning, HSA): of the staff list, else by title: `data/roles`."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter

from pipeline.domain.form.rules import load_rules_file
from pipeline.export.mapping import StrictModel
from pipeline.export.rivta.mapping import Code

ROLES_FILE = Path(__file__).resolve().parents[3] / "data" / "roles" / "befattning.yaml"


class CodedRole(StrictModel):
    """A role with its code and name, and the titles in small letters that mean it."""

    code: Annotated[str, Field(pattern=r"^\d{6}$")]
    name: str
    titles: tuple[str, ...]


class RoleCodes(StrictModel):
    """One version of the code system, and its source; `read` says whether it has been read."""

    system: str
    name: str
    version: str
    source: str
    read: bool
    unread: str = ""
    roles: tuple[CodedRole, ...]


def find_role_code(title: str, registered: str = "") -> Code | None:
    """Return the code of a person's role; None where neither the list nor the title gives one.

    Args:
        title: of the person, as on paper or in the staff list.
        registered: the code in the staff list, which goes before that of the title.
    """
    codes = load_role_codes()
    folded = title.strip().casefold()
    role = next(
        (
            role
            for role in codes.roles
            if (role.code == registered if registered else folded in role.titles)
        ),
        None,
    )
    code = registered or (role.code if role else "")
    if not code:
        return None
    # The contracts demand a name beside a code: the code itself where there is no other.
    name = (role.name if role else title.strip()) or code
    # Which version the staff list has its code from is not known.
    version = "" if registered else codes.version
    return Code(code=code, system=codes.system, system_name=codes.name, version=version, name=name)


@cache
def load_role_codes(file: Path = ROLES_FILE) -> RoleCodes:
    """Load the latest version of the code system.

    Raises:
        FormError: the file is missing or does not match the schema.
    """
    return load_rules_file(file, TypeAdapter(list[RoleCodes]))[-1]
