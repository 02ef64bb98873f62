"""The settings of a workspace, from its `settings.yaml` and the environment.

Defaults are overridden by `settings.yaml`, and that by environment variables `EFTERSKRIFT_…`.
"""

from __future__ import annotations

import os
import re
from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Literal
from urllib.parse import quote, urlsplit

from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    YamlConfigSettingsSource,
)
from yaml import YAMLError

from pipeline.domain.errors import SettingsError
from pipeline.domain.model import Role

ROOT = Path(__file__).resolve().parents[2]
DEFAULT_WORKSPACE = ROOT / "data" / "store" / "default"
_NETWORK_SUFFIX = ".onnx"
_OBJECT_STORES = frozenset({"s3", "az", "gs"})
_PREFIX = "EFTERSKRIFT_"
_VALUE_PART = re.compile(
    r"""[ \t]*(?:'(?P<literal>[^']*)'|"(?P<quoted>(?:\\.|[^"\\])*)"|(?P<bare>.+))"""
)
"""A value of an environment file: quoted parts, then what is not quoted up to the line's end."""


class Handwriting(StrEnum):
    """The weights that the network for handwriting reads with."""

    AUTO = "auto"
    """`best` for an organisation that is declared non-commercial, else `free`."""
    BEST = "best"
    """The best weights; trained also on lines licensed for non-commercial use: CC BY-NC 4.0."""
    FREE = "free"
    """Trained only on data that leaves the weights free for any use."""
    SHIPPED = "shipped"
    """As published by their authors: Apache-2.0."""


class QueueOrder(StrEnum):
    """The days of an outage that are reviewed first, within the same urgency."""

    OLDEST = "oldest"
    NEWEST = "newest"


class LogFormat(StrEnum):
    """How the program's own log is written."""

    TEXT = "text"
    JSON = "json"
    """One JSON object a line, for a log service."""


class PaymentFormat(StrEnum):
    """The version of ISO 20022 pain.001 that the bank takes."""

    VERSION_09 = "pain.001.001.09"
    VERSION_03 = "pain.001.001.03"
    """Banks are retiring it."""


REMOVED_SETTINGS = frozenset(
    f"fhir_{name}"
    for name in (
        "url",
        "token_url",
        "client_id",
        "client_secret",
        "client_secret_file",
        "scope",
        "seconds",
        "attempts",
    )
)
"""Settings of version 1.1, which sent to a FHIR server."""


