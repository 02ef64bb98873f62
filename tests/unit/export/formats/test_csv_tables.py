"""Tables: what a spreadsheet and pandas read back, and what no spreadsheet may take for a
formula.
"""

from __future__ import annotations

import io
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.domain.errors import ExportError
from pipeline.domain.form.field import Meaning
from pipeline.domain.form.form import Forms
from pipeline.domain.model import StaffMember, Value
from pipeline.domain.settings import ROOT
from pipeline.export.fhir.mapping import FhirMapping, Measurement
from pipeline.export.left_out import unmapped_fields_notices
from pipeline.export.mapping import (
    FIELD_SOURCE_PREFIXES,
    ManualEntryField,
    ManualEntryMapping,
    NoteMapping,
    TableColumn,
    TableMapping,
    find_missing_fields,
    load_mapping,
    require_known_fields,
)
from pipeline.export.rivta.mapping import ActivityMapping, GroupMapping, ObservationMapping
from pipeline.export.tables.csv_table import SOURCES, CsvExporter, column_text
from pipeline.files.csv_tables import neutralize_formula, write_csv
from tests.support.store.export_examples import (
    ARNE,
    EARLIER,
    FORMS,
    SIV,
    items,
    made,
    record,
    run,
    terms,
)
from tests.support.store.targets import TARGETS
from tests.support.texts import in_swedish

MEASURED = {
    "bt_sys": "135",
    "bt_dia": "80",
    "temp": "37.5",
    "anmarkning": 'Yr; sade "snurrigt"\nvid uppresning',
}


def table(data: bytes) -> pd.DataFrame:
    return pd.read_csv(
        io.BytesIO(data),
        sep=";",
        encoding="utf-8-sig",
        dtype=str,
        keep_default_na=False,
        skip_blank_lines=False,
    )


def test_bytes_are_as_swedish_administration_expects() -> None:
    data = made("matvarden", record("matvarden", MEASURED))
    assert data.startswith(b"\xef\xbb\xbfK\xc3\xb6rning;")
    assert data.endswith(b"\r\n")
    assert data.replace(b"\r\n", b"").count(b"\r") == 0


def test_measurements_come_back_as_they_were_confirmed() -> None:
    frame = table(
        made(
            "matvarden",
            record("matvarden", MEASURED),
            record("matvarden", {"temp": "40.0"}, client=ARNE),
        )
    )
    row = frame.iloc[0]
    assert list(frame["Personnummer"]) == [SIV.pid, ARNE.pid]
    assert (row["Datum"], row["Tid"]) == ("2021-12-17", "08:15")
    assert (row["Temperatur °C"], row["Blodtryck systoliskt mmHg"], row["Puls slag/min"]) == (
        "37,5",
        "135",
        "",
    )
    assert row["Anmärkning"] == MEASURED["anmarkning"]
    assert (row["Inskriven"], row["Inskriven av"], row["Kontrollerad av"]) == (
        "2022-01-12 10:30",
        "Anna Öst",
        "Per Åhs",
    )
    assert row["Efterregistrering"].startswith("Efterregistrering efter IT-avbrott")


def test_numbers_are_numbers_to_a_reader_with_decimal_comma() -> None:
    data = made("matvarden", record("matvarden", MEASURED))
    frame = pd.read_csv(
        io.BytesIO(data), sep=";", decimal=",", encoding="utf-8-sig", dtype={"Personnummer": str}
    )
    assert frame["Temperatur °C"][0] == pytest.approx(37.5)


def test_visits_have_codes_for_marks() -> None:
    row = table(
        made("besok", record("besokslista", {"dusch": True, "start": "08:15", "slut": "08:45"}))
    ).iloc[0]
    assert (row["Dusch"], row["Tvätt"], row["Start"], row["Slut"]) == ("1", "0", "08:15", "08:45")


@pytest.mark.parametrize(
    ("target", "form", "column"),
    [("besok", "besokslista", "Utförare"), ("matvarden", "matvarden", "Mätt av")],
)
def test_whoever_signed_the_row_did_it_and_else_it_is_unknown(
    target: str, form: str, column: str
) -> None:
    for initials, who in (
        ("EL – Eva Lind", "Eva Lind"),
        ("el", "Eva Lind"),
        ("XX", "XX"),
        (None, ""),
    ):
        fields: dict[str, Value] = {"puls": "72"} if form == "matvarden" else {}
        given = replace(
            terms(target), staff=(StaffMember("Eva Lind", "undersköterska", "EL", "Norr"),)
        )
        data = TARGETS[target].make(
            items(record(form, fields | ({"signatur": initials} if initials else {}))),
            run(target),
            given,
        )
        read = table(data)
        assert read[column][0] == who
        assert read["Bladet skrivet av"][0] == "Gun Ek"


