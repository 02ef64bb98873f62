"""Socialstyrelsen's monthly file on financial aid: its columns, its months, and what is not
reported.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from pipeline.domain.errors import ExportError
from pipeline.domain.model import Client, Value
from pipeline.domain.record import Record
from pipeline.domain.settings import ROOT
from pipeline.export.authorities.financial_aid import (
    NO_AMOUNT,
    NO_CO_APPLICANT_PID,
    NO_MONTH,
    NO_PID,
    NOT_GRANTED,
    TOO_LONG,
    AidMapping,
)
from pipeline.export.exporter import TEMPORARY_CLIENT, Item
from pipeline.export.mapping import load_mapping
from pipeline.export.runs import ExportContext, fetch_run_file
from pipeline.store.schema.clock import utc_now
from pipeline.texts import Text
from tests.support.shared_data import shared
from tests.support.store.export_examples import (
    ARNE,
    EARLIER,
    SIV,
    items,
    record,
    run,
    terms,
)
from tests.support.store.export_office import ANNA, confirm, correct, in_long_outage
from tests.support.store.route_steps import make_run
from tests.support.store.targets import TARGETS
from tests.support.texts import in_swedish

TARGET = "ekonomiskt-bistand"
FORM = "beslut-ekonomiskt"
DECIDED = {"manad": "202112", "belopp": "4500", "utfall": "bifall"}
SAID: dict[str, Value] = {**DECIDED}

pytest_plugins = ("tests.support.store.databases", "tests.support.store.offices")


def decision(fields: dict[str, Value] | None = None, **other: Any) -> Record:  # noqa: ANN401 - any part of a record
    return record(FORM, SAID | (fields or {}), **other)


def months(data: bytes) -> dict[str, str]:
    """The text of each file of the archive."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name).decode("iso-8859-1") for name in archive.namelist()}


WHOLE = replace(terms(TARGET), whole_months=frozenset({"2021-11", "2021-12", "2022-01"}))


def whole(*records: Record) -> bytes:
    """The files of months that are whole."""
    return TARGETS[TARGET].make(items(*records), run(TARGET, len(records)), WHOLE)


def rows(*records: Record) -> list[list[str]]:
    ((_, text),) = months(whole(*records)).items()
    assert text.endswith("\r\n")
    return [line.split("\t") for line in text.removesuffix("\r\n").split("\r\n")]


def test_a_row_has_the_columns_of_the_layout_in_their_order() -> None:
    assert rows(decision()) == [
        [
            "2021",
            "12",
            "2514",
            "",
            "",
            "4500",
            SIV.pid,
            "",
            "",
            "",
            "1",
            "93",
            "",
            "",
            "",
            "",
            "",
            "",
        ]
    ]


def test_a_second_applicant_has_columns_13_to_18() -> None:
    row = rows(decision({"medsokande_personnummer": ARNE.pid}))[0]
    assert (row[12], row[16], row[17]) == (
        ARNE.pid,
        "2" if int(ARNE.pid[10]) % 2 == 0 else "1",
        "87",
    )


def test_the_month_is_the_one_that_the_aid_is_for() -> None:
    assert rows(decision({"manad": "202201"}, event_at=datetime(2021, 12, 17)))[0][:2] == [
        "2022",
        "01",
    ]


@pytest.mark.shared
def test_age_is_that_of_the_last_day_of_the_month() -> None:
    numbers = shared("schemas", "identity", "testpersonnummer.txt").read_text("utf-8").split()
    born = Client(
        next(
            number
            for number in numbers
            if number[:4] == "1980" and number[4:6] == "12" and number[6:8] != "31"
        ),
        "X",
        "Norr",
    )
    assert [
        rows(decision({"manad": month}, client=born))[0][11] for month in ("202111", "202112")
    ] == ["40", "41"]


@pytest.mark.parametrize(
    ("amount", "kronor"), [("4500", "4500"), ("4500.49", "4500"), ("4500.50", "4501"), ("0", "0")]
)
def test_amounts_are_whole_kronor(amount: str, kronor: str) -> None:
    assert rows(decision({"belopp": amount}))[0][5] == kronor


def test_one_row_an_entry_and_none_for_a_void_one() -> None:
    assert len(rows(decision(), decision(entry_id="B", client=ARNE))) == 2
    assert [
        row[6]
        for row in rows(
            decision(voided="fel person", revision=2), decision(entry_id="B", client=ARNE)
        )
    ] == [ARNE.pid]
    assert months(whole(decision(voided="fel person", revision=2))) == {
        "ekonomiskt-bistand-2021-12.txt": ""
    }