class Settings(BaseSettings):
    """All settings. An unknown key in `settings.yaml` is an error."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, extra="forbid", frozen=True)

    workspace: Path = DEFAULT_WORKSPACE
    """Folder of images, exports and, by default, the database."""
    database_url: str = ""
    """SQLAlchemy URL; empty means SQLite in the workspace."""
    images_url: str = ""
    """URL of an object store for the images, such as s3://bucket/prefix; az:// and gs:// too.

    Empty means the folder `images` in the workspace. It never holds a key.
    """
    images_keys: Path | None = None
    """A file (YAML) with the keys of that object store, relative to the workspace.

    Without it they come from the environment, such as AWS_SECRET_ACCESS_KEY.
    """
    forms: Path = ROOT / "forms"
    models: Path = ROOT / "data" / "models"
    handwriting: Handwriting | Path = Handwriting.AUTO
    """A choice of weights, or an ONNX file of the organisation's own, relative to the workspace."""
    non_commercial: bool = False
    """The organisation declares that its use is non-commercial, as a municipality's own care is.

    The licence of the best weights for handwriting demands that (CC BY-NC 4.0).
    """
    outage_start: datetime | None = None
    outage_end: datetime | None = None
    """The outage, local Swedish time. Dates on paper are expected within it."""
    residual_gate_mm: float = 0.8
    """A page with a registration error above this (mm) is not read but waits for a person."""
    page_seconds: float = 300
    """A page that takes longer than this has hung: its worker ends, which counts as one attempt."""
    page_attempts: int = 4
    """How often a worker may die while it reads a page before the page counts as failed."""
    beat_seconds: float = 2
    """Seconds between heartbeats of a worker, when it also checks the queue."""
    takeover_seconds: float = 15
    """A worker without a heartbeat for this long is dead: others take over its pages."""
    check_hours: float = Field(168, ge=0)
    """Hours between checks of the whole store by a worker (`efterskrift check`); 0: none."""
    backup_keys: tuple[str, ...] = ()
    """Public keys (age1…) that `efterskrift backup` encrypts to; each private one opens it."""
    log_format: LogFormat = LogFormat.TEXT
    """How the program logs; `EFTERSKRIFT_LOG_FORMAT=json` for one process."""
    log_file: Path | None = None
    """Where it logs to, relative to the workspace; default: standard error, as services do."""
    log_file_mb: int = Field(20, ge=1, le=1000)
    """Megabytes at which that file is renamed; five older ones are kept."""
    watch_seconds: float = 2
    """Seconds between scans of a watched folder.

    A file that changed between two scans is still being written.
    """
    claim_minutes: int = Field(15, ge=1, le=240)
    """How long an entry stays with the person who opened it, without activity."""
    control_share: float = Field(0.02, ge=0, le=1)
    """The share of confirmed fields that another person keys blind again (kontrollskrivning)."""
    plant_share: float = Field(0.005, ge=0, le=1)
    """The share of prefilled fields that get a seeded error.

    It is always removed again before anything is decided.
    """
    figures_least: int = Field(30, ge=1)
    """Metrics of work are shown from this number of fields on."""
    clash_minutes: int = Field(60, ge=0, le=24 * 60)
    """Minutes between an entry and one of the care system that may be about the same event."""
    proof_days: int = Field(3, ge=0, le=60)
    """Days after which a sent entry without a receipt is pointed out: sent is not arrived."""
    scan_codes: bool = False
    """The printed list to key in has codes by which a scanner types each client's values."""
    queue_order: QueueOrder = QueueOrder.OLDEST
    """Within the same urgency: the oldest day first, or the newest, which care needs most."""
    session_minutes: int = 60
    """Minutes without activity after which a person is logged out."""
    session_hours: int = 12
    """Hours after which a person is logged out in any case."""
    address_header: str = ""
    """The header with a request's address as the proxy in front sets it, such as X-Real-IP.

    It is needed where the server is reached from other computers: failed logins are charged to
    the address.
    """
    known_networks: tuple[IPv4Network | IPv6Network, ...] = ()
    """Networks of the organisation, such as 10.20.0.0/16: strangers elsewhere delay nobody there.
    """
    login_failures_account: int = Field(5, ge=1)
    """Failed logins of one account from one source in an hour after which the next one waits.

    A source is an IPv4 address, or the /64 of an IPv6 address.
    """
    login_failures_address: int = Field(40, ge=1)
    """Failed logins a minute from one source: a whole office may share one."""
    login_failures_total: int = Field(100, ge=1)
    """The same of all sources, in browsers and networks that are not known."""
    login_delay_seconds: int = Field(60, ge=1, le=3600)
    """The longest wait after failed logins of one account from one source."""
    second_factor_roles: frozenset[Role] = frozenset()
    """Roles whose local accounts must have a second factor; all others may have one."""
    second_factor_key: Path | None = None
    """The file with the key of the second factors; default: second-factor.key in the workspace."""
    hosts: tuple[str, ...] = ()
    """Names under which browsers reach the server, such as efterskrift.example.se.

    Numbers, localhost and this machine's own name are always accepted.
    """
    upload_mb: int = Field(200, ge=1, le=1000)
    """Largest file that may be uploaded, megabytes; roles that scan no paper: 20."""
    upload_session_mb: int = Field(600, ge=1)
    """Uploads that one login may hold in memory at a time, megabytes."""
    language: Literal["sv", "en"] = "sv"
    """Language of the screens until a person chooses, and of `efterskrift forms`' messages."""
    care_provider: str = "Kalix kommun"
    care_provider_hsa_id: str = ""
    logo: Path | None = None
    """The care provider's logo on screens and paper: PNG or JPEG, relative to the workspace."""
    organisation_number: str = ""
    """Of the care provider, for diaries, payments and archives; left out while it is empty."""
    source_system_hsa_id: str = ""
    """HSA-ids of the care provider and of this system.

    While they are empty, formats that demand them carry no entry: an id is never made up. A unit
    of another care provider has that one's (screen Avbrott och utförare).
    """
    payment_account: str = ""
    payment_bic: str = ""
    """The account that pays (IBAN, or a bankgiro number) and its bank's BIC.

    No payment file is made while they are empty.
    """
    payment_format: PaymentFormat = PaymentFormat.VERSION_09
    payment_closed_days: frozenset[date] = frozenset()
    """Days on which the bank is closed, besides weekends, public holidays and their eves."""
    care_provider_street: str = Field("", max_length=70)
    care_provider_postcode: str = Field("", max_length=16)
    care_provider_town: str = Field("", max_length=35)
    care_provider_country: str = Field("SE", pattern="^[A-Z]{2}$")
    """The care provider's address for payments; no address is written without a town."""
    county: str = "Norrbottens län"
    """Of the care provider.

    In some counties research keeps every file of the social services (data/law/retention.yaml).
    """
    archive_schemas: Path | None = None
    """A folder with XML schemas (ERMS, PREMIS, METS) that go with every package for the archive.

    Without it the package has their addresses.
    """
    staff_hsa_ids: dict[str, str] = {}
    unit_hsa_ids: dict[str, str] = {}
    """HSA-ids by login and by name of unit, for the log in a format that other systems read.

    See `efterskrift audit export`.
    """
    targets: tuple[str, ...] = ()
    """Export targets of other installed packages that may be used, by their names."""
    readers: tuple[str, ...] = ()
    """Plug-ins that read handwritten lines again: where one reads otherwise, confidence is low."""
    plug_in_seconds: float = Field(60, gt=0)
    """Seconds that a plug-in has: a reader for the lines of a page, a target for a file."""
    fhir_system: str = "https://efterskrift.example/fhir"
    """Prefix of the URIs of Efterskrift's identifiers: an address that the organisation owns.

    Earlier messages are recognized by it, so it never changes.
    """
    fhir_hsa_system: str = "urn:oid:1.2.752.129.2.1.4.1"
    """URI of HSA-ids: Inera's, or urn:oid:1.2.752.29.4.19 as HL7 Sweden has it."""
    fhir_profiles: bool = True
    """Whether resources name the Swedish profiles that they follow.

    Some servers refuse profiles that they do not know.
    """
    oidc: bool = False
    """Log in through the provider of `.streamlit/secrets.toml` instead of local accounts."""

    @field_validator("handwriting")
    @classmethod
    def _check_file_name(cls, handwriting: Handwriting | Path) -> Handwriting | Path:
        # Any other text would be taken for a file: `bset` is a slip.
        if isinstance(handwriting, Path) and handwriting.suffix != _NETWORK_SUFFIX:
            raise ValueError
        return handwriting

    @field_validator("images_url")
    @classmethod
    def _check_object_store(cls, url: str) -> str:
        if url and not is_object_store_url(url):
            raise ValueError
        return url.rstrip("/")

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
        """Set the order of precedence: arguments in code, environment, the workspace's file."""
        del dotenv_settings, file_secret_settings
        return (
            init_settings,
            env_settings,
            YamlConfigSettingsSource(settings_cls, _find_workspace() / "settings.yaml"),
        )

    @property
    def weights(self) -> Handwriting | Path:
        """The weights that `handwriting` means: never `auto`, and a file with its whole path."""
        if isinstance(self.handwriting, Path):
            return self.workspace / self.handwriting
        return self.program_weights

    @property
    def program_weights(self) -> Handwriting:
        """Those of the program's weights that are chosen: as by `auto` beside a file."""
        if isinstance(self.handwriting, Handwriting) and self.handwriting is not Handwriting.AUTO:
            return self.handwriting
        return Handwriting.BEST if self.non_commercial else Handwriting.FREE

    @property
    def url(self) -> str:
        """The database's URL."""
        return self.database_url or sqlite_url(self.workspace / "efterskrift.db")

    @property
    def own_forms(self) -> Path:
        """Folder of the forms published in this workspace; `forms` is that of the program's."""
        return self.workspace / "forms"

    @property
    def form_drafts(self) -> Path:
        """Folder of the forms that are being made in this workspace."""
        return self.workspace / "form-drafts"

    @property
    def form_folders(self) -> tuple[Path, Path]:
        """Folders of the forms in use: those of the program, then the workspace's own."""
        return self.forms, self.own_forms

    @property
    def images(self) -> Path:
        """Folder of content-addressed images and files, unless they are in an object store."""
        return self.workspace / "images"

    @property
    def images_key_file(self) -> Path | None:
        """The file of keys with its whole path."""
        return self.workspace / self.images_keys if self.images_keys else None


