"""The demo workspace: a small municipality of six units with its staff, clients, issued sheets and a stack of filled paper. All invented."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from pipeline.clients import load_register
from pipeline.errors import SchemaOutdatedError
from pipeline.intake import Source, take_in
from pipeline.model import IssuedSheet, Person, Role
from pipeline.professions import ALL_AREAS
from pipeline.scan import page_count
from pipeline.settings import ROOT, Settings
from pipeline.staff import load_staff
from pipeline.store.database import Store, open_store
from pipeline.store.issued import add_issued
from pipeline.store.pages import status
from pipeline.store.people import people, save_person
from pipeline.store.registers import save_clients, save_units
from pipeline.store.stacks import source_is_in, unfinished
from pipeline.store.staff_list import save_staff
from pipeline.store.upgrade import upgrade_store

WORKSPACE = ROOT / "data" / "store" / "demo"
SAMPLES = ROOT / "data" / "samples"
NURSING, HOME_CARE, RESIDENCE = "Hemsjukvården Centrum", "Hemtjänsten Norr", "Särskilt boende Björken"
GROUP_HOME, FAMILIES, OFFICE = "LSS-boende Åviken", "Individ- och familjeomsorgen", "Socialförvaltningens kansli"
UNITS = {NURSING: "HSL", HOME_CARE: "SoL", RESIDENCE: "SoL", GROUP_HOME: "LSS", FAMILIES: "IFO", OFFICE: "ADM"}
PASSWORD = "papper och penna"
"""For all accounts of the demo, which listens on this machine only."""
PLACE = "Pärm 1, socialkontoret"
_SETTINGS = "outage_start: 2021-12-16T03:00:00\noutage_end: 2022-01-10T08:00:00\n"


@dataclass(frozen=True, slots=True)
class Account:
    """Who can log in to the demo."""

    person: Person
    does: str


_CARE = frozenset({NURSING, HOME_CARE, RESIDENCE, GROUP_HOME})
_OF_CARE = frozenset({"HSL", "SoL", "LSS"})
"""The two nurses of the demo review all paper of care, so that two accounts show it."""
_NOWHERE: frozenset[str] = frozenset()
ACCOUNTS = (
    Account(Person("anna", "Anna Sundin", "administratör", Role.ADMINISTRATOR, frozenset(UNITS), ALL_AREAS), "skannar buntar och löser problem"),
    Account(Person("nina", "Nina Berglund", "sjuksköterska", Role.REVIEWER, _CARE, _OF_CARE), "granskar och bekräftar poster i vård och omsorg"),
    Account(Person("olle", "Olle Häggmark", "sjuksköterska", Role.REVIEWER, _CARE, _OF_CARE), "granskar som andra person"),
    Account(
        Person("camilla", "Camilla Rova", "socialsekreterare", Role.REVIEWER, frozenset({FAMILIES}), frozenset({"SoL", "IFO"})),
        "granskar individ- och familjeomsorgens poster",
    ),
    Account(
        Person("johan", "Johan Strand", "socialsekreterare", Role.REVIEWER, frozenset({FAMILIES}), frozenset({"SoL", "IFO"})),
        "granskar dem som andra person",
    ),
    Account(Person("rita", "Rita Lund", "registrator", Role.REGISTRAR, frozenset({OFFICE}), ALL_AREAS), "granskar kansliets handlingar"),
    Account(Person("carl", "Carl Wiklund", "enhetschef", Role.MANAGER, frozenset(UNITS), ALL_AREAS), "följer läget"),
    Account(Person("sven", "Sven Dahl", "systemförvaltare", Role.SYSTEM_ADMINISTRATOR, _NOWHERE, _NOWHERE), "sköter konton"),
    Account(Person("lova", "Lova Ståhl", "dataskyddssamordnare", Role.LOG_REVIEWER, _NOWHERE, _NOWHERE), "granskar loggen"),
)


def prepare_workspace(workspace: Path = WORKSPACE) -> None:
    """The folder and its settings, if they are not there."""
    workspace.mkdir(parents=True, exist_ok=True, mode=0o700)
    settings = workspace / "settings.yaml"
    if not settings.exists():
        settings.write_text(_SETTINGS, "utf-8")


def prepare_store(settings: Settings) -> Store:
    """The demo's store with its units, people, clients and issued sheets; what is there already stays.

    The store of an earlier version is upgraded, after a backup copy.

    Raises:
        StoreError: the database or the disk failed.
    """
    try:
        store = open_store(settings, create=True)
    except SchemaOutdatedError:
        # The demo's own invented data: nobody has to be asked.
        upgrade_store(settings)
        store = open_store(settings)
    with store.begin() as conn:
        if not people(conn):
            _furnish(conn)
    return store


def _furnish(conn: Connection) -> None:
    save_units(conn, UNITS)
    for account in ACCOUNTS:
        save_person(conn, account.person, PASSWORD)
    save_clients(conn, load_register(SAMPLES / "klienter.csv").clients)
    save_staff(conn, load_staff(SAMPLES / "personal.csv"))
    add_issued(conn, _issued(SAMPLES / "utlamnade.csv"), by="anna")


def _issued(path: Path) -> list[IssuedSheet]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    return [IssuedSheet(r["löpnummer"], r["blankett"], int(r["version"]), r["enhet"], r["personnummer"] or None) for r in rows]


def scan_samples(store: Store, on_page: Callable[[int], None]) -> None:
    """Take in the sample stack as two batches, one a unit; what is in already is left as it is."""
    for unit, files in stacks().items():
        if not _all_in(store, files):
            take_in(store, files, unit=unit, place=PLACE, by="anna", on_page=on_page)


def _all_in(store: Store, files: list[Path]) -> bool:
    with store.read() as conn:
        return not unfinished(conn) and all(source_is_in(conn, Source.of(path).sha256, page_count(path)) for path in files)


_OF_UNIT = {
    HOME_CARE: ("02-hemtjanst.tif", "08-hemtjanst.pdf"),
    RESIDENCE: ("07-bjorken.pdf", "12-tavla.jpg"),
    GROUP_HOME: ("09-aviken.pdf",),
    FAMILIES: ("10-ifo.tif",),
    OFFICE: ("11-kansli.pdf",),
}


def stacks() -> dict[str, list[Path]]:
    """The sample stack's files by the unit that handed them in."""
    folder = SAMPLES / "stack"
    handed_in = {unit: [folder / name for name in names] for unit, names in _OF_UNIT.items()}
    others = {path for files in handed_in.values() for path in files}
    return {NURSING: [path for path in sorted(folder.iterdir()) if path not in others]} | handed_in


def pages_in(store: Store) -> int:
    """How many pages the demo has taken in."""
    with store.read() as conn:
        return status(conn)["in"]
