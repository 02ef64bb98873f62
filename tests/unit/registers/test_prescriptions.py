"""The signing list of a month: prescriptions are printed, and each dose has a line of boxes."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from pipeline.cli.printing import print_form
from pipeline.domain.errors import UsageError
from pipeline.domain.model import SHEET_ROW
from pipeline.domain.settings import load_settings
from pipeline.forms.printing import to_issued_sheet
from pipeline.registers.prescriptions import (
    Prescription,
    load_prescriptions,
    make_prescription_sheets,
)
from pipeline.store.database.store import open_store
from pipeline.store.registers.client_register import find_issued_sheet
from tests.support.store.ward import ASTA, BROR
from tests.unit.forms.visit_plans import FORMS

LIST = FORMS.latest("signeringslista")
HEAD = (
    "enhet;månad;personnummer;namn;läkemedel;tider;ordinatör;ordinerat;"
    "styrka;form;väg;dos;delegerad"
)
ASTAS = f"Norr;2021-12;{ASTA.pid};Asta Provberg"
ROWS = f"""{HEAD}
{ASTAS};Alvedon;20:00, 08;Dr Ek;2021-11-03;500 mg;tabl;po;1;ja
{ASTAS};Waran;08.00;Dr Ek;2021-11-03;2,5 mg;tabl;po;enl. lista;
Norr;2021-12;{BROR.pid};Bror Testlund;Omläggning;09:00;Dr Al;2021-12-01;;;;;nej
"""


def write(folder: Path, text: str = ROWS) -> Path:
    path = folder / "ordinationer.csv"
    path.write_text(text, "utf-8")
    return path


def test_each_patients_month_is_a_sheet_with_a_line_for_each_time(tmp_path: Path) -> None:
    first, second = make_prescription_sheets(LIST, load_prescriptions(write(tmp_path)))
    assert [sheet.client.pid for sheet in (first, second) if sheet.client] == [ASTA.pid, BROR.pid]
    printed = dict(first.prefilled)
    assert (printed["datum"], printed["till"]) == ("20211201", "20211231")
    assert [printed[f"ord1_{name}"] for name in ("insats", "styrka", "dos", "delegerad")] == [
        "Alvedon",
        "500 mg",
        "1 kl. 8, 20",
        "X",
    ]
    assert "ord2_delegerad" not in printed
    # In the order of the rounds, the same on both sides.
    for side in ("", "_bak"):
        lines = [(printed[f"rad{n}_tid{side}"], printed[f"rad{n}_insats{side}"]) for n in (1, 2, 3)]
        assert lines == [("08.00", "1 Alvedon"), ("08.00", "2 Waran"), ("20.00", "1 Alvedon")]
    assert "rad4_tid" not in printed
    # The pages that are signed on say whose they are, and of which month.
    assert printed["klient_sida3"] == printed["klient_sida4"]
    assert printed["klient_sida3"].startswith("Asta Provberg, ")
    assert printed["klient_sida3"].endswith(", 2021-12")
    assert set(printed) <= set(LIST.by_name)


def many(times: tuple[str, ...], count: int) -> list[Prescription]:
    return [
        Prescription(
            "Norr", ASTA.pid, date(2021, 12, 1), n, "A", f"L{n}", times, "Dr", "2021-11-01"
        )
        for n in range(count)
    ]


@pytest.mark.parametrize(
    ("times", "count", "sheets"),
    [(("08.00",), 12, 1), (("08.00",), 13, 2), (("08.00", "12.00", "20.00"), 9, 2)],
)
def test_what_a_sheet_has_no_lines_for_is_on_a_further_one(
    times: tuple[str, ...], count: int, sheets: int
) -> None:
    made = make_prescription_sheets(LIST, many(times, count))
    assert len(made) == sheets
    assert sum(name.endswith("_tid") for one in made for name, _ in one.prefilled) == count * len(
        times
    )


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (f"Norr;12/2021;{ASTA.pid};A;Alvedon;08;Dr;2021-11-03;;;;;", "row 2, has no month"),
        (f"Norr;2021-13;{ASTA.pid};A;Alvedon;08;Dr;2021-11-03;;;;;", "row 2, has no month"),
        ("Norr;2021-12;189001019803;A;Alvedon;08;Dr;2021-11-03;;;;;", "has a personal number"),
        (f"{ASTAS};Alvedon;vid behov;Dr;2021-11-03;;;;;", "row 2, has not one to six"),
        (f"{ASTAS};Alvedon;8 8;Dr;2021-11-03;;;;;", "row 2, has not one to six"),
        (f"{ASTAS};Alvedon;1 2 3 4 5 6 7;Dr;2021-11-03;;;;;", "row 2, has not one to six"),
        (f"{ASTAS};Alvedon;08;Dr;3/11;;;;;", "row 2, has no day"),
        (f"{ASTAS};Alvedon;08;Dr;2021-11-03;;;;;kanske", "delegerad"),
        (f"{ASTAS};;08;Dr;2021-11-03;;;;;", "läkemedel"),
    ],
)
def test_a_wrong_row_is_named_without_its_content(tmp_path: Path, row: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as raised:
        load_prescriptions(write(tmp_path, f"{HEAD}\n{row}\n"))
    assert "1890" not in str(raised.value)


LONG = "Levodopa/karbidopa/entakapon Orion filmdragerad tablett 100 mg"


@pytest.mark.parametrize(
    ("row", "column", "room"),
    [
        (f"{ASTAS};{LONG};08;Dr;2021-11-03;;;;;;", "läkemedel", (40, 61)),
        (f"{ASTAS};{LONG[:50]};08;Dr;2021-11-03;;;;;;", "läkemedel", (20, 49)),
        (f"{ASTAS};Alvedon;08;Dr;2021-11-03;;;;;;{LONG}", "kortnamn", (20, 61)),
        (f"{ASTAS};Alvedon;08;Dr;2021-11-03;;Depotinjektionsvätska;;;;", "form", (11, 15)),
        (f"{ASTAS};Alvedon;08;Dr;2021-11-03;;;;{LONG};;", "dos och tider", (15, 69)),
    ],
)
def test_what_has_no_legible_room_is_refused_by_row_and_column(
    tmp_path: Path, row: str, column: str, room: tuple[int, int]
) -> None:
    rows = load_prescriptions(write(tmp_path, f"{HEAD};kortnamn\n{row}\n"))
    with pytest.raises(UsageError, match=f"Row 2, column {column}") as raised:
        make_prescription_sheets(LIST, rows)
    assert room[0] <= int(str(raised.value.values["room"])) <= room[1]
    assert "Levodopa" not in str(raised.value)


def test_a_short_name_is_printed_in_the_lines_of_days_only(tmp_path: Path) -> None:
    row = f"{ASTAS};Morfin Meda depottablett;08;Dr;2021-11-03;;depottablett;;;;Morfin"
    (sheet,) = make_prescription_sheets(
        LIST, load_prescriptions(write(tmp_path, f"{HEAD};kortnamn\n{row}\n"))
    )
    printed = dict(sheet.prefilled)
    assert (printed["ord1_insats"], printed["rad1_insats"]) == (
        "Morfin Meda depottablett",
        "1 Morfin",
    )


def test_nothing_of_the_unit_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no prescriptions"):
        load_prescriptions(write(tmp_path), "Söder")


def test_a_form_without_lines_takes_no_prescriptions(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no lines for prescriptions"):
        make_prescription_sheets(FORMS.latest("matvarden"), load_prescriptions(write(tmp_path)))


def test_the_command_prints_and_registers_the_sheets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EFTERSKRIFT_WORKSPACE", str(tmp_path / "workspace"))
    register = tmp_path / "klienter.csv"
    register.write_text(
        "personnummer;namn;enhet;skyddad\n"
        f"{ASTA.pid};Asta Provberg;Norr;\n{BROR.pid};Bror Testlund;Norr;ja\n",
        "utf-8",
    )
    plan = write(tmp_path)
    print_form("signeringslista", tmp_path / "ut.pdf", plan=plan, clients=register)
    assert (tmp_path / "ut.pdf").stat().st_size
    assert (tmp_path / "ut-skyddade.pdf").stat().st_size
    store = open_store(load_settings())
    with store.read() as conn:
        serials = [row[0] for row in conn.exec_driver_sql("SELECT serial FROM issued_sheet")]
        issued = [find_issued_sheet(conn, serial) for serial in serials]
    store.close()
    assert {one.client_pid for one in issued if one} == {ASTA.pid, BROR.pid}


def test_a_sheet_is_about_its_patient() -> None:
    (sheet,) = make_prescription_sheets(LIST, many(("08.00",), 1))
    issued = to_issued_sheet(LIST, sheet)
    assert issued.client_pid == ASTA.pid
    assert [row.row for row in issued.rows] == [SHEET_ROW]
    assert {"datum", "ord1_insats", "rad1_tid"} <= dict(issued.rows[0].printed).keys()
