"""A file that would go out with values of an example says so before it is made, and names them."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest

from pipeline.export.authorities.erms.classification import PLAN_FILE
from pipeline.export.runs import ExportContext
from tests.support.store.export_office import ANNA, confirm
from tests.support.store.route_steps import route_to, target_status
from tests.support.texts import in_swedish

pytest_plugins = ("tests.support.store.databases", "tests.support.store.offices")


def notices(office: ExportContext, target: str) -> str:
    return " ".join(map(in_swedish, target_status(office, ANNA, target).notices))


def test_the_example_address_of_fhir_identifiers_is_told(office: ExportContext) -> None:
    route_to(office, "fhir")
    assert not notices(office, "fhir")  # nothing waits
    confirm(office, "hsl-anteckning", "AAAA01", kontakttyp="besok", anteckning="Ja.")
    assert "EFTERSKRIFT_FHIR_SYSTEM" in notices(office, "fhir")
    own = office.settings.model_copy(update={"fhir_system": "https://fhir.kommunen.se/efterskrift"})
    assert not notices(replace(office, settings=own), "fhir")


@pytest.mark.parametrize("example", ["true", "false"])
def test_a_classification_plan_that_is_an_example_is_told(
    office: ExportContext, example: str
) -> None:
    route_to(office, "erms")
    confirm(office, "inkommen-handling", "AAAA01", arende="Ansökan")
    own = office.settings.own_forms
    own.mkdir(parents=True, exist_ok=True)
    shutil.copy(office.settings.forms / PLAN_FILE, own / PLAN_FILE)
    text = (own / PLAN_FILE).read_text("utf-8").replace("example: true", f"example: {example}")
    (own / PLAN_FILE).write_text(text, "utf-8")
    assert (PLAN_FILE in notices(office, "erms")) == (example == "true")
