"""Where the entry comes from and through whose hands it went, as Provenance.

Inera's profile has the care unit as author and the care provider as custodian, one each; the person who wrote the paper is therefore the
originator (AUT of HL7 v3) besides being the document's author. Who entered, verified and signed are four different people or fewer.
"""

from __future__ import annotations

from pipeline import __version__
from pipeline.authors import is_in_place_of
from pipeline.export.fhir.filing import DOCUMENT, NO_AUTHOR, ORIGIN, TERMINOLOGY, Filing, Resource, coded, instant, version_of
from pipeline.export.late_entry import amendment_text, late_entry_text
from pipeline.record import Stamp

PARTS = f"{TERMINOLOGY}provenance-participant-type"
ORIGINATOR = f"{TERMINOLOGY}v3-ParticipationType"


def provenance(filing: Filing, targets: list[Resource]) -> Resource:
    """The whole way of an entry.

    Args:
        targets: references to the resources that it is the origin of.
    """
    record = filing.record
    return {
        "resourceType": ORIGIN,
        # Provenance has no identifier: the tag is what a second sending is known by.
        "meta": filing.meta("provenance") | {"tag": [{"system": filing.identifier("version", "")["system"], "code": filing.version}]},
        "target": targets,
        "occurredPeriod": {"start": instant(record.scanned.at), "end": instant(max(stamp.at for stamp in _stamps(filing)))},
        "recorded": instant(record.entered.at),
        "reason": [{"text": text} for text in _reasons(filing) if text],
        "activity": coded(f"{TERMINOLOGY}v3-DataOperation", _activity(filing)),
        "agent": _agents(filing),
        "entity": _entities(filing),
    }


def _agents(filing: Filing) -> list[Resource]:
    record, settings, unit = filing.record, filing.settings, filing.unit()
    title = f", {record.author_title}" if record.author_title else ""
    found = [
        _agent("author", "Vårdenhet", unit),
        _agent("AUT", "Skribent på papper", _person((record.author or NO_AUTHOR) + title), unit, ORIGINATOR),
        _agent("enterer", "Inskriven av", _person(record.entered.by), unit),
    ]
    if record.verified:
        found.append(_agent("verifier", "Kontrollerad av", _person(record.verified.by), unit))
    if record.signed:
        instead = "I stället för den som skrev: " if is_in_place_of(record.signed_why) else ""
        why = [{"text": f"{instead}{record.signed_why}"}] if record.signed_why else []
        found.append(_agent("legal", "Signerad av", _person(record.signed.by), unit) | {"role": why})
    machine = {"type": "Device", "display": f"Efterskrift {__version__}, läsning {record.reader_version}"}
    keeper = filing.organization(settings.care_provider, settings.care_provider_hsa_id)
    return [*found, _agent("assembler", "Läst och sammanställt av", machine), _agent("custodian", "Vårdgivare", keeper)]


def _agent(code: str, text: str, who: Resource, behalf: Resource | None = None, system: str = PARTS) -> Resource:
    return {"type": coded(system, code, text=text), "who": who, "onBehalfOf": behalf}


def _person(name: str) -> Resource:
    return {"type": "Practitioner", "display": name}


def _entities(filing: Filing) -> list[Resource]:
    """The paper, and the version that this one replaces."""
    record, before = filing.record, filing.item.amends
    place = f"Papper, {record.place}" if record.place else "Papper"
    found = [{"role": "source", "what": {"identifier": filing.identifier("skan", record.serial or record.entry_id), "display": place}}]
    if before:
        named = filing.identifier("version", version_of(record.entry_id, before.revision))
        found.append({"role": "revision", "what": {"type": DOCUMENT, "identifier": named}})
    return found


def _activity(filing: Filing) -> str:
    if filing.record.voided is not None:
        return "NULLIFY"
    return "UPDATE" if filing.item.amends else "CREATE"


def _reasons(filing: Filing) -> tuple[str, ...]:
    voided = filing.record.voided
    return late_entry_text(filing.record, filing.settings), amendment_text(filing.item), f"Makulerad: {voided}" if voided is not None else ""


def _stamps(filing: Filing) -> list[Stamp]:
    record = filing.record
    return [stamp for stamp in (record.scanned, record.entered, record.verified, record.signed) if stamp]
