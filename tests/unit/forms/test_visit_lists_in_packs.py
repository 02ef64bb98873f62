"""Tour lists of a pack, and separate visits to protected clients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import cv2
import numpy as np
import pytest
from pdf2image import convert_from_path
from typer.testing import CliRunner

from pipeline.cli.app import build_app
from pipeline.domain.errors import UsageError
from pipeline.domain.form.form import Forms
from pipeline.domain.model import PrintedRow
from pipeline.domain.settings import load_settings
from pipeline.forms.visit_lists import PlannedVisit
from pipeline.preparation.outage_pack.pack import PackExtras, make_pack, make_unit_pack
from pipeline.preparation.outage_pack.pages import PackInfo
from pipeline.preparation.outage_pack.parts import PackOrder
from pipeline.preparation.practice.fill_sheet import PRINT_DPI
from pipeline.reading.read_page import PageReader
from pipeline.registers import pack_quantities
from pipeline.registers.issued_serials import format_issued_file, parse_issued_file
from pipeline.registers.pack_quantities import SheetQuantity
from pipeline.store.database.store import Store
from pipeline.store.entries.entry import list_sheet_entries
from pipeline.store.registers.client_register import find_issued_sheet, save_clients, save_units
from pipeline.store.registers.issued_sheets import import_issued_file
from tests.support.store.counted_statements import statements
from tests.support.store.ward import ADMIN, ASTA, BROR, CILLA, NORTH, Ward
from tests.unit.forms.visit_plans import FORMS, HEAD, LIST, PLAN, names_on, write_plan

pytest_plugins = ("tests.support.store.databases",)


@pytest.fixture
def ward(store: Store) -> Ward:
    return Ward(store).begin()


@pytest.mark.parametrize("file_first", [True, False])
def test_tour_lists_of_pack_without_store_have_client_of_each_row(
    ward: Ward, tmp_path: Path, *, file_first: bool
) -> None:
    """Printed without a store, scanned, and imported before or after."""
    register, plan = (
        tmp_path / "klienter.csv",
        f"{HEAD}\n{NORTH};2021-12-17;07:30;{ASTA.pid};{ASTA.name};Dusch;3\n",
    )
    register.write_text(
        f"personnummer;namn;enhet\n{ASTA.pid};{ASTA.name};{NORTH}\n{BROR.pid};{BROR.name};{NORTH}\n",
        "utf-8",
    )
    pack = _pack(
        tmp_path,
        f"{plan}{NORTH};2021-12-17;08:15;{BROR.pid};{BROR.name};;3\n",
        NORTH,
        "--clients",
        str(register),
    )
    issued_file = (pack / "utlamnade.csv").read_bytes()
    (printed,) = convert_from_path(pack / "04-korlistor.pdf", dpi=PRINT_DPI)
    scan = cv2.imencode(".png", np.asarray(printed)[:, :, ::-1])[1].tobytes()
    reading = PageReader.of_forms(FORMS, [ASTA, BROR]).read(scan, "image/png").reading
    for take in (file_first, not file_first):
        with ward.store.begin() as conn:
            if take:
                assert import_issued_file(conn, FORMS, ADMIN, issued_file).new == 1
        if not take:
            ward.read(ward.scan(), reading, LIST)
    (sheet,) = parse_issued_file(issued_file).sheets
    with ward.store.begin() as conn:
        assert {(one.row, one.client_pid) for one in list_sheet_entries(conn, sheet.serial)} == {
            (1, ASTA.pid),
            (2, BROR.pid),
        }
        assert import_issued_file(conn, FORMS, ADMIN, issued_file).known == 1
        other = format_issued_file([replace(sheet, rows=(PrintedRow(1, BROR.pid),))])
        with pytest.raises(UsageError, match=sheet.serial):
            import_issued_file(conn, FORMS, ADMIN, other)


def test_visits_to_protected_clients_are_in_separate_file(
    tmp_path: Path,
) -> None:
    register = tmp_path / "klienter.csv"
    register.write_text(
        f"personnummer;namn;enhet;skyddad\n{ASTA.pid};{ASTA.name};Norr;ja\n{BROR.pid};{BROR.name};Norr;\n",
        "utf-8",
    )
    pack = _pack(tmp_path, PLAN, "Norr", "--clients", str(register))
    (apart,) = pack.glob("*-korlistor-skyddade.pdf")
    (others,) = pack.glob("*-korlistor.pdf")
    assert (names_on(apart), names_on(others), names_on(pack / "reservpaket-norr.pdf")) == (
        {ASTA.name},
        {BROR.name},
        {BROR.name},
    )
    issued_rows = [
        [row.client_pid for row in one.rows]
        for one in parse_issued_file((pack / "utlamnade.csv").read_bytes()).sheets
        if one.rows
    ]
    assert sorted(issued_rows) == [[ASTA.pid, ASTA.pid], [BROR.pid]]


def test_pack_is_not_made_from_plan_without_protection_data(
    tmp_path: Path,
) -> None:
    command = [
        "pack",
        "Norr",
        "--area",
        "HSL",
        "--plan",
        str(write_plan(tmp_path, PLAN)),
        "-o",
        str(tmp_path / "paket"),
    ]
    with pytest.raises(UsageError, match="protected identity"):
        CliRunner().invoke(build_app(), command, catch_exceptions=False)
    assert not (tmp_path / "paket").exists()


def test_visit_to_protected_client_of_other_unit_is_separate(tmp_path: Path) -> None:
    register = tmp_path / "klienter.csv"
    register.write_text(
        f"personnummer;namn;enhet;skyddad\n{ASTA.pid};{ASTA.name};Norr;\n{BROR.pid};{BROR.name};Söder;ja\n",
        "utf-8",
    )
    pack = _pack(tmp_path, PLAN, "Norr", "--clients", str(register))
    (others,) = pack.glob("*-korlistor.pdf")
    assert (names_on(others), names_on(pack / "reservpaket-norr.pdf")) == (
        {ASTA.name},
        {ASTA.name},
    )


def test_pack_separates_visits_to_unregistered_clients(tmp_path: Path) -> None:
    register = tmp_path / "klienter.csv"
    register.write_text(f"personnummer;namn;enhet;skyddad\n{BROR.pid};{BROR.name};Norr;\n", "utf-8")
    pack = _pack(tmp_path, PLAN, "Norr", "--clients", str(register))
    (apart,) = pack.glob("*-korlistor-ej-i-registret.pdf")
    assert (names_on(apart), names_on(pack / "reservpaket-norr.pdf")) == (
        {ASTA.name},
        {BROR.name},
    )


def test_pack_from_store_separates_only_clients_missing_in_store(
    ward: Ward, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Clients of other units are known as well."""
    monkeypatch.setattr(
        pack_quantities,
        "load_rules",
        lambda: pack_quantities.QuantityRules(version=1, always=(), areas={}),
    )
    with ward.store.begin() as conn:
        save_units(conn, {"Söder": "SoL"})
        save_clients(conn, [replace(BROR, unit="Söder")])
    strange = "199001012399"
    visits = [
        PlannedVisit(NORTH, "2021-12-17", "1", "07:30", pid, name, "")
        for pid, name in ((BROR.pid, BROR.name), (strange, CILLA.name))
    ]
    pack = make_unit_pack(
        ward.store, load_settings(), FORMS, ADMIN, NORTH, extras=PackExtras(visits=visits)
    )
    (tmp_path / "all.pdf").write_bytes(pack.files["reservpaket-norra-hemsjukvarden.pdf"])
    (tmp_path / "apart.pdf").write_bytes(pack.files[pack.unregistered_visits_file])
    assert (names_on(tmp_path / "all.pdf"), names_on(tmp_path / "apart.pdf")) == (
        {BROR.name},
        {CILLA.name},
    )


