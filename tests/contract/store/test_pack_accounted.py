"""The outage pack from beginning to end: printed without a store, written on, scanned, imported,
and every serial accounted for.

The signature key of the pack is read back and names the person who signed the visit list with
initials.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import cv2
import numpy as np
import pytest
from pdf2image import convert_from_path
from typer.testing import CliRunner

from pipeline.cli.app import build_app
from pipeline.domain.form.field import Kind
from pipeline.domain.form.form import COVER_SHEET, SIGNATURE_KEY, Forms
from pipeline.domain.law.permissions import ALL_AREAS
from pipeline.domain.model import (
    Client,
    EntryState,
    Image,
    IssuedSheet,
    Person,
    Role,
    StaffMember,
    State,
    Value,
)
from pipeline.domain.review.rules import Answer
from pipeline.domain.settings import Settings
from pipeline.operations.intake import import_files
from pipeline.operations.page_job import PageJob, make_reader
from pipeline.preparation.practice.fill_sheet import PRINT_DPI, fill_field
from pipeline.preparation.practice.synthetic_handwriting import make_writers
from pipeline.registers.issued_serials import parse_issued_file
from pipeline.review import decisions
from pipeline.store.database.store import Store, open_store
from pipeline.store.entries import entry, queue
from pipeline.store.paper import bundles
from pipeline.store.paper.pages import list_batch_pages, load_page_reading
from pipeline.store.registers import client_register
from pipeline.store.registers.issued_sheets import import_issued_file
from pipeline.store.registers.staff import load_staff_list
from pipeline.store.reports import paper_days, sheet_accounting
from pipeline.store.schema.clock import utc_now

UNIT, DAY = "Hemtjänsten Norr", "2026-01-09"
CLIENTS = (
    Client("193001016595", "Elsa Fjällberg", UNIT),
    Client("189002099811", "Gunnar Ågren", UNIT),
)
ADMIN = Person(
    "anna", "Anna Sundin", "administratör", Role.ADMINISTRATOR, frozenset({UNIT}), ALL_AREAS
)
EVA = Person("eva", "Eva Ek", "sjuksköterska", Role.REVIEWER, frozenset({UNIT}), ALL_AREAS)
NOTE, VALUES = "tillagg-omvardnadsjournal", "matvarden"
NUMBERS = {NOTE: (3, 1), VALUES: (3, 0), SIGNATURE_KEY: (1, 0), COVER_SHEET: (2, 0)}
"""Blank sheets and those with a client's name: 3 + 2 notes, 3 lists of values, a signature key and
2 cover sheets.
"""
KEY: Mapping[str, Value] = {
    "handelsedatum": DAY,
    "rad01.namn": "Maria Andersson",
    "rad01.yrkestitel": "usk",
    "rad01.signatur": "MA",
    "rad01.initialer": "MA",
    "rad01.underskrift": True,
    "rad02.namn": "Lars Holm",
    "rad02.yrkestitel": "usk",
    "rad02.signatur": "LH",
    "rad02.initialer": "LH",
    "rad02.underskrift": True,
}
ON_COVER: Mapping[str, Value] = {
    "handelsedatum": DAY,
    "bunt": "1",
    "antal_ark": "3",
    "skribent": "Lars Holm",
    "underskrift": True,
}
ON_NOTE: Mapping[str, Value] = {
    "personnummer": CLIENTS[1].pid,
    "handelsedatum": DAY,
    "handelsetid": "08:15",
    "tillagg": "Sov gott.",
}
ON_LIST: Mapping[str, Value] = {
    "personnummer": CLIENTS[0].pid,
    "rad01.datum": DAY,
    "rad01.tid": "08:00",
    "rad01.puls": "72",
    "rad01.signatur": "MA",
}


@dataclass
class Outage:
    """A unit's pack as printed pages, and the store in which they end."""

    forms: Forms
    folder: Path
    sheets: tuple[IssuedSheet, ...]
    pages: Mapping[str, Image]
    store: Store
    settings: Settings
    used: list[str] = field(default_factory=list)

    def of(self, form: str, *, named: bool = False) -> list[str]:
        """Serials of a form, in the order of printing."""
        return [
            sheet.serial
            for sheet in self.sheets
            if sheet.form == form and (sheet.client_pid is not None) is named
        ]

    def write(self, serial: str, values: Mapping[str, Value]) -> Image:
        """The sheet with something written on it."""
        self.used.append(serial)
        form = self.forms.latest(
            next(sheet.form for sheet in self.sheets if sheet.serial == serial)
        )
        return fill_field(
            self.pages[serial],
            form.pages[0],
            values,
            make_writers(1, 3)[0],
            np.random.default_rng(5),
        )

    def scan(self, *pages: Image) -> list[str]:
        """Import a stack and read it; answers with the pages' ids."""
        files = []
        for number, page in enumerate(pages):
            files.append(self.folder / f"{len(self.used)}-{number}.png")
            cv2.imwrite(str(files[-1]), page)
        batch = import_files(self.store, files, unit=UNIT, place="Pärm 1", by=ADMIN.login).batch
        desk = PageJob(self.store, make_reader(self.settings, self.store), 4, 0.1)
        with self.store.read() as conn:
            ids = [page.id for page in list_batch_pages(conn, batch)]
        for page_id in ids:
            desk.read(page_id)
        return ids