def test_a_month_that_is_not_whole_has_a_list_of_rows_to_add() -> None:
    void = decision(entry_id="B", client=ARNE, voided="fel person")
    given = [Item(1, decision()), Item(2, void, EARLIER)]
    with zipfile.ZipFile(
        io.BytesIO(TARGETS[TARGET].make(given, run(TARGET), terms(TARGET)))
    ) as archive:
        (name,) = archive.namelist()
        head, *lines = archive.read(name).decode("utf-8-sig").splitlines()
    assert name == "tillagg-ekonomiskt-bistand-2021-12.csv"
    assert head.startswith("Gör så här;Poster;Löpnummer;Tidigare lista;Ar;Manad;Kommun;")
    assert [line.split(";")[0].split()[0] for line in lines] == ["Lägg", "Ta"]
    assert [line.split(";")[8] for line in lines] == [SIV.pid, ARNE.pid]


def test_each_month_has_a_file_of_its_own() -> None:
    told = months(whole(decision(), decision({"manad": "202201"}, entry_id="B")))
    assert [(name, text.count("\r\n")) for name, text in told.items()] == [
        (f"ekonomiskt-bistand-{m}.txt", 1) for m in ("2021-12", "2022-01")
    ]


@pytest.mark.parametrize(
    ("each", "reason"),
    [
        (decision(), None),
        (decision({"utfall": "delavslag"}), None),
        (decision({"utfall": "avslag"}), NOT_GRANTED),
        (decision({"utfall": None}), NOT_GRANTED),
        (decision({"manad": None}), NO_MONTH),
        (decision({"manad": "202113"}), NO_MONTH),
        (decision(illegible=frozenset({"manad"})), NO_MONTH),
        (decision({"belopp": None}), NO_AMOUNT),
        (decision(illegible=frozenset({"belopp"})), NO_AMOUNT),
        (decision(client=Client("22950606FH20", "X", "Norr")), NO_PID),
        (decision(client=Client("", "X", "Norr")), NO_PID),
        (decision(client=Client("TILLFABCDEFG", "X", "Norr")), TEMPORARY_CLIENT),
        (decision({"medsokande_personnummer": "193402287380"}), NO_CO_APPLICANT_PID),
        (decision(illegible=frozenset({"medsokande_personnummer"})), NO_CO_APPLICANT_PID),
    ],
)
def test_what_is_not_reported_is_said(each: Record, reason: Text | None) -> None:
    assert TARGETS[TARGET].unsupported_reason(each, terms(TARGET)) == reason


def test_what_can_no_longer_be_told_tells_its_month_again(office: ExportContext) -> None:
    office = in_long_outage(office)
    refused = confirm(office, FORM, "AAAA01", **DECIDED)
    confirm(office, FORM, "AAAA02", personnummer=ARNE.pid, **DECIDED)
    assert make_run(office, ANNA, TARGET, utc_now())
    correct(office, refused, "utfall", "avslag")
    again = make_run(office, ANNA, TARGET, utc_now())
    assert again
    (text,) = months(fetch_run_file(office, ANNA, again.id).data).values()
    assert (text.count("\r\n"), ARNE.pid in text) == (1, True)
    assert make_run(office, ANNA, TARGET, utc_now()) is None


def mapped(text: str, folder: Path) -> AidMapping:
    file = folder / "export.yaml"
    file.write_text(text, "utf-8")
    return load_mapping(file, AidMapping)


def test_other_columns_are_a_matter_of_the_file(tmp_path: Path) -> None:
    text = (ROOT / "forms" / FORM / f"export.{TARGET}.yaml").read_text("utf-8")
    text = (
        text.replace("origin: empty}", 'constant: "x\\ty"}', 1)
        + "  - {number: 19, name: Utfall, field: utfall, codes: {bifall: '7'}, width: 1}\n"
    )
    changed = replace(WHOLE, mappings={FORM: mapped(text, tmp_path)})
    (text,) = months(TARGETS[TARGET].make(items(decision()), run(TARGET), changed)).values()
    row = text.rstrip("\r\n").split("\t")
    assert (len(row), row[3], row[18]) == (19, "x y", "7")
    assert (
        TARGETS[TARGET].unsupported_reason(decision({"utfall": "delavslag"}), changed) == TOO_LONG
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("{number: 2,", "{number: 3,"),
        ("origin: month.year", "origin: month.week"),
        ("origin: amount}", "origin: amount, field: belopp}"),
    ],
)
def test_a_wrong_mapping_is_refused(before: str, after: str, tmp_path: Path) -> None:
    text = (ROOT / "forms" / FORM / f"export.{TARGET}.yaml").read_text("utf-8")
    assert before in text
    with pytest.raises(ExportError):
        mapped(text.replace(before, after, 1), tmp_path)


def test_the_year_of_the_layout_is_told() -> None:
    assert "före 2017" in in_swedish(TARGETS[TARGET].title)
    mapping = terms(TARGET).mappings[FORM]
    assert isinstance(mapping, AidMapping)
    assert "före 2017" in mapping.layout
