"""A FHIR file read back with models of others (`fhirclient`, generated from HL7's
definitions): every field of the confirmed entry is there, and nothing that nobody wrote.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from fhirclient.models.bundle import Bundle

from pipeline.domain.form.field import FieldSpec, Format, Meaning
from pipeline.domain.form.form import Form
from pipeline.domain.model import Value
from pipeline.domain.record import Record, RecordAttachment
from pipeline.export.exporter import Item
from pipeline.export.fhir.mapping import FhirMapping
from pipeline.export.record_text import format_field_value, signature_presence
from tests.contract.exports.test_fhir_valid import EVERY_FORM, GIVEN, kinds_of_entries
from tests.support.pages.form_choice import by_form
from tests.support.pages.small_pages import foreign_page
from tests.support.store.export_examples import FORMS, items, record, run
from tests.support.store.targets import TARGETS

WITHHELD = {
    Meaning.CLIENT_CODE,
    Meaning.CLIENT_NAME,
    Meaning.CLIENT_PRINTED,
    Meaning.CLIENT_ADDRESS,
}
"""What does not leave of a client with a protected identity."""
HEADING = {
    Meaning.CLIENT_PID,
    Meaning.CLIENT_CODE,
    Meaning.CLIENT_NAME,
    Meaning.CLIENT_PRINTED,
}
"""What the text leaves to Patient."""


def read_file(entries: list[Item], load_image: Any = None) -> list[list[Any]]:  # noqa: ANN401 - a loader
    """The resources of each entry's bundle, as objects of the library; strict: a wrong one is
    refused.
    """
    options = replace(GIVEN, load_image=load_image)
    lines = TARGETS["fhir"].make(entries, run("fhir", len(entries)), options).splitlines()
    bundles = [Bundle(json.loads(line)) for line in lines[-len(entries) :]]
    return [[entry.resource for entry in bundle.entry] for bundle in bundles]


def of_kind(resources: list[Any], kind: str) -> list[Any]:
    return [each for each in resources if each.resource_type == kind]


def answers(items_of_answers: list[Any] | None) -> Iterator[tuple[str, Any]]:
    """The question and the answer of each item, however deep; None where it cannot be read."""
    for item in items_of_answers or []:
        if item.item:
            yield from answers(item.item)
        elif item.answer:
            (answer,) = item.answer
            yield item.linkId, _answer_value(answer)
        else:
            assert item.extension[0].valueCode == "unknown"
            yield item.linkId, None


def _answer_value(answer: Any) -> Any:  # noqa: ANN401 - of the library
    if answer.valueCoding:
        return answer.valueCoding.code
    if answer.valueDate:
        return answer.valueDate.as_json()
    if answer.valueDecimal is not None:
        return Decimal(str(answer.valueDecimal))
    return answer.valueBoolean if answer.valueBoolean is not None else answer.valueString


def written(one: Record, spec: FieldSpec) -> Any:  # noqa: ANN401 - of any kind
    """What an entry says in a field, as the library gives it; None where nobody wrote."""
    value: Value = one.fields.get(spec.column)
    if value in (None, "") or value is False:
        return None
    if spec.traits.names_signer and value is True:
        return signature_presence(present=True)
    if spec.traits.digits_only and spec.format is Format.NUMBER:
        return Decimal(str(value))
    return value


def is_withheld(one: Record, spec: FieldSpec) -> bool:
    return one.client.protected and (spec.means in WITHHELD or spec.format is Format.PHONE)


def specs_of(form: Form, one: Record) -> list[FieldSpec]:
    return [spec for spec in form.entry_fields(one.row) if spec.traits.filled_by_hand]


@pytest.mark.parametrize("form", by_form(EVERY_FORM))
def test_no_answer_is_lost_or_invented(form: Form) -> None:
    entries = [item for item in kinds_of_entries(form) if not item.record.voided]
    for item, resources in zip(entries, read_file(entries), strict=True):
        responses = of_kind(resources, "QuestionnaireResponse")
        if not responses:
            assert not GIVEN.mapping(form.id, FhirMapping).answers
            continue
        one = item.record
        expected = {
            spec.column: None if spec.column in one.illegible else written(one, spec)
            for spec in specs_of(form, one)
            if spec.column in one.illegible
            or (written(one, spec) is not None and not is_withheld(one, spec))
        }
        found = dict(answers(responses[0].item))
        # A place that lacks its signature is said too; nothing else is besides what was written.
        said_missing = {name for name, value in found.items() if _says_missing(value)}
        assert {name: found[name] for name in found.keys() - said_missing} == expected


def _says_missing(value: object) -> bool:
    return value is False or value == signature_presence(present=False)


@pytest.mark.parametrize("form", by_form(EVERY_FORM))
def test_the_text_says_every_field_and_the_patient_is_the_client(form: Form) -> None:
    entries = [item for item in kinds_of_entries(form) if not item.record.voided]
    for item, resources in zip(entries, read_file(entries), strict=True):
        one = item.record
        (patient,) = of_kind(resources, "Patient")
        assert patient.identifier[0].value == one.client.pid
        document = of_kind(resources, "DocumentReference")[0]
        text = base64.b64decode(document.content[0].attachment.data).decode()
        for spec in specs_of(form, one):
            words = format_field_value(one, spec.column, FORMS)
            if words and spec.means not in HEADING and not is_withheld(one, spec):
                assert words in text or spec.traits.is_check_box, spec.column
        if one.client.protected and one.client.name:
            assert one.client.name not in text


MEASURES = {
    name: f"{number}.5" if number % 2 else str(number)
    for number, name in enumerate(
        sorted(
            name
            for measurement in GIVEN.mapping("matvarden", FhirMapping).measurements
            for name in measurement.fields()
        ),
        1,
    )
}


@pytest.mark.parametrize("version", [version for form, version in FORMS if form == "matvarden"])
def test_each_number_is_one_observation_with_its_own_value(version: int) -> None:
    form = FORMS["matvarden", version]
    named = {spec.column for spec in form.entry_fields(form.rows()[0])}
    said = {name: value for name, value in MEASURES.items() if name in named}
    one = record("matvarden", said, version=version)
    (resources,) = read_file(items(one))
    found: list[Decimal] = []
    for observation in of_kind(resources, "Observation"):
        assert observation.effectiveDateTime.as_json() == "2021-12-17T08:15:00+01:00"
        for part in observation.component or [observation]:
            found.append(Decimal(str(part.valueQuantity.value)))
    assert sorted(found) == sorted(map(Decimal, said.values()))


def test_warnings_hold_the_words_of_the_paper_and_nothing_else() -> None:
    said: dict[str, Value] = {
        "overkanslighet": True,
        "overkanslighet_mot": "penicillin",
        "overkanslighet_reaktion": "andnöd",
        "smitta_vilken": "MRSA",
    }
    (resources,) = read_file(items(record("ny-patient", said)))
    (allergy,) = of_kind(resources, "AllergyIntolerance")
    assert allergy.code.text == "penicillin"
    assert [one.manifestation[0].text for one in allergy.reaction] == ["andnöd"]
    assert (allergy.category, allergy.criticality, allergy.type) == (None, None, None)
    (flag,) = of_kind(resources, "Flag")
    assert flag.code.text == "Smitta: MRSA"


def test_the_sheet_and_each_attachment_are_documents_with_their_bytes() -> None:
    bills = (
        RecordAttachment("Hyresavi", "2021-12-03", "bill"),
        RecordAttachment("Kvitto", "", "k"),
    )
    one = record("hsl-anteckning", pages=("a", "b"), attachments=bills)
    (resources,) = read_file(items(one), foreign_page)
    entry, *others = of_kind(resources, "DocumentReference")
    assert [content.attachment.contentType for content in entry.content] == [
        "text/plain",
        "application/pdf",
    ]
    assert [other.description for other in others] == ["Hyresavi, 2021-12-03", "Kvitto"]
    assert len({each.masterIdentifier.value for each in (entry, *others)}) == 3
    for other in others:
        assert other.relatesTo[0].code == "appends"
        assert base64.b64decode(other.content[0].attachment.data).startswith(b"%PDF")