@pytest.fixture
def outage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Outage:
    """The pack is printed where there is no store; the store comes afterwards."""
    clients, numbers, pack = tmp_path / "klienter.csv", tmp_path / "antal.csv", tmp_path / "paket"
    clients.write_text(
        "personnummer;namn;enhet\n" + "".join(f"{one.pid};{one.name};{UNIT}\n" for one in CLIENTS),
        "utf-8",
    )
    rows = (f"{UNIT};{form};{blank};{named}\n" for form, (blank, named) in NUMBERS.items())
    numbers.write_text("enhet;blankett;antal;per_klient\n" + "".join(rows), "utf-8")
    monkeypatch.setenv("EFTERSKRIFT_WORKSPACE", str(tmp_path / "none"))
    command = [
        "pack",
        UNIT,
        "--numbers",
        str(numbers),
        "--clients",
        str(clients),
        "--from",
        DAY,
        "-o",
        str(pack),
    ]
    assert CliRunner().invoke(build_app(), command, catch_exceptions=False).exit_code == 0
    settings = Settings(workspace=tmp_path / "workspace")
    store = open_store(settings, create=True)
    with store.begin() as conn:
        client_register.save_units(conn, {UNIT: "SoL"})
        client_register.save_clients(conn, CLIENTS)
    sheets = parse_issued_file((pack / "utlamnade.csv").read_bytes()).sheets
    whole = pack / "reservpaket-hemtjansten-norr.pdf"
    printed = convert_from_path(
        whole, dpi=PRINT_DPI, first_page=4
    )  # after contents, instructions and telephone chain
    assert len(printed) == len(sheets)
    pages = {
        sheet.serial: np.ascontiguousarray(np.asarray(page)[:, :, ::-1])
        for sheet, page in zip(sheets, printed, strict=True)
    }
    return Outage(Forms.load(settings.forms), tmp_path, sheets, pages, store, settings)


def confirm(outage: Outage, entry_id: str, said: Mapping[str, Value]) -> EntryState:
    """Eva confirms an entry as the paper says it."""
    with outage.store.begin() as conn:
        view = queue.open_claimed_entry(
            conn, outage.forms, EVA, entry_id, queue.ClaimTerms(utc_now())
        )
        specs = [
            one.spec for one in view.fields if one.is_open and one.spec.kind is not Kind.PRINTED
        ]
        given = {
            spec.name: Answer(said[spec.name]) if spec.name in said else Answer(None, State.EMPTY)
            for spec in specs
        }
        decisions.decide_entry(
            conn,
            outage.forms,
            EVA,
            decisions.Decision(entry_id, view.entry.revision, given),
            utc_now(),
        )
        return entry.load_entry(conn, entry_id).state


def counted(outage: Outage) -> dict[str, tuple[int, int, int, int]]:
    with outage.store.read() as conn:
        return {
            one.form: (one.issued, one.returned, one.unused, one.missing)
            for one in sheet_accounting.count_sheets(conn, {UNIT})
        }