def is_object_store_url(url: str) -> bool:
    """Return whether a URL names a bucket and nothing else: keys would come into messages."""
    parts = urlsplit(url)
    has_more = "@" in url or parts.query or parts.fragment
    return parts.scheme in _OBJECT_STORES and bool(parts.netloc) and not has_more


def sqlite_url(path: Path) -> str:
    """Return the URL of an SQLite file, with special characters of its path quoted."""
    return f"sqlite:///{quote(str(path))}"


def read_environment_file(path: Path) -> dict[str, str]:
    """Return the variables of a file of lines NAME=VALUE, quoted as systemd reads them.

    See `EnvironmentFile=` in systemd.exec(5); a value is on one line.

    Raises:
        SettingsError: the file cannot be read.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise SettingsError("not_inspectable", value=path, reason=reason) from error
    lines = (line.strip() for line in text.splitlines())
    named = (line.partition("=") for line in lines if line and line[0] not in "#;")
    return {
        name.strip(): _unquote(value)
        for name, equals, value in named
        if equals and name.strip().isidentifier()
    }


def _unquote(value: str) -> str:
    parts = []
    for part in _VALUE_PART.finditer(value):
        match part.lastgroup:
            case "literal":
                parts.append(part["literal"])
            case "quoted":
                parts.append(re.sub(r'\\(["\\`$])', r"\1", part["quoted"]))
            case _:
                parts.append(re.sub(r"\\(.)", r"\1", part["bare"]))
    return "".join(parts)


def _find_workspace() -> Path:
    return Path(os.environ.get("EFTERSKRIFT_WORKSPACE", DEFAULT_WORKSPACE))


def load_settings() -> Settings:
    """Load the settings of the workspace that `EFTERSKRIFT_WORKSPACE` names.

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
def _parse_settings(environment: tuple[tuple[str, str], ...], content: bytes | None) -> Settings:
    """Parse the settings.

    They are used many times a page and slow to parse: the cache holds them until the environment
    or the content of the file changes.
    """
    del environment, content
    try:
        return Settings(workspace=_find_workspace())
    except ValidationError as error:
        keys = [str(e["loc"][0]) for e in error.errors()]
        file = _find_workspace() / "settings.yaml"
        # An installation of an earlier version may still have them.
        if removed := [key for key in keys if key in REMOVED_SETTINGS]:
            raise SettingsError("settings_removed", keys=", ".join(removed), value=file) from error
        raise SettingsError("settings_wrong", keys=", ".join(keys), value=file) from error
    except OSError as error:
        raise SettingsError(
            "not_inspectable",
            value=_find_workspace(),
            reason=error.strerror or type(error).__name__,
        ) from error
    except (YAMLError, ValueError, TypeError) as error:
        # The settings library raises these for a file that is no mapping.
        raise SettingsError(
            "not_key_value_yaml", value=_find_workspace() / "settings.yaml"
        ) from error
