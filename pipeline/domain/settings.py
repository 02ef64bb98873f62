"""Settings: defaults, then `settings.yaml` in the workspace, then environment variables
`EFTERSKRIFT_…`.
"""

from __future__ import annotations

import os
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    YamlConfigSettingsSource,
)
from yaml import YAMLError

from pipeline.domain.errors import SettingsError

ROOT = Path(__file__).resolve().parents[2]
DEFAULT_WORKSPACE = ROOT / "data" / "store" / "default"


_PREFIX = "EFTERSKRIFT_"


class Handwriting(StrEnum):
    """Which weights the network for handwriting reads with."""

    BEST = "best"
    """The best there are. Trained also on lines whose writers asked for non-commercial use: CC
    BY-NC 4.0.
    """
    FREE = "free"
    """Trained only on what leaves the weights free for any use."""
    SHIPPED = "shipped"
    """As their makers ship them: Apache-2.0."""


class QueueOrder(StrEnum):
    """Which days of an outage are reviewed first, within the same urgency."""

    OLDEST = "oldest"
    NEWEST = "newest"


class Settings(BaseSettings):
    """Everything that can be set. An unknown key in `settings.yaml` is an error."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, extra="forbid", frozen=True)

    workspace: Path = DEFAULT_WORKSPACE
    """Folder of images, exports and, by default, the database."""
    database_url: str = ""
    """SQLAlchemy URL; empty means SQLite in the workspace."""
    forms: Path = ROOT / "forms"
    models: Path = ROOT / "data" / "models"
    handwriting: Handwriting = Handwriting.BEST
    outage_start: datetime | None = None
    outage_end: datetime | None = None
    """The outage, local Swedish time. Dates on paper are expected within it."""
    residual_gate_mm: float = 0.8
    """A page that lies worse than this on its form is not read but waits for a person."""
    page_seconds: float = 300
    """A page that is read for longer than this has hung: its worker ends, and the page counts one
    attempt.
    """
    page_attempts: int = 4
    """How often the reading of a page may end with the death of its worker before the page counts
    as failed.
    """
    beat_seconds: float = 2
    """How often a worker shows that it lives, and looks after the queue."""
    takeover_seconds: float = 15
    """A worker that has not beaten for this long is dead: others take over its pages."""
    watch_seconds: float = 2
    """How often a watched folder is looked at. A file that changed between two looks is still being
    written.
    """
    claim_minutes: int = 15
    """How long an entry stays with the person who opened it, without activity."""
    control_share: float = Field(0.02, ge=0, le=1)
    """Which share of confirmed fields another person types again without seeing them
    (kontrollskrivning).
    """
    plant_share: float = Field(0.005, ge=0, le=1)
    """Which share of the fields that are shown filled in gets a wrong value on purpose. It is
    always taken away again before anything is decided.
    """
    figures_least: int = Field(30, ge=1)
    """No figure about work is shown that rests on fewer fields."""
    clash_minutes: int = Field(60, ge=0, le=24 * 60)
    """How far an entry and what the care system has about the same person may lie apart to be taken
    for the same.
    """
    queue_order: QueueOrder = QueueOrder.OLDEST
    """Within the same urgency: the oldest day first, or the newest, which is of most use in care."""
    session_minutes: int = 60
    """After how long without activity a person is logged out."""
    session_hours: int = 12
    """After how long a person is logged out whatever happens."""
    address_header: str = ""
    """Header in which the proxy in front says where a request comes from, such as X-Real-IP. Failed
    logins are then counted by address too.
    """
    language: Literal["sv", "en"] = "sv"
    """Of the screens, until a person chooses, and of what `efterskrift forms` says of mistakes."""
    care_provider: str = "Kalix kommun"
    care_provider_hsa_id: str = "SE2120002692-0000"
    organisation_number: str = ""
    """Of the care provider, for diaries, payments and archives; left out while it is empty."""
    source_system_hsa_id: str = "SE2120002692-EFTERSKRIFT"
    payment_account: str = ""
    payment_bic: str = ""
    """The account that pays (IBAN, or a bankgiro number) and its bank's BIC. No payment file is
    made while they are empty.
    """
    county: str = "Norrbottens län"
    """Of the care provider: in some counties research keeps every file of the social services
    (data/law/retention.yaml).
    """
    archive_schemas: Path | None = None
    """A folder with XML schemas (ERMS, PREMIS, METS) that go with every package for the archive;
    without it their addresses do.
    """
    staff_hsa_ids: dict[str, str] = {}
    unit_hsa_ids: dict[str, str] = {}
    """HSA-ids by login and by name of unit: who and where, in the log as other systems read it
    (`efterskrift audit export`).
    """
    fhir_url: str = ""
    """Base address of a FHIR R4 server, such as https://fhir.example/R4. Empty: FHIR runs are files
    and nothing is sent.
    """
    fhir_token_url: str = ""
    fhir_client_id: str = ""
    fhir_client_secret: SecretStr = SecretStr("")
    fhir_client_secret_file: Path | None = None
    fhir_scope: str = ""
    """OAuth 2 client credentials for that server. The secret comes from the environment or from a
    file that only the program may read.
    """
    fhir_seconds: float = Field(30, gt=0)
    """How long an answer of the server is waited for."""
    fhir_attempts: int = Field(5, ge=1, le=10)
    """How often a transaction is sent while the server is away or asks to wait."""
    fhir_system: str = "https://efterskrift.example/fhir"
    """Begins the URIs of our own identifiers: an address that the organisation owns. What was sent
    before is known by it, so it never changes.
    """
    fhir_hsa_system: str = "urn:oid:1.2.752.129.2.1.4.1"
    """URI of HSA-ids: Inera's, or urn:oid:1.2.752.29.4.19 as HL7 Sweden has it."""
    fhir_profiles: bool = True
    """Whether resources name the Swedish profiles that they follow; some servers refuse profiles
    that they do not know.
    """
    oidc: bool = False
    """Log in through the provider of `.streamlit/secrets.toml` instead of local accounts."""

    @field_validator("outage_end")
    @classmethod
    def _check_outage_order(cls, end: datetime | None, info: ValidationInfo) -> datetime | None:
        start = info.data.get("outage_start")
        if start and end and end < start:
            raise ValueError
        return end

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order of precedence: given in code, environment, the workspace's file."""
        del dotenv_settings, file_secret_settings
        return (
            init_settings,
            env_settings,
            YamlConfigSettingsSource(settings_cls, _find_workspace() / "settings.yaml"),
        )

    @property
    def url(self) -> str:
        """The database's URL."""
        return self.database_url or sqlite_url(self.workspace / "efterskrift.db")

    @property
    def own_forms(self) -> Path:
        """Folder of the forms that were made and published in this workspace, as `forms` is of
        those of the program.
        """
        return self.workspace / "forms"

    @property
    def form_drafts(self) -> Path:
        """Folder of the forms that are being made in this workspace."""
        return self.workspace / "form-drafts"

    @property
    def form_folders(self) -> tuple[Path, Path]:
        """Where the forms in use are: those of the program, then the workspace's own."""
        return self.forms, self.own_forms

    @property
    def images(self) -> Path:
        """Folder of content-addressed pictures and files."""
        return self.workspace / "images"