@pytest.mark.slow
def test_every_sheet_of_a_pack_is_accounted_for_and_its_signature_key_names_who_signed(
    outage: Outage, record_property: Callable[[str, object], None]
) -> None:
    file = (outage.folder / "paket" / "utlamnade.csv").read_bytes()
    # The key is scanned before anybody has told which sheets there are; then the register of the
    # pack comes in, twice.
    (key,) = outage.of(SIGNATURE_KEY)
    (page,) = outage.scan(outage.write(key, KEY))
    with outage.store.read() as conn:
        boxed = load_page_reading(conn, page)
    record_property(
        "boxed",
        {
            name: (boxed[name].value, round(boxed[name].p, 2))
            for name in ("rad01.signatur", "rad02.signatur")
        },
    )
    assert all(boxed[f"rad{row:02d}.signatur"].state is State.READ for row in (1, 2))
    assert boxed["rad03.signatur"].state is State.EMPTY
    with outage.store.begin() as conn:
        first, again = (import_issued_file(conn, outage.forms, ADMIN, file) for _ in range(2))
    assert (first.new, first.scanned_before, first.unissued) == (len(outage.sheets), 1, 0)
    assert (again.new, again.known) == (0, len(outage.sheets))
    assert {confirm(outage, entry.make_entry_id(key, row), KEY) for row in (1, 2)} == {
        EntryState.RECEIPTED
    }
    with outage.store.read() as conn:
        assert load_staff_list(conn) == [
            StaffMember("Lars Holm", "usk", "LH", UNIT),
            StaffMember("Maria Andersson", "usk", "MA", UNIT),
        ]

    # The bundle of the day: its cover, dated when it was printed, a note, a note with a name on it,
    # and a list of values.
    cover, note, named, values = (
        outage.of(COVER_SHEET)[0],
        outage.of(NOTE)[0],
        outage.of(NOTE, named=True)[0],
        outage.of(VALUES)[0],
    )
    without_pid = {name: value for name, value in ON_NOTE.items() if name != "personnummer"}
    undated = {name: value for name, value in ON_COVER.items() if name != "handelsedatum"}
    written = [
        outage.write(cover, undated),
        outage.write(note, ON_NOTE),
        outage.write(named, without_pid),
        outage.write(values, ON_LIST),
    ]
    ids = outage.scan(*written)
    with outage.store.read() as conn:
        initials = load_page_reading(conn, ids[3])["rad01.signatur"]
        assert entry.load_entry(conn, entry.make_entry_id(named, None)).client_pid == CLIENTS[0].pid
    assert initials.state is State.READ
    words, p = initials.alternatives[0]
    record_property(
        "measured", f"initials MA, read by the signature key of the pack: {words} p {p:.2f}"
    )
    assert words == "MA – Maria Andersson"
    assert confirm(outage, entry.make_entry_id(cover, None), ON_COVER) is EntryState.RECEIPTED
    with outage.store.read() as conn:
        (bundle,) = bundles.list_bundles(conn, ADMIN)
        places = bundles.describe_bundle_places(conn, ids)
    assert (
        bundle.day,
        bundle.number,
        bundle.stated_sheets,
        bundle.found_sheets,
        bundle.is_complete,
    ) == (DAY, "1", 3, 3, True)
    assert set(places) == set(ids[1:])

    # A day counts once a person has confirmed it: real digits are seldom read so certainly that the
    # machine alone is enough.
    assert confirm(outage, entry.make_entry_id(note, None), ON_NOTE) in {
        EntryState.CONFIRMED,
        EntryState.SECOND,
    }

    # One list and one cover come back unused; two blank notes, a named one and a list
    # never do.
    with outage.store.begin() as conn:
        unused = [outage.of(VALUES)[1], outage.of(COVER_SHEET)[1]]
        assert (
            sheet_accounting.save_unused_sheets(conn, ADMIN, UNIT, " ".join(unused), utc_now()) == 2
        )
    assert counted(outage) == {
        NOTE: (5, 2, 0, 3),
        VALUES: (3, 1, 1, 1),
        SIGNATURE_KEY: (1, 1, 0, 0),
        COVER_SHEET: (2, 1, 1, 0),
    }
    with outage.store.read() as conn:
        missing = sheet_accounting.list_missing_sheets(conn, ADMIN)
        days = paper_days.load_paper_days(
            conn, outage.forms, ADMIN, date(2026, 1, 8), date(2026, 1, 9)
        )
    assert {one.serial for one in missing} == {sheet.serial for sheet in outage.sheets} - set(
        outage.used
    ) - set(unused)
    assert [one.prefilled for one in missing] == [True, False, False, False]
    assert days.without_paper(UNIT) == ["2026-01-08"]
    outage.store.close()
