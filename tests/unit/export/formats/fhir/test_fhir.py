"""What an entry becomes in FHIR: times, people, measurements, the sheet, and who is left out of
it.
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pikepdf
import pytest
from PIL import Image

from pipeline.domain.errors import ExportError
from pipeline.domain.model import Client, StaffMember
from pipeline.domain.record import Record
from pipeline.export.exporter import Item
from pipeline.export.fhir.document import MAX_WIDTH_PX, small_sheet_pdf
from pipeline.export.fhir.mapping import FhirMapping, Measurement
from pipeline.export.fhir.resource_context import format_instant
from pipeline.files.text import make_printable
from tests.support.pages.small_pages import foreign_page
from tests.support.store.export_examples import EARLIER, MADE_AT, SIV, record, run, stamp, terms
from tests.support.store.targets import TARGETS
from tests.support.texts import in_swedish

EXPORTER, GIVEN = (
    TARGETS["fhir"],
    replace(terms("fhir"), load_image=lambda name: foreign_page(name)),
)


def bundle(one: Record, **item: Any) -> dict[str, Any]:  # noqa: ANN401 - parts of an item
    """The transaction of an entry."""
    made: dict[str, Any] = json.loads(
        EXPORTER.make([Item(1, one, **item)], run("fhir"), GIVEN).splitlines()[-1]
    )
    return made


def parts(one: Record, kind: str, **item: Any) -> list[dict[str, Any]]:  # noqa: ANN401
    return [
        entry["resource"]
        for entry in bundle(one, **item)["entry"]
        if entry["resource"]["resourceType"] == kind
    ]


def test_every_resource_is_created_only_where_it_is_not_there_yet() -> None:
    sent = bundle(record("hsl-anteckning"))
    asked = {entry["request"]["url"]: entry["request"]["ifNoneExist"] for entry in sent["entry"]}
    version = "https://efterskrift.example/fhir/version|K7M3PX-00.1"
    assert asked == {
        "Patient": f"identifier=http://electronichealth.se/identifier/personnummer|{SIV.pid}",
        "DocumentReference": f"identifier={version}",
        "QuestionnaireResponse": f"identifier={version}",
        "Provenance": f"_tag={version}",
    }
    assert {entry["request"]["method"] for entry in sent["entry"]} == {"POST"}


def test_the_event_the_writing_and_the_entering_are_three_times() -> None:
    (document,) = parts(record("hsl-anteckning"), "DocumentReference")
    assert document["context"]["period"] == dict.fromkeys(
        ("start", "end"), "2021-12-17T08:15:00+01:00"
    )
    assert document["content"][0]["attachment"]["creation"] == "2021-12-17T09:05:00+01:00"
    assert document["date"] == "2022-01-12T10:30:00+01:00"


def test_a_day_without_a_time_of_day_stays_a_day() -> None:
    one = record("matvarden", {"puls": "72"}, clock_unknown=frozenset({"event_at"}))
    (pulse,) = parts(one, "Observation")
    assert pulse["effectiveDateTime"] == "2021-12-17"


def test_summer_and_winter_have_their_zone() -> None:
    assert format_instant(datetime(2022, 7, 1, 8, 15)) == "2022-07-01T08:15:00+02:00"
    assert format_instant(datetime(2021, 12, 17, 8, 15)) == "2021-12-17T08:15:00+01:00"


def test_the_agents_are_those_of_the_whole_way() -> None:
    (origin,) = parts(
        record("hsl-anteckning", signed=stamp("Eva Lind", 11), signed_why="slutat"), "Provenance"
    )
    agents = {
        agent["type"]["coding"][0]["code"]: agent["who"]["display"] for agent in origin["agent"]
    }
    machine = agents.pop("assembler")
    assert machine.startswith("Efterskrift ")
    assert agents == {
        "author": "Norr",
        "AUT": "Gun Ek, sjuksköterska",
        "enterer": "Anna Öst",
        "verifier": "Per Åhs",
        "legal": "Eva Lind",
        "custodian": "Kalix kommun",
    }
    (document,) = parts(record("hsl-anteckning", signed=stamp("Eva Lind", 11)), "DocumentReference")
    assert {each["id"]: each["practitioner"]["display"] for each in document["contained"]} == {
        "skribent": "Gun Ek",
        "signerare": "Eva Lind",
    }


def test_measurements_keep_what_is_absent_apart_from_what_is_illegible() -> None:
    one = record(
        "matvarden", {"bt_sys": "140", "puls": "072", "temp": "37.5"}, illegible=frozenset({"vikt"})
    )
    found = {each["code"]["coding"][0]["code"]: each for each in parts(one, "Observation")}
    assert set(found) == {"85354-9", "8867-4", "8310-5", "29463-7"}
    assert found["8867-4"]["valueQuantity"] == {
        "value": 72,
        "unit": "slag/min",
        "system": "http://unitsofmeasure.org",
        "code": "/min",
    }
    assert found["8310-5"]["valueQuantity"]["value"] == 37.5
    systolic, diastolic = found["85354-9"]["component"]
    assert systolic["valueQuantity"]["value"] == 140
    for absent in (diastolic, found["29463-7"]):
        assert absent["dataAbsentReason"]["coding"][0]["code"] == "unknown"
        assert "valueQuantity" not in absent


def test_whoever_signed_the_row_has_measured() -> None:
    staff = (StaffMember("Ulla Ek", "undersköterska", "UE", "Norr"),)
    given = replace(GIVEN, staff=staff)

    def performer(one: Record) -> str:
        made = json.loads(EXPORTER.make([Item(1, one)], run("fhir"), given).splitlines()[-1])
        (pulse,) = [
            entry["resource"]
            for entry in made["entry"]
            if entry["resource"]["resourceType"] == "Observation"
        ]
        return str(pulse["contained"][0]["practitioner"]["display"])

    assert performer(record("matvarden", {"puls": "72", "signatur": "UE"})) == "Ulla Ek"
    assert performer(record("matvarden", {"puls": "72", "signatur": "XX"})) == "XX"
    assert "okänd" in performer(record("matvarden", {"puls": "72"}))


HSA_SYSTEM = GIVEN.settings.fhir_hsa_system


def test_people_and_units_are_referred_to_by_the_ids_of_the_registers() -> None:
    one = record(
        "hsl-anteckning",
        author_hsa_id="SE2120002692-AB12",
        unit_hsa_id="SE2120002692-0001",
        entered=replace(stamp("Anna Öst"), hsa_id="SE2120002692-AB34"),
        signed=replace(stamp("Eva Lind", 11), login="eva"),
    )
    (document,) = parts(one, "DocumentReference")
    writer, signer = document["contained"]
    assert writer["practitioner"]["identifier"] == {
        "system": HSA_SYSTEM,
        "value": "SE2120002692-AB12",
    }
    assert writer["organization"]["identifier"]["value"] == "SE2120002692-0001"
    assert writer["code"][0]["text"] == "sjuksköterska"
    # Nobody has said the signer's id: it is not made up.
    assert "identifier" not in signer["practitioner"]
    (origin,) = parts(one, "Provenance")
    ids = {
        agent["type"]["coding"][0]["code"]: agent["who"].get("identifier", {}).get("value")
        for agent in origin["agent"]
    }
    assert ids["AUT"] == "SE2120002692-AB12"
    assert ids["enterer"] == "SE2120002692-AB34"
    assert ids["legal"] is None
    assert ids["author"] == "SE2120002692-0001"


def test_a_setting_names_who_the_registers_do_not_know() -> None:
    settings = GIVEN.settings.model_copy(
        update={"staff_hsa_ids": {"eva": "SE2120002692-AB56"}, "unit_hsa_ids": {"Norr": "SE1-2"}}
    )
    one = record("hsl-anteckning", signed=replace(stamp("Eva Lind", 11), login="eva"))
    data = EXPORTER.make([Item(1, one)], run("fhir"), replace(GIVEN, settings=settings))
    resources = [entry["resource"] for entry in json.loads(data.splitlines()[-1])["entry"]]
    (document,) = [each for each in resources if each["resourceType"] == "DocumentReference"]
    signer = document["contained"][1]
    assert signer["practitioner"]["identifier"]["value"] == "SE2120002692-AB56"
    assert signer["organization"]["identifier"]["value"] == "SE1-2"


@pytest.mark.parametrize(
    ("title", "registered", "code"),
    [
        ("Överläkare", "", {"code": "201010", "display": "Överläkare"}),
        # A code of the staff list that our copy of the code system lacks has no term.
        ("sjuksköterska", "999999", {"code": "999999"}),
        ("sjuksköterska", "", {"code": "206090", "display": "Sjuksköterska, allmän"}),
        ("undersköterska", "", None),
    ],
)
def test_a_role_has_its_code_and_the_title_as_words(
    title: str, registered: str, code: dict[str, str] | None
) -> None:
    one = record("hsl-anteckning", author_title=title, author_role_code=registered)
    (document,) = parts(one, "DocumentReference")
    (role,) = document["contained"][0]["code"]
    assert role["text"] == title
    assert role.get("coding") == (
        [{"system": "urn:oid:1.2.752.129.2.2.1.4"} | code] if code else None
    )


def test_codes_of_measures_that_were_written_are_coded() -> None:
    one = record("hsl-anteckning", {"kva": "pd008", "kva2": "sårvård"})
    (document,) = parts(one, "DocumentReference")
    assert document["context"]["event"] == [
        {"coding": [{"system": "urn:oid:1.2.752.116.1.3.2.1.4", "code": "PD008"}]}
    ]
    (other,) = parts(record("hsl-anteckning", {"kva": "PD000"}), "DocumentReference")
    assert "event" not in other["context"]


def test_whoever_signed_a_row_is_known_by_the_staff_list() -> None:
    staff = (StaffMember("Ulla Ek", "undersköterska", "UE", "Norr", "SE2120002692-AB78"),)
    one = record("matvarden", {"puls": "72", "signatur": "UE"})
    data = EXPORTER.make([Item(1, one)], run("fhir"), replace(GIVEN, staff=staff))
    resources = [entry["resource"] for entry in json.loads(data.splitlines()[-1])["entry"]]
    (pulse,) = [each for each in resources if each["resourceType"] == "Observation"]
    (measured_by,) = pulse["contained"]
    assert measured_by["practitioner"]["identifier"]["value"] == "SE2120002692-AB78"
    assert measured_by["code"][0]["text"] == "undersköterska"


def test_the_form_is_a_questionnaire_and_the_entry_answers_it() -> None:
    one = record(
        "hsl-anteckning",
        {"kontakttyp": "besok", "anteckning": "Såret ser bra ut.", "handelsetid": "24:00"},
        illegible=frozenset({"plan"}),
    )
    forms = json.loads(EXPORTER.make([Item(1, one)], run("fhir"), GIVEN).splitlines()[0])["entry"][
        0
    ]["resource"]
    (answers,) = parts(one, "QuestionnaireResponse")
    assert answers["questionnaire"] == f"{forms['url']}|{forms['version']}"
    asked = {item["linkId"]: item for group in forms["item"] for item in group["item"]}
    said = {item["linkId"]: item for group in answers["item"] for item in group["item"]}
    assert set(said) <= set(asked)
    assert said["kontakttyp"]["answer"][0]["valueCoding"]["display"] == "Besök"
    assert said["handelsetid"]["answer"] == [{"valueString": "24:00"}]
    assert "information" not in said  # a box without a mark says nothing, not no
    assert said["plan"]["extension"][0]["valueCode"] == "unknown"
    assert [group["text"] for group in forms["item"]][:2] == ["Patient", "Tid"]


def test_a_protected_identity_leaves_its_name_here_and_is_labelled() -> None:
    one = record(
        "hsl-anteckning",
        {"namn": SIV.name},
        client=Client(SIV.pid, SIV.name, "Norr", protected=True),
    )
    assert SIV.name not in json.dumps(bundle(one), ensure_ascii=False)
    for kind in ("Patient", "DocumentReference", "QuestionnaireResponse", "Provenance"):
        (resource,) = parts(one, kind)
        assert "R" in {label["code"] for label in resource["meta"]["security"]}


def _all_of(one: Record) -> str:
    """What a bundle says, attachments of text decoded; of a sheet only that it is there."""
    (document,) = parts(one, "DocumentReference")
    attached = [content["attachment"] for content in document["content"]]
    texts = [
        base64.b64decode(each["data"]).decode()
        if each["contentType"] == "text/plain"
        else each["contentType"]
        for each in attached
    ]
    return "\n".join((json.dumps(bundle(one), ensure_ascii=False), *texts))


def test_who_has_a_protected_identity_and_lives_where_stays_here() -> None:
    told = {"namn": SIV.name, "adress": "Skolvägen 9", "telefon": "070-1740605"}
    somebody = (replace(SIV, protected=True), SIV)
    hidden, shown = (
        _all_of(record("ny-patient", told, client=client, pages=("a",))) for client in somebody
    )
    for words in (*list(told.values())[1:], "application/pdf"):
        assert words not in hidden
        assert words in shown
    assert SIV.name not in hidden


def test_the_sheet_goes_along_where_it_is_one_clients() -> None:
    (document,) = parts(record("matvarden", {"puls": "72"}, pages=("a", "b")), "DocumentReference")
    text, sheet = (content["attachment"] for content in document["content"])
    assert (text["contentType"], sheet["contentType"]) == ("text/plain", "application/pdf")
    with pikepdf.open(io.BytesIO(base64.b64decode(sheet["data"]))) as pdf:
        assert len(pdf.pages) == 2
    visits = replace(GIVEN, mappings={"besokslista": FhirMapping(about="x")})
    others = EXPORTER.make([Item(1, record("besokslista", pages=("a",)))], run("fhir"), visits)
    assert b"application/pdf" not in others  # the list shows other clients' visits


def test_the_text_holds_no_character_that_a_receiver_may_refuse() -> None:
    (document,) = parts(
        record("hsl-anteckning", {"anteckning": "Såret\x00 ser\x1b bra\r\nut."}),
        "DocumentReference",
    )
    text = base64.b64decode(document["content"][0]["attachment"]["data"]).decode()
    assert "Såret\ufffd ser\ufffd bra\nut." in text
    assert make_printable(text) == text


def test_the_sheet_is_small_and_always_the_same(
    record_property: Callable[[str, object], None],
) -> None:
    scan = io.BytesIO()
    Image.effect_noise((1680, 2376), 12).save(scan, "JPEG", quality=85)
    pdf = small_sheet_pdf([scan.getvalue()], "Mätvärden", MADE_AT)
    assert pdf == small_sheet_pdf([scan.getvalue()], "Mätvärden", MADE_AT)
    record_property(
        "measured",
        (
            f"sheet as PDF: {len(scan.getvalue()) // 1000} kB of noisy picture become "
            f"{len(pdf) // 1000} kB, {MAX_WIDTH_PX} px wide"
        ),
    )
    assert len(pdf) < 400_000


def test_a_picture_that_is_none_stops_the_file() -> None:
    with pytest.raises(ExportError, match="picture"):
        small_sheet_pdf([b"no picture"], "x", MADE_AT)


def test_what_is_void_carries_its_reason_and_not_what_was_written() -> None:
    one = record(
        "hsl-anteckning",
        {"anteckning": "Såret ser bra ut."},
        revision=2,
        voided="fel person",
        pages=("a",),
    )
    sent = bundle(one, amends=EARLIER)
    (document,) = parts(one, "DocumentReference", amends=EARLIER)
    assert [entry["resource"]["resourceType"] for entry in sent["entry"]] == [
        "Patient",
        "DocumentReference",
        "Provenance",
    ]
    assert document["relatesTo"][0]["target"]["identifier"]["value"] == "K7M3PX-00.1"
    (content,) = document["content"]
    text = base64.b64decode(content["attachment"]["data"]).decode()
    assert "fel person" in text
    assert "Såret" not in text


@pytest.mark.parametrize(
    ("pid", "said"),
    [
        ("TILLFABC3467", "tillfällig identitet"),
        ("", "Personnummer saknas"),
        ("LOKAL123", "local_id_system"),
        ("22950606FH20", ""),
    ],
)
def test_whom_the_receiver_cannot_know_is_unfit(pid: str, said: str) -> None:
    assert said in in_swedish(
        EXPORTER.unsupported_reason(
            record("hsl-anteckning", client=Client(pid, "Siv", "Norr")), GIVEN
        )
    )


def test_a_measurement_without_a_day_is_unfit() -> None:
    assert "Tidpunkt" in in_swedish(
        EXPORTER.unsupported_reason(record("matvarden", event_at=None), GIVEN)
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"field": "puls"},
        {"field": "puls", "parts": ({"text": "x", "field": "y", "unit": "1", "ucum": "1"},)},
    ],
)
def test_a_measurement_is_one_number_with_its_unit_or_several(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="needs"):
        Measurement(text="Puls", **wrong)
