"""The metadata of a package: an ERMS record an entry, and PREMIS.

It holds the entry's file, its secrecy, and how long it has to be kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime

from lxml import etree

from pipeline.domain.law.retention import Retention
from pipeline.domain.record import Record, Run
from pipeline.domain.settings import Settings
from pipeline.export.archive.sheets import PackageFile, SheetFiles, retention_start
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
from pipeline.export.record_text import format_event_time, late_entry_text, settings_provider
from pipeline.files.xml_output import Namespace, serialize_xml

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


# The preservation metadata of a package, PREMIS 3: each file, its checksum and its events.

PREMIS_NS = "http://www.loc.gov/premis/v3"
_XSI_NS = "http://www.w3.org/2001/XMLSchema-instance"
FORMATS = {
    "application/pdf": ("Acrobat PDF/A - Portable Document Format", "2u", "fmt/477"),
    "image/jpeg": ("JPEG File Interchange Format", "", ""),
    "image/png": ("Portable Network Graphics", "", ""),
    "image/tiff": ("Tagged Image File Format", "", "fmt/353"),
}
"""Name, version and, where one PRONOM number fits every file of the kind, that number."""


_premis = Namespace(PREMIS_NS)


def premis_xml(sheets: Iterable[SheetFiles], folders: tuple[str, str], run: Run) -> bytes:
    """Build the metadata.

    Args:
        folders: where the PDFs and the scans are, from the package's root.
    """
    objects, events = [], []
    for sheet in sheets:
        pdf, first = f"{folders[0]}/{sheet.pdf.name}", sheet.records[0]
        scans = {f"{folders[1]}/{scan.name}": scan for scan in sheet.scans}
        # The PDF of each sheet, derived from its scans, and the scans themselves.
        objects.append(_object(pdf, sheet.pdf, derived=list(scans)))
        objects += [_object(path, scan) for path, scan in scans.items()]
        # Scanning of the sheet, and creation of its PDF.
        scanned = data_text("archive_text.scanned_by", person=first.scanned.by)
        made = data_text("archive_text.pdf_made", person=first.entered.by)
        name = sheet.sheet
        events.append(_event(f"skanning-{name}", "capture", first.scanned.at, scanned, list(scans)))
        events.append(_event(f"pdf-{name}", "creation", run.made_at, made, [pdf]))
    root = _premis(
        "premis",
        *objects,
        *events,
        _premis(
            "agent",
            _identifier("agent", "Efterskrift"),
            _premis("agentName", "Efterskrift"),
            _premis("agentType", "software"),
        ),
        prefixes={"premis": PREMIS_NS, "xsi": _XSI_NS},
        version="3.0",
    )
    return serialize_xml(root)


def _object(path: str, file: PackageFile, derived: Sequence[str] = ()) -> etree._Element:
    """Return a file with checksum and format.

    Args:
        derived: paths of the files that it is made from.
    """
    name, version, number = FORMATS.get(file.media_type, (file.media_type, "", ""))
    registry = (
        _premis(
            "formatRegistry",
            _premis("formatRegistryName", "PRONOM"),
            _premis("formatRegistryKey", number),
        )
        if number
        else None
    )
    return _premis(
        "object",
        {etree.QName(_XSI_NS, "type"): "premis:file"},
        _identifier("object", path),
        _premis(
            "objectCharacteristics",
            _premis(
                "fixity",
                _premis("messageDigestAlgorithm", "SHA-256"),
                _premis("messageDigest", hashlib.sha256(file.data).hexdigest()),
            ),
            _premis("size", str(len(file.data))),
            _premis(
                "format",
                _premis(
                    "formatDesignation",
                    _premis("formatName", name),
                    _premis("formatVersion", version) if version else None,
                ),
                registry,
            ),
        ),
        *(
            _premis(
                "relationship",
                _premis("relationshipType", "derivation"),
                _premis("relationshipSubType", "has source"),
                _identifier("relatedObject", source),
            )
            for source in derived
        ),
    )


def _event(name: str, kind: str, at: datetime, detail: str, paths: Sequence[str]) -> etree._Element:
    return _premis(
        "event",
        _identifier("event", name),
        _premis("eventType", kind),
        _premis("eventDateTime", at.isoformat()),
        _premis("eventDetailInformation", _premis("eventDetail", detail)),
        _identifier("linkingAgent", "Efterskrift"),
        *(_identifier("linkingObject", path) for path in paths),
    )


def _identifier(what: str, value: str) -> etree._Element:
    return _premis(
        f"{what}Identifier",
        _premis(f"{what}IdentifierType", "local"),
        _premis(f"{what}IdentifierValue", value),
    )
