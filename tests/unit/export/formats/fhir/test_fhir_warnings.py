"""A new patient's warnings become AllergyIntolerance and Flag."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.domain.model import Value
from pipeline.domain.record import Record
from pipeline.export.fhir.mapping import Warned
from tests.support.store.export_examples import record
from tests.unit.export.formats.fhir.test_fhir import bundle, parts

SNOMED_NONE = {
    "system": "http://snomed.info/sct",
    "code": "716186003",
    "display": "No known allergy",
}


def new_patient(said: dict[str, Value], **more: Any) -> Record:  # noqa: ANN401 - parts of a record
    return record("ny-patient", said, **more)


def test_a_hypersensitivity_is_an_allergy_and_the_rest_flags() -> None:
    one = new_patient(
        {
            "overkanslighet": True,
            "overkanslighet_mot": "penicillin",
            "overkanslighet_reaktion": "andnöd",
            "smitta": True,
            "smitta_vilken": "MRSA",
            "behandling_vilken": "Waran",
        }
    )
    (allergy,) = parts(one, "AllergyIntolerance")
    assert allergy["code"] == {"text": "penicillin"}
    assert allergy["verificationStatus"]["coding"][0]["code"] == "unconfirmed"
    assert allergy["reaction"] == [{"manifestation": [{"text": "andnöd"}]}]
    assert allergy["clinicalStatus"]["coding"][0]["code"] == "active"
    # The paper does not say of which category it is, nor how critical.
    assert {"category", "criticality", "type"}.isdisjoint(allergy)
    assert [flag["code"]["text"] for flag in parts(one, "Flag")] == [
        "Pågående behandling: Waran",
        "Smitta: MRSA",
    ]
    # They are created once, and the provenance has them.
    queries = {
        entry["resource"]["resourceType"]: entry["request"]["ifNoneExist"]
        for entry in bundle(one)["entry"]
    }
    assert queries["AllergyIntolerance"].endswith("/overkanslighet")
    assert len(parts(one, "Provenance")[0]["target"]) == 1 + 3 + 1


@pytest.mark.parametrize(
    ("said", "codings", "text"),
    [
        ({"overkanslighet_mot": "INGEN KÄND"}, [SNOMED_NONE], "Överkänslighet: INGEN KÄND"),
        ({"overkanslighet_mot": "Ingen penicillin!"}, [], "Överkänslighet: Ingen penicillin!"),
        # Contradictory: nobody may take it for no allergy.
        (
            {"overkanslighet": True, "overkanslighet_mot": "Ingen känd"},
            [],
            "Överkänslighet: Ingen känd",
        ),
        ({"overkanslighet": True}, [], "Överkänslighet"),
        ({"overkanslighet_mot": "penicillin"}, [], "penicillin"),
    ],
)
def test_none_known_is_said_only_where_the_box_is_empty(
    said: dict[str, Value], codings: list[dict[str, str]], text: str
) -> None:
    (allergy,) = parts(new_patient(said), "AllergyIntolerance")
    assert (allergy["code"].get("coding", []), allergy["code"]["text"]) == (codings, text)


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (new_patient({"overkanslighet": True, "overkanslighet_mot": "Ingen känd"}), "ikryssad"),
        (new_patient({}, illegible=frozenset({"overkanslighet"})), "går inte att läsa"),
        (new_patient({"overkanslighet": True, "overkanslighet_mot": "penicillin"}), ""),
    ],
)
def test_what_has_to_be_checked_on_the_paper_is_said_first(one: Record, words: str) -> None:
    (allergy,) = parts(one, "AllergyIntolerance")
    first = allergy["note"][0]["text"]
    assert words in first
    assert ("Kontrollera mot papperet" in first) == bool(words)


def test_a_category_is_that_of_the_mapping() -> None:
    warned = Warned(kind="allergy", name="Läkemedel", mark="a", text="b", category="medication")
    assert warned.fields() == {"a", "b"}
    with pytest.raises(ValueError, match="no allergy"):
        Warned(name="Smitta", mark="a", text="b", category="food")


@pytest.mark.parametrize("said", [{}, {"smitta": False, "smitta_vilken": "Ingen känd"}])
def test_what_nobody_wrote_is_no_warning(said: dict[str, Value]) -> None:
    assert parts(new_patient(said), "AllergyIntolerance") == []
    assert parts(new_patient(said), "Flag") == []


def test_a_void_entry_has_no_warnings() -> None:
    one = new_patient({"overkanslighet": True}, voided="fel patient")
    assert parts(one, "AllergyIntolerance") == []
