"""Entries as FHIR R4: a file with one JSON bundle a line (ndjson), each a transaction.

The first line holds the run's forms, if answers go along; then comes one line an entry in the
run's order. Any program can post a line to a server's base address.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from urllib.parse import urlencode, urlsplit

from pipeline.domain.form.form import Form
from pipeline.domain.identity_numbers import is_temporary_pid
from pipeline.domain.record import Record, Run
from pipeline.domain.settings import Settings
from pipeline.export.exporter import TEMPORARY_CLIENT, DetailedExporter, ExportOptions, Item
from pipeline.export.fhir.document import attachment_resources, document_resource
from pipeline.export.fhir.mapping import FhirMapping
from pipeline.export.fhir.observations import observation_resources
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
    absent_value,
    drop_empty,
    identifier_system,
    pid_system,
)
from pipeline.export.fhir.warnings import warning_resources
from pipeline.export.record_text import find_record_form, record_day
from pipeline.texts import Text

# One entry as one transaction: all of it reaches the server, or nothing.
#
# Sent twice, it creates nothing twice (If-None-Exist).

# The client as a Patient, created only where the receiver does not have it.
#
# That is a conditional create by identifier.

_ABSENT_UNKNOWN, _ABSENT_MASKED = "unknown", "masked"


def patient_resource(filing: ResourceContext) -> Resource:
    """Return the client with number and name.

    The profile asks for a birth date; the date in the number is not always that, so it is unknown.
    The name of a client with a protected identity does not leave: the receiver has it, or has
    reasons not to.
    """
    client = filing.record.client
    name = (
        {"text": client.name}
        if client.name and not client.protected
        else {"_text": absent_value(_ABSENT_MASKED if client.protected else _ABSENT_UNKNOWN)}
    )
    return {
        "resourceType": "Patient",
        "meta": filing.meta("patient") | {"security": filing.protection()},
        "identifier": [patient_identifier(filing)],
        "name": [name],
        "_birthDate": absent_value(_ABSENT_UNKNOWN),
    }


def patient_identifier(filing: ResourceContext) -> Resource:
    """Return the client's number in its series."""
    pid = filing.record.client.pid
    return {"system": pid_system(pid, filing.mapping.local_id_system), "value": pid}


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


_EXAMPLE_DOMAIN = "example"
"""The top-level domain of addresses that are examples (RFC 2606)."""


class FhirExporter(DetailedExporter):
    """Any form with a mapping to FHIR R4."""

    media_type = "application/fhir+ndjson"
    suffix = ".ndjson"
    mapping = FhirMapping

    def unsupported_reasons(self, record: Record, options: ExportOptions) -> Iterator[Text]:
        """Yield what is missing: a number of a known series, or the day of a measurement."""
        mapping = options.mapping(record.form, FhirMapping)
        if is_temporary_pid(record.client.pid):
            yield TEMPORARY_CLIENT
        elif not pid_system(record.client.pid, mapping.local_id_system):
            yield Text("export_reason.no_pid_system")
        if mapping.measurements and record.event_at is None:
            yield Text("export_reason.no_measurement_day")

    def example_notice(self, options: ExportOptions) -> Text | None:
        """Return that identifiers begin with an example's address, which nobody owns; else None."""
        host = urlsplit(options.settings.fhir_system).hostname or ""
        is_example = host.rpartition(".")[2] == _EXAMPLE_DOMAIN
        return Text("export_notice.example_fhir_system") if is_example else None

    def make(self, items: Sequence[Item], run: Run, options: ExportOptions) -> bytes:
        """Build one bundle a line."""
        forms = list_answered_forms(items, options)
        bundles = [forms_bundle(forms, run, options.settings)] if forms else []
        lines = [_bundle_line(bundle) for bundle in bundles] + [
            _bundle_line(entry_bundle(item, run, options)) for item in items
        ]
        return b"".join(lines)


def _bundle_line(bundle: Resource) -> bytes:
    return json.dumps(bundle, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
