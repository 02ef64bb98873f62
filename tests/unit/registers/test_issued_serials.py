"""The register of a pack's serials: it finds what a cut, a spreadsheet or a mistake did to it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.domain.errors import UsageError
from pipeline.domain.model import IssuedSheet, PrintedRow
from pipeline.forms.fiducials import new_serial
from pipeline.registers.issued_serials import format_issued_file, parse_issued_file

ROWS = (PrintedRow(1, "189001019802"), PrintedRow(2, "189001029819"))
SHEETS = tuple(
    IssuedSheet(new_serial(), "hsl-anteckning", 1, "Norr; enhet", pid)
    for pid in (None, "189001019802", None)
)
TOURS = (
    IssuedSheet(new_serial(), "korlista", 1, "Norr", rows=ROWS),
    IssuedSheet(new_serial(), "korlista", 1, "Norr"),
)
DATA = format_issued_file(SHEETS)


def changed(old: str, new: str) -> bytes:
    return DATA.decode("utf-8-sig").replace(old, new, 1).encode()


def test_what_was_written_is_read_also_without_mark_and_with_other_line_ends() -> None:
    read = parse_issued_file(DATA)
    assert read.sheets == SHEETS
    assert parse_issued_file(changed("\r\n", "\r\n").replace(b"\r\n", b"\n")) == read
    assert parse_issued_file(format_issued_file(())).sheets == ()


def test_the_rows_of_a_tour_list_say_whom_they_were_printed_for() -> None:
    assert parse_issued_file(format_issued_file([*SHEETS, *TOURS])).sheets == (*SHEETS, *TOURS)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "no file"),
        (b"\xff\xfe\x00", "no file"),
        (b"namn;telefon\r\n", "no file"),
        (DATA[: DATA.rindex(b"kontrollsumma")], "end of the file"),
        (changed(SHEETS[1].serial + ";", SHEETS[0].serial + ";"), "changed or cut"),
        (changed("189001019802", "1,89001E+11"), "changed or cut"),
        (changed(SHEETS[2].serial, SHEETS[2].serial.lower()), "changed or cut"),
        (format_issued_file([*SHEETS, SHEETS[0]]), "twice"),
        (format_issued_file([TOURS[0], TOURS[1], TOURS[0]]), "twice"),
        (format_issued_file([replace(TOURS[1], rows=(PrintedRow(1, ""),))]), "Row 3"),
        (format_issued_file([IssuedSheet("ABCDEFG0", "x", 1, "Norr")]), "Row 2"),
        (format_issued_file([IssuedSheet(new_serial(), "x", 1, "")]), "Row 2"),
    ],
)
def test_anything_else_is_refused_with_the_reason(data: bytes, said: str) -> None:
    with pytest.raises(UsageError, match=said) as refused:
        parse_issued_file(data)
    assert "1890" not in str(refused.value)
