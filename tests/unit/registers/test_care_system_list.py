"""Reading what the care system has: any header, and nothing lost without a word."""

from __future__ import annotations

from datetime import date

import pytest

from pipeline.domain.errors import UsageError
from pipeline.registers.care_system_list import (
    CareColumn,
    CareRow,
    CareTable,
    parse_care_table,
    propose_columns,
    read_care_list,
)

TODAY = date(2026, 11, 25)
SIV, ARNE = "192801287158", "193402287381"


@pytest.mark.parametrize(
    ("titles", "expected"),
    [
        (
            "Personnummer;Datum;Tid;Typ;Anteckning;Författare",
            {"pid": (0,), "day": (1,), "clock": (2,), "kind": (3,), "text": (4,), "author": (5,)},
        ),
        (
            "Person-ID;Händelsedatum;Händelsetid;Insats;Utförare",
            {"pid": (0,), "day": (1,), "clock": (2,), "kind": (3,), "author": (4,)},
        ),
        (
            "Skriven av;Tidpunkt;Patientens personnummer;Fritext;Plan",
            {"author": (0,), "day": (1,), "pid": (2,), "text": (3, 4)},
        ),
        ("Datum;Händelsedatum;pnr", {"day": (1,), "pid": (2,)}),
        ("kolumn1;kolumn2;kolumn3", {}),
    ],
)
def test_columns_are_proposed_by_their_titles(
    titles: str, expected: dict[str, tuple[int, ...]]
) -> None:
    assert propose_columns(titles.split(";")) == {
        CareColumn(part): columns for part, columns in expected.items()
    }


def test_a_column_of_times_that_holds_days_is_that_of_days() -> None:
    assert propose_columns(("pnr", "Händelsetid"), (SIV, "2021-12-17 08:15")) == {
        CareColumn.PID: (0,),
        CareColumn.DAY: (1,),
    }
    assert propose_columns(("pnr", "Händelsetid"), (SIV, "08:15")) == {
        CareColumn.PID: (0,),
        CareColumn.CLOCK: (1,),
    }


@pytest.mark.parametrize("separator", [";", ",", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_a_table_is_read_however_it_was_written(separator: str, encoding: str) -> None:
    data = (
        f"pnr{separator}datum{separator}text\r\n{SIV}{separator}2021-12-17{separator}Såret "
        "läker\r\n\r\n"
    ).encode(encoding)
    assert parse_care_table(data, "lista.csv") == CareTable(
        ("pnr", "datum", "text"), ((2, (SIV, "2021-12-17", "Såret läker")),)
    )


def test_the_line_in_which_excel_says_the_separator_is_no_title() -> None:
    assert parse_care_table(
        f"sep=|\npnr|datum,tid;\n{SIV}|2021-12-17\n".encode(), "lista.csv"
    ) == CareTable(("pnr", "datum,tid;"), ((3, (SIV, "2021-12-17")),))


@pytest.mark.parametrize(
    ("day", "clock", "expected"),
    [
        ("2021-12-17", "08:15", ("2021-12-17", "08:15")),
        ("2021-12-17 08:15:30", "", ("2021-12-17", "08:15")),
        ("2021-12-17T8.15", "", ("2021-12-17", "08:15")),
        ("20211217", "0815", ("2021-12-17", "08:15")),
        ("17/12/2021", "kl. 8.15", ("2021-12-17", "08:15")),
        ("17.12.2021 08:15", "", ("2021-12-17", "08:15")),
        ("2021-12-17", "", ("2021-12-17", "")),
        ("2021-12-17", "morgon", ("2021-12-17", "")),
        ("2021-12-17", "25:99", ("2021-12-17", "")),
    ],
)
def test_days_and_times_are_understood_as_people_write_them(
    day: str, clock: str, expected: tuple[str, str]
) -> None:
    (row,) = read_care_list(
        CareTable(("p", "d", "t"), ((2, (SIV, day, clock)),)),
        {CareColumn.PID: (0,), CareColumn.DAY: (1,), CareColumn.CLOCK: (2,)},
        TODAY,
    ).rows
    assert (row.day, row.clock) == expected


@pytest.mark.parametrize(
    ("written", "pid"),
    [
        ("50-017845/6", "50017845/6"),
        ("PR1234", "PR1234"),
        ("19280128-715", None),
        ("2021/12", None),
        ("Å1234", "Å1234"),
        ("1,93001E+11", None),
    ],
)
def test_a_row_of_a_client_with_a_local_number_is_one(written: str, pid: str | None) -> None:
    found = read_care_list(
        CareTable(("p", "d"), ((2, (written, "2021-12-17")),)),
        {CareColumn.PID: (0,), CareColumn.DAY: (1,)},
        TODAY,
    )
    assert [row.pids for row in found.rows] == ([(pid,)] if pid else [])


def test_rows_without_person_or_day_are_counted_by_number() -> None:
    rows = (
        (2, (SIV, "2021-12-17")),
        (3, ("192801287159", "2021-12-17")),
        (4, ("", "2021-12-17")),
        (5, (ARNE, "2021-02-30")),
        (6, ("okänd", "i dag")),
        (7, ("193001", "2021-12-17")),
    )
    found = read_care_list(
        CareTable(("p", "d"), rows), {CareColumn.PID: (0,), CareColumn.DAY: (1,)}, TODAY
    )
    assert [row.pids for row in found.rows] == [(SIV,)]
    assert (found.rows_without_person, found.rows_without_day) == ((3, 4, 6, 7), (5,))


def test_a_number_without_century_may_mean_two_persons() -> None:
    rows = (
        (2, ("121212-1212", "2021-12-17")),
        (3, ("19121212-1212", "2021-12-17")),
        (4, ("121212+1212", "2021-12-17")),
    )
    found = read_care_list(
        CareTable(("p", "d"), rows), {CareColumn.PID: (0,), CareColumn.DAY: (1,)}, TODAY
    )
    assert [row.pids for row in found.rows] == [("201212121212", "191212121212"), ("191212121212",)]


def test_a_row_that_stands_twice_counts_once_and_texts_are_joined() -> None:
    row = (SIV, "2021-12-17", "Såret läker.", "Ny omläggning.")
    columns = {CareColumn.PID: (0,), CareColumn.DAY: (1,), CareColumn.TEXT: (2, 3)}
    found = read_care_list(CareTable(("p", "d", "a", "b"), ((2, row), (3, row))), columns, TODAY)
    assert found.rows == (CareRow((SIV,), "2021-12-17", text="Såret läker. Ny omläggning."),)


@pytest.mark.parametrize(
    ("data", "remedy"),
    [
        (b"PK\x03\x04 and so on", "CSV UTF-8"),
        (b"", "first row"),
        (b"pnr;datum\n", "first row"),
        (b'pnr;datum\n"1', "first row"),
        (b"pnr;datum\n" + b"1;2\n" * 50_001, "fewer days"),
    ],
)
def test_what_is_no_table_is_refused_with_a_remedy_and_without_its_content(
    data: bytes, remedy: str
) -> None:
    with pytest.raises(UsageError) as error:
        parse_care_table(data, "lista.csv")
    assert remedy in error.value.remedy
    assert "PK" not in str(error.value)


def test_person_and_day_are_needed() -> None:
    with pytest.raises(UsageError, match="day"):
        read_care_list(
            CareTable(("p", "d"), ((2, (SIV, "2021-12-17")),)), {CareColumn.PID: (0,)}, TODAY
        )
