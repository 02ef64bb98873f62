"""The preservation metadata of a package, PREMIS 3: what each file is, its checksum, and what happened to it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from lxml import etree

from pipeline.archive.sheets import File, SheetFiles
from pipeline.plain_text import printable
from pipeline.record import Run

NAMESPACE = "http://www.loc.gov/premis/v3"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
FORMATS = {
    "application/pdf": ("Acrobat PDF/A - Portable Document Format", "2u", "fmt/477"),
    "image/jpeg": ("JPEG File Interchange Format", "", ""),
    "image/png": ("Portable Network Graphics", "", ""),
    "image/tiff": ("Tagged Image File Format", "", "fmt/353"),
}
"""Name, version and, where one number of PRONOM fits every file of the kind, that number."""


def premis(sheets: Iterable[SheetFiles], folders: tuple[str, str], run: Run) -> bytes:
    """The file. `folders` hold the PDFs and the scans, from the package's root."""
    root = etree.Element(etree.QName(NAMESPACE, "premis"), {"version": "3.0"}, nsmap={"premis": NAMESPACE, "xsi": _XSI})
    given = list(sheets)
    for sheet in given:
        _object(root, f"{folders[0]}/{sheet.pdf.name}", sheet.pdf, derived=[f"{folders[1]}/{scan.name}" for scan in sheet.scans])
        for scan in sheet.scans:
            _object(root, f"{folders[1]}/{scan.name}", scan, derived=[])
    for sheet in given:
        first = sheet.records[0]
        scans = [f"{folders[1]}/{scan.name}" for scan in sheet.scans]
        _event(root, f"skanning-{sheet.sheet}", "capture", first.scanned.at.isoformat(), f"Skannad av {first.scanned.by}", scans)
        made = f"PDF/A med textlager av bekräftade uppgifter. Inskriven av {first.entered.by}"
        _event(root, f"pdf-{sheet.sheet}", "creation", run.made_at.isoformat(), made, [f"{folders[0]}/{sheet.pdf.name}"])
    agent = _add(root, "agent")
    _identifier(agent, "agent", "Efterskrift")
    _add(agent, "agentName", "Efterskrift")
    _add(agent, "agentType", "software")
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _object(root: etree._Element, path: str, file: File, derived: list[str]) -> None:
    thing = _add(root, "object")
    thing.set(etree.QName(_XSI, "type"), "premis:file")
    _identifier(thing, "object", path)
    about = _add(thing, "objectCharacteristics")
    fixity = _add(about, "fixity")
    _add(fixity, "messageDigestAlgorithm", "SHA-256")
    _add(fixity, "messageDigest", hashlib.sha256(file.data).hexdigest())
    _add(about, "size", str(len(file.data)))
    name, version, number = FORMATS.get(file.media_type, (file.media_type, "", ""))
    kind = _add(about, "format")
    designation = _add(kind, "formatDesignation")
    _add(designation, "formatName", name)
    if version:
        _add(designation, "formatVersion", version)
    if number:
        registry = _add(kind, "formatRegistry")
        _add(registry, "formatRegistryName", "PRONOM")
        _add(registry, "formatRegistryKey", number)
    for source in derived:
        relation = _add(thing, "relationship")
        _add(relation, "relationshipType", "derivation")
        _add(relation, "relationshipSubType", "has source")
        related = _add(relation, "relatedObjectIdentifier")
        _add(related, "relatedObjectIdentifierType", "local")
        _add(related, "relatedObjectIdentifierValue", source)


def _event(root: etree._Element, name: str, kind: str, at: str, detail: str, paths: list[str]) -> None:
    event = _add(root, "event")
    _identifier(event, "event", name)
    _add(event, "eventType", kind)
    _add(event, "eventDateTime", at)
    _add(_add(event, "eventDetailInformation"), "eventDetail", detail)
    _linked(event, "Agent", "Efterskrift")
    for path in paths:
        _linked(event, "Object", path)


def _linked(event: etree._Element, what: str, value: str) -> None:
    link = _add(event, f"linking{what}Identifier")
    _add(link, f"linking{what}IdentifierType", "local")
    _add(link, f"linking{what}IdentifierValue", value)


def _identifier(parent: etree._Element, what: str, value: str) -> None:
    identifier = _add(parent, f"{what}Identifier")
    _add(identifier, f"{what}IdentifierType", "local")
    _add(identifier, f"{what}IdentifierValue", value)


def _add(parent: etree._Element, name: str, text: str | None = None) -> etree._Element:
    child = etree.SubElement(parent, etree.QName(NAMESPACE, name))
    if text is not None:
        child.text = printable(text)
    return child