def test_an_illegible_cell_says_so_and_a_missing_time_of_day_is_empty() -> None:
    row = table(
        made(
            "matvarden",
            record(
                "matvarden", illegible=frozenset({"puls"}), clock_unknown=frozenset({"event_at"})
            ),
        )
    ).iloc[0]
    assert (row["Puls slag/min"], row["Datum"], row["Tid"]) == ("[oläsligt]", "2021-12-17", "")


@pytest.mark.parametrize(
    ("target", "form_id"), [("besok", "besokslista"), ("tes-exempel", "korlista")]
)
def test_midnight_at_the_end_of_a_day_stays_on_that_day(target: str, form_id: str) -> None:
    """24.00 of the 17th is the first moment of the 18th: with that day beside it, 24:00 would be a
    day late.
    """
    date = FORMS.latest(form_id).meaning(Meaning.EVENT_DATE)
    assert date is not None
    late = record(
        form_id, {"start": "24:00", date.column: "2021-12-17"}, event_at=datetime(2021, 12, 18)
    )
    row = table(made(target, late)).iloc[0]
    assert (row["Datum"], row["Start"]) == ("2021-12-17", "24:00")


def test_what_no_column_takes_stands_in_the_last_of_the_papers_own() -> None:
    """A plan that is in no column would be nowhere: the entry counts as exported."""
    note: dict[str, Value] = {
        "anteckning": "Såret ser bra ut.",
        "plan": "Ny omläggning\npå torsdag.",
        "information": True,
        "lakare_namn": None,
    }
    row = table(
        made(
            "treserva-exempel", record("hsl-anteckning", note, illegible=frozenset({"lakare_tid"}))
        )
    ).iloc[0]
    told = row["Övrigt på papperet"]
    assert told.startswith("Patienten har fått information: ja\nPlan: Ny omläggning\npå torsdag.\n")
    assert told.endswith("[oläsligt]")
    assert "Såret" not in told
    assert (
        table(made("treserva-exempel", record("hsl-anteckning"))).iloc[0]["Övrigt på papperet"]
        == ""
    )


def test_a_table_that_leaves_something_out_says_so_before_it_is_made() -> None:
    given, of_notes = (
        terms("treserva-exempel"),
        terms("treserva-exempel").mapping("hsl-anteckning", TableMapping),
    )
    assert unmapped_fields_notices(given, {"hsl-anteckning"}) == ()
    without = of_notes.model_copy(
        update={
            "columns": tuple(column for column in of_notes.columns if column.source != "rest.text")
        }
    )
    lacking = replace(given, mappings={"hsl-anteckning": without})
    assert unmapped_fields_notices(lacking, set()) == (), "nothing of that form goes"
    (told,) = unmapped_fields_notices(lacking, {"hsl-anteckning"})
    assert "Plan" in in_swedish(told)
    assert "Tillfällig journalanteckning" in in_swedish(told)


def test_an_amendment_fills_its_column() -> None:
    assert table(made("besok", record("besokslista")))["Rättelse"][0] == ""
    again = table(made("besok", record("besokslista", revision=2), amends=EARLIER))
    assert again["Rättelse"][0].startswith("Rättelse av tidigare överförd post (körning")
    assert again["Version"][0] == "2"


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+46701740605", "-5+2", "@SUM(A1)", "\t=1", "\r=1", " =1", "-", "＝1", "-5.0", "--1"],
)
def test_what_may_be_a_formula_is_marked(text: str) -> None:
    assert neutralize_formula(text).startswith("'")


@pytest.mark.parametrize("text", ["-5", "-5,25", "070-1740605", "a=1", "", "'x"])
def test_what_is_none_stays(text: str) -> None:
    assert neutralize_formula(text) == text


@example([" "])
@given(
    st.lists(
        st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\r")),
        min_size=1,
        max_size=4,
    )
)
def test_every_cell_comes_back(cells: list[str]) -> None:
    header = [f"k{n}" for n in range(len(cells))]
    frame = table(write_csv(header, [cells, ["sist"] * len(cells)]))
    assert list(frame.iloc[0]) == [neutralize_formula(cell) for cell in cells]


