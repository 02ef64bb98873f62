"""Every table that leaves the program is what its Table Schema says, by a validator that is not
ours: the CSV targets and Socialstyrelsen's files.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping
from dataclasses import replace

import pytest
from frictionless import Schema

from pipeline.domain.form.form import Form
from pipeline.domain.record import Record
from pipeline.export.authorities.health_care_statistics import KhslMapping, Measure
from pipeline.export.mapping import TableMapping
from pipeline.export.tables.csv_table import CsvExporter
from pipeline.export.tables.table_schema import build_table_schema, fit_schema
from tests.support.store.export_examples import (
    ARNE,
    EARLIER,
    FORMS,
    SIV,
    filled,
    in_all_states,
    items,
    made,
    record,
    run,
    terms,
)
from tests.support.store.targets import TARGETS
from tests.support.validators.table_schemas import faults, published, table_schema

GIVEN = {target: terms(target) for target in TARGETS if isinstance(TARGETS[target], CsvExporter)}
TABLES = [
    pytest.param(target, form, id=f"{target}-{form.id}-{form.version}")
    for target, given in GIVEN.items()
    for form in FORMS.values()
    if form.id in given.mappings and given.mappings[form.id].takes_version(form.version)
]
MEASURES, VISITS = FORMS.latest("matvarden"), FORMS.latest("besokslista")
UTF8, LATIN1 = "utf-8-sig", "iso-8859-1"


def csv_faults(target: str, form: Form, data: bytes) -> list[str]:
    return faults(
        data, table_schema(GIVEN[target].mapping(form.id, TableMapping), form), encoding=UTF8
    )


def table(target: str, form: Form) -> bytes:
    """The form's entries in all their states; one field of three cannot be read."""
    names = sorted(filled(form))
    found = in_all_states(form, frozenset(names[::3]))
    return TARGETS[target].make(found, run(target, len(found)), terms(target))


def table_mappings(target: str) -> dict[str, TableMapping]:
    """The mappings of a target's forms."""
    terms_of_target = GIVEN[target]
    return {
        form_id: terms_of_target.mapping(form_id, TableMapping)
        for form_id in terms_of_target.mappings
    }


@pytest.mark.parametrize("target", GIVEN)
def test_the_forms_of_a_target_have_one_header_so_that_they_go_in_one_file(target: str) -> None:
    mappings = table_mappings(target).values()
    assert len({tuple(column.title for column in one.columns) for one in mappings}) == 1


