"""The outage pack: what is in it, how many, in which order, and what it refuses."""

from __future__ import annotations

import io
import subprocess
import zipfile
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pikepdf
import pytest
import zxingcpp
from pdf2image import convert_from_bytes
from typer.testing import CliRunner

from pipeline.cli.app import build_app
from pipeline.domain.errors import UsageError
from pipeline.domain.form.form import Area, Forms, Subject
from pipeline.domain.settings import ROOT
from pipeline.forms.fiducials import parse_code
from pipeline.preparation.outage_pack.pack import make_pack, plain_name
from pipeline.preparation.outage_pack.pages import PackInfo
from pipeline.preparation.outage_pack.parts import PackOrder
from pipeline.preparation.outage_pack.staff_pages import (
    ChainContact,
    ScheduledShift,
    count_chain_pages,
    count_schedule_pages,
    load_chain,
    load_schedule,
)
from pipeline.registers.clients import load_client_register
from pipeline.registers.issued_serials import parse_issued_file
from pipeline.registers.pack_quantities import (
    SheetQuantity,
    default_quantities,
    load_quantities,
    load_rules,
    quantities_csv,
)

pytestmark = pytest.mark.slow

FORMS = Forms.load(ROOT / "forms")
REGISTER = load_client_register(ROOT / "data" / "samples" / "klienter.csv").clients
UNIT = "Hemsjukvården Centrum"
OWN = [client for client in REGISTER if client.unit == UNIT]
NOTE, VALUES = "hsl-anteckning", "matvarden"


def order(*needs: SheetQuantity, unit: str = UNIT) -> PackOrder:
    return PackOrder(PackInfo(unit, "Kommunen", date(2026, 11, 25)), needs, REGISTER)


def pages(pdf: bytes) -> int:
    with pikepdf.open(io.BytesIO(pdf)) as document:
        return len(document.pages)


def serials(pdf: bytes) -> list[str]:
    """The serials on a document's pages, in order, as the codes say them."""
    found = []
    for page in convert_from_bytes(pdf, dpi=110, grayscale=True):
        codes = {
            code.serial
            for read in zxingcpp.read_barcodes(np.asarray(page))
            if (code := parse_code(read.text))
        }
        found += sorted(codes)
    return found


def test_the_whole_pack_holds_each_part_where_the_contents_say_and_each_sheet_once() -> None:
    made = make_pack(order(SheetQuantity(NOTE, 3, 1), SheetQuantity(VALUES, 2)), FORMS)
    whole, *rest = made.files
    assert whole == "reservpaket-hemsjukvarden-centrum.pdf"
    parts = [name for name in rest if name.endswith(".pdf") and "skyddade" not in name]
    assert [name[3:-4] for name in parts] == [
        "innehall",
        "instruktion",
        "telefonkedja",
        NOTE,
        VALUES,
        "forifyllda",
    ]
    assert pages(made.files[whole]) == sum(pages(made.files[name]) for name in parts)
    apart = next(name for name in rest if "skyddade" in name)
    # Each page of a sheet carries its serial.
    assert serials(made.files[whole]) + serials(made.files[apart]) == [
        sheet.serial for sheet in made.sheets for _ in FORMS[sheet.form, sheet.version].pages
    ]
    assert parse_issued_file(made.files["utlamnade.csv"]).sheets == made.sheets


def test_clients_get_their_own_sheets_and_those_with_protected_identity_a_file_of_their_own() -> (
    None
):
    made = make_pack(order(SheetQuantity(NOTE, 1, 2)), FORMS)
    for protected, name in ((False, "05-forifyllda.pdf"), (True, "06-forifyllda-skyddade.pdf")):
        printed = set(serials(made.files[name]))
        clients = {sheet.client_pid for sheet in made.sheets if sheet.serial in printed}
        assert clients == {client.pid for client in OWN if client.protected is protected}
        assert len(printed) == 2 * len(clients)
    assert {sheet.unit for sheet in made.sheets} == {UNIT}


def test_a_unit_without_clients_gets_blank_sheets_only() -> None:
    made = make_pack(order(SheetQuantity(NOTE, 2, 1), unit="Nya enheten"), FORMS)
    assert [sheet.client_pid for sheet in made.sheets] == [None, None]


