"""Workbooks (xlsx) give what the same content as CSV gives, and bombs are refused."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path

import pytest
from openpyxl import Workbook

from pipeline.domain.errors import UsageError
from pipeline.export.runs.receipts import parse_receipt_file
from pipeline.files.sandbox_process import (
    ReaderEndedError,
    ReaderTooSlowError,
    SandboxProcess,
    read_foreign_table,
)
from pipeline.files.workbook import format_cell
from pipeline.forms.visit_lists import load_visit_plan
from pipeline.preparation.outage_pack.staff_pages import load_chain, load_schedule
from pipeline.registers.care_system_list import parse_care_table, propose_columns, read_care_list
from pipeline.registers.clients import load_client_register
from pipeline.registers.pack_quantities import load_quantities
from pipeline.registers.planned_visits import count_planned
from pipeline.registers.staff import load_staff

pytestmark = pytest.mark.patient

PID_FORMAT = "00000000\\-0000"
Cell = object


def workbook(rows: Sequence[Sequence[Cell]], formats: Sequence[str] = ()) -> bytes:
    """A workbook of one sheet; a format for each column, where it is not empty."""
    book = Workbook()
    sheet = book.active
    for row in rows:
        sheet.append(list(row))
    for column, number_format in enumerate(formats, start=1):
        for number in range(2, len(rows) + 1):
            if number_format:
                sheet.cell(number, column).number_format = number_format
    return saved(book)


def saved(book: Workbook) -> bytes:
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("value", "number_format", "text"),
    [
        (None, "General", ""),
        ("  Åsa ", "General", "  Åsa "),
        (189001019802, "General", "189001019802"),
        (189001019802.0, "General", "189001019802"),
        (189001019802, PID_FORMAT, "18900101-9802"),
        (101019802, "000000\\-0000", "010101-9802"),
        (101019802, '000000"-"0000', "010101-9802"),
        (101019802, "0000000000", "0101019802"),
        (7, "0", "7"),
        (7.5, "0.00", "7,5"),
        (0.1 + 0.2, "General", "0,3"),
        (-5, "General", "-5"),
        (True, "General", "SANT"),
        (datetime(2026, 11, 20), "yyyy-mm-dd", "2026-11-20"),
        (datetime(2026, 11, 20, 7, 30), "yyyy-mm-dd hh:mm", "2026-11-20 07:30"),
        (date(2026, 11, 20), "yyyy-mm-dd", "2026-11-20"),
        (time(7, 30), "hh:mm", "07:30"),
        (time(7, 29, 59, 999997), "hh:mm", "07:30"),
        (timedelta(hours=24), "[h]:mm", "24:00"),
        ("0701234567", "@", "0701234567"),
    ],
)
def test_a_cell_becomes_the_text_that_is_seen(value: Cell, number_format: str, text: str) -> None:
    assert format_cell(value, number_format) == text


def of_file(load: Callable[[Path], object], tmp_path: Path) -> Callable[[bytes], object]:
    """Call a function of a path with bytes."""

    def parse(data: bytes) -> object:
        path = tmp_path / "lista"
        path.write_bytes(data)
        return load(path)

    return parse


def _care_list(data: bytes) -> object:
    table = parse_care_table(data, "lista")
    return table, read_care_list(table, propose_columns(table.titles, table.rows[0][1]))


CLIENTS = "personnummer;namn;enhet;skyddad;adress\n18900101-9802;Asta Ek;Norr;nej;Storgatan 3\n"
STAFF = "namn;titel;signatur;enhet\nEva Ek;sjuksköterska;EE;Norr\n"
PLAN = "enhet;datum;tid;personnummer;namn;insats\nNorr;2026-11-20;07:30;18900101-9802;Asta;Dusch\n"
CARE = "personnummer;datum;tid;anteckning\n18900101-9802;2026-11-20;07:30;Sår rent, 37,2\n"
DAY, CLOCK = datetime(2026, 11, 20), time(7, 30)
PID = 189001019802
TABLES: dict[str, tuple[str, list[list[Cell]], list[str]]] = {
    "clients": (CLIENTS, [[PID, "Asta Ek", "Norr", False, "Storgatan 3"]], [PID_FORMAT]),
    "staff": (STAFF, [["Eva Ek", "sjuksköterska", "EE", "Norr"]], []),
    "plan": (PLAN, [["Norr", DAY, CLOCK, float(PID), "Asta", "Dusch"]], ["", "", "", PID_FORMAT]),
    "care": (CARE, [[PID, DAY, CLOCK, "Sår rent, 37,2"]], [PID_FORMAT]),
    "counts": ("enhet;datum;antal\nNorr;2026-11-20;12\n", [["Norr", DAY, 12.0]], []),
    "quantities": ("enhet;blankett;antal\nNorr;korlista;20\n", [["Norr", "korlista", 20.0]], []),
    "chain": ("namn;telefon\nEva;0701234567\n", [["Eva", "0701234567"]], []),
    "schedule": ("namn;datum;pass\nEva;2026-11-20;7-16\n", [["Eva", DAY, "7-16"]], []),
    "receipts": (
        "körning;löpnummer;post;status;text\nk1;1;p1;nekad;fel person\n",
        [["k1", 1.0, "p1", "nekad", "fel person"]],
        [],
    ),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_workbook_gives_what_its_csv_gives(name: str, tmp_path: Path) -> None:
    parsers: dict[str, Callable[[bytes], object]] = {
        "clients": of_file(lambda path: load_client_register(path).clients, tmp_path),
        "staff": of_file(lambda path: load_staff(path).members, tmp_path),
        "plan": lambda data: load_visit_plan("plan", "Norr", data),
        "care": _care_list,
        "counts": lambda data: count_planned(data, "plan"),
        "quantities": of_file(lambda path: load_quantities(path, "Norr"), tmp_path),
        "chain": lambda data: load_chain("kedja", data),
        "schedule": lambda data: load_schedule("schema", data),
        "receipts": parse_receipt_file,
    }
    csv, rows, formats = TABLES[name]
    titles: list[Cell] = list(csv.partition("\n")[0].split(";"))
    parse = parsers[name]
    assert parse(workbook([titles, *rows], formats)) == parse(csv.encode())


def test_empty_rows_and_sheets_do_not_count_and_row_numbers_are_those_of_the_sheet() -> None:
    book = Workbook()
    sheet = book.active
    sheet["B3"], sheet["C3"], sheet["B5"] = "a", "b", "1"
    sheet["H9"] = " "
    book.create_sheet("Blad2")
    assert read_foreign_table(saved(book), "x") == [(3, ("", "a", "b")), (5, ("", "1", ""))]


def test_several_sheets_with_content_are_refused() -> None:
    book = Workbook()
    book.active["A1"] = book.create_sheet("Blad2")["A1"] = "a"
    with pytest.raises(UsageError, match="several sheets"):
        read_foreign_table(saved(book), "x")


def _zip(name: str, content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return out.getvalue()


ODS = b"application/vnd.oasis.opendocument.spreadsheet"
SHEET = "xl/worksheets/sheet1.xml"


def _with_sheet(content: bytes) -> bytes:
    out, small = io.BytesIO(), io.BytesIO(workbook([["a"]]))
    with zipfile.ZipFile(small) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, content if name == SHEET else old.read(name))
    return out.getvalue()


LAUGHS = b"".join(
    [
        b'<?xml version="1.0"?><!DOCTYPE w [<!ENTITY a0 "ha">',
        *(b'<!ENTITY a%d "%s">' % (n, (b"&a%d;" % (n - 1)) * 10) for n in range(1, 10)),
        b']><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        b'<sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>&a9;</t></is></c></row>'
        b"</sheetData></worksheet>",
    ]
)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: b"\xd0\xcf\x11\xe0 and more", "cannot be read"),
        (lambda: b"PK\x03\x04 and the rest", "cannot be read"),
        (
            lambda: _zip("mimetype", b"application/vnd.oasis.opendocument.spreadsheet"),
            "cannot be read",
        ),
        (lambda: _with_sheet(bytes(600_000_000)), "too large"),
        (lambda: _with_sheet(LAUGHS), "cannot be read|too large"),
        (lambda: _with_sheet(b"<worksheet><sheetData><row"), "cannot be read"),
        (lambda: workbook([["a"] * 600]), "too large"),
    ],
    ids=["old", "cut", "ods", "zip bomb", "laughs", "broken", "wide"],
)
def test_what_is_no_register_is_refused_with_what_to_do(
    make: Callable[[], bytes], text: str
) -> None:
    with pytest.raises(UsageError, match=text) as error:
        read_foreign_table(make(), "lista.xlsx")
    assert "lista.xlsx" in error.value.message
    assert error.value.remedy


@pytest.mark.parametrize(
    ("error", "text"),
    [(ReaderEndedError, "twice"), (ReaderTooSlowError, "too large"), (MemoryError, "too large")],
)
def test_a_table_that_kills_its_reader_is_refused(
    error: type[Exception], text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(SandboxProcess, "ask", ask)
    with pytest.raises(UsageError, match=text):
        read_foreign_table(b"a;b\n", "x")
