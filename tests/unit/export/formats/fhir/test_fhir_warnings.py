"""A new patient's warnings become AllergyIntolerance and Flag, and are ended when corrected."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.domain.model import Value
from pipeline.domain.record import Record
from pipeline.domain.settings import Settings
from pipeline.export.fhir.amendments import end_earlier_versions
from pipeline.store.exports.run_items import RunItem
from tests.support.store.export_examples import record
from tests.unit.export.formats.fhir.test_fhir import bundle, parts

SNOMED_NONE = {"system": "http://snomed.info/sct", "code": "716186003"}


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
    assert allergy["code"] == {"text": "Överkänslighet: penicillin"}
    assert allergy["verificationStatus"]["coding"][0]["code"] == "unconfirmed"
    assert allergy["note"][0] == {"text": "andnöd"}
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
    ],
)
def test_none_known_is_said_only_where_the_box_is_empty(
    said: dict[str, Value], codings: list[dict[str, str]], text: str
) -> None:
    (allergy,) = parts(new_patient(said), "AllergyIntolerance")
    assert (allergy["code"].get("coding", []), allergy["code"]["text"]) == (codings, text)


@pytest.mark.parametrize("said", [{}, {"smitta": False, "smitta_vilken": "Ingen känd"}])
def test_what_nobody_wrote_is_no_warning(said: dict[str, Value]) -> None:
    assert parts(new_patient(said), "AllergyIntolerance") == []
    assert parts(new_patient(said), "Flag") == []


def test_a_void_entry_has_no_warnings() -> None:
    one = new_patient({"overkanslighet": True}, voided="fel patient")
    assert parts(one, "AllergyIntolerance") == []


class Kept:
    """A server that holds what was sent, and notes what is searched for."""

    def __init__(self, resources: list[dict[str, Any]]) -> None:
        self.resources, self.searched = resources, list[str]()

    def search(self, kind: str, **_parameters: str) -> list[dict[str, Any]]:
        self.searched.append(kind)
        return [one for one in self.resources if one["resourceType"] == kind]


@pytest.mark.parametrize("form", ["ny-patient", "hsl-anteckning"])
def test_a_corrected_entry_ends_its_earlier_warnings(form: str) -> None:
    first = record(form, {"overkanslighet": True, "smitta": True} if form == "ny-patient" else {})
    held = [
        entry["resource"] | {"id": str(n)}
        for n, entry in enumerate(bundle(first)["entry"])
        if entry["resource"]["resourceType"] != "Patient"
    ]
    server = Kept(held)
    item = RunItem(1, first.entry_id, 2, "Norr", True, True, None, "")
    sent = end_earlier_versions({"entry": []}, item, server, Settings())  # type: ignore[arg-type]
    ended = {one["resource"]["resourceType"]: one["resource"] for one in sent["entry"]}
    if form == "hsl-anteckning":
        assert "Flag" not in server.searched
        return
    assert ended["Flag"]["status"] == "entered-in-error"
    allergy = ended["AllergyIntolerance"]
    assert allergy["verificationStatus"]["coding"][0]["code"] == "entered-in-error"
    assert "clinicalStatus" not in allergy