def test_number_of_statements_is_independent_of_clients(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_rules = pack_quantities.QuantityRules(version=1, always=(), areas={})
    monkeypatch.setattr(pack_quantities, "load_rules", lambda: no_rules)

    def asked(pids: Sequence[str]) -> int:
        visits = [
            PlannedVisit(NORTH, "2021-12-17", "1", "07:30", pid, "Test Testsson", "")
            for pid in pids
        ]
        with statements(ward.store) as recorded:
            make_unit_pack(
                ward.store, load_settings(), FORMS, ADMIN, NORTH, extras=PackExtras(visits=visits)
            )
        return len(recorded)

    asked([ASTA.pid])  # the first pack of a workspace also makes its key
    before = asked([ASTA.pid])
    with ward.store.begin() as conn:
        save_clients(
            conn, [replace(BROR, pid=f"19890101{number}") for number in (9802, 9810, 9828)]
        )
    assert asked([ASTA.pid, BROR.pid, CILLA.pid]) == before


def test_pack_from_store_omits_visits_to_clients_without_printed_name(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        pack_quantities,
        "load_rules",
        lambda: pack_quantities.QuantityRules(version=1, always=(), areas={}),
    )
    with ward.store.begin() as conn:
        save_clients(conn, [replace(CILLA, protected=True)])
    visits = [
        PlannedVisit(NORTH, "2021-12-17", "1", "07:30", one.pid, one.name, "")
        for one in (ASTA, CILLA)
    ]
    pack = make_unit_pack(
        ward.store, load_settings(), FORMS, ADMIN, NORTH, extras=PackExtras(visits=visits)
    )
    assert [[row.client_pid for row in sheet.rows] for sheet in pack.sheets] == [[ASTA.pid]]
    with ward.store.read() as conn:
        assert find_issued_sheet(conn, pack.sheets[0].serial) == pack.sheets[0]


def test_plan_is_printed_on_units_own_list_if_present() -> None:
    own = LIST.model_copy(update={"id": "egen-korlista", "title": "Vår körlista"})
    visits = [PlannedVisit("Norr", "2021-12-17", "1", "07:30", ASTA.pid, ASTA.name, "")]
    order = PackOrder(
        PackInfo("Norr", "Kommunen", date(2026, 11, 25)),
        [SheetQuantity("egen-korlista", 0)],
        visits=visits,
    )
    assert [
        sheet.form for sheet in make_pack(order, Forms({**FORMS, (own.id, 1): own})).sheets
    ] == ["egen-korlista"]


def _pack(tmp_path: Path, plan: str, unit: str = NORTH, *more: str) -> Path:
    """Made by the command without a store: only tour lists have serials."""
    numbers, pack = tmp_path / "antal.csv", tmp_path / "paket"
    numbers.write_text(f"enhet;blankett;antal;per_klient\n{unit};korlista;0;0\n", "utf-8")
    command = [
        "pack",
        unit,
        "--numbers",
        str(numbers),
        "--plan",
        str(write_plan(tmp_path, plan)),
        *more,
        "-o",
        str(pack),
    ]
    assert (
        CliRunner()
        .invoke(
            build_app(),
            command,
            catch_exceptions=False,
            env={"EFTERSKRIFT_WORKSPACE": str(tmp_path / "none")},
        )
        .exit_code
        == 0
    )
    assert not (tmp_path / "none").exists()
    return pack
