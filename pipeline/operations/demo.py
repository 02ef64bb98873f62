"""The demo workspace: an invented municipality with six units, staff, clients and filled paper."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from pipeline.domain.errors import SchemaOutdatedError
from pipeline.domain.law.permissions import ALL_AREAS
from pipeline.domain.model import (
    SHEET_ROW,
    Assignment,
    Client,
    IssuedSheet,
    Person,
    PrintedRow,
    Role,
)
from pipeline.domain.record import Route
from pipeline.domain.settings import ROOT, Settings
from pipeline.files.page_files import count_pages
from pipeline.login.passwords import hash_password
from pipeline.operations.intake import SourceFile, import_files
from pipeline.registers.clients import load_client_register
from pipeline.registers.staff import load_staff
from pipeline.store.accounts.people import PasswordHash, list_people, save_person
from pipeline.store.database.migrations.upgrade import upgrade_store
from pipeline.store.database.store import Store, open_store
from pipeline.store.entries.client_identities import give_client_codes
from pipeline.store.exports.routes import save_route
from pipeline.store.paper.intake.batches import is_source_imported, list_unfinished
from pipeline.store.paper.pages import count_pages_by_state
from pipeline.store.registers.client_register import save_clients, save_units
from pipeline.store.registers.issued_sheets import save_issued_sheets
from pipeline.store.registers.staff import save_staff
from pipeline.store.schema.clock import utc_now

DEMO_WORKSPACE = ROOT / "data" / "store" / "demo"
SAMPLE_FOLDER = ROOT / "data" / "samples"
TRUTH_FILE = SAMPLE_FOLDER / "expected.json"
"""What is on each page of the sample stack."""
THROUGH_WORKSPACE = ROOT / "data" / "store" / "demo-through"
"""The demo that a script takes to the last receipt, so that nobody's own demo changes."""
NURSING, HOME_CARE, RESIDENCE = (
    "Hemsjukvården Centrum",
    "Hemtjänsten Norr",
    "Särskilt boende Björken",
)
GROUP_HOME, FAMILIES, OFFICE = (
    "LSS-boende Åviken",
    "Individ- och familjeomsorgen",
    "Socialförvaltningens kansli",
)
AREA_BY_UNIT = {
    NURSING: "HSL",
    HOME_CARE: "SoL",
    RESIDENCE: "SoL",
    GROUP_HOME: "LSS",
    FAMILIES: "IFO",
    OFFICE: "ADM",
}
DEMO_PASSWORD = "papper och penna"
"""Password of all accounts of the demo, which listens on this machine only."""
DEMO_PLACE = "Pärm 1, socialkontoret"
_DELIVERER = "Sven Dahl, systemförvaltare"
_NURSES = "Nina Berglund eller Olle Häggmark"
DEMO_ROUTES = (
    Route(
        "journal",
        "rivta",
        ("hsl-anteckning", "palliativ-hemakt", "tillagg-omvardnadsjournal", "utskrivningsklar"),
        "Patientjournal",
        "Journaltext",
        _DELIVERER,
    ),
    Route("matvarden", "observationer", ("matvarden",), "Patientjournal", "Mätvärden", _DELIVERER),
    Route(
        "lakemedel",
        "fhir",
        ("narkotikalista", "ny-patient", "signeringslista", "signeringslista-vid-behov"),
        "Patientjournal",
        "Läkemedel",
        _DELIVERER,
    ),
    Route(
        "omsorg",
        "skriv-in",
        ("bistandsbeslut", "social-anteckning"),
        "Verksamhetssystem för omsorgen",
        "Social journal",
        _NURSES,
    ),
    Route("besok", "besok", ("besokslista",), "Planering", "Utförda besök", _DELIVERER),
    Route("korlista", "tes-exempel", ("korlista",), "Planering", "Körlistor", _DELIVERER),
    Route("mat", "mat-exempel", ("matbestallning",), "Matbeställning", "", _DELIVERER),
    Route(
        "diarium",
        "erms",
        ("inkommen-handling", "krisledningsmote"),
        "Diarium",
        "Inkomna handlingar",
        "Registratorn",
    ),
    Route(
        "utbetalning",
        "pain001",
        ("utbetalningslista",),
        "Ekonomi och bank",
        "Bokföring i efterhand",
        "Ekonomiavdelningen",
    ),
    Route(
        "statistik-hsl",
        "khsl",
        ("hsl-anteckning", "matvarden", "palliativ-hemakt", "tillagg-omvardnadsjournal"),
        "Socialstyrelsen",
        "Kommunal hälso- och sjukvård",
        _DELIVERER,
    ),
)
"""Routes of the demo; the forms that none of them names are keyed in."""
_SETTINGS_YAML = (
    "outage_start: 2021-12-16T03:00:00\noutage_end: 2022-01-10T08:00:00\nnon_commercial: true\n"
    "care_provider_hsa_id: SE0000000000-DEMO\nsource_system_hsa_id: SE0000000000-EFTERSKRIFT\n"
)


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """An account of the demo; `does` describes its task."""

    person: Person
    does: str