def test_every_source_answers() -> None:
    (item,) = items(record("matvarden", MEASURED), amends=EARLIER)
    for source in SOURCES:
        assert isinstance(
            column_text(
                TableColumn(title="x", source=source), item, run("matvarden"), terms("matvarden")
            ),
            str,
        )


def test_a_person_turns_a_hundred_by_swedish_time() -> None:
    (item,) = items(record("matvarden", MEASURED))
    late = replace(
        run("matvarden"), made_at=datetime(int(SIV.pid[:4]) + 99, 12, 31, 23, 30, tzinfo=UTC)
    )
    assert "+" in column_text(
        TableColumn(title="x", source="client.pid_short"), item, late, terms("matvarden")
    )


def is_known_source(source: str) -> bool:
    """Whether `source:` is a field or one of the words of `SOURCES`."""
    return source.startswith(FIELD_SOURCE_PREFIXES) or source in SOURCES


def test_an_unknown_source_is_an_error() -> None:
    (item,) = items(record("matvarden"))
    assert not is_known_source("client.shoe")
    with pytest.raises(ExportError, match=r"no source client\.shoe"):
        column_text(
            TableColumn(title="x", source="client.shoe"), item, run("matvarden"), terms("matvarden")
        )


def test_a_column_is_either_source_or_constant() -> None:
    with pytest.raises(ValueError, match="either source or constant"):
        TableColumn(title="x")


def test_a_constant_stands_in_every_row() -> None:
    mapping = TableMapping(
        about="x", columns=(TableColumn(title="System", constant="Efterskrift"),)
    )
    given = replace(terms("matvarden"), mappings={"matvarden": mapping})
    assert list(
        table(CsvExporter("besok").make(items(record("matvarden")), run("matvarden"), given))[
            "System"
        ]
    ) == ["Efterskrift"]


def test_forms_of_one_target_need_the_same_columns() -> None:
    one = TableMapping(about="x", columns=(TableColumn(title="A", constant="1"),))
    two = TableMapping(about="x", columns=(TableColumn(title="B", constant="1"),))
    given = replace(terms("besok"), mappings={"matvarden": one, "besokslista": two})
    with pytest.raises(ExportError, match="different columns"):
        CsvExporter("besok").make(
            items(record("matvarden"), record("besokslista")), run("besok", 2), given
        )


@pytest.mark.parametrize(
    "path",
    sorted((ROOT / "forms").glob("*/export.*.yaml")),
    ids=lambda path: f"{path.parent.name}-{path.name}",
)
def test_mapping_files_fit_their_forms_and_say_that_they_are_examples(path: Path) -> None:
    from tests.support.store.targets import TARGETS

    kind = TARGETS[path.name.split(".")[1]].mapping or ManualEntryMapping
    mapping = load_mapping(path, kind)
    form_id = path.parent.name
    versions = [
        form
        for (known_id, version), form in FORMS.items()
        if known_id == form_id and mapping.takes_version(version)
    ]
    assert set.intersection(*(find_missing_fields(form, mapping) for form in versions)) == set()
    assert mapping.requires_all_fields == isinstance(mapping, NoteMapping | GroupMapping)
    require_known_fields(FORMS, path.name.split(".")[1], {form_id: mapping})
    assert "Inte leverantörens format" in mapping.about or mapping.about.startswith("Exempel")
    for column in getattr(mapping, "columns", ()):
        source = getattr(column, "source", None)
        assert source is None or is_known_source(source)
    if isinstance(mapping, TableMapping):
        assert "rest.text" in {column.source for column in mapping.columns}, (
            "would drop what no column takes without a word"
        )


def test_a_mapping_file_that_an_editor_saved_in_another_encoding_is_named(tmp_path: Path) -> None:
    path = tmp_path / "export.besok.yaml"
    path.write_bytes(
        "about: Våra besök\ncolumns: [{title: Tid, source: event.time}]\n".encode("cp1252")
    )
    with pytest.raises(ExportError, match=r"export\.besok\.yaml is not UTF-8"):
        load_mapping(path, TableMapping)


def test_a_part_that_a_mapping_file_has_twice_is_named(tmp_path: Path) -> None:
    """YAML takes the last in silence: a column pasted below the others would take all of them
    away.
    """
    path = tmp_path / "export.besok.yaml"
    path.write_text(
        (
            "about: x\ncolumns:\n- {title: Tid, source: event.time}\ncolumns:\n"
            "- {title: Dag, source: event.date}\n"
        ),
        "utf-8",
    )
    with pytest.raises(ExportError, match="columns twice, near line 5"):
        load_mapping(path, TableMapping)


