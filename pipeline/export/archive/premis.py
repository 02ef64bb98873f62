"""The preservation metadata of a package, PREMIS 3: each file, its checksum and its events."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from lxml import etree

from pipeline.domain.record import Run
from pipeline.export.archive.sheets import SheetFile, SheetFiles
from pipeline.export.exporter import data_text
from pipeline.files.text import make_printable

PREMIS_NS = "http://www.loc.gov/premis/v3"
_XSI_NS = "http://www.w3.org/2001/XMLSchema-instance"
FORMATS = {
    "application/pdf": ("Acrobat PDF/A - Portable Document Format", "2u", "fmt/477"),
    "image/jpeg": ("JPEG File Interchange Format", "", ""),
    "image/png": ("Portable Network Graphics", "", ""),
    "image/tiff": ("Tagged Image File Format", "", "fmt/353"),
}
"""Name, version and, where one PRONOM number fits every file of the kind, that number."""


def premis_xml(sheets: Iterable[SheetFiles], folders: tuple[str, str], run: Run) -> bytes:
    """Build the metadata.

    Args:
        folders: where the PDFs and the scans are, from the package's root.
    """
    root = etree.Element(
        etree.QName(PREMIS_NS, "premis"),
        {"version": "3.0"},
        nsmap={"premis": PREMIS_NS, "xsi": _XSI_NS},
    )
    all_sheets = list(sheets)
    # Objects: the PDF of each sheet, derived from its scans, and the scans themselves.
    for sheet in all_sheets:
        _add_object(
            root,
            f"{folders[0]}/{sheet.pdf.name}",
            sheet.pdf,
            derived=[f"{folders[1]}/{scan.name}" for scan in sheet.scans],
        )
        for scan in sheet.scans:
            _add_object(root, f"{folders[1]}/{scan.name}", scan, derived=[])
    # Events: scanning of the sheet, and creation of its PDF.
    for sheet in all_sheets:
        first = sheet.records[0]
        capture = _Event(
            f"skanning-{sheet.sheet}",
            "capture",
            first.scanned.at,
            data_text("archive_text.scanned_by", person=first.scanned.by),
        )
        creation = _Event(
            f"pdf-{sheet.sheet}",
            "creation",
            run.made_at,
            data_text("archive_text.pdf_made", person=first.entered.by),
        )
        _add_event(root, capture, [f"{folders[1]}/{scan.name}" for scan in sheet.scans])
        _add_event(root, creation, [f"{folders[0]}/{sheet.pdf.name}"])
    agent = _add_premis_element(root, "agent")
    _add_identifier(agent, "agent", "Efterskrift")
    _add_premis_element(agent, "agentName", "Efterskrift")
    _add_premis_element(agent, "agentType", "software")
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


@dataclass(frozen=True, slots=True)
class _Event:
    name: str
    kind: str
    at: datetime
    detail: str


def _add_object(root: etree._Element, path: str, file: SheetFile, derived: list[str]) -> None:
    """Add a file with checksum and format.

    Args:
        derived: paths of the files that it is made from.
    """
    element = _add_premis_element(root, "object")
    element.set(etree.QName(_XSI_NS, "type"), "premis:file")
    _add_identifier(element, "object", path)
    characteristics = _add_premis_element(element, "objectCharacteristics")
    fixity = _add_premis_element(characteristics, "fixity")
    _add_premis_element(fixity, "messageDigestAlgorithm", "SHA-256")
    _add_premis_element(fixity, "messageDigest", hashlib.sha256(file.data).hexdigest())
    _add_premis_element(characteristics, "size", str(len(file.data)))
    name, version, number = FORMATS.get(file.media_type, (file.media_type, "", ""))
    file_format = _add_premis_element(characteristics, "format")
    designation = _add_premis_element(file_format, "formatDesignation")
    _add_premis_element(designation, "formatName", name)
    if version:
        _add_premis_element(designation, "formatVersion", version)
    if number:
        registry = _add_premis_element(file_format, "formatRegistry")
        _add_premis_element(registry, "formatRegistryName", "PRONOM")
        _add_premis_element(registry, "formatRegistryKey", number)
    for source in derived:
        relation = _add_premis_element(element, "relationship")
        _add_premis_element(relation, "relationshipType", "derivation")
        _add_premis_element(relation, "relationshipSubType", "has source")
        related = _add_premis_element(relation, "relatedObjectIdentifier")
        _add_premis_element(related, "relatedObjectIdentifierType", "local")
        _add_premis_element(related, "relatedObjectIdentifierValue", source)


def _add_event(root: etree._Element, event: _Event, paths: list[str]) -> None:
    element = _add_premis_element(root, "event")
    _add_identifier(element, "event", event.name)
    _add_premis_element(element, "eventType", event.kind)
    _add_premis_element(element, "eventDateTime", event.at.isoformat())
    information = _add_premis_element(element, "eventDetailInformation")
    _add_premis_element(information, "eventDetail", event.detail)
    _add_linking_object(element, "Agent", "Efterskrift")
    for path in paths:
        _add_linking_object(element, "Object", path)


def _add_linking_object(event: etree._Element, what: str, value: str) -> None:
    link = _add_premis_element(event, f"linking{what}Identifier")
    _add_premis_element(link, f"linking{what}IdentifierType", "local")
    _add_premis_element(link, f"linking{what}IdentifierValue", value)


def _add_identifier(parent: etree._Element, what: str, value: str) -> None:
    identifier = _add_premis_element(parent, f"{what}Identifier")
    _add_premis_element(identifier, f"{what}IdentifierType", "local")
    _add_premis_element(identifier, f"{what}IdentifierValue", value)


def _add_premis_element(
    parent: etree._Element, name: str, text: str | None = None
) -> etree._Element:
    child = etree.SubElement(parent, etree.QName(PREMIS_NS, name))
    if text is not None:
        child.text = make_printable(text)
    return child
