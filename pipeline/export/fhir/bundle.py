"""One entry as one transaction: all of it reaches the server, or nothing. Sent twice, it makes
nothing twice (If-None-Exist).
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlencode

from pipeline.domain.form.form import Form
from pipeline.domain.record import Run
from pipeline.domain.settings import Settings
from pipeline.export.exporter import ExportOptions, Item
from pipeline.export.fhir.common import (
    ANSWERS_TYPE,
    DOCUMENT_TYPE,
    PATIENT_TYPE,
    PROVENANCE_TYPE,
    Resource,
    ResourceContext,
    drop_empty,
    identifier_system,
)
from pipeline.export.fhir.mapping import FhirMapping
from pipeline.export.fhir.provenance import provenance_resource
from pipeline.export.fhir.questionnaire import (
    questionnaire_resource,
    questionnaire_url,
    response_resource,
)
from pipeline.export.fhir.resources import (
    document_resource,
    observation_resources,
    patient_identifier,
    patient_resource,
)
from pipeline.export.record_text import find_record_form

FORMS_BUNDLE_NUMBER = 0
"""The number of the bundle that holds the run's forms; entries count from 1."""


def entry_bundle(item: Item, run: Run, options: ExportOptions) -> Resource:
    """The entry's transaction.

    Raises:
        ExportError: the form has no mapping, or a picture of the sheet cannot be read.
        StoreError: a picture of the sheet is missing.
    """
    filing = ResourceContext(item, options, options.mapping(item.record.form, FhirMapping))
    version = filing.identifier("version", filing.version)
    made = [
        (
            PATIENT_TYPE,
            patient_resource(filing),
            _identifier_query("identifier", patient_identifier(filing)),
        ),
        (DOCUMENT_TYPE, document_resource(filing), _identifier_query("identifier", version)),
    ]
    for name, observation in observation_resources(filing):
        made.append(
            (
                f"Observation/{name}",
                observation,
                _identifier_query("identifier", observation["identifier"][0]),
            )
        )
    form = find_record_form(item.record, options.forms)
    if form and filing.mapping.answers and item.record.voided is None:
        made.append(
            (
                ANSWERS_TYPE,
                response_resource(filing, form),
                _identifier_query("identifier", version),
            )
        )
    origin = provenance_resource(
        filing, [filing.reference(part, resource["resourceType"]) for part, resource, _ in made[1:]]
    )
    made.append((PROVENANCE_TYPE, origin, _identifier_query("_tag", version)))
    return _transaction(
        run,
        item.number,
        options.settings,
        [_post_entry(filing.urn(part), resource, query) for part, resource, query in made],
    )


def forms_bundle(forms: Iterable[Form], run: Run, settings: Settings) -> Resource:
    """The run's forms as Questionnaires, each made once in each version."""
    made = []
    for form in forms:
        query = urlencode(
            {"url": questionnaire_url(form, settings), "version": str(form.version)}, safe=":/"
        )
        made.append(
            {
                "resource": questionnaire_resource(form, settings),
                "request": {"method": "POST", "url": "Questionnaire", "ifNoneExist": query},
            }
        )
    return _transaction(run, FORMS_BUNDLE_NUMBER, settings, made)


def list_answered_forms(items: Iterable[Item], options: ExportOptions) -> list[Form]:
    """The forms whose answers go along, each version once, in the order in which they come."""
    records = (
        item.record
        for item in items
        if options.mapping(item.record.form, FhirMapping).answers and item.record.voided is None
    )
    return list(
        {
            (form.id, form.version): form
            for record in records
            if (form := find_record_form(record, options.forms))
        }.values()
    )


def bundle_position(run_id: str, number: int) -> str:
    """How a bundle says which run it is of, and which number it has there."""
    return f"{run_id}/{number}"


def _transaction(run: Run, number: int, settings: Settings, entries: list[Resource]) -> Resource:
    identifier = {
        "system": identifier_system(settings, "korning"),
        "value": bundle_position(run.id, number),
    }
    bundle: Resource = drop_empty(
        {
            "resourceType": "Bundle",
            "identifier": identifier,
            "type": "transaction",
            "entry": entries,
        }
    )
    return bundle


def _post_entry(urn: str, resource: Resource, query: str) -> Resource:
    return {
        "fullUrl": urn,
        "resource": resource,
        "request": {"method": "POST", "url": resource["resourceType"], "ifNoneExist": query},
    }


def _identifier_query(parameter: str, identifier: Resource) -> str:
    """A search for exactly this identifier or tag."""
    return urlencode({parameter: f"{identifier['system']}|{identifier['value']}"}, safe=":/|")
