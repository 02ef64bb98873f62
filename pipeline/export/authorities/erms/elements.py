"""Elements of ERMS 2.1.2 that its files have in common.

ERMS is at `https://citserms.dilcis.eu`. Files in use validate against version 2.1.2 and not
against version 3. Times are Swedish wall-clock time without zone.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from lxml import etree

from pipeline.domain.record import CareProvider, Run
from pipeline.export.exporter import data_text
from pipeline.export.record_text import to_local_time
from pipeline.files.text import make_printable

ERMS_NS = "https://DILCIS.eu/XML/ERMS"
PROTECTED_IDENTITY = (
    "Skyddade personuppgifter",
    "Offentlighets- och sekretesslagen (2009:400) 22 kap. 1 §",
)
"""Explanation and section of law of a restriction because of a protected identity."""


def add_erms_element(
    parent: etree._Element, name: str, text: str | None = None, /, **attributes: str
) -> etree._Element:
    """Add a child in the namespace of ERMS."""
    child = etree.SubElement(
        parent,
        etree.QName(ERMS_NS, name),
        {key: make_printable(value) for key, value in attributes.items()},
    )
    if text is not None:
        child.text = make_printable(text)
    return child


def format_erms_time(moment: datetime) -> str:
    """Return a time as ERMS has it."""
    return f"{to_local_time(moment):%Y-%m-%dT%H:%M:%S}"


def add_control_section(
    head: etree._Element, run: Run, provider: CareProvider, schemes: Sequence[str] = ()
) -> None:
    """Add whose documents they are, by which plans they are classified, and who made the file."""
    add_erms_element(head, "identification", provider.name, identificationType="arkivbildare")
    if provider.organisation_number:
        add_erms_element(
            head,
            "identification",
            provider.organisation_number,
            identificationType="organisationsnummer",
        )
    add_erms_element(head, "identification", run.id, identificationType="körning")
    if schemes:
        schema = add_erms_element(head, "classificationSchema")
        words = add_erms_element(schema, "textualDescriptionOfClassificationSchema")
        for scheme in schemes:
            add_erms_element(words, "p", scheme)
    upkeep = add_erms_element(head, "maintenanceInformation")
    add_erms_element(upkeep, "maintenanceStatus", value="new")
    add_erms_element(add_erms_element(upkeep, "maintenanceAgency"), "agencyName", provider.name)
    event = add_erms_element(add_erms_element(upkeep, "maintenanceHistory"), "maintenanceEvent")
    add_erms_element(event, "eventType", value="created")
    add_erms_element(event, "eventDateTime", format_erms_time(run.made_at))
    agent = add_erms_element(event, "agent", agentType="deliverer")
    add_erms_element(agent, "name", run.made_by)
    add_erms_element(agent, "organisation", provider.name)
    add_erms_element(agent, "role", data_text("erms_text.exporter_role"))
