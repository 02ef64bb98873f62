"""KHSL1 and KHSL2: our own rules of the files (no schema is published)."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pydantic import ValidationError

from pipeline.domain.errors import ExportError
from pipeline.domain.model import Client, Value
from pipeline.domain.record import CareProvider, Record
from pipeline.domain.settings import ROOT
from pipeline.export.authorities.health_care_statistics import (
    KhslLayout,
    KhslMapping,
    LayoutColumn,
    LayoutFile,
    Measure,
    load_layout,
)
from pipeline.export.exporter import ExportOptions, Item
from pipeline.export.mapping import load_mapping
from tests.support.store.export_examples import ARNE, EARLIER, SIV, items, record, run, terms
from tests.support.store.targets import STATISTICS, TARGETS
from tests.support.texts import in_swedish
from tests.unit.export.formats.statistics.statistics_files import LABEL, basis, unpacked

pytest_plugins = ("tests.support.store.databases", "tests.support.store.offices")

CODED = KhslMapping(
    about="x",
    contact=True,
    measures=(Measure(code="PD008", field="kontakttyp", value="bedomning"), Measure(code="QX123")),
)


def note(fields: dict[str, Value] | None = None, **other: Any) -> Record:  # noqa: ANN401 - any part of a record
    return record("hsl-anteckning", fields or {}, **other)


MONTHS = frozenset({"2021-12", "2022-01"})


def coded(mapping: KhslMapping = CODED, whole_months: frozenset[str] = MONTHS) -> ExportOptions:
    return replace(terms("khsl"), mappings={"hsl-anteckning": mapping}, whole_months=whole_months)


def files(*records: Record, given: ExportOptions | None = None, **other: Any) -> dict[str, str]:  # noqa: ANN401
    return unpacked(TARGETS["khsl"].make(items(*records, **other), run("khsl"), given or coded()))


def test_files_are_labelled_with_month_regulation_and_year_of_the_layout() -> None:
    told = files(note(), note(entry_id="A2B3C4-00", event_at=datetime(2022, 1, 3, 8)))
    months = [f"KHSL{n}-{month}-{LABEL}" for month in ("2021-12", "2022-01") for n in (1, 2)]
    assert list(told) == [*months, "underlag.csv"]
    assert "utformning 2019" in in_swedish(TARGETS["khsl"].title)


def test_a_person_is_one_row_a_month_however_many_contacts() -> None:
    told = files(note(), note(entry_id="A2B3C4-00"), note(entry_id="A2B3C5-00", client=ARNE))
    assert told[f"KHSL1-2021-12-{LABEL}"] == f"202112;2514;{SIV.pid}\r\n202112;2514;{ARNE.pid}\r\n"


def test_each_measure_is_a_row_with_code_and_profession() -> None:
    told = files(
        note({"kontakttyp": "bedomning"}), note({"kontakttyp": "besok"}, entry_id="A2B3C4-00")
    )
    rows = told[f"KHSL2-2021-12-{LABEL}"].splitlines()
    assert [row.split(";")[3:6] for row in rows] == [
        ["2021-12-17", code, "XS919"] for code in ("PD008", "QX123", "QX123")
    ]
    assert {len(row.split(";")) for row in rows} == {12}


def test_a_mark_makes_a_measure_when_it_is_made() -> None:
    given = coded(
        KhslMapping(
            about="x",
            contact=False,
            measures=(Measure(code="PD008", field="information", value="ja"),),
        )
    )
    told = files(
        note({"information": True}), note({"information": False}, entry_id="A2B3C4-00"), given=given
    )
    assert told[f"KHSL2-2021-12-{LABEL}"].count("PD008") == 1
    assert told[f"KHSL1-2021-12-{LABEL}"] == ""


WRITTEN = Measure(field="kva"), Measure(field="kva2")


@pytest.mark.parametrize(
    ("written", "codes", "is_said"),
    [
        ({"kva": "PD008"}, "PD008", False),
        ({"kva": " pd008, qx123", "kva2": "PD008"}, "PD008 QX123", False),
        ({"kva": "PD008", "kva2": "sårvård"}, "PD008", True),
        ({"kva": "PD000"}, "", True),
        ({}, "", False),
    ],
)
def test_codes_that_a_nurse_wrote_become_measures(
    written: dict[str, Value], codes: str, is_said: bool
) -> None:
    given = coded(KhslMapping(about="x", contact=True, measures=WRITTEN))
    told = files(note(written), given=given)
    row = basis(told).iloc[0]
    assert (row["KHSL1"], row["KHSL2"]) == ("ja", codes)
    assert [line.split(";")[4] for line in told[f"KHSL2-2021-12-{LABEL}"].splitlines()] == (
        codes.split()
    )
    assert bool(row["Lämnas inte"]) is is_said


def test_the_shipped_mapping_takes_the_codes_of_the_note() -> None:
    mapping = load_mapping(ROOT / "forms" / "hsl-anteckning" / "export.khsl.yaml", KhslMapping)
    assert mapping.measures == WRITTEN


def test_measures_of_somebody_without_a_licence_are_left_out_and_said() -> None:
    told = files(note(author_title="undersköterska"))
    assert told[f"KHSL2-2021-12-{LABEL}"] == ""
    row = basis(told).iloc[0]
    assert (row["KHSL1"], row["KHSL2"]) == ("ja", "")
    assert "legitimerad" in row["Lämnas inte"]


@pytest.mark.parametrize(
    ("other", "codes", "reason"),
    [
        ({"author_title": "Leg. sjuksköterska"}, "PD008 QX123", ""),
        ({"author_title": "legitimerad Sjuksköterska "}, "PD008 QX123", ""),
        ({"author_title": "", "author_role": "distriktssköterska"}, "PD008 QX123", ""),
        ({"author_role": "ssk"}, "PD008 QX123", ""),
        ({"author_title": ""}, "", "legitimerad"),
        ({"author_title": "sjuksköterskestudent"}, "", "legitimerad"),
        ({"author_role": "undersköterska"}, "", "personallistan"),
        ({"author_title": "", "author_role": "undersköterska"}, "", "legitimerad"),
        ({"provider": CareProvider("Omsorg AB", "")}, "", "annan vårdgivare"),
    ],
)
def test_measures_are_those_of_licensed_people_of_the_municipality(
    other: dict[str, Any], codes: str, reason: str
) -> None:
    row = basis(files(note({"kontakttyp": "bedomning"}, **other))).iloc[0]
    assert (row["KHSL1"], row["KHSL2"]) == ("ja", codes)
    assert reason in row["Lämnas inte"]
    assert bool(row["Lämnas inte"]) == bool(reason)


def listed(name: str, *given: Item) -> list[list[str]]:
    """The rows of a supplement list, each with what to do, its entries, and its cells."""
    made = TARGETS["khsl"].make(given, run("khsl"), coded(whole_months=frozenset()))
    text = unpacked(made)[f"tillagg-{name}-2021-12-{LABEL.removesuffix('.txt')}.csv"]
    table = pd.read_csv(io.StringIO(text), sep=";", dtype=str, keep_default_na=False)
    return [list(row) for row in table.itertuples(index=False)]


def test_a_month_that_is_not_whole_has_lists_and_no_files() -> None:
    told = files(note(), given=coded(whole_months=frozenset({"2022-01"})))
    label = LABEL.removesuffix(".txt")
    names = [f"tillagg-KHSL{n}-2021-12-{label}.csv" for n in (1, 2)]
    assert list(told) == [*names, "underlag.csv"]


def test_a_list_says_of_each_row_what_to_do_with_it() -> None:
    new, kept = note(entry_id="NEW-00"), note(entry_id="KEPT-00", client=ARNE)
    changed, void = note(entry_id="CHANGED-00"), note(entry_id="VOID-00", voided="fel person")
    unlicensed = note(entry_id="LOST-00", author_title="undersköterska")
    rows = listed(
        "KHSL2",
        Item(1, new),
        Item(2, kept, is_reported=True),
        Item(3, changed, EARLIER),
        Item(4, void, EARLIER),
        Item(5, unlicensed, EARLIER),
    )
    assert [(row[1], row[0].split()[0], row[3], row[8]) for row in rows] == [
        ("NEW-00", "Lägg", "", "QX123"),
        ("KEPT-00", "Ingen", "", "QX123"),
        ("CHANGED-00", "Byt", EARLIER.run, "QX123"),
        ("VOID-00", "Ta", EARLIER.run, "QX123"),
        ("LOST-00", "Ta", EARLIER.run, ""),
    ]


def test_a_person_is_one_row_of_a_list_whatever_the_number_of_entries() -> None:
    rows = listed("KHSL1", Item(1, note()), Item(2, note(entry_id="A2B3C4-00")))
    assert [(row[1], row[6]) for row in rows] == [("K7M3PX-00 A2B3C4-00", SIV.pid)]
    assert "inte redan har en rad" in rows[0][0]


def test_void_entries_are_only_in_the_list() -> None:
    told = files(note(voided="fel person", revision=2), amends=EARLIER)
    assert told[f"KHSL1-2021-12-{LABEL}"] == told[f"KHSL2-2021-12-{LABEL}"] == ""
    row = basis(told).iloc[0]
    assert (row["KHSL1"], row["Makulerad"]) == ("nej", "fel person")
    assert row["Rättelse"].startswith("Makulering")


@pytest.mark.parametrize("code", ["PD000", "PD0080", "PD08", "pd008", "PD 08"])
def test_a_heading_and_what_has_not_five_characters_are_no_codes(code: str) -> None:
    with pytest.raises(ValidationError):
        Measure(code=code)


def test_a_heading_in_a_mapping_file_is_an_error_that_says_why(tmp_path: Path) -> None:
    path = tmp_path / "export.khsl.yaml"
    path.write_text("about: x\ncontact: true\nmeasures: [{code: PD000}]\n", "utf-8")
    with pytest.raises(ExportError, match="does not end with 000"):
        load_mapping(path, KhslMapping)


def _with_layout(tmp_path: Path, **files_of: LayoutFile) -> ExportOptions:
    layout = load_layout(ROOT / "forms").model_copy(update=files_of)
    (tmp_path / "khsl.yaml").write_text(layout.model_dump_json(), "utf-8")
    given = coded()
    return replace(given, settings=given.settings.model_copy(update={"forms": tmp_path}))


def _columns(*columns: LayoutColumn, last_may_be_empty: bool = False) -> LayoutFile:
    return LayoutFile(columns=columns, rows="contact", last_may_be_empty=last_may_be_empty)


def test_no_row_ends_with_a_semicolon_unless_the_last_field_may_be_empty(tmp_path: Path) -> None:
    open_end = (
        LayoutColumn(title="Person", source="client.pid"),
        LayoutColumn(title="Slut", constant=""),
    )
    with pytest.raises(ExportError, match="would end with a semicolon"):
        files(note(), given=_with_layout(tmp_path, khsl1=_columns(*open_end)))
    told = files(
        note(), given=_with_layout(tmp_path, khsl1=_columns(*open_end, last_may_be_empty=True))
    )
    assert told[f"KHSL1-2021-12-{LABEL}"] == f"{SIV.pid};\r\n"


def test_a_semicolon_in_a_cell_stops_the_file_without_telling_the_cell(tmp_path: Path) -> None:
    given = _with_layout(tmp_path, khsl1=_columns(LayoutColumn(title="Namn", source="client.name")))
    with pytest.raises(ExportError, match="Namn holds a semicolon") as stopped:
        files(note(client=Client(SIV.pid, "Siv; Åkerlund", "Norr")), given=given)
    assert "Åkerlund" not in str(stopped.value)


def test_the_layout_says_which_columns_nobody_has_checked() -> None:
    layout = load_layout(ROOT / "forms")
    assert "Personnummer" in layout.unchecked_columns
    assert "måste jämföras med Socialstyrelsens gällande specifikation" in layout.about
    checked = LayoutFile(
        columns=(LayoutColumn(title="P", source="client.pid", checked=True),), rows="contact"
    )
    assert layout.model_copy(update={"khsl1": checked, "khsl2": checked}).unchecked_columns == []


def test_whoever_makes_the_files_is_told_to_check_the_columns() -> None:
    assert "Kolumnlistan måste jämföras" in in_swedish(STATISTICS["khsl"].notice(terms("khsl")))


def test_a_layout_that_is_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ExportError):
        load_layout(tmp_path)


def test_professions_are_codes_of_their_list() -> None:
    layout = load_layout(ROOT / "forms")
    with pytest.raises(ValidationError):
        KhslLayout.model_validate(layout.model_dump() | {"professions": {"sjuksköterska": "AB123"}})
    assert "undersköterska" not in layout.professions
    with pytest.raises(ValidationError, match="in both lists"):
        KhslLayout.model_validate(layout.model_dump() | {"other_professions": {"ssk": "XS919"}})


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({"area": "SoL"}, "hälso- och sjukvård"),
        ({"event_at": None}, "Datum saknas"),
        ({"client": Client("TILLFACDEFHJ", "Okänd", "Norr")}, "tillfällig identitet"),
        ({"client": Client("22950606FH20", "X", "Norr")}, "samordningsnummer saknas"),
    ],
)
def test_what_the_register_does_not_take_is_said_beforehand(
    other: dict[str, Any], reason: str
) -> None:
    assert reason in in_swedish(TARGETS["khsl"].unsupported_reason(note(**other), coded()))


def test_an_entry_that_is_neither_contact_nor_measure_is_said_beforehand() -> None:
    none = KhslMapping(about="x", contact=False)
    assert "varken en kontakt" in in_swedish(
        TARGETS["khsl"].unsupported_reason(note(), coded(none))
    )
    assert in_swedish(TARGETS["khsl"].unsupported_reason(note(), coded())) == ""