def test_a_pack_without_sheets_and_numbers_beyond_reason_are_refused() -> None:
    for needs in (
        (SheetQuantity(NOTE, 0),),
        (SheetQuantity(NOTE, 1), SheetQuantity(NOTE, 2)),
        (SheetQuantity(NOTE, -1),),
        (SheetQuantity(NOTE, 2001),),
        (SheetQuantity(NOTE, 1, 21),),
    ):
        with pytest.raises(UsageError):
            make_pack(order(*needs), FORMS)


@pytest.mark.parametrize("area", list(Area))
def test_every_area_has_default_numbers_that_grow_with_clients_and_days(area: Area) -> None:
    everything = {rule.form for rule in (*load_rules().always, *load_rules().areas[area.value])}
    few, many = (
        {need.form: need.sheets for need in default_quantities(area, *size, everything)}
        for size in ((5, 7), (60, 30))
    )
    assert few.keys() == many.keys()
    assert all(few[form] <= many[form] for form in few)
    assert sum(few.values()) < sum(many.values())
    assert {need.form for need in default_quantities(area, 5, 7, {"fri-anteckning"})} == {
        "fri-anteckning"
    }


def test_every_form_of_the_default_numbers_is_there() -> None:
    named = {
        rule.form
        for rule in (
            *load_rules().always,
            *(rule for of_area in load_rules().areas.values() for rule in of_area),
        )
    }
    assert named <= {form_id for form_id, _ in FORMS}


def test_every_form_of_the_default_numbers_has_a_word_on_the_instructions() -> None:
    named = {
        rule.form
        for rule in (
            *load_rules().always,
            *(rule for of_area in load_rules().areas.values() for rule in of_area),
        )
    }
    assert all(FORMS.latest(form_id).rules.use for form_id in named)


def test_forms_about_no_client_are_never_issued_with_a_client() -> None:
    assert FORMS.latest("nyckelkvittens").subject is Subject.NONE
    with pytest.raises(UsageError, match="nyckelkvittens"):
        make_pack(order(SheetQuantity(NOTE, 1, 1), SheetQuantity("nyckelkvittens", 1, 1)), FORMS)


@pytest.mark.nightly
def test_every_form_of_a_large_pack_stands_on_the_instructions() -> None:
    own = FORMS.latest("korlista").model_copy(
        update={
            "id": "egen-lista",
            "title": "Vår egen lista",
            "rules": FORMS.latest("korlista").rules.model_copy(update={"use": ""}),
        }
    )
    there_are = Forms({**FORMS, (own.id, own.version): own})
    needs = [SheetQuantity(form_id, 1) for form_id in sorted({form_id for form_id, _ in there_are})]
    made = make_pack(order(*needs, unit="Nya"), there_are)
    told = made.files["02-instruktion.pdf"]
    said = " ".join(
        subprocess.run(
            ["pdftotext", "-layout", "-", "-"], input=told, capture_output=True, check=True
        )
        .stdout.decode()
        .split()
    )
    assert [need.form for need in needs if there_are.latest(need.form).title not in said] == []
    assert "Dag och utförare, besök" in said
    whole, contents = (
        pages(made.files[name]) for name in ("reservpaket-nya.pdf", "01-innehall.pdf")
    )
    assert whole == contents + sum(
        pages(pdf) for name, pdf in made.files.items() if name[:2].isdecimal() and name[:2] != "01"
    )
    assert pages(told) == 2
    assert (
        pages(
            make_pack(order(SheetQuantity(NOTE, 1), unit="Nya"), there_are).files[
                "02-instruktion.pdf"
            ]
        )
        == 1
    )


def test_numbers_are_written_as_they_are_read(tmp_path: Path) -> None:
    needs = [SheetQuantity(NOTE, 40, 2), SheetQuantity(VALUES, 0)]
    file = tmp_path / "antal.csv"
    file.write_bytes(quantities_csv(UNIT, needs))
    assert load_quantities(file, UNIT) == needs
    with pytest.raises(UsageError, match="no numbers"):
        load_quantities(file, "Annan enhet")
    for wrong in (
        f"{UNIT};{NOTE};många;1",
        f"{UNIT};{NOTE};1;1\n{UNIT};{NOTE};2;1",
        f"{UNIT};{NOTE};9999;0",
    ):
        file.write_text(f"enhet;blankett;antal;per_klient\n{wrong}\n", "utf-8")
        with pytest.raises(UsageError, match="row"):
            load_quantities(file, UNIT)


