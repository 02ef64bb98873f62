"""The descriptive metadata of a package: an ERMS record an entry.

It holds the entry's file, its secrecy, and how long it has to be kept.
"""

from __future__ import annotations

from collections.abc import Sequence

from lxml import etree

from pipeline.domain.law.retention import Retention
from pipeline.domain.record import Record, Run
from pipeline.domain.settings import Settings
from pipeline.export.archive.sheets import SheetFiles, retention_start
from pipeline.export.authorities.erms.agents import add_agents
from pipeline.export.authorities.erms.elements import (
    ERMS_NS,
    PROTECTED_IDENTITY,
    add_control_section,
    add_erms_element,
    format_erms_time,
)
from pipeline.export.exporter import data_text
from pipeline.export.record_text import (
    format_event_time,
    late_entry_text,
    settings_provider,
)

_HEALTH_SECRECY = (
    "Uppgift om enskilds hälsotillstånd",
    "Offentlighets- och sekretesslagen (2009:400) 25 kap. 1 §",
)
_SOCIAL_SECRECY = (
    "Uppgift om enskilds personliga förhållanden",
    "Offentlighets- och sekretesslagen (2009:400) 26 kap. 1 §",
)
SECRECY_BY_LAW = {
    "HSL": _HEALTH_SECRECY,
    "SoL": _SOCIAL_SECRECY,
    "LSS": _SOCIAL_SECRECY,
    "IFO": _SOCIAL_SECRECY,
}
"""Explanation and section of law of possible secrecy, by area of law.

Whether it holds is decided when a person asks for the document.
"""


def erms_metadata(
    sheets: Sequence[SheetFiles], folder: str, run: Run, settings: Settings, decision: str
) -> bytes:
    """Build the metadata.

    Args:
        folder: where the PDFs are, from the package's root.
        decision: the number of the decision or plan that the sheets are archived by.
    """
    root = etree.Element(etree.QName(ERMS_NS, "erms"), nsmap={"erms": ERMS_NS})
    add_control_section(add_erms_element(root, "control"), run, settings_provider(settings))
    documents = add_erms_element(root, "records")
    for sheet in sheets:
        for record, law in zip(sheet.records, sheet.laws, strict=True):
            document = _add_document(documents, record, sheet)
            _add_disposal(document, sheet.retention, record, decision)
            _add_origin(document, record, law, settings)
            _add_file(document, f"{folder}/{sheet.pdf.name}", sheet.pdf.name)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _add_document(documents: etree._Element, record: Record, sheet: SheetFiles) -> etree._Element:
    document = add_erms_element(
        documents,
        "record",
        systemIdentifier=record.entry_id,
        recordType=record.title,
        recordPhysicalOrDigital="physcical_and_digital",
    )
    add_erms_element(document, "objectId", record.entry_id)
    add_erms_element(document, "extraId", sheet.sheet, extraIdType="blad")
    add_erms_element(document, "title", f"{record.title}, {format_event_time(record)}")
    add_erms_element(
        document, "status", value="obliterated" if record.voided is not None else "closed"
    )
    for explanation, regulation in [
        *([SECRECY_BY_LAW[record.area]] if record.area in SECRECY_BY_LAW else []),
        *([PROTECTED_IDENTITY] if record.client.protected else []),
    ]:
        restriction = add_erms_element(document, "restriction", restrictionType="confidential")
        add_erms_element(restriction, "explanatoryText", explanation)
        add_erms_element(restriction, "regulation", regulation)
    return document


def _add_origin(document: etree._Element, record: Record, law: str, settings: Settings) -> None:
    """Add who wrote and entered it, when, by which law, and where the paper is."""
    add_agents(add_erms_element(document, "agents"), record)
    description = [
        late_entry_text(record, settings),
        data_text("late_entry.unit", unit=record.unit),
    ]
    if record.voided is not None:
        description.append(data_text("late_entry.void", reason=record.voided))
    if law:
        description.append(law)
    add_erms_element(document, "description", "\n".join(description))
    dates = add_erms_element(document, "dates")
    if record.written_at:
        add_erms_element(dates, "date", format_erms_time(record.written_at), dateType="created")
    if record.event_at:
        add_erms_element(dates, "date", format_erms_time(record.event_at), dateType="originated")
    add_erms_element(dates, "date", format_erms_time(record.scanned.at), dateType="captured")
    if record.place:
        add_erms_element(
            add_erms_element(add_erms_element(document, "physicalLocations"), "physicalLocation"),
            "currentLocation",
            record.place,
        )


def _add_file(document: etree._Element, path: str, name: str) -> None:
    extra = add_erms_element(document, "additionalInformation")
    add_erms_element(extra, "appendix", name=name, path=path, fileFormat="PDF/A-2u")


def _add_disposal(
    document: etree._Element, retention: Retention, record: Record, decision: str
) -> None:
    """Add the class of retention, its law, the earliest day, and what it was archived by.

    `disposable` is false: a person decides that the time of the law has run out.
    """
    disposal = add_erms_element(document, "disposal", disposable="false")
    rule = retention.rule
    schedule = data_text("archive_text.rule_version", rule=rule.rule, version=rule.version)
    add_erms_element(disposal, "disposalScheduleId", schedule)
    if rule.years:
        add_erms_element(
            disposal, "disposalPeriod", data_text("archive_text.years", years=rule.years)
        )
    add_erms_element(disposal, "disposalMandate", f"{rule.law} ({rule.source})")
    description = (
        data_text("archive_text.permanent", reason=retention.permanent_reason)
        if retention.permanent_reason
        else rule.what
    )
    add_erms_element(disposal, "disposalDescription", description)
    comments = add_erms_element(disposal, "disposalComments")
    add_erms_element(
        comments, "disposalComment", data_text("archive_text.archived_by", number=decision)
    )
    for check in retention.manual_checks:
        add_erms_element(comments, "disposalComment", check)
    start = retention_start(record)
    if start is None:
        # The schema demands a day.
        start = record.scanned.at
        add_erms_element(comments, "disposalComment", data_text("archive_text.counted_from_scan"))
    dates = add_erms_element(disposal, "dates")
    add_erms_element(
        dates, "disposalDate", format_erms_time(start), dateType="retention_period_start"
    )
    if retention.earliest:
        add_erms_element(
            dates,
            "disposalDate",
            f"{retention.earliest:%Y-%m-%d}T00:00:00",
            dateType="retention_period_end",
        )
