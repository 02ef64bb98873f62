"""The people of a document by their roles.

ERMS has types for the author, the sender, the receiver, the case officer (handläggare) and the
signer. It has none for who scanned, entered and verified an entry: they are agents of the type
`other`. Each who worked with the entry has the role in words too.
"""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

from pipeline.domain.model import Client
from pipeline.domain.record import Record, Stamp
from pipeline.export.authorities.erms.elements import add_erms_element
from pipeline.export.exporter import data_text


@dataclass(frozen=True, slots=True)
class DocumentParties:
    """Who stands on the document itself: empty where the form does not ask."""

    sender: str = ""
    recipient: str = ""
    handler: str = ""


def add_agents(
    parent: etree._Element, record: Record, parties: DocumentParties | None = None
) -> None:
    """Add the author, the parties, the person concerned, and those who worked with the entry."""
    parties = parties or DocumentParties()
    if record.author:
        role = record.author_title or record.author_role
        _add_agent(parent, "creator", record.author, role, record.author_hsa_id)
    if parties.sender:
        _add_agent(parent, "sender", parties.sender)
    if parties.recipient:
        _add_agent(parent, "receiver", parties.recipient)
    if parties.handler:
        _add_agent(
            parent, "responsible_person", parties.handler, data_text("erms_text.handler_role")
        )
    if record.client.pid:
        _add_concerned_person(parent, record.client)
    _add_worker(parent, record.scanned, data_text("erms_text.scanner_role"))
    _add_worker(parent, record.entered, data_text("erms_text.registrar_role"))
    _add_worker(parent, record.verified, data_text("erms_text.verifier_role"))
    if signed := record.signed:
        _add_agent(
            parent, "main_signatory", signed.by, data_text("erms_text.signer_role"), signed.hsa_id
        )


def _add_worker(parent: etree._Element, stamp: Stamp | None, role: str) -> None:
    if stamp:
        agent = _add_agent(parent, "other", stamp.by, role, stamp.hsa_id)
        agent.set("otherAgentType", role)


def _add_concerned_person(parent: etree._Element, client: Client) -> None:
    agent = _add_agent(parent, "other", client.name or data_text("erms_text.no_name"))
    agent.set("otherAgentType", data_text("erms_text.concerned_person"))
    add_erms_element(agent, "idNumber", client.pid, idNumberType="personnummer eller motsvarande")
    if client.protected:
        add_erms_element(agent, "protectedIdentity", "true")


def _add_agent(
    parent: etree._Element, kind: str, name: str, role: str = "", hsa_id: str = ""
) -> etree._Element:
    agent = add_erms_element(parent, "agent", agentType=kind)
    add_erms_element(agent, "name", name)
    if hsa_id:
        add_erms_element(agent, "idNumber", hsa_id, idNumberType="HSA-id")
    if role:
        add_erms_element(agent, "role", role)
    return agent
