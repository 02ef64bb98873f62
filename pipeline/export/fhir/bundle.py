"""One entry as one transaction: all of it reaches the server, or nothing.

Sent twice, it creates nothing twice (If-None-Exist).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from urllib.parse import urlencode

from pipeline.domain.form.form import Form
from pipeline.domain.record import Run
from pipeline.domain.settings import Settings
from pipeline.export.exporter import ExportOptions, Item
from pipeline.export.fhir.document import attachment_resources, document_resource
from pipeline.export.fhir.mapping import FhirMapping
from pipeline.export.fhir.observations import observation_resources
from pipeline.export.fhir.patient import patient_identifier, patient_resource
from pipeline.export.fhir.provenance import provenance_resource
from pipeline.export.fhir.questionnaire import (
    questionnaire_resource,
    questionnaire_url,
    response_resource,
)
from pipeline.export.fhir.resource_context import (
    ANSWERS_TYPE,
    DOCUMENT_TYPE,
    PATIENT_TYPE,
    PROVENANCE_TYPE,
    Resource,
    ResourceContext,
    drop_empty,
    identifier_system,
)
from pipeline.export.fhir.warnings import warning_resources
from pipeline.export.record_text import find_record_form, record_day

FORMS_BUNDLE_NUMBER = 0
"""The number of the bundle that holds the run's forms; entries count from 1."""


def entry_bundle(item: Item, run: Run, options: ExportOptions) -> Resource:
    """Return the entry's transaction.

    Raises:
        ExportError: the form has no mapping, or an image of the sheet cannot be read.
        StoreError: an image of the sheet is missing.
    """
    filing = ResourceContext(item, options, options.mapping(item.record.form, FhirMapping))
    version = filing.identifier("version", filing.version)
    # (name within the bundle, resource, search that finds it at the server) of each
    parts = [
        (
            PATIENT_TYPE,
            patient_resource(filing),
            _identifier_query("identifier", patient_identifier(filing)),
        ),
        (DOCUMENT_TYPE, document_resource(filing), _identifier_query("identifier", version)),
    ]
    for name, attachment in attachment_resources(filing):
        query = _identifier_query("identifier", attachment["masterIdentifier"])
        parts.append((name, attachment, query))
    for name, observation in observation_resources(filing):
        parts.append(
            (
                f"Observation/{name}",
                observation,
                _identifier_query("identifier", observation["identifier"][0]),
            )
        )
    for name, warning in warning_resources(filing):
        query = _identifier_query("identifier", warning["identifier"][0])
        parts.append((f"{warning['resourceType']}/{name}", warning, query))
    form = find_record_form(item.record, options.forms)
    if form and filing.mapping.answers and item.record.voided is None:
        parts.append(
            (
                ANSWERS_TYPE,
                response_resource(filing, form),
                _identifier_query("identifier", version),
            )
        )
    # The patient is not of this entry; everything else has its origin in it.
    targets = [filing.reference(name, resource["resourceType"]) for name, resource, _ in parts[1:]]
    provenance = provenance_resource(filing, targets)
    parts.append((PROVENANCE_TYPE, provenance, _identifier_query("_tag", version)))
    return _transaction(
        run,
        item.number,
        options.settings,
        [_post_entry(filing.urn(name), resource, query) for name, resource, query in parts],
    )


def forms_bundle(forms: Iterable[tuple[Form, date]], run: Run, settings: Settings) -> Resource:
    """Return the run's forms as Questionnaires, each created once in each version.

    Args:
        forms: each with the day of the earliest entry on it, whose law it names.
    """
    entries = []
    for form, day in forms:
        query = urlencode(
            {"url": questionnaire_url(form, settings), "version": str(form.version)}, safe=":/"
        )
        entries.append(
            {
                "resource": questionnaire_resource(form, day, settings),
                "request": {"method": "POST", "url": "Questionnaire", "ifNoneExist": query},
            }
        )
    return _transaction(run, FORMS_BUNDLE_NUMBER, settings, entries)


def list_answered_forms(items: Iterable[Item], options: ExportOptions) -> list[tuple[Form, date]]:
    """Return the forms whose answers go along, in the items' order, with their earliest day."""
    days: dict[tuple[str, int], date] = {}
    for record in (item.record for item in items):
        if (
            options.mapping(record.form, FhirMapping).answers
            and record.voided is None
            and find_record_form(record, options.forms)
        ):
            key, day = (record.form, record.version), record_day(record)
            days[key] = min(days.get(key, day), day)
    return [(options.forms[key], day) for key, day in days.items()]


def _transaction(run: Run, number: int, settings: Settings, entries: list[Resource]) -> Resource:
    identifier = {
        "system": identifier_system(settings, "korning"),
        "value": f"{run.id}/{number}",
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
    """Return a search for exactly this identifier or tag."""
    return urlencode({parameter: f"{identifier['system']}|{identifier['value']}"}, safe=":/|")
