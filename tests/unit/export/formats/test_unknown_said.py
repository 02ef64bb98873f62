"""What the paper does not say is said to be unknown, and only what was planned can be missing."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from lxml import etree

from pipeline.domain.model import StaffMember, Value
from pipeline.domain.record import Record
from pipeline.export.authorities.erms.elements import ERMS_NS
from pipeline.export.manual_entry.block import build_block
from pipeline.export.mapping import TableColumn
from pipeline.export.record_text import format_field_value, late_entry_text
from pipeline.export.rivta.elements import DOMAIN_NS
from pipeline.export.tables.csv_table import column_text
from tests.support.store.export_examples import (
    FORMS,
    SETTINGS,
    items,
    made,
    record,
    run,
    terms,
    unzip,
)
from tests.support.store.rivta_archives import rivta_document
from tests.support.store.targets import TARGETS

ABSENT = {
    "extension": [
        {
            "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
            "valueCode": "unknown",
        }
    ]
}
UNDATED = "När den skrevs är inte inskrivet."
STAFF = (StaffMember("Ulla Ek", "undersköterska", "UE", "Norr"),)


def resources(one: Record, kind: str) -> list[dict[str, Any]]:
    bundle = json.loads(made("fhir", one).splitlines()[-1])
    return [
        entry["resource"] for entry in bundle["entry"] if entry["resource"]["resourceType"] == kind
    ]


def rivta(one: Record, name: str) -> str:
    root = rivta_document(made("rivta", one))
    return next(root.iter(f"{{{DOMAIN_NS}}}{name}")).text or ""


def erms_dates(one: Record) -> dict[str, str]:
    root = etree.fromstring(unzip(made("erms", one))["erms.xml"])
    return {
        (each.get("dateType") or ""): each.text or "" for each in root.iter(f"{{{ERMS_NS}}}date")
    }


# The time of writing


@pytest.mark.parametrize("form", ["hsl-anteckning", "besokslista", "signeringslista"])
def test_the_text_says_that_the_time_of_writing_is_unknown(form: str) -> None:
    text = late_entry_text(record(form, written_at=None), SETTINGS)
    assert UNDATED in text
    assert "skriven 2021-12-17" not in text


def test_rivta_gives_the_scan_as_author_time_and_says_so() -> None:
    one = record(written_at=None)
    assert rivta(one, "authorTime") == "20220112083000"
    assert "authorTime är när papperet skannades" in rivta(one, "clinicalDocumentNoteText")
    assert "authorTime" not in rivta(record(), "clinicalDocumentNoteText")


def test_rivta_says_which_time_stands_for_an_unknown_event() -> None:
    one = record(event_at=None)
    assert rivta(one, "documentTime") == "20211217090500"
    assert "documentTime är när anteckningen skrevs" in rivta(one, "clinicalDocumentNoteText")
    assert "documentTime" not in rivta(record(), "clinicalDocumentNoteText")


def test_fhir_says_that_the_time_of_writing_is_absent() -> None:
    one = record(written_at=None)
    (document,), (answers,) = (
        resources(one, "DocumentReference"),
        resources(one, "QuestionnaireResponse"),
    )
    attachment = document["content"][0]["attachment"]
    assert ("creation" in attachment, attachment["_creation"]) == (False, ABSENT)
    assert ("authored" in answers, answers["_authored"]) == (False, ABSENT)
    assert UNDATED in base64.b64decode(attachment["data"]).decode()


def test_fhir_says_that_the_event_is_absent() -> None:
    (document,) = resources(record(event_at=None), "DocumentReference")
    assert document["context"]["period"] == ABSENT


def test_a_diary_has_no_date_of_writing_that_the_paper_lacks() -> None:
    letter = record("inkommen-handling", {"arende": "x"}, written_at=None)
    assert "created" not in erms_dates(letter)
    assert erms_dates(replace(letter, written_at=datetime(2021, 12, 17, 9)))["created"] == (
        "2021-12-17T09:00:00"
    )


# Who did it


@pytest.mark.parametrize(("signed", "performer"), [("UE", "Ulla Ek"), ("XY", "XY")])
@pytest.mark.parametrize("target", ["fhir", "observationer", "table"])
def test_the_performer_is_who_signed_the_row(target: str, signed: Value, performer: str) -> None:
    assert _performer(target, signed) == performer


@pytest.mark.parametrize("signed", [False, True], ids=["unsigned", "illegible"])
@pytest.mark.parametrize("target", ["fhir", "observationer", "table"])
def test_a_row_without_legible_initials_has_no_performer(target: str, signed: Value) -> None:
    unknown = "okänd (namnet är inte inskrivet)" if target == "fhir" else ""
    assert _performer(target, signed) == unknown


def _performer(target: str, signed: Value) -> str:
    one = record("matvarden", {"puls": "72", "signatur": signed})
    if target == "table":
        options = replace(terms("matvarden"), staff=STAFF)
        column = TableColumn(title="x", source="performer.signatur")
        return column_text(column, items(one)[0], run("matvarden"), options)
    data = TARGETS[target].make(items(one), run(target), replace(terms(target), staff=STAFF))
    if target == "observationer":
        role = rivta_document(data).find(".//{*}performerRole")
        assert role is not None
        return role.findtext("{*}person/{*}name") or ""
    entries = json.loads(data.splitlines()[-1])["entry"]
    (pulse,) = [e["resource"] for e in entries if e["resource"]["resourceType"] == "Observation"]
    return str(pulse["contained"][0]["practitioner"]["display"])


# Signatures: only what was planned can be missing


def day(**fields: Value) -> Record:
    """A day of a signing list with one planned time."""
    return record("signeringslista", {"tid1": "08:00", "given1": False, **fields})


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (day(), "saknas på papperet"),
        (day(given1="UE"), "UE"),
        (day(tid1=None), ""),
        (day(tid1=None, given1="UE"), "UE"),
        (replace(day(tid1=None), illegible=frozenset({"tid1"})), "saknas på papperet"),
    ],
    ids=["planned", "signed", "not-planned", "signed-without-plan", "illegible-plan"],
)
def test_only_a_planned_signature_is_missing(one: Record, words: str) -> None:
    assert format_field_value(one, "given1", FORMS) == words


@pytest.mark.parametrize(
    ("form", "column"),
    [("palliativ-hemakt", "kontroll"), ("nyckelkvittens", "in_sign"), ("matvarden", "signatur")],
)
def test_a_signature_that_the_form_does_not_require_is_not_missing(form: str, column: str) -> None:
    assert format_field_value(record(form), column, FORMS) == ""


def test_a_key_that_came_back_unsigned_misses_a_signature() -> None:
    back = record("nyckelkvittens", {"in_datum": "2021-12-18"})
    assert format_field_value(back, "in_sign", FORMS) == "saknas på papperet"


def test_the_key_in_list_leaves_out_times_that_were_not_planned() -> None:
    block = build_block(items(day())[0], terms("skriv-in"))
    said = " ".join((*map(" ".join, block.rows), *block.unmarked))
    assert "Sign. tid 1 saknas på papperet" in said
    for label in ("Sign. tid 2", "Tid 2: ej given eller avböjd"):
        assert label not in said


def test_a_deviation_without_plan_is_still_told() -> None:
    block = build_block(items(day(avvikelse2="ej_given"))[0], terms("skriv-in"))
    assert ("Tid 2: ej given eller avböjd", "E") in block.rows


def test_a_table_says_nothing_of_a_time_that_was_not_planned() -> None:
    def cell(name: str) -> str:
        column = TableColumn(title="x", source=f"field.{name}")
        return column_text(column, items(day())[0], run("besok"), terms("besok"))

    assert (cell("given1"), cell("given2")) == ("nej", "")


def test_the_answers_in_fhir_leave_out_what_was_not_planned() -> None:
    options = terms("fhir")
    mapping = options.mappings["hsl-anteckning"]
    options = replace(options, mappings={**options.mappings, "signeringslista": mapping})
    data = TARGETS["fhir"].make(items(day()), run("fhir"), options)
    entries = json.loads(data.splitlines()[-1])["entry"]
    text = json.dumps(
        [e["resource"] for e in entries if e["resource"]["resourceType"] == "QuestionnaireResponse"]
    )
    assert '"given1"' in text
    assert '"given2"' not in text