_CARE_UNITS = frozenset({NURSING, HOME_CARE, RESIDENCE, GROUP_HOME})
_CARE_AREAS = frozenset({"HSL", "SoL", "LSS"})
"""The two nurses of the demo review all paper of care, so that two accounts are enough."""
_NO_UNITS: frozenset[str] = frozenset()
DEMO_ACCOUNTS = (
    DemoAccount(
        Person(
            "anna",
            "Anna Sundin",
            "administratör",
            Role.ADMINISTRATOR,
            frozenset(AREA_BY_UNIT),
            ALL_AREAS,
        ),
        "skannar buntar och löser problem",
    ),
    DemoAccount(
        Person(
            "nina",
            "Nina Berglund",
            "sjuksköterska",
            Role.REVIEWER,
            _CARE_UNITS,
            _CARE_AREAS,
            further=(
                Assignment(Role.ADMINISTRATOR, "sjuksköterska", frozenset({NURSING}), ALL_AREAS),
            ),
        ),
        "granskar, bekräftar och signerar i vård och omsorg, och skannar i hemsjukvården",
    ),
    DemoAccount(
        Person("olle", "Olle Häggmark", "sjuksköterska", Role.REVIEWER, _CARE_UNITS, _CARE_AREAS),
        "granskar som andra person",
    ),
    DemoAccount(
        Person(
            "camilla",
            "Camilla Rova",
            "socialsekreterare",
            Role.REVIEWER,
            frozenset({FAMILIES}),
            frozenset({"SoL", "IFO"}),
        ),
        "granskar individ- och familjeomsorgens poster",
    ),
    DemoAccount(
        Person(
            "johan",
            "Johan Strand",
            "socialsekreterare",
            Role.REVIEWER,
            frozenset({FAMILIES, OFFICE}),
            frozenset({"SoL", "IFO"}),
        ),
        "granskar dem som andra person, och kansliets",
    ),
    DemoAccount(
        Person(
            "rita",
            "Rita Lund",
            "registrator",
            Role.REGISTRAR,
            frozenset({OFFICE}),
            ALL_AREAS,
            further=(
                Assignment(
                    Role.REGISTRAR,
                    "registrator",
                    frozenset({HOME_CARE, RESIDENCE, GROUP_HOME}),
                    frozenset({"ADM"}),
                ),
            ),
        ),
        "granskar kansliets handlingar och scheman",
    ),
    DemoAccount(
        Person(
            "carl",
            "Carl Wiklund",
            "enhetschef",
            Role.MANAGER,
            frozenset(AREA_BY_UNIT),
            ALL_AREAS,
            further=(
                Assignment(
                    Role.REVIEWER,
                    "enhetschef",
                    frozenset({HOME_CARE, RESIDENCE, GROUP_HOME, OFFICE}),
                    frozenset({"ADM"}),
                ),
            ),
        ),
        "följer läget, attesterar, och granskar scheman",
    ),
    DemoAccount(
        Person(
            "maria",
            "Maria Nordin",
            "områdeschef",
            Role.MANAGER,
            frozenset(AREA_BY_UNIT),
            ALL_AREAS,
        ),
        "följer läget, och attesterar som andra person",
    ),
    DemoAccount(
        Person(
            "tora",
            "Tora Lind",
            "assistent",
            Role.TYPIST,
            frozenset({NURSING, HOME_CARE}),
            frozenset({"HSL", "SoL"}),
        ),
        "skriver in, och signerar inget",
    ),
    DemoAccount(
        Person(
            "sven", "Sven Dahl", "systemförvaltare", Role.SYSTEM_ADMINISTRATOR, _NO_UNITS, _NO_UNITS
        ),
        "sköter konton",
    ),
    DemoAccount(
        Person(
            "lova", "Lova Ståhl", "dataskyddssamordnare", Role.LOG_REVIEWER, _NO_UNITS, _NO_UNITS
        ),
        "granskar loggen",
    ),
)


def prepare_workspace(workspace: Path) -> None:
    """Make the folder and its settings, if they do not exist."""
    workspace.mkdir(parents=True, exist_ok=True, mode=0o700)
    settings = workspace / "settings.yaml"
    if not settings.exists():
        settings.write_text(_SETTINGS_YAML, "utf-8")


