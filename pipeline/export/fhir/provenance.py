"""Where the entry comes from and through whose hands it went, as Provenance.

Inera's profile has the care unit as author and the care provider as custodian, one each; the
person who wrote the paper is therefore the originator (AUT of HL7 v3) besides being the
document's author. Who entered, verified and signed are four different people or fewer.
"""

from __future__ import annotations

from pipeline import __version__
from pipeline.domain.record import Stamp
from pipeline.export.fhir.common import (
    DOCUMENT_TYPE,
    NO_AUTHOR,
    PROVENANCE_TYPE,
    TERMINOLOGY,
    Resource,
    ResourceContext,
    coding_concept,
    format_instant,
    version_id,
)
from pipeline.export.record_text import amendment_text, late_entry_text
from pipeline.registers.authors import is_on_behalf

PARTICIPANT_TYPES = f"{TERMINOLOGY}provenance-participant-type"
PARTICIPATION_TYPES = f"{TERMINOLOGY}v3-ParticipationType"


def provenance_resource(filing: ResourceContext, targets: list[Resource]) -> Resource:
    """The whole way of an entry.

    Args:
        targets: references to the resources that it is the origin of.
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
    record, settings, unit = filing.record, filing.settings, filing.unit()
    title = f", {record.author_title}" if record.author_title else ""
    found = [
        _agent_resource("author", "Vårdenhet", unit),
        _agent_resource(
            "AUT",
            "Skribent på papper",
            _person_reference((record.author or NO_AUTHOR) + title),
            unit,
            PARTICIPATION_TYPES,
        ),
        _agent_resource("enterer", "Inskriven av", _person_reference(record.entered.by), unit),
    ]
    if record.verified:
        found.append(
            _agent_resource(
                "verifier", "Kontrollerad av", _person_reference(record.verified.by), unit
            )
        )
    if record.signed:
        instead = "I stället för den som skrev: " if is_on_behalf(record.signed_why) else ""
        why = [{"text": f"{instead}{record.signed_why}"}] if record.signed_why else []
        found.append(
            _agent_resource("legal", "Signerad av", _person_reference(record.signed.by), unit)
            | {"role": why}
        )
    machine = {
        "type": "Device",
        "display": f"Efterskrift {__version__}, läsning {record.reader_version}",
    }
    keeper = filing.organization(settings.care_provider, settings.care_provider_hsa_id)
    return [
        *found,
        _agent_resource("assembler", "Läst och sammanställt av", machine),
        _agent_resource("custodian", "Vårdgivare", keeper),
    ]


def _agent_resource(
    code: str,
    text: str,
    who: Resource,
    behalf: Resource | None = None,
    system: str = PARTICIPANT_TYPES,
) -> Resource:
    return {"type": coding_concept(system, code, text=text), "who": who, "onBehalfOf": behalf}


def _person_reference(name: str) -> Resource:
    return {"type": "Practitioner", "display": name}


def _list_entities(filing: ResourceContext) -> list[Resource]:
    """The paper, and the version that this one replaces."""
    record, before = filing.record, filing.item.amends
    place = f"Papper, {record.place}" if record.place else "Papper"
    found = [
        {
            "role": "source",
            "what": {
                "identifier": filing.identifier("skan", record.serial or record.entry_id),
                "display": place,
            },
        }
    ]
    if before:
        named = filing.identifier("version", version_id(record.entry_id, before.revision))
        found.append({"role": "revision", "what": {"type": DOCUMENT_TYPE, "identifier": named}})
    return found


def _activity_code(filing: ResourceContext) -> str:
    if filing.record.voided is not None:
        return "NULLIFY"
    return "UPDATE" if filing.item.amends else "CREATE"


def _list_reasons(filing: ResourceContext) -> tuple[str, ...]:
    voided = filing.record.voided
    return (
        late_entry_text(filing.record, filing.settings),
        amendment_text(filing.item),
        f"Makulerad: {voided}" if voided is not None else "",
    )


def _list_stamps(filing: ResourceContext) -> list[Stamp]:
    record = filing.record
    return [
        stamp for stamp in (record.scanned, record.entered, record.verified, record.signed) if stamp
    ]
