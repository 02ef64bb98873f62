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
from pipeline.export.authorities.erms.elements import (
    PROTECTED_IDENTITY,
    agents_element,
    control_section,
    date_elements,
    erms,
    erms_xml,
    format_erms_time,
    place_element,
    restriction_elements,
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
    described = [
        _document(record, sheet, law, settings, (decision, f"{folder}/{sheet.pdf.name}"))
        for sheet in sheets
        for record, law in zip(sheet.records, sheet.laws, strict=True)
    ]
    return erms_xml(control_section(run, settings_provider(settings)), described)


def _document(
    record: Record, sheet: SheetFiles, law: str, settings: Settings, archived: tuple[str, str]
) -> etree._Element:
    """Return an entry: what it is, its secrecy and disposal, who wrote it, and where the paper is.

    Args:
        archived: the decision by which it is archived, and the path of its file.
    """
    decision, path = archived
    restrictions = [
        *([SECRECY_BY_LAW[record.area]] if record.area in SECRECY_BY_LAW else []),
        *([PROTECTED_IDENTITY] if record.client.protected else []),
    ]
    description = [
        late_entry_text(record, settings),
        data_text("late_entry.unit", unit=record.unit),
    ]
    if record.voided is not None:
        description.append(data_text("late_entry.void", reason=record.voided))
    if law:
        description.append(law)
    dates = {
        "created": record.written_at,
        "originated": record.event_at,
        "captured": record.scanned.at,
    }
    return erms(
        "record",
        erms("objectId", record.entry_id),
        erms("extraId", sheet.sheet, extraIdType="blad"),
        erms("title", f"{record.title}, {format_event_time(record)}"),
        erms("status", value="obliterated" if record.voided is not None else "closed"),
        *restriction_elements(restrictions),
        _disposal(sheet.retention, record, decision),
        agents_element(record),
        erms("description", "\n".join(description)),
        erms("dates", *date_elements(dates)),
        place_element(record),
        erms(
            "additionalInformation",
            erms("appendix", name=sheet.pdf.name, path=path, fileFormat="PDF/A-2u"),
        ),
        systemIdentifier=record.entry_id,
        recordType=record.title,
        recordPhysicalOrDigital="physcical_and_digital",
    )


def _disposal(retention: Retention, record: Record, decision: str) -> etree._Element:
    """Return the class of retention, its law, the earliest day, and what it was archived by.

    `disposable` is false: a person decides that the time of the law has run out.
    """
    rule, start = retention.rule, retention_start(record)
    comments = [
        data_text("archive_text.archived_by", number=decision),
        *retention.manual_checks,
        *([] if start else [data_text("archive_text.counted_from_scan")]),
    ]
    # The schema demands a day.
    dates = {"retention_period_start": format_erms_time(start or record.scanned.at)}
    if retention.earliest:
        dates["retention_period_end"] = f"{retention.earliest:%Y-%m-%d}T00:00:00"
    return erms(
        "disposal",
        erms(
            "disposalScheduleId",
            data_text("archive_text.rule_version", rule=rule.rule, version=rule.version),
        ),
        erms("disposalPeriod", data_text("archive_text.years", years=rule.years))
        if rule.years
        else None,
        erms("disposalMandate", f"{rule.law} ({rule.source})"),
        erms(
            "disposalDescription",
            data_text("archive_text.permanent", reason=retention.permanent_reason)
            if retention.permanent_reason
            else rule.what,
        ),
        erms("disposalComments", *(erms("disposalComment", each) for each in comments)),
        erms(
            "dates",
            *(erms("disposalDate", text, dateType=kind) for kind, text in dates.items()),
        ),
        disposable="false",
    )
