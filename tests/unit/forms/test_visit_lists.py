"""The tour list (körlista): planned visits are printed in its rows, and each row's client
is known.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import pytest

from pipeline.cli.printing import print_form
from pipeline.domain.errors import UsageError
from pipeline.domain.model import IssuedSheet, PrintedRow
from pipeline.domain.review.rules import Answer
from pipeline.domain.settings import load_settings
from pipeline.forms.printing import to_issued_sheet
from pipeline.forms.visit_lists import PlannedVisit, load_visit_plan, make_visit_sheets
from pipeline.preparation.practice.fill_sheet import render_sheet_page
from pipeline.reading.read_page import PageReader
from pipeline.review import client_question
from pipeline.store.database.store import Store, open_store
from pipeline.store.entries.entry import list_sheet_entries
from pipeline.store.event_log import queries
from pipeline.store.registers.client_register import find_issued_sheet, save_clients, save_units
from tests.support.store.outstanding import list_outstanding
from tests.support.store.ward import ASTA, BROR, CILLA, NORTH, VISITS, Ward, page_reading
from tests.unit.forms.visit_plans import FORMS, HEAD, LIST, names_on, write_plan

pytest_plugins = ("tests.support.store.databases",)


def test_plan_has_one_sheet_per_route_with_visits_in_order(tmp_path: Path) -> None:
    sheets = make_visit_sheets(LIST, load_visit_plan(write_plan(tmp_path)))
    assert [sheet.unit for sheet in sheets] == ["Norr", "Norr", "Söder"]
    known = dict(sheets[0].prefilled)
    assert [
        known[name]
        for name in ("datum", "rutt", "rad01.planerad_tid", "rad01.insats", "rad02.planerad_tid")
    ] == [
        "20211217",
        "3",
        "0730",
        "Tillsyn",
        "0900",
    ]
    assert known["rad01.personnummer"] == ASTA.pid
    assert "rad03.personnummer" not in known
    assert [visit.unit for visit in load_visit_plan(write_plan(tmp_path), "Söder")] == ["Söder"]


def test_a_client_with_an_lma_number_is_on_the_tour_list(tmp_path: Path) -> None:
    (visit,) = load_visit_plan(
        write_plan(tmp_path, f"{HEAD}\nNorr;2021-12-17;08:15;50-017845/6;Asta Provberg;;\n")
    )
    (row,) = to_issued_sheet(LIST, make_visit_sheets(LIST, [visit])[0]).rows
    assert (visit.pid, row.client_pid) == ("50017845/6", "50017845/6")


def test_long_route_continues_on_another_sheet() -> None:
    rows = len(LIST.rows())
    visits = [
        PlannedVisit("Norr", "2021-12-17", "1", f"{7 + n:02d}:00", ASTA.pid, ASTA.name, "")
        for n in range(rows + 1)
    ]
    assert [
        len(to_issued_sheet(LIST, sheet).rows) for sheet in make_visit_sheets(LIST, visits)
    ] == [rows, 1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("datum;tid\n", "lacks the column enhet"),
        (f"{HEAD}\nNorr;17/12;08:15;189001019802;A;;\n", "row 2, has no day"),
        (f"{HEAD}\nNorr;2021-12-17;kl 8;189001019802;A;;\n", "row 2, has no day"),
        (f"{HEAD}\nNorr;2021-12-17;08:15;189001019803;A;;\n", "row 2, has a personal number"),
        (f"{HEAD}\nNorr;2021-12-17;08:15;1,93001E+11;A;;\n", "row 2, has a personal number"),
        (f"{HEAD}\n", "no visits"),
    ],
)
def test_error_of_plan_names_row_without_content(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as raised:
        load_visit_plan(write_plan(tmp_path, text))
    assert "1890" not in str(raised.value)


def test_other_form_has_no_rows_for_plan(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no rows for planned visits"):
        make_visit_sheets(FORMS.latest("besokslista"), load_visit_plan(write_plan(tmp_path)))


def test_printed_sheets_are_registered_with_serial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EFTERSKRIFT_WORKSPACE", str(tmp_path / "workspace"))
    register = tmp_path / "klienter.csv"
    register.write_text(
        "personnummer;namn;enhet;skyddad\n"
        + "".join(f"{one.pid};{one.name};Norr;\n" for one in (ASTA, BROR, CILLA)),
        "utf-8",
    )
    print_form("korlista", tmp_path / "ut.pdf", plan=write_plan(tmp_path), clients=register)
    store = open_store(load_settings())
    with store.read() as conn:
        sheets = [
            sheet
            for one in list_outstanding(conn)
            if (sheet := find_issued_sheet(conn, one.serial))
        ]
        asta = set(conn.execute(queries.log_subjects_of_client(conn, ASTA.pid)).scalars())
    store.close()
    rows = sorted(
        (one.client_pid, dict(one.printed).get("planerad_tid"))
        for sheet in sheets
        for one in sheet.rows
    )
    assert rows == [(ASTA.pid, "0730"), (ASTA.pid, "0900"), (BROR.pid, "0815"), (CILLA.pid, "0815")]
    assert {
        sheet.serial for sheet in sheets if any(row.client_pid == ASTA.pid for row in sheet.rows)
    } <= asta


@pytest.mark.parametrize("told_by", ["register", "store"])
def test_printed_plan_separates_visits_to_protected_clients(
    told_by: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a pack; protected clients are those of the given register, or of the store."""
    monkeypatch.setenv("EFTERSKRIFT_WORKSPACE", str(tmp_path / "workspace"))
    register, plan, out = tmp_path / "klienter.csv", write_plan(tmp_path), tmp_path / "ut.pdf"
    if told_by == "register":
        register.write_text(
            f"personnummer;namn;enhet;skyddad\n{ASTA.pid};{ASTA.name};Norr;ja\n{BROR.pid};{BROR.name};Norr;\n",
            "utf-8",
        )
        print_form("korlista", out, plan=plan, clients=register, unit="Norr")
    else:
        store = open_store(load_settings(), create=True)
        with store.begin() as conn:
            save_units(conn, {NORTH: "HSL", "Norr": "SoL"})
            save_clients(conn, [replace(ASTA, protected=True), BROR])
        store.close()
        print_form("korlista", out, plan=plan, unit="Norr")
    assert (names_on(out), names_on(tmp_path / "ut-skyddade.pdf")) == ({BROR.name}, {ASTA.name})
    store = open_store(load_settings())
    with store.read() as conn:
        rows = [
            [row.client_pid for row in sheet.rows]
            for one in list_outstanding(conn)
            if (sheet := find_issued_sheet(conn, one.serial))
        ]
    store.close()
    assert sorted(rows) == [[ASTA.pid, ASTA.pid], [BROR.pid]]


