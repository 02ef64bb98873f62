"""Entries as FHIR R4: a file with one JSON bundle a line (ndjson), each a transaction.

The first line holds the run's forms, if answers go along; then comes one line an entry in the
run's order. Any program can post a line to a server's base address.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from urllib.parse import urlencode, urlsplit

from pipeline import __version__
from pipeline.domain.form.form import Form
from pipeline.domain.identity_numbers import is_temporary_pid
from pipeline.domain.record import Record, Run, Stamp
from pipeline.domain.settings import Settings
from pipeline.export.exporter import (
    TEMPORARY_CLIENT,
    DetailedExporter,
    ExportOptions,
    Item,
    data_text,
)
from pipeline.export.fhir.document import attachment_resources, document_resource
from pipeline.export.fhir.mapping import FhirMapping
from pipeline.export.fhir.observations import observation_resources, warning_resources
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
    TERMINOLOGY,
    Resource,
    ResourceContext,
    absent_value,
    author,
    coding_concept,
    drop_empty,
    format_instant,
    identifier_system,
    pid_system,
    practitioner_reference,
    stamp_person,
    version_id,
)
from pipeline.export.record_text import (
    amendment_text,
    find_record_form,
    late_entry_text,
    record_day,
)
from pipeline.registers.staff import is_on_behalf
from pipeline.texts import Text

# Where an entry comes from and who worked with it, as Provenance.
#
# Inera's profile has the care unit as author and the care provider as custodian, one each; the
# person who wrote the paper is therefore the originator (AUT of HL7 v3) besides being the
# document's author. Author, enterer, verifier and signer are four people or fewer.

PARTICIPANT_TYPES = f"{TERMINOLOGY}provenance-participant-type"
PARTICIPATION_TYPES = f"{TERMINOLOGY}v3-ParticipationType"


def provenance_resource(filing: ResourceContext, targets: list[Resource]) -> Resource:
    """Return the origin of an entry's resources.

    Args:
        targets: references to the resources.
    """
    record = filing.record
    return {
        "resourceType": PROVENANCE_TYPE,
        # Provenance has no identifier: the tag is what a second sending is known by.
        "meta": filing.meta("provenance")
        | {"tag": [{"system": filing.identifier("version", "")["system"], "code": filing.version}]},
        "target": targets,
        "occurredPeriod": {
            "start": format_instant(record.scanned.at),
            "end": format_instant(max(stamp.at for stamp in _list_stamps(filing))),
        },
        "recorded": format_instant(record.entered.at),
        "reason": [{"text": text} for text in _list_reasons(filing) if text],
        "activity": coding_concept(f"{TERMINOLOGY}v3-DataOperation", _activity_code(filing)),
        "agent": _list_agents(filing),
        "entity": _list_entities(filing),
    }


def _list_agents(filing: ResourceContext) -> list[Resource]:
    record, unit = filing.record, filing.unit()
    writer = practitioner_reference(filing, author(record))
    enterer = practitioner_reference(filing, stamp_person(filing, record.entered))
    # The title on the paper belongs to who wrote: an agent has no place for it but the name.
    if record.author_title:
        writer["display"] = f"{writer['display']}, {record.author_title}"
    program = {
        "type": "Device",
        "display": data_text(
            "fhir_text.program", version=__version__, reader=record.reader_version
        ),
    }
    agents = [
        _agent_resource("author", data_text("fhir_text.care_unit"), unit),
        _agent_resource("AUT", data_text("fhir_text.author"), writer, unit, PARTICIPATION_TYPES),
        _agent_resource("enterer", data_text("fhir_text.enterer"), enterer, unit),
    ]
    if record.verified:
        verifier = practitioner_reference(filing, stamp_person(filing, record.verified))
        agents.append(_agent_resource("verifier", data_text("fhir_text.verifier"), verifier, unit))
    if record.signed:
        signer = practitioner_reference(filing, stamp_person(filing, record.signed))
        agents.append(
            _agent_resource("legal", data_text("fhir_text.signer"), signer, unit)
            | {"role": _signing_reason(record.signed_why)}
        )
    return [
        *agents,
        _agent_resource("assembler", data_text("fhir_text.assembler"), program),
        _agent_resource("custodian", data_text("fhir_text.custodian"), filing.provider()),
    ]


def _signing_reason(reason: str) -> list[Resource]:
    """Why another person than the author signed, or why the author needed a reason."""
    if not reason:
        return []
    return [
        {
            "text": data_text("fhir_text.signed_on_behalf", reason=reason)
            if is_on_behalf(reason)
            else reason
        }
    ]


def _agent_resource(
    code: str,
    text: str,
    who: Resource,
    behalf: Resource | None = None,
    system: str = PARTICIPANT_TYPES,
) -> Resource:
    return {"type": coding_concept(system, code, text), "who": who, "onBehalfOf": behalf}


def _list_entities(filing: ResourceContext) -> list[Resource]:
    """The paper, and the version that this one replaces."""
    record, previous = filing.record, filing.item.amends
    entities = [
        {
            "role": "source",
            "what": {
                "identifier": filing.identifier("skan", record.serial or record.entry_id),
                "display": data_text("fhir_text.paper_at", place=record.place)
                if record.place
                else data_text("fhir_text.paper"),
            },
        }
    ]
    if previous:
        version = filing.identifier("version", version_id(record.entry_id, previous.revision))
        entities.append(
            {"role": "revision", "what": {"type": DOCUMENT_TYPE, "identifier": version}}
        )
    return entities


def _activity_code(filing: ResourceContext) -> str:
    if filing.record.voided is not None:
        return "NULLIFY"
    return "UPDATE" if filing.item.amends else "CREATE"


def _list_reasons(filing: ResourceContext) -> tuple[str, ...]:
    voided = filing.record.voided
    return (
        late_entry_text(filing.record, filing.settings),
        amendment_text(filing.item),
        data_text("late_entry.void", reason=voided) if voided is not None else "",
    )


def _list_stamps(filing: ResourceContext) -> list[Stamp]:
    record = filing.record
    return [
        stamp for stamp in (record.scanned, record.entered, record.verified, record.signed) if stamp
    ]


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
    form = find_record_form(item.record, options.forms)
    answered = form if filing.mapping.answers and item.record.voided is None else None
    # (name within the bundle, resource, identifier that finds it at the server) of each
    identified = [
        (PATIENT_TYPE, patient_resource(filing), patient_identifier(filing)),
        (DOCUMENT_TYPE, document_resource(filing), version),
        *((name, one, one["masterIdentifier"]) for name, one in attachment_resources(filing)),
        *(
            (f"{one['resourceType']}/{name}", one, one["identifier"][0])
            for name, one in (*observation_resources(filing), *warning_resources(filing))
        ),
        *([(ANSWERS_TYPE, response_resource(filing, answered), version)] if answered else []),
    ]
    # The patient is not of this entry; everything else has its origin in it.
    targets = [filing.reference(name, one["resourceType"]) for name, one, _ in identified[1:]]
    parts = [
        *((name, one, _identifier_query("identifier", known)) for name, one, known in identified),
        (
            PROVENANCE_TYPE,
            provenance_resource(filing, targets),
            _identifier_query("_tag", version),
        ),
    ]
    return _transaction(
        run,
        item.number,
        options.settings,
        [
            {
                "fullUrl": filing.urn(name),
                "resource": resource,
                "request": {
                    "method": "POST",
                    "url": resource["resourceType"],
                    "ifNoneExist": query,
                },
            }
            for name, resource, query in parts
        ],
    )


def forms_bundle(forms: Iterable[tuple[Form, date]], run: Run, settings: Settings) -> Resource:
    """Return the run's forms as Questionnaires, each created once in each version.

    Args:
        forms: each with the day of the earliest entry on it, whose law it names.
    """
    entries = [
        {
            "resource": questionnaire_resource(form, day, settings),
            "request": {
                "method": "POST",
                "url": "Questionnaire",
                "ifNoneExist": urlencode(
                    {"url": questionnaire_url(form, settings), "version": str(form.version)},
                    safe=":/",
                ),
            },
        }
        for form, day in forms
    ]
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
