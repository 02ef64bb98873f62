"""GetObservations 1.0: valid against the public schema, and every number with its code, unit, time
and performer.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from lxml import etree

from pipeline.domain.identity_numbers import birth_date
from pipeline.domain.model import Client, StaffMember, Value
from pipeline.domain.record import Record, Stamp
from pipeline.export.fhir.mapping import FhirMapping
from pipeline.export.mapping import CareUnit
from pipeline.export.rivta.elements import EFTERSKRIFT_NS
from pipeline.export.rivta.mapping import ObservationMapping
from pipeline.export.rivta.observations import DOMAIN_NS
from tests.support.shared_data import shared
from tests.support.store.export_examples import EARLIER, SIV, items, made, record, run, terms
from tests.support.store.rivta_archives import rivta_document
from tests.support.store.targets import TARGETS
from tests.support.texts import in_swedish

MEASURED: dict[str, Value] = {
    "bt_sys": "135",
    "bt_dia": "80",
    "temp": "37.5",
    "smarta": "0",
    "anmarkning": "Yr vid uppresning",
}
NS = {"c": DOMAIN_NS, "e": EFTERSKRIFT_NS}
SCHEMA = (
    "schemas",
    "rivta",
    "healthcond_basic_1.0",
    "interactions",
    "GetObservationsInteraction",
    "GetObservationsResponder_1.0.xsd",
)


def row(fields: dict[str, Value] | None = None, **other: object) -> Record:
    return record("matvarden", MEASURED if fields is None else fields, **other)


def observations(data: bytes) -> dict[str, etree._Element]:
    """By field."""
    found = rivta_document(data).iter(f"{{{DOMAIN_NS}}}observation")
    return {
        (one.findtext("c:id/c:extension", namespaces=NS) or "").rpartition(":")[2]: one
        for one in found
    }


def said(data: bytes, path: str, field: str = "bt_sys") -> str | None:
    return observations(data)[field].findtext(path, namespaces=NS)


@pytest.mark.shared
@pytest.mark.parametrize(
    "each",
    [
        row(),
        row(
            dict.fromkeys(
                ("bt_sys", "bt_dia", "puls", "temp", "vikt", "b_glukos", "saturation", "smarta"),
                "3",
            )
        ),
        row(author="", author_title="", written_at=None),
        row(signed=Stamp(datetime(2022, 7, 1, 10, 0, tzinfo=UTC), "Eva Lind")),
        row(clock_unknown=frozenset({"event_at"})),
        row(event_at=datetime(2021, 12, 17, 23, 59)),
        row(voided="fel person", revision=2),
        row({"puls": "70"}, revision=2),
        row(MEASURED | {"anmarkning": "a\x00b\x1f & < > ]]> \ud83d"}),
    ],
    ids=[
        "row",
        "every-number",
        "author-unknown",
        "signed",
        "no-clock",
        "late",
        "void",
        "amended",
        "odd-characters",
    ],
)
def test_is_valid_against_the_schema(each: Record) -> None:
    schema = etree.XMLSchema(etree.parse(shared(*SCHEMA)))
    schema.assertValid(rivta_document(made("observationer", each, row(entry_id="K7M3PX-02"))))


@pytest.mark.shared
def test_a_unit_with_an_hsa_id_is_valid_and_named() -> None:
    given = terms("observationer")
    mapping = given.mapping("matvarden", ObservationMapping).model_copy(
        update={"units": {"Norr": CareUnit(hsa_id="SE0-1")}}
    )
    data = TARGETS["observationer"].make(
        items(row()), run("observationer"), replace(given, mappings={"matvarden": mapping})
    )
    etree.XMLSchema(etree.parse(shared(*SCHEMA))).assertValid(rivta_document(data))
    (unit,) = rivta_document(data).iter(f"{{{DOMAIN_NS}}}careUnit")
    assert [
        unit.findtext(path, namespaces=NS)
        for path in ("c:id/c:extension", "c:name", "c:careGiver/c:name")
    ] == ["SE0-1", "Norr", "Kalix kommun"]


@pytest.mark.shared
def test_the_schema_would_notice_a_number_that_is_none() -> None:
    broken = rivta_document(made("observationer", row()))
    next(broken.iter(f"{{{DOMAIN_NS}}}pq"))[0].text = "13?"
    assert not etree.XMLSchema(etree.parse(shared(*SCHEMA))).validate(broken)


def test_each_number_is_an_observation_with_code_and_unit() -> None:
    data = made("observationer", row())
    assert list(observations(data)) == ["bt_sys", "bt_dia", "temp", "smarta"]
    assert [said(data, f"c:value/c:pq/c:{part}", "temp") for part in ("value", "unit")] == [
        "37.5",
        "Cel",
    ]
    assert said(data, "c:value/c:pq/c:value", "smarta") == "0"
    assert said(data, "c:type/c:displayName") == "Systoliskt blodtryck"
    assert all(
        one.findtext("c:type/c:codeSystemName", namespaces=NS)
        for one in observations(data).values()
    )


def test_the_codes_are_those_that_fhir_gets() -> None:
    concepts = [
        part
        for measured in terms("fhir").mapping("matvarden", FhirMapping).measurements
        for part in measured.parts or [measured]
    ]
    known = {
        concept.field: ({concept.snomed, concept.loinc} - {""}, concept.ucum)
        for concept in concepts
    }
    mapping = terms("observationer").mapping("matvarden", ObservationMapping)
    assert known == {
        one.field: ({code.code for code in (one.type, *one.also)}, one.unit)
        for one in mapping.observations
    }


def test_codes_of_other_systems_go_with_the_type() -> None:
    data = made("observationer", row())
    assert (said(data, "c:type/c:code"), said(data, "c:type/e:translation/e:code")) == (
        "271649006",
        "8480-6",
    )


def test_who_measured_has_id_and_role_of_the_staff_list() -> None:
    member = StaffMember("Anna Öst", "undersköterska", "AÖ", "Norr", "SE5560000000-AO", "207011")
    data = TARGETS["observationer"].make(
        items(row(MEASURED | {"signatur": "AÖ"})),
        run("observationer"),
        replace(terms("observationer"), staff=(member,)),
    )
    (role,) = rivta_document(data).iter(f"{{{DOMAIN_NS}}}performerRole")
    paths = ("c:code/c:code", "c:code/c:codeSystem", "c:person/c:id/c:extension")
    assert [role.findtext(path, namespaces=NS) for path in paths] == [
        "207011",
        "1.2.752.129.2.2.1.4",
        "SE5560000000-AO",
    ]


def test_time_is_that_of_the_measurement_and_registration_that_of_entering() -> None:
    data = made("observationer", row())
    assert (said(data, "c:time/c:start/c:value"), said(data, "c:time/c:start/c:format")) == (
        "202112170815",
        "YYYYMMDDhhmm",
    )
    assert said(data, "c:registrationTime") == "20220112103000"


def test_a_day_without_time_of_day_is_the_whole_day() -> None:
    data = made(
        "observationer", row(event_at=datetime(2021, 12, 17), clock_unknown=frozenset({"event_at"}))
    )
    assert (said(data, "c:time/c:start/c:value"), said(data, "c:time/c:end/c:value")) == (
        "20211217000000",
        "20211217235959",
    )


def test_the_description_says_where_it_comes_from_and_what_was_remarked() -> None:
    words = said(made("observationer", row(illegible=frozenset({"puls"}))), "c:description") or ""
    assert "Originalanteckning på papper av Gun Ek, sjuksköterska" in words
    assert "Anmärkning: Yr vid uppresning" in words
    assert "På samma rad [oläsligt]: Puls." in words


def test_an_illegible_number_is_no_observation() -> None:
    assert "puls" not in observations(
        made("observationer", row(MEASURED | {"puls": "72"}, illegible=frozenset({"puls"})))
    )


def test_a_void_entry_nullifies_its_observations_with_the_reason() -> None:
    data = made("observationer", row(voided="fel person", revision=2), amends=EARLIER)
    assert {
        one.findtext("c:status/c:code", namespaces=NS) for one in observations(data).values()
    } == {"nullified"}
    assert "Makulerad: fel person." in (said(data, "c:description") or "")


def test_a_number_that_a_correction_took_away_is_nullified_under_its_old_id() -> None:
    first, second = (
        made("observationer", row()),
        made("observationer", row(MEASURED | {"temp": None}, revision=2), amends=EARLIER),
    )
    assert (said(first, "c:status/c:code", "temp"), said(second, "c:status/c:code", "temp")) == (
        "completed",
        "nullified",
    )
    assert said(first, "c:id/c:extension", "temp") == said(second, "c:id/c:extension", "temp")
    assert said(second, "c:value/c:pq/c:value", "temp") is None
    assert said(second, "c:status/c:code", "bt_sys") == "completed"


def test_a_row_signed_by_somebody_of_the_list_was_measured_by_that_person() -> None:
    staff = (StaffMember("Anna Öst", "undersköterska", "AÖ", "Norr"),)

    def told(signed: Value) -> tuple[str | None, str]:
        given = replace(terms("observationer"), staff=staff)
        data = TARGETS["observationer"].make(
            items(row(MEASURED | {"signatur": signed})), run("observationer"), given
        )
        return rivta_document(data).findtext(
            ".//c:performerRole/c:person/c:name", namespaces=NS
        ), said(data, "c:description") or ""

    assert told("AÖ")[0] == told("AÖ – Anna Öst")[0] == "Anna Öst"
    assert "Raden är signerad AÖ (Anna Öst)." in told("AÖ")[1]
    name, words = told("XY")
    assert name == "XY"
    assert "Raden är signerad XY, utan namn i signaturlistan." in words
    assert "signerad på papperet, oklart av vem" in told(True)[1]
    assert "Raden är" not in told(False)[1]


def test_protected_clients_are_never_open_to_the_patient() -> None:
    given = terms("observationer")
    mapping = given.mapping("matvarden", ObservationMapping).model_copy(
        update={"approved_for_patient": True}
    )
    opened = replace(given, mappings={"matvarden": mapping})
    for protected, answer in ((True, "false"), (False, "true")):
        data = TARGETS["observationer"].make(
            items(row(client=replace(SIV, protected=protected))), run("observationer"), opened
        )
        assert said(data, "c:approvedForPatient") == answer


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({"event_at": None}, "Tidpunkt saknas"),
        ({"client": Client("TILLFACDEFHJ", "Okänd", "Norr")}, "tillfällig identitet"),
        ({"client": Client("22950606FH20", "X", "Norr")}, "födelsedatum"),
        ({"client": Client("", "", "Norr")}, "födelsedatum"),
        ({"fields": {"anmarkning": "ville inte"}}, "inget läsligt mätvärde"),
        ({"illegible": frozenset(MEASURED)}, "inget läsligt mätvärde"),
    ],
)
def test_what_the_schema_cannot_carry_is_said_beforehand(
    other: dict[str, Any], reason: str
) -> None:
    assert reason in in_swedish(
        TARGETS["observationer"].unsupported_reason(
            row(**other),
            terms("observationer"),
        )
    )


def test_what_it_can_carry_is_fit() -> None:
    assert (
        in_swedish(TARGETS["observationer"].unsupported_reason(row(), terms("observationer"))) == ""
    )
    assert (
        in_swedish(
            TARGETS["observationer"].unsupported_reason(row({}, revision=2), terms("observationer"))
        )
        == ""
    )


@pytest.mark.parametrize(
    ("pid", "born"),
    [(SIV.pid, "1928-01-28"), ("22950606FH20", "None"), ("", "None"), ("KX-17", "None")],
)
def test_the_day_of_birth_is_that_of_the_number(pid: str, born: str) -> None:
    assert str(birth_date(pid)) == born


@pytest.mark.shared
def test_coordination_numbers_say_a_day_only_where_it_is_one() -> None:
    import json

    numbers = json.loads(
        shared("schemas", "identity", "skatteverket-testsamordningsnummer.json").read_text()
    )
    for number in numbers:
        born = birth_date(number)
        vague = number[4:6] == "00" or number[6:8] == "60"
        assert born is None if vague else born is None or born.day == int(number[6:8]) - 60