def test_plan_of_only_protected_clients_writes_one_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EFTERSKRIFT_WORKSPACE", str(tmp_path / "workspace"))
    register = tmp_path / "klienter.csv"
    register.write_text(
        f"personnummer;namn;enhet;skyddad\n{CILLA.pid};{CILLA.name};Söder;ja\n", "utf-8"
    )
    print_form(
        "korlista", tmp_path / "ut.pdf", plan=write_plan(tmp_path), clients=register, unit="Söder"
    )
    assert not (tmp_path / "ut.pdf").exists()
    assert names_on(tmp_path / "ut-skyddade.pdf") == {CILLA.name}


@pytest.mark.parametrize("told_by", ["register", "store"])
def test_planned_clients_in_no_register_are_separate_with_warning(
    told_by: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Their identity may be protected."""
    monkeypatch.setenv("EFTERSKRIFT_WORKSPACE", str(tmp_path / "workspace"))
    register, out = tmp_path / "klienter.csv", tmp_path / "ut.pdf"
    register.write_text(f"personnummer;namn;enhet;skyddad\n{BROR.pid};{BROR.name};Norr;\n", "utf-8")
    with open_store(load_settings(), create=True).begin() as conn:
        save_units(conn, {NORTH: "HSL", "Norr": "SoL"})
        save_clients(conn, [BROR] if told_by == "store" else [])
    print_form(
        "korlista",
        out,
        plan=write_plan(tmp_path),
        clients=register if told_by == "register" else None,
        unit="Norr",
    )
    assert (names_on(out), names_on(tmp_path / "ut-ej-i-registret.pdf")) == (
        {BROR.name},
        {ASTA.name},
    )
    assert (
        "ut-ej-i-registret.pdf: planned clients who are in no register" in capsys.readouterr().err
    )


def test_plan_is_not_printed_without_client_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EFTERSKRIFT_WORKSPACE", str(tmp_path / "workspace"))
    with pytest.raises(UsageError, match="protected identity"):
        print_form("korlista", tmp_path / "ut.pdf", plan=write_plan(tmp_path))
    assert not list(tmp_path.glob("*.pdf"))


@pytest.fixture
def ward(store: Store) -> Ward:
    return Ward(store).begin()


def test_each_read_row_is_about_its_printed_client(ward: Ward) -> None:
    ward.issue(
        IssuedSheet(
            "BBBB",
            VISITS.id,
            1,
            NORTH,
            rows=(PrintedRow(1, ASTA.pid), PrintedRow(2, BROR.pid, (("tid", "0815"),))),
        )
    )
    ward.read(
        ward.scan(), page_reading(VISITS, "BBBB", {f"rad0{row}.tid": "08:15" for row in (1, 2, 3)})
    )
    with ward.store.read() as conn:
        assert [one.client_pid for one in list_sheet_entries(conn, "BBBB")] == [
            ASTA.pid,
            BROR.pid,
            None,
        ]
        assert queries.clients_of_subjects(conn, ["BBBB"]) == {"BBBB": {ASTA.pid, BROR.pid}}


def test_client_sheet_with_rows_is_prefilled_in_first_row_only(ward: Ward) -> None:
    ward.issue(IssuedSheet("BBBB", VISITS.id, 1, NORTH, ASTA.pid))
    ward.read(
        ward.scan(), page_reading(VISITS, "BBBB", {f"rad0{row}.tid": "08:15" for row in (1, 2)})
    )
    with ward.store.read() as conn:
        assert [one.client_pid for one in list_sheet_entries(conn, "BBBB")] == [ASTA.pid, None]


def test_client_other_than_printed_one_needs_explanation(ward: Ward) -> None:
    ward.issue(
        IssuedSheet(
            "BBBB", VISITS.id, 1, NORTH, rows=(PrintedRow(1, ASTA.pid), PrintedRow(2, BROR.pid))
        )
    )
    ward.read(
        ward.scan(), page_reading(VISITS, "BBBB", {"rad01.tid": "08:15", "rad02.tid": "09:15"})
    )
    with ward.store.read() as conn:
        first, second = list_sheet_entries(conn, "BBBB")
        other = client_question.check_entry_client(
            conn, VISITS, first, {"rad01.pnr": Answer(BROR.pid)}
        )
        same = client_question.check_entry_client(
            conn, VISITS, second, {"rad02.pnr": Answer(BROR.pid)}
        )
    assert other is not None
    assert same is not None
    assert other.conflicts == ("printed_other",)
    assert "printed_same" in same.findings


def test_printed_values_are_read_back(tmp_path: Path) -> None:
    (sheet, *_) = make_visit_sheets(LIST, load_visit_plan(write_plan(tmp_path), "Norr"))
    reader = PageReader.of_forms(FORMS, [ASTA, BROR, CILLA])
    reading = reader.read(
        cv2.imencode(".png", render_sheet_page(LIST, sheet, 1))[1].tobytes(), "image/png"
    ).reading
    values = {
        name: reading.fields[name].value
        for name in ("datum", "rad01.planerad_tid", "rad01.personnummer", "rad02.personnummer")
    }
    assert values == {
        "datum": "2021-12-17",
        "rad01.planerad_tid": "07:30",
        "rad01.personnummer": ASTA.pid,
        "rad02.personnummer": ASTA.pid,
    }


@pytest.mark.parametrize("written", ["7.3", "13.5", "1:30 PM", "730", "7"])
def test_ambiguous_time_is_rejected(tmp_path: Path, written: str) -> None:
    path = tmp_path / "plan.csv"
    path.write_text(
        f"enhet;datum;tid;personnummer;namn\nNorra;2026-11-26;{written};193001016595;Elsa\n",
        "utf-8",
    )
    with pytest.raises(UsageError, match="row 2, has no day"):
        load_visit_plan(path)