def sqlite_url(path: Path) -> str:
    """The URL of an SQLite file, whatever characters its folders have in their names."""
    return f"sqlite:///{quote(str(path))}"


def _find_workspace() -> Path:
    return Path(os.environ.get("EFTERSKRIFT_WORKSPACE", DEFAULT_WORKSPACE))


def load_settings() -> Settings:
    """The settings of the workspace that `EFTERSKRIFT_WORKSPACE` names.

    Raises:
        SettingsError: a key is unknown, a value has the wrong type, or the file is no YAML with
        keys and values or may not be read.
    """
    environment = tuple(
        sorted((key, value) for key, value in os.environ.items() if key.upper().startswith(_PREFIX))
    )
    return _parse_settings(environment, _read_settings_file())


def _read_settings_file() -> bytes | None:
    try:
        return (_find_workspace() / "settings.yaml").read_bytes()
    except OSError:
        return None


@lru_cache(maxsize=4)
def _parse_settings(environment: tuple[tuple[str, str], ...], written: bytes | None) -> Settings:
    """Asked for many times a page, and slow to make: kept as long as the environment and the file
    say the same.
    """
    del environment, written
    try:
        return Settings(workspace=_find_workspace())
    except ValidationError as error:
        keys = ", ".join(str(e["loc"][0]) for e in error.errors())
        raise SettingsError(
            "settings_wrong", keys=keys, value=_find_workspace() / "settings.yaml"
        ) from error
    except OSError as error:
        raise SettingsError(
            "not_looked_into",
            value=_find_workspace(),
            reason=error.strerror or type(error).__name__,
        ) from error
    except (
        YAMLError,
        ValueError,
        TypeError,
    ) as error:  # what the settings library lets through of a file that is no mapping
        raise SettingsError(
            "not_yaml_key_value_line", value=_find_workspace() / "settings.yaml"
        ) from error
