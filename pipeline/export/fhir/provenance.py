"""Where an entry comes from and who worked with it, as Provenance.

Inera's profile has the care unit as author and the care provider as custodian, one each; the
person who wrote the paper is therefore the originator (AUT of HL7 v3) besides being the
document's author. Author, enterer, verifier and signer are four people or fewer.
"""

from __future__ import annotations

from pipeline import __version__
from pipeline.domain.record import Stamp
from pipeline.export.exporter import data_text
from pipeline.export.fhir.practitioner import (
    author,
    practitioner_reference,
    stamp_person,
)
from pipeline.export.fhir.resource_context import (
    DOCUMENT_TYPE,
    PROVENANCE_TYPE,
    TERMINOLOGY,
    Resource,
    ResourceContext,
    coding_concept,
    format_instant,
    version_id,
)
from pipeline.export.record_text import amendment_text, late_entry_text
from pipeline.registers.staff import is_on_behalf

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
    program = {
        "type": "Device",
        "display": data_text(
            "fhir_text.program", version=__version__, reader=record.reader_version
        ),
    }
    provider = filing.provider()
    return [
        *agents,
        _agent_resource("assembler", data_text("fhir_text.assembler"), program),
        _agent_resource("custodian", data_text("fhir_text.custodian"), provider),
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