def prepare_store(settings: Settings) -> Store:
    """Open the demo's store, filled with units, people, clients and issued sheets if it is new.

    The store of an earlier version is upgraded, after a backup copy.

    Raises:
        StoreError: the database or the disk failed.
    """
    try:
        store = open_store(settings, create=True)
    except SchemaOutdatedError:
        # The data is invented, so that it needs no confirmation.
        upgrade_store(settings)
        store = open_store(settings)
    is_filled = bool(store.query(list_people))
    if not is_filled:
        password = hash_password(DEMO_PASSWORD)
        with store.begin() as conn:
            if not list_people(conn):
                _fill_store(conn, password)
    return store


def _fill_store(conn: Connection, password: PasswordHash) -> None:
    # Ids of an organisation that does not exist, as those of the demo's settings.
    ids = {unit: f"SE0000000000-E{number:03d}" for number, unit in enumerate(AREA_BY_UNIT, 1)}
    save_units(conn, AREA_BY_UNIT, hsa_ids=ids)
    for account in DEMO_ACCOUNTS:
        save_person(conn, account.person, password)
    for route in DEMO_ROUTES:
        save_route(conn, DEMO_ACCOUNTS[0].person, route, utc_now())
    clients = load_client_register(SAMPLE_FOLDER / "klienter.csv").clients
    save_clients(conn, clients)
    give_client_codes(conn, HOME_CARE, list_code_holders(clients), utc_now(), by="anna")
    save_staff(conn, load_staff(SAMPLE_FOLDER / "personal.csv"))
    save_issued_sheets(conn, _load_issued_sheets(SAMPLE_FOLDER / "utlamnade.csv"), by="anna")


def list_code_holders(clients: Sequence[Client]) -> list[str]:
    """Return the numbers of the clients who have a client code, in the order of the codes.

    The home care has printed its pack, and so given each of its clients one.
    """
    return [client.pid for client in clients if client.unit == HOME_CARE and not client.protected]


def _load_issued_sheets(path: Path) -> list[IssuedSheet]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    printed = _load_printed_rows()
    return [
        IssuedSheet(
            row["löpnummer"],
            row["blankett"],
            int(row["version"]),
            row["enhet"],
            row["personnummer"] or None,
            printed.get(row["löpnummer"], ()),
        )
        for row in rows
    ]


def _load_printed_rows() -> dict[str, tuple[PrintedRow, ...]]:
    """Return what was printed in the fields of sheets before they went out, by serial."""
    pids, printed = dict[str, str](), dict[str, dict[str, str]]()
    for page in json.loads(TRUTH_FILE.read_text("utf-8")):
        if "printed" in page:
            pids.setdefault(page["serial"], page["values"].get("personnummer", ""))
            printed.setdefault(page["serial"], {}).update(page["printed"])
    return {
        serial: (PrintedRow(SHEET_ROW, pids[serial], tuple(fields.items())),)
        for serial, fields in printed.items()
    }


def scan_samples(store: Store, on_page: Callable[[int], None]) -> None:
    """Import the sample stack as one batch per unit; batches imported already are skipped."""
    for unit, files in sample_batches().items():
        if not _is_imported(store, files):
            import_files(store, files, unit=unit, place=DEMO_PLACE, by="anna", on_page=on_page)


def _is_imported(store: Store, files: list[Path]) -> bool:
    with store.read() as conn:
        return not list_unfinished(conn) and all(
            is_source_imported(conn, SourceFile.of(path).sha256, count_pages(path))
            for path in files
        )


_FILES_BY_UNIT = {
    HOME_CARE: ("02-hemtjanst.tif", "08-hemtjanst.pdf"),
    RESIDENCE: ("07-bjorken.pdf", "12-tavla.jpg"),
    GROUP_HOME: ("09-aviken.pdf",),
    FAMILIES: ("10-ifo.tif",),
    OFFICE: ("11-kansli.pdf",),
}


def sample_batches() -> dict[str, list[Path]]:
    """Return the sample stack's files by unit; home nursing has all files not listed."""
    folder = SAMPLE_FOLDER / "stack"
    listed = {unit: [folder / name for name in names] for unit, names in _FILES_BY_UNIT.items()}
    listed_files = {path for files in listed.values() for path in files}
    return {
        NURSING: [path for path in sorted(folder.iterdir()) if path not in listed_files]
    } | listed


def count_demo_pages(store: Store) -> int:
    """Return the number of pages that the demo has imported."""
    return store.query(count_pages_by_state)["in"]