@pytest.mark.parametrize(("target", "form"), TABLES)
def test_every_table_is_as_its_mapping_and_form_say(target: str, form: Form) -> None:
    data = table(target, form)
    assert data.count(f"{run(target).id}".encode()) >= 8
    assert csv_faults(target, form, data) == []


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        ((b"Puls slag/min", b"Puls"), "incorrect-label"),
        ((b"Datum;Tid", b"Datum"), "missing-label"),
        ((b";37,5;", b";37.5;"), "type-error"),
        ((b";2021-12-17;", b";17/12 2021;"), "type-error"),
        ((b";192801287158;", b";19280128-7158;"), "constraint-error"),
        ((b";192801287158;", b";;"), "constraint-error"),
        (
            (b"\r\n20220112-091500-matvarden-3f9c;1;", b"\r\n20220112-091500-matvarden-3f9c;1;1;"),
            "extra-cell",
        ),
        (("Öst".encode(), "Öst".encode(LATIN1)), "encoding-error"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_validator_notices_a_spoilt_table(spoil: tuple[bytes, bytes], said: str) -> None:
    data = table("matvarden", MEASURES)
    assert csv_faults("matvarden", MEASURES, data) == []
    assert data.count(spoil[0])
    assert {
        found.partition(":")[0] for found in csv_faults("matvarden", MEASURES, data.replace(*spoil))
    } >= {said}


# The schema that the program hands out beside a table.


def handed_out(target: str, *forms: Form) -> Schema:
    given = table_mappings(target)
    mappings = {form.id: given[form.id] for form in forms}
    return Schema.from_descriptor(build_table_schema(mappings, forms))


def column_facts(schema: Schema) -> dict[str, tuple[object, ...]]:
    """What a reader relies on in each column: its type, and what may be in it."""
    facts = {}
    for column in schema.to_descriptor()["fields"]:
        rules = column.get("constraints", {})
        pattern = rules.get("pattern")
        allowed = [probe for probe in PROBES if pattern is None or re.fullmatch(pattern, probe)]
        facts[column["name"]] = (
            *(column.get(key) for key in ("type", "format", "decimalChar")),
            *(rules.get(key) for key in ("required", "minimum")),
            sorted(rules.get("enum", ())),
            allowed if column["name"] not in NAMED else [],
        )
    return facts


PROBES = ("192801287158", "22950606FH20", "19280128-7158", "08:15", "24:00", "25:00", "8.15")
NAMED = {"Post", "Körning"}
"""Names of Efterskrift, which no receiver takes apart."""


@pytest.mark.parametrize(("target", "form"), TABLES)
def test_the_schema_beside_a_table_says_what_the_other_one_says(target: str, form: Form) -> None:
    schema = handed_out(target, form)
    derived = table_schema(GIVEN[target].mapping(form.id, TableMapping), form)
    assert [*column_facts(schema).items()] == [*column_facts(derived).items()]
    assert schema.primary_key == derived.primary_key
    assert schema.missing_values == derived.missing_values
    assert faults(table(target, form), schema, encoding=UTF8) == []


def test_a_schema_of_several_forms_allows_what_each_of_them_says() -> None:
    forms = [FORMS.latest(form_id) for form_id in sorted(GIVEN["treserva-exempel"].mappings)]
    schema = handed_out("treserva-exempel", *forms)
    kinds = schema.get_field("Typ").constraints["enum"]
    assert len(kinds) == len({*kinds}) > 1
    for form in forms:
        data = table("treserva-exempel", form)
        assert faults(data, schema, encoding=UTF8) == []
    assert {
        found.partition(":")[0]
        for found in faults(data.replace(kinds[-1].encode(), b"x"), schema, encoding=UTF8)
    } == {"constraint-error"}


def test_the_validator_notices_a_mark_that_is_not_in_the_mappings_codes() -> None:
    data = made("besok", record(VISITS.id, {"dusch": True}, version=VISITS.version))
    assert csv_faults("besok", VISITS, data) == []
    assert csv_faults("besok", VISITS, data.replace(b";1;0;", b";ja;nej;"))


def test_a_schema_that_is_fitted_to_a_file_keeps_its_choices() -> None:
    data = made("besok", record(VISITS.id, {"dusch": True}, version=VISITS.version))
    spoilt = data.replace(b";1;0;", b";solid;0;")
    assert spoilt != data
    built = build_table_schema(
        {VISITS.id: GIVEN["besok"].mapping(VISITS.id, TableMapping)}, [VISITS]
    )
    for written, said in ((data, set()), (spoilt, {"constraint-error"})):
        schema = Schema.from_descriptor(fit_schema(built, written))
        found = faults(written, schema, encoding=UTF8)
        assert {fault.partition(":")[0] for fault in found} == said


# Socialstyrelsen's files: their schemas are data, written from the descriptions and not from the
# layouts.


def aid(fields: Mapping[str, str] | None = None, **other: object) -> Record:
    return record(
        "beslut-ekonomiskt",
        {"manad": "202112", "belopp": "4500.50", "utfall": "bifall", **(fields or {})},
        **other,
    )


def files(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


WHOLE = frozenset({"2021-12"})


def aid_file(*records: Record) -> bytes:
    target, given = "ekonomiskt-bistand", replace(terms("ekonomiskt-bistand"), whole_months=WHOLE)
    made_files = files(TARGETS[target].make(items(*records), run(target), given))
    ((_, data),) = made_files.items()
    return data


def aid_faults(data: bytes) -> list[str]:
    return faults(data, published("ekonomiskt-bistand"), encoding=LATIN1, parted="\t", header=False)


def test_the_file_on_financial_aid_is_as_described() -> None:
    couple = aid({"medsokande_personnummer": ARNE.pid, "utfall": "delavslag"}, entry_id="K7M3PY-00")
    data = aid_file(aid(), couple, aid(entry_id="K7M3PZ-00", voided="fel person", revision=2))
    assert data.count(b"\r\n") == 2
    assert aid_faults(data) == []


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        ((b"\t4501\t", b"\t4500,50\t"), "type-error"),
        ((b"2021\t12", b"2021\t13"), "constraint-error"),
        ((b"\t2514\t", b"\t"), "missing-cell"),
    ],
    ids=["öre", "month", "column"],
)
def test_the_validator_notices_a_spoilt_file_on_financial_aid(
    spoil: tuple[bytes, bytes], said: str
) -> None:
    data = aid_file(aid())
    assert spoil[0] in data
    assert said in {found.partition(":")[0] for found in aid_faults(data.replace(*spoil))}


CODED = KhslMapping(
    about="x",
    contact=True,
    measures=(Measure(code="PD008", field="kontakttyp", value="bedomning"), Measure(code="QX123")),
)


def khsl() -> dict[str, bytes]:
    """A month of four entries: two of one person, one void, and one of a person without a
    licence.
    """
    said = {"kontakttyp": "bedomning"}
    told = items(
        record("hsl-anteckning", said),
        record("hsl-anteckning", said, entry_id="K7M3PY-00"),
        record(
            "hsl-anteckning", said, entry_id="K7M3PZ-00", client=ARNE, author_title="undersköterska"
        ),
        record("hsl-anteckning", said, entry_id="K7M3P2-00", voided="fel person", revision=2),
        amends=EARLIER,
    )
    return files(
        TARGETS["khsl"].make(
            told,
            run("khsl", 4),
            replace(terms("khsl"), mappings={"hsl-anteckning": CODED}, whole_months=WHOLE),
        )
    )


@pytest.mark.parametrize(("name", "rows"), [("khsl1", 2), ("khsl2", 4)])
def test_the_files_on_municipal_health_care_are_as_described(name: str, rows: int) -> None:
    (data,) = (data for file, data in khsl().items() if file.startswith(name.upper()))
    assert data.count(b"\r\n") == rows
    assert faults(data, published(name), header=False) == []


@pytest.mark.parametrize(
    ("name", "spoil", "said"),
    [
        ("khsl1", (r"\r\n", ";\r\n"), "extra-cell"),
        ("khsl1", (r"\r\n", r"\r\n\g<0>"), "blank-row"),
        ("khsl1", (ARNE.pid, SIV.pid), "unique-error"),
        ("khsl2", ("PD008", "PD000"), "constraint-error"),
        ("khsl2", ("XS919", "AB123"), "constraint-error"),
        ("khsl2", (r";\r\n", "\r\n"), "missing-cell"),
    ],
)
def test_the_validator_notices_spoilt_files_on_municipal_health_care(
    name: str, spoil: tuple[str, str], said: str
) -> None:
    (data,) = (data for file, data in khsl().items() if file.startswith(name.upper()))
    changed = re.sub(spoil[0], spoil[1], data.decode()).encode()
    assert changed != data
    found = {found.partition(":")[0] for found in faults(changed, published(name), header=False)}
    assert said in found
