"""What a new workspace is told once: the organisation, its units, the outage, the administrator.

`efterskrift init` asks for it or takes it from a file (YAML; deploy/setup.yaml is an example). It
goes where it is kept from then on: into `settings.yaml`, and into the database.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from sqlalchemy import Connection

from pipeline.domain.errors import UsageError
from pipeline.domain.form.form import Area
from pipeline.domain.model import Person, Role
from pipeline.domain.settings import Settings
from pipeline.files.atomic import write_private
from pipeline.store.accounts.login.password_hashes import PasswordHash
from pipeline.store.accounts.people import people_by_login, save_person
from pipeline.store.registers.client_register import save_units

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
    outage_start: datetime | None = None
    outage_end: datetime | None = None
    units: tuple[UnitAnswer, ...] = Field(min_length=1)
    administrator: AdministratorAnswer

    @model_validator(mode="after")
    def _check_order(self) -> FirstSetup:
        if self.outage_start and self.outage_end and self.outage_end < self.outage_start:
            raise ValueError
        names = [" ".join(unit.name.split()).casefold() for unit in self.units]
        if len(set(names)) < len(names):
            raise ValueError
        return self


def load_setup(file: Path) -> FirstSetup:
    """Load the answers of a file.

    Raises:
        UsageError: it is no YAML with keys and values, or an answer is missing or wrong.
    """
    try:
        content = yaml.safe_load(file.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
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
        keys = (".".join(str(part) for part in each["loc"]) for each in error.errors())
        named = ", ".join(key or "outage_end, units" for key in dict.fromkeys(keys))
        raise UsageError("setup_wrong", keys=named) from error


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
    """Return whether somebody can log in already."""
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
