"""The people of a registered document, as agents of ERMS."""

from __future__ import annotations

from lxml import etree

from pipeline.export.erms_elements import add
from pipeline.model import Client
from pipeline.record import Record


def agents(parent: etree._Element, record: Record, *, sender: str, handler: str) -> None:
    """Author, sender, handler and the person concerned; then, as `other`, who scanned, entered, verified and signed."""
    if record.author:
        author = _agent(parent, "creator", record.author)
        if record.author_title:
            add(author, "role", record.author_title)
    if sender:
        _agent(parent, "sender", sender)
    if handler:
        _agent(parent, "responsible_person", handler)
    if record.client.pid:
        _concerned(parent, record.client)
    stamps = (
        (record.scanned, "skannade papperet"),
        (record.entered, "skrev in"),
        (record.verified, "kontrollerade"),
        (record.signed, "signerade"),
    )
    for stamp, what in stamps:
        if stamp:
            _agent(parent, "other", stamp.by, otherAgentType=what)


def _concerned(parent: etree._Element, client: Client) -> None:
    agent = _agent(parent, "other", client.name or "namn saknas", otherAgentType="berörd person")
    add(agent, "idNumber", client.pid, idNumberType="personnummer eller motsvarande")
    if client.protected:
        add(agent, "protectedIdentity", "true")


def _agent(parent: etree._Element, kind: str, name: str, **attributes: str) -> etree._Element:
    agent = add(parent, "agent", agentType=kind, **attributes)
    add(agent, "name", name)
    return agent
