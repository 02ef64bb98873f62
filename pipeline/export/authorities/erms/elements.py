"""Elements of ERMS 2.1.2 that its files have in common.

ERMS is at `https://citserms.dilcis.eu`. Files in use validate against version 2.1.2 and not
against version 3. Times are Swedish wall-clock time without zone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from lxml import etree

from pipeline.domain.model import Client
from pipeline.domain.record import CareProvider, Record, Run
from pipeline.export.exporter import data_text
from pipeline.export.record_text import to_local_time
from pipeline.files.xml_output import Namespace, serialize_xml

ERMS_NS = "https://DILCIS.eu/XML/ERMS"
PROTECTED_IDENTITY = (
    "Skyddade personuppgifter",
    "Offentlighets- och sekretesslagen (2009:400) 22 kap. 1 §",
)
"""Explanation and section of law of a restriction because of a protected identity."""


erms = Namespace(ERMS_NS)


def format_erms_time(moment: datetime) -> str:
    """Return a time as ERMS has it."""
    return f"{to_local_time(moment):%Y-%m-%dT%H:%M:%S}"


def erms_xml(control: etree._Element, records: Iterable[etree._Element]) -> bytes:
    """Return a file of records with its head."""
    prefixes = {"erms": ERMS_NS}
    return serialize_xml(erms("erms", control, erms("records", *records), prefixes=prefixes))


def control_section(
    run: Run, provider: CareProvider, schemes: Sequence[str] = ()
) -> etree._Element:
    """Return whose documents they are, the plans that classify them, and who made the file."""
    number = provider.organisation_number
    return erms(
        "control",
        erms("identification", provider.name, identificationType="arkivbildare"),
        erms("identification", number, identificationType="organisationsnummer")
        if number
        else None,
        erms("identification", run.id, identificationType="körning"),
        erms(
            "classificationSchema",
            erms(
                "textualDescriptionOfClassificationSchema",
                *(erms("p", scheme) for scheme in schemes),
            ),
        )
        if schemes
        else None,
        erms(
            "maintenanceInformation",
            erms("maintenanceStatus", value="new"),
            erms("maintenanceAgency", erms("agencyName", provider.name)),
            erms(
                "maintenanceHistory",
                erms(
                    "maintenanceEvent",
                    erms("eventType", value="created"),
                    erms("eventDateTime", format_erms_time(run.made_at)),
                    erms(
                        "agent",
                        erms("name", run.made_by),
                        erms("organisation", provider.name),
                        erms("role", data_text("erms_text.exporter_role")),
                        agentType="deliverer",
                    ),
                ),
            ),
        ),
    )


def restriction_elements(restrictions: Iterable[tuple[str, str]]) -> list[etree._Element]:
    """Return why a document is secret: explanation and section of law of each restriction."""
    return [
        erms(
            "restriction",
            erms("explanatoryText", explanation),
            erms("regulation", regulation),
            restrictionType="confidential",
        )
        for explanation, regulation in restrictions
    ]


def place_element(record: Record) -> etree._Element | None:
    """Return where the paper is; None where nobody has said it."""
    if not record.place:
        return None
    return erms(
        "physicalLocations",
        erms("physicalLocation", erms("currentLocation", record.place)),
    )


def date_elements(moments: Mapping[str, datetime | None]) -> list[etree._Element]:
    """Return each moment that is known, with its type."""
    return [
        erms("date", format_erms_time(moment), dateType=kind)
        for kind, moment in moments.items()
        if moment
    ]


@dataclass(frozen=True, slots=True)
class DocumentParties:
    """Who stands on the document itself: empty where the form does not ask."""

    sender: str = ""
    recipient: str = ""
    handler: str = ""


def agents_element(record: Record, parties: DocumentParties | None = None) -> etree._Element:
    """Return the author, the parties, the person concerned, and those who worked with the entry.

    ERMS has types for the author, the sender, the receiver, the case officer (handläggare) and the
    signer. It has none for who scanned, entered and verified an entry: they are agents of the type
    `other`. Each who worked with the entry has the role in words too.
    """
    parties, signed = parties or DocumentParties(), record.signed
    author_role = record.author_title or record.author_role
    named = (
        ("creator", record.author, author_role, record.author_hsa_id),
        ("sender", parties.sender),
        ("receiver", parties.recipient),
        ("responsible_person", parties.handler, data_text("erms_text.handler_role")),
    )
    workers = {
        "erms_text.scanner_role": record.scanned,
        "erms_text.registrar_role": record.entered,
        "erms_text.verifier_role": record.verified,
    }
    return erms(
        "agents",
        *(_agent(*each) for each in named if each[1]),
        _concerned_person(record.client) if record.client.pid else None,
        *(
            _agent("other", stamp.by, data_text(role), stamp.hsa_id, other=data_text(role))
            for role, stamp in workers.items()
            if stamp
        ),
        _agent("main_signatory", signed.by, data_text("erms_text.signer_role"), signed.hsa_id)
        if signed
        else None,
    )


def _concerned_person(client: Client) -> etree._Element:
    name = client.name or data_text("erms_text.no_name")
    agent = _agent("other", name, other=data_text("erms_text.concerned_person"))
    agent.append(erms("idNumber", client.pid, idNumberType="personnummer eller motsvarande"))
    if client.protected:
        agent.append(erms("protectedIdentity", "true"))
    return agent


def _agent(
    kind: str, name: str, role: str = "", hsa_id: str = "", other: str | None = None
) -> etree._Element:
    return erms(
        "agent",
        erms("name", name),
        erms("idNumber", hsa_id, idNumberType="HSA-id") if hsa_id else None,
        erms("role", role) if role else None,
        agentType=kind,
        otherAgentType=other,
    )