def test_a_field_that_the_form_does_not_have_is_named() -> None:
    """Its cells would be empty in every row, and the receiver would take that for what the paper
    says.
    """
    wrong = TableMapping(about="x", columns=(TableColumn(title="Puls", source="field.pulls"),))
    with pytest.raises(ExportError, match=r"matvarden/export\.matvarden\.yaml: .*pulls"):
        require_known_fields(FORMS, "matvarden", {"matvarden": wrong})
    require_known_fields(FORMS, "matvarden", {"no-form-any-longer": wrong})
    require_known_fields(FORMS, "matvarden", terms("matvarden").mappings)


def test_what_only_an_older_version_of_a_form_asks_is_not_forgotten(tmp_path: Path) -> None:
    """Paper of that version lies in safes and on wards."""
    shutil.copytree(ROOT / "forms" / "matvarden", tmp_path / "matvarden")
    old = tmp_path / "matvarden" / "v1" / "form.yaml"
    old.write_text(old.read_text("utf-8").replace("name: puls", "name: slag"), "utf-8")
    forms = Forms.load(tmp_path)
    given = terms("observationer").mapping("matvarden", ObservationMapping)
    with pytest.raises(ExportError, match="would lack slag"):
        require_known_fields(forms, "observationer", {"matvarden": given})
    require_known_fields(
        forms,
        "observationer",
        {"matvarden": given.model_copy(update={"remarks": (*given.remarks, "slag")})},
    )
    tables = terms("matvarden")
    columns = tuple(
        one
        for one in tables.mapping("matvarden", TableMapping).columns
        if one.source != "rest.text"
    )
    without = tables.mapping("matvarden", TableMapping).model_copy(update={"columns": columns})
    assert "Puls" in in_swedish(
        unmapped_fields_notices(
            replace(tables, forms=forms, mappings={"matvarden": without}), {"matvarden"}
        )[0]
    )


def test_an_order_for_keying_in_may_name_what_is_not_there() -> None:
    """It drops nothing: what it does not name follows after the others."""
    require_known_fields(
        FORMS,
        "skriv-in",
        {"matvarden": ManualEntryMapping(about="x", order=(ManualEntryField(field="pulls"),))},
    )


def test_a_note_that_would_lack_what_the_paper_says_is_named() -> None:
    note = terms("rivta").mapping("hsl-anteckning", NoteMapping)
    without = note.model_copy(
        update={"sections": tuple(one for one in note.sections if one.field != "plan")}
    )
    with pytest.raises(ExportError, match="plan"):
        require_known_fields(FORMS, "rivta", {"hsl-anteckning": without})
    require_known_fields(
        FORMS,
        "rivta",
        {
            "hsl-anteckning": without.model_copy(
                update={"left_on_paper": (*note.left_on_paper, "plan")}
            )
        },
    )


def test_a_number_is_taken_only_from_a_field_of_numbers() -> None:
    """Words would be dropped from the observations without a word, and stop every FHIR file."""
    given = terms("observationer").mapping("matvarden", ObservationMapping)
    words = given.model_copy(
        update={
            "observations": (
                *given.observations,
                given.observations[0].model_copy(update={"field": "anmarkning"}),
            )
        }
    )
    measured = Measurement(text="Blodtryck", field="anmarkning", unit="mmHg", ucum="mm[Hg]")
    for target, mapping in (
        ("observationer", words),
        ("fhir", FhirMapping(about="x", measurements=(measured,))),
    ):
        with pytest.raises(ExportError, match="no number or time in anmarkning"):
            require_known_fields(FORMS, target, {"matvarden": mapping})


def test_a_planned_time_is_taken_only_from_a_field_of_times() -> None:
    given = terms("aktiviteter").mapping("signeringslista", ActivityMapping)
    words = given.model_copy(
        update={
            "slots": (given.slots[0].model_copy(update={"time": "ordination"}), *given.slots[1:])
        }
    )
    with pytest.raises(ExportError, match="no number or time in ordination"):
        require_known_fields(FORMS, "aktiviteter", {"signeringslista": words})
    require_known_fields(FORMS, "aktiviteter", {"signeringslista": given})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("about: [", "not valid YAML"),
        ("about: x\ncolums: []", "colums"),
        ("about: x\ncolumns: []", "columns"),
    ],
)
def test_a_wrong_mapping_file_is_named(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "export.besok.yaml"
    path.write_text(text)
    with pytest.raises(ExportError, match=said):
        load_mapping(path, TableMapping)
