"""The preservation metadata of a package, PREMIS 3: each file, its checksum and its events."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime

from lxml import etree

from pipeline.domain.record import Run
from pipeline.export.archive.sheets import SheetFile, SheetFiles
from pipeline.export.exporter import data_text
from pipeline.files.xml_output import Namespace, serialize_xml

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


def _object(path: str, file: SheetFile, derived: Sequence[str] = ()) -> etree._Element:
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