def test_a_chain_and_a_schedule_take_as_many_pages_as_they_need(tmp_path: Path) -> None:
    assert count_chain_pages(()) == 1
    assert count_chain_pages([ChainContact("Namn", "070-1740605")] * 60) == 3
    assert count_schedule_pages(()) == 0
    assert (
        count_schedule_pages(
            [
                ScheduledShift("Eva", date(2026, 12, 6), "07-16"),
                ScheduledShift("Eva", date(2026, 12, 7), "07-16"),
            ]
        )
        == 2
    )
    file = tmp_path / "fil.csv"
    file.write_text("namn;telefon;roll\nEva;070-1740605;chef\n", "utf-8")
    assert load_chain(file) == (ChainContact("Eva", "070-1740605", "chef"),)
    file.write_text("namn;datum;pass\nEva;2026-12-06;07-16\n", "utf-8")
    assert load_schedule(file) == (ScheduledShift("Eva", date(2026, 12, 6), "07-16"),)
    file.write_text("namn;datum;pass\nEva;6 dec;07-16\n", "utf-8")
    with pytest.raises(UsageError, match="row 2"):
        load_schedule(file)


def test_a_units_name_becomes_a_file_name() -> None:
    assert plain_name("Säbo Björken / avd 2") == "sabo-bjorken-avd-2"
    assert plain_name("…") == "enhet"


def test_the_command_needs_no_store_and_never_writes_over_a_pack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EFTERSKRIFT_WORKSPACE", str(tmp_path / "none"))
    numbers = tmp_path / "antal.csv"
    numbers.write_bytes(quantities_csv(UNIT, [SheetQuantity(NOTE, 1, 1)]))
    clients = str(ROOT / "data" / "samples" / "klienter.csv")
    command = [
        "pack",
        UNIT,
        "--numbers",
        str(numbers),
        "--clients",
        clients,
        "-o",
        str(tmp_path / "paket"),
    ]
    assert CliRunner().invoke(build_app(), command, catch_exceptions=False).exit_code == 0
    assert not (tmp_path / "none").exists()
    assert len(
        parse_issued_file((tmp_path / "paket" / "utlamnade.csv").read_bytes()).sheets
    ) == 1 + len(OWN)
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "paket").iterdir()} == {0o600}
    assert (tmp_path / "paket").stat().st_mode & 0o777 == 0o700
    before = (tmp_path / "paket" / "utlamnade.csv").read_bytes()
    assert isinstance(CliRunner().invoke(build_app(), command).exception, UsageError)
    assert (tmp_path / "paket" / "utlamnade.csv").read_bytes() == before
    for arguments in (
        ["pack", UNIT, "-o", str(tmp_path / "b")],
        ["pack", "Okänd", "--area", "HSL", "--clients", clients, "-o", str(tmp_path / "b")],
    ):
        assert isinstance(CliRunner().invoke(build_app(), arguments).exception, UsageError)


def test_all_files_go_in_one() -> None:
    made = make_pack(order(SheetQuantity(NOTE, 1), unit="Nya"), FORMS)
    with zipfile.ZipFile(io.BytesIO(made.as_zip)) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == made.files


def test_a_pack_of_a_unit_without_a_name_is_not_made(tmp_path: Path) -> None:
    result = CliRunner().invoke(
        build_app(), ["pack", " ", "--area", "HSL", "-o", str(tmp_path / "paket")]
    )
    assert isinstance(result.exception, UsageError)
    assert not (tmp_path / "paket").exists()


def test_the_client_list_has_the_code_of_each_client_who_has_one() -> None:
    coded, other = OWN[:2]
    made = make_pack(
        replace(order(SheetQuantity("besokslista", 1)), codes={coded.pid: "1008"}), FORMS
    )
    file = next(name for name in made.files if name.endswith("klientlista.pdf"))
    said = subprocess.run(
        ["pdftotext", "-layout", "-", "-"], input=made.files[file], capture_output=True, check=True
    ).stdout.decode()
    (line,) = [line for line in said.splitlines() if "1008" in line]
    assert coded.name in line
    assert other.name not in said
