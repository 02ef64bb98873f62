"""What a new workspace needs once: the organisation, its units, the outage, the administrator.

`efterskrift init` asks for it or takes it from a file (YAML; deploy/setup.yaml is an example). It
goes where it is kept from then on: into `settings.yaml`, and into the database.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError
from sqlalchemy import Connection

from pipeline.domain.errors import UsageError
from pipeline.domain.form.form import Area
from pipeline.domain.identity_numbers import is_hsa_id
from pipeline.domain.model import Person, Role
from pipeline.domain.settings import Settings
from pipeline.files.atomic import write_private
from pipeline.store.accounts.people import PasswordHash, people_by_login, save_person
from pipeline.store.registers.client_register import save_units

_ORGANISATION_DIGITS = 10
_ACCOUNT_KEYS = frozenset({"units", "administrator"})


class _Answers(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class UnitAnswer(_Answers):
    """A unit that writes paper."""

    name: str = Field(min_length=1)
    area: Area
    hsa_id: str = ""


class AdministratorAnswer(_Answers):
    """The first account: it makes all others (screen Konton)."""

    login: str = Field(min_length=1)
    name: str = Field(min_length=1)
    title: str = "systemadministratör"


class FirstSetup(_Answers):
    """All answers. Those but units and administrator are settings of the same name."""

    care_provider: str = Field(min_length=1)
    organisation_number: str = ""
    care_provider_hsa_id: str = ""
    source_system_hsa_id: str = ""
    county: str | None = None
    non_commercial: bool = False
    hosts: tuple[str, ...] = ()
    address_header: str = ""
    outage_start: datetime | None = None
    outage_end: datetime | None = None
    units: tuple[UnitAnswer, ...] = Field(min_length=1)
    administrator: AdministratorAnswer

    @field_validator("organisation_number")
    @classmethod
    def _check_number(cls, number: str) -> str:
        digits = number.replace("-", "").replace(" ", "")
        if digits and not (len(digits) == _ORGANISATION_DIGITS and digits.isdecimal()):
            raise ValueError
        return digits

    @field_validator("care_provider_hsa_id", "source_system_hsa_id")
    @classmethod
    def _check_hsa_id(cls, hsa_id: str) -> str:
        if hsa_id and not is_hsa_id(hsa_id.upper()):
            raise ValueError
        return hsa_id.upper()

    @model_validator(mode="after")
    def _check_order(self) -> FirstSetup:
        if self.outage_start and self.outage_end and self.outage_end < self.outage_start:
            raise PydanticCustomError("outage_end", "before it began")
        if len({compared_name(unit.name) for unit in self.units}) < len(self.units):
            raise PydanticCustomError("units", "one stands twice")
        return self


def compared_name(unit: str) -> str:
    """Return a unit's name as it is compared: two that differ in letter case are one."""
    return " ".join(unit.split()).casefold()


def is_wrong(name: str, answer: str) -> bool:
    """Return whether one answer, by the name of its setting, has a form that is not possible."""
    try:
        FirstSetup.model_validate({name: answer})
    except ValidationError as error:
        return any(each["loc"][:1] == (name,) for each in error.errors())
    return False


def load_setup(file: Path) -> FirstSetup:
    """Load the answers of a file.

    Raises:
        UsageError: it is no YAML with keys and values, or an answer is missing or wrong.
    """
    try:
        content = yaml.safe_load(file.read_text("utf-8"))
    except (yaml.YAMLError, ValueError) as error:
        raise UsageError("setup_not_yaml", file=file.name) from error
    return parse_setup(content)


def parse_setup(content: object) -> FirstSetup:
    """Return the answers.

    Raises:
        UsageError: an answer is missing or wrong.
    """
    try:
        return FirstSetup.model_validate(content)
    except ValidationError as error:
        keys = (
            ".".join(str(part) for part in each["loc"]) or each["type"] for each in error.errors()
        )
        raise UsageError("setup_wrong", keys=", ".join(dict.fromkeys(keys))) from error


def write_settings(setup: FirstSetup, workspace: Path) -> Path:
    """Write `settings.yaml`, which only the program's user may read; return its path.

    Raises:
        OSError: it cannot be written.
    """
    file = _settings_file(workspace)
    values = setup.model_dump(mode="json", exclude=set(_ACCOUNT_KEYS), exclude_defaults=True)
    write_private(file, yaml.safe_dump(values, allow_unicode=True, sort_keys=False).encode())
    return file


def has_accounts(conn: Connection) -> bool:
    """Return whether a person can log in already."""
    return bool(people_by_login(conn))


def require_new(conn: Connection, settings: Settings) -> None:
    """Ensure that no earlier answers are replaced.

    Raises:
        UsageError: the workspace has accounts or a `settings.yaml`.
    """
    if has_accounts(conn):
        raise UsageError("setup_accounts_there")
    if _settings_file(settings.workspace).exists():
        raise UsageError("setup_settings_there", file=_settings_file(settings.workspace))


def save_setup(conn: Connection, setup: FirstSetup, digest: PasswordHash, by: str) -> None:
    """Store units, and the administrator with a password's hash.

    Raises:
        UsageError: an HSA-id has another form, or the login is a personal number.
    """
    ids = {unit.name: unit.hsa_id.upper() for unit in setup.units if unit.hsa_id}
    save_units(conn, {unit.name: unit.area.value for unit in setup.units}, by=by, hsa_ids=ids)
    save_person(conn, administrator(setup), digest, by=by)


def administrator(setup: FirstSetup) -> Person:
    """Return the first account: a system administrator, who sees no paper."""
    asked = setup.administrator
    role = Role.SYSTEM_ADMINISTRATOR
    return Person(asked.login, asked.name, asked.title, role, frozenset(), frozenset())


def list_empty(setup: FirstSetup) -> list[str]:
    """Return what was left empty and what a login or an export will ask for."""
    wanted = ("hosts", "organisation_number", "care_provider_hsa_id", "source_system_hsa_id")
    return [key for key in wanted if not getattr(setup, key)]


def _settings_file(workspace: Path) -> Path:
    return workspace / "settings.yaml"
