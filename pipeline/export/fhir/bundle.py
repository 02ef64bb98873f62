"""One entry as one transaction: all of it reaches the server, or nothing. Sent twice, it makes nothing twice (If-None-Exist)."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlencode

from pipeline.export.exporter import Item, Terms
from pipeline.export.fhir.document import document
from pipeline.export.fhir.filing import ANSWERS, DOCUMENT, ORIGIN, PATIENT, Filing, Resource, system, tidy
from pipeline.export.fhir.mapping import FhirMapping
from pipeline.export.fhir.observation import observations
from pipeline.export.fhir.patient import patient, patient_identifier
from pipeline.export.fhir.provenance import provenance
from pipeline.export.fhir.questionnaire import answers, canonical, questionnaire
from pipeline.export.values import form_of
from pipeline.record import Run
from pipeline.settings import Settings
from pipeline.template import Form

FORMS_NUMBER = 0
"""The number of the bundle that holds the run's forms; entries count from 1."""


def entry_bundle(item: Item, run: Run, terms: Terms) -> Resource:
    """The entry's transaction.

    Raises:
        ExportError: the form has no mapping, or a picture of the sheet cannot be read.
        StoreError: a picture of the sheet is missing.
    """
    filing = Filing(item, terms, terms.mapping(item.record.form, FhirMapping))
    version = filing.identifier("version", filing.version)
    made = [(PATIENT, patient(filing), _query("identifier", patient_identifier(filing))), (DOCUMENT, document(filing), _query("identifier", version))]
    for name, observation in observations(filing):
        made.append((f"Observation/{name}", observation, _query("identifier", observation["identifier"][0])))
    form = form_of(item.record, terms.forms)
    if form and filing.mapping.answers and item.record.voided is None:
        made.append((ANSWERS, answers(filing, form), _query("identifier", version)))
    origin = provenance(filing, [filing.reference(part, resource["resourceType"]) for part, resource, _ in made[1:]])
    made.append((ORIGIN, origin, _query("_tag", version)))
    return _transaction(run, item.number, terms.settings, [_post(filing.urn(part), resource, query) for part, resource, query in made])


def forms_bundle(forms: Iterable[Form], run: Run, settings: Settings) -> Resource:
    """The run's forms as Questionnaires, each made once in each version."""
    made = []
    for form in forms:
        query = urlencode({"url": canonical(form, settings), "version": str(form.version)}, safe=":/")
        made.append({"resource": questionnaire(form, settings), "request": {"method": "POST", "url": "Questionnaire", "ifNoneExist": query}})
    return _transaction(run, FORMS_NUMBER, settings, made)


def answered_forms(items: Iterable[Item], terms: Terms) -> list[Form]:
    """The forms whose answers go along, each version once, in the order in which they come."""
    records = (item.record for item in items if terms.mapping(item.record.form, FhirMapping).answers and item.record.voided is None)
    return list({(form.id, form.version): form for record in records if (form := form_of(record, terms.forms))}.values())


def place_in_run(run_id: str, number: int) -> str:
    """How a bundle says which run it is of, and which number it has there."""
    return f"{run_id}/{number}"


def _transaction(run: Run, number: int, settings: Settings, entries: list[Resource]) -> Resource:
    identifier = {"system": system(settings, "korning"), "value": place_in_run(run.id, number)}
    bundle: Resource = tidy({"resourceType": "Bundle", "identifier": identifier, "type": "transaction", "entry": entries})
    return bundle


def _post(urn: str, resource: Resource, query: str) -> Resource:
    return {"fullUrl": urn, "resource": resource, "request": {"method": "POST", "url": resource["resourceType"], "ifNoneExist": query}}


def _query(parameter: str, identifier: Resource) -> str:
    """A search for exactly this identifier or tag."""
    return urlencode({parameter: f"{identifier['system']}|{identifier['value']}"}, safe=":/|")
